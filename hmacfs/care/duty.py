"""
One duty: what it does, how often, and what it did.

A duty runs at the beats of a LoopingCall, and whenever somebody asks for it,
``hmacfs gc`` say; never twice at a time.  However it ends, the next run comes:
what it could not do now may go well then, and the uploads do not depend on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from hmacfs.events import DutyDone
from hmacfs.interfaces.hub import IHub
from hmacfs.records import Went

SLICE = 100
"""What is removed, or looked for, at a time."""

Progress = Callable[[str, int, int | None], object]
"""Is told what is done, how much of it, and of how much, where that is known."""


def unheard(what: str, done: int, total: int | None) -> None:
    """The progress that nobody wants to hear of."""


class Round:
    """
    One run of a duty.

    :ivar dry: whether nothing is to be changed, and only counted.
    """

    def __init__(self, what: str, dry: bool, ended: Callable[[], bool], progress: Progress) -> None:
        """
        :param what: the duty's name.
        :param ended: whether it has to end now.
        """
        self.dry = dry
        self._what = what
        self._ended = ended
        self._progress = progress
        self._counts: Counter[tuple[str, str]] = Counter()
        self._sizes: Counter[tuple[str, str]] = Counter()

    @property
    def going(self) -> bool:
        """Whether it may go on with another slice."""
        return not self._ended()

    @property
    def went(self) -> tuple[Went, ...]:
        """What was counted so far, in the order of the kinds."""
        return tuple(
            Went(kind, why, count, self._sizes[kind, why])
            for (kind, why), count in sorted(self._counts.items())
        )

    def count(self, kind: str, why: str, size: int = 0, count: int = 1) -> None:
        """
        Something went, or in a dry round would have.

        :param size: bytes.
        """
        if count:
            self._counts[kind, why] += count
            self._sizes[kind, why] += size

    def tell(self, done: int, total: int | None = None) -> None:
        """
        Tell whoever waits how far it is.
        """
        self._progress(self._what, done, total)


Deed = Callable[[Round], Awaitable[None]]
"""What a duty does in one round, as long as that is going."""


class Duty(Service):
    """
    Does its deed from time to time while it runs.

    :ivar what: its name, in a word or two.
    """

    log = Logger()

    def __init__(self, what: str, deed: Deed, hub: IHub, clock: IReactorTime, every: float) -> None:
        """
        :param every: seconds between the beginnings of two rounds.
        """
        self.what = what
        self._deed = deed
        self._hub = hub
        self._clock = clock
        self._every = every
        self._stopping = False
        self._lock = DeferredLock()
        self._looping = LoopingCall(self._turn)
        self._looping.clock = clock
        self._looped: Deferred[LoopingCall]

    def startService(self) -> None:
        """Do it at once, and from then on."""
        super().startService()
        self._stopping = False
        self._looped = self._looping.start(self._every)

    def stopService(self) -> Deferred[None]:
        """
        :return: fires when nothing is done any more, whoever asked for it.
        """
        super().stopService()
        self._stopping = True
        self._looping.stop()
        return self._looped.addCallback(lambda _: self._lock.run(lambda: None))

    def run(
        self, dry: bool = False, progress: Progress = unheard, deed: Deed | None = None
    ) -> Deferred[tuple[Went, ...]]:
        """
        Do it now, or when the round that is under way has ended.

        :param dry: whether to change nothing.
        :param deed: to be done in place of the usual one.
        :return: fires with what went; fails as the deed did.
        """
        round = Round(self.what, dry, lambda: self._stopping, progress)
        done: Deferred[tuple[Went, ...]] = self._lock.run(
            lambda: Deferred.fromCoroutine(self._do(deed or self._deed, round))
        )
        return done

    async def _do(self, deed: Deed, round: Round) -> tuple[Went, ...]:
        began = self._clock.seconds()
        try:
            await deed(round)
        finally:
            if not round.dry:
                now = self._clock.seconds()
                self._hub.emit(DutyDone(now, self.what, round.went, now - began))
        return round.went

    def _turn(self) -> Deferred[object]:
        # A stopped loop would fill the disk.
        return self.run().addErrback(
            lambda failure: self.log.failure("{what} broke off", failure, what=self.what)
        )
