"""
What stands between the sweeps and a mistake of the operator, or of the clock.

A sweep that would take too much at once, since a term was mistyped say, and
one that follows a jump of the clock halt everything that removes something:
files, versions, trash, uploads, tombstones.  The operator is told by the log,
the metrics and ``/ready``, and lets it go on by ``hmacfs gc --confirm``.  What
has expired is not served meanwhile, halted or not.

The last look at the clocks that was trusted is kept in the index, so that a
jump is also seen where the daemon did not run while it happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from hmacfs.care.duty import Deed, Round
from hmacfs.clocks import Look, Watch
from hmacfs.events import SweepHalted, SweepReleased
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.index import IDatabase
from hmacfs.retention import allowed
from hmacfs.store.tables import state
from hmacfs.units import format_duration

KEY = "clocks"
"""Of the state in the index."""

KEEP_EVERY = 60
"""Seconds between two looks that are kept, since each costs a sync."""

CONFIRM = '"hmacfs gc --confirm" lets it go on.'

HOW = f'"hmacfs gc --dry-run" says what would go, {CONFIRM}'


def elapsed() -> float:
    """
    :return: seconds since this machine was started, those in which it slept
        included.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Guard:
    """
    Halts what removes.
    """

    log = Logger()

    def __init__(
        self,
        database: IDatabase,
        hub: IHub,
        clock: IReactorTime,
        boot: str,
        elapsed: Callable[[], float] = elapsed,
    ) -> None:
        """
        :param clock: the one that files expire by.
        :param boot: of :meth:`hmacfs.interfaces.disk.IDisk.boot`.
        """
        self._database = database
        self._hub = hub
        self._clock = clock
        self._elapsed = elapsed
        self._boot = boot
        self._watch = Watch()
        self._known = False
        self._kept: Look | None = None
        self._too_much: str | None = None
        self._confirmed = False
        self._told: str | None = None

    @property
    def halted(self) -> str | None:
        """Why nothing is removed, a sentence; ``None`` where all goes its way."""
        return self._jump() or self._too_much

    def faults(self) -> Sequence[str]:
        """
        :return: what an operator should know, a sentence each, for ``/ready``.
        """
        return [] if self.halted is None else [self.halted]

    async def look(self) -> bool:
        """
        Look at the clocks.

        :return: whether they can be trusted.
        """
        await self._recall()
        self._watch = self._watch.see(self._seen())
        if self._stale():
            await self._keep()
        self._tell()
        return not self._watch.jumped

    def allows(self, due: int, kept: int) -> bool:
        """
        :param due: how many files and versions a sweep would take, counted no
            further than to know that they are too many.
        :param kept: how many are kept, these included.
        :return: whether it may.
        """
        if allowed(due, kept) or self._confirmed:
            self._too_much = None
        else:
            self._too_much = (
                f"The sweep has halted: more than {due - 1:,} of {kept:,} files and versions would "
                f"go at once. {HOW}"
            )
        self._tell()
        return self._too_much is None

    def swept(self) -> None:
        """
        A sweep took all that was due: what was confirmed is done.
        """
        self._confirmed = False

    async def confirm(self) -> None:
        """
        The operator says that the clock is right, and that what is due may go.
        """
        await self._recall()
        self._watch = self._watch.accept(self._seen())
        await self._keep()
        self._too_much = None
        self._confirmed = True
        self._tell()

    def _seen(self) -> Look:
        return Look(self._clock.seconds(), self._elapsed(), self._boot)

    async def _recall(self) -> None:
        """
        Recall what was known at the last look of the daemon before.
        """
        if not self._known:
            self._kept = Look.recall(await self._database.run(state.get, KEY))
            self._watch = Watch(self._kept)
            self._known = True

    def _stale(self) -> bool:
        """
        :return: whether what is kept in the index is too old, or is not there.
        """
        now, kept = self._watch.trusted, self._kept
        if now is None or kept is None:
            return True
        return not now.follows(kept) or now.elapsed >= kept.elapsed + KEEP_EVERY

    async def _keep(self) -> None:
        self._kept = self._watch.trusted
        if self._kept is not None:
            await self._database.run(state.put, KEY, attrs.asdict(self._kept))

    def _jump(self) -> str | None:
        if not self._watch.jumped:
            return None
        ahead = format_duration(int(self._watch.ahead))
        return (
            f"The sweep has halted: the clock has jumped ahead, by {ahead}. It goes on when the "
            f"clock is back; where it is right, {CONFIRM}"
        )

    def _tell(self) -> None:
        """
        Tell what has changed, once.
        """
        told, self._told = self._told, self.halted
        now = self._clock.seconds()
        if self._told is None and told is not None:
            self.log.info("the sweep is released")
            self._hub.emit(SweepReleased(now, self._confirmed))
        elif self._told is not None and told is None:
            self.log.error("{why}", why=self._told)
            self._hub.emit(SweepHalted(now, self._told))


def guarded(guard: Guard, deed: Deed) -> Deed:
    """
    :return: *deed*, which removes something, as long as nothing is halted.
    """

    async def within(round: Round) -> None:
        if round.dry or (await guard.look() and guard.halted is None):
            await deed(round)

    return within
