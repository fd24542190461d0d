"""
Files and versions that are past their time, and versions over the bound.

The index finds them, the longest due first, so that a round costs what goes
and not what stays, and a restart goes on where the last round was: what went
is not due any more.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime

from hmacfs.abilities import IExpires
from hmacfs.care.duty import SLICE, Round
from hmacfs.care.guard import Guard
from hmacfs.events import Retired
from hmacfs.interfaces.hub import IHub
from hmacfs.records import Due, Removed
from hmacfs.retention import LARGE, MANY

SHOWN = 10_000
"""How many a dry round tells apart; it holds them all."""

COUNTED = 2**53
"""More than there are."""


class Retiring:
    """
    The duty towards files and versions that have to go.
    """

    def __init__(self, store: IExpires, guard: Guard, hub: IHub, clock: IReactorTime) -> None:
        self._store = store
        self._guard = guard
        self._hub = hub
        self._clock = clock

    async def sweep(self, round: Round) -> None:
        """
        Retire what is due by now; what falls due meanwhile is the next
        round's.  Nothing where that would be more than the guard lets pass,
        which a dry round asks as well.
        """
        now = self._clock.seconds()
        if round.dry:
            await self._foresee(now, round)
        if not await self._guard.look():
            return
        due, kept = await self._overdue(now)
        if not self._guard.allows(due, kept) or round.dry:
            return
        done, more = 0, due > 0
        while more and round.going:
            found = await self._store.due(now, SLICE)
            gone = await self._store.retire(found, now)
            self._tell(found, gone, now, round)
            done += len(gone)
            round.tell(done, max(due, done))
            # Where nothing of a slice went, the next one would be the same.
            more = len(gone) > 0 and len(found) == SLICE
        if round.going:
            self._guard.swept()

    async def _foresee(self, now: float, round: Round) -> None:
        found = await self._store.due(now, SHOWN)
        for each in found:
            round.count("version" if each.version else "file", each.why, each.size)
        if len(found) == SHOWN:
            due, _ = await self._store.overdue(now, COUNTED)
            round.count("file or version", "due as well", count=due - len(found))

    def _tell(
        self, found: Sequence[Due], gone: Sequence[Removed], now: float, round: Round
    ) -> None:
        whys = {(each.name, each.version): each.why for each in found}
        for each in gone:
            why = whys.get((each.name, each.version), "expired")
            round.count(each.kind, why, each.size)
            self._hub.emit(Retired(now, each.name, each.version, each.size, why))

    async def _overdue(self, now: float) -> tuple[int, int]:
        """
        :return: how many are due, counted no further than the guard has to
            know, and how many are kept.
        """
        due, kept = await self._store.overdue(now, MANY + 1)
        if due > MANY:
            due, kept = await self._store.overdue(now, max(MANY, kept // LARGE) + 1)
        return due, kept
