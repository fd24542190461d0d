"""
What no event tells, and so is measured from time to time.

The lag of the reactor is how much later than asked for it called: the time by
which somebody held up every connection at once.  What the store holds is asked
for here and not at a scrape, so that a Prometheus that asks too often costs
nothing but the writing down.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from hmacfs.records import Figures

LAG_EVERY = 1.0  # seconds: often enough for the peaks between two scrapes, and costs nothing
FIGURES_EVERY = 15.0  # seconds: as often as Prometheus asks by default


class Readings(Service):
    """
    Measures while it runs.
    """

    log = Logger()

    def __init__(
        self,
        figures: Callable[[], Deferred[Figures]],
        measured: Callable[[Figures], object],
        lagged: Callable[[float], object],
        clock: IReactorTime,
    ) -> None:
        """
        :param figures: asks the store what it holds.
        :param measured: is told what it held.
        :param lagged: is told the lag in seconds, never below 0.
        """
        self._figures, self._measured, self._lagged = figures, measured, lagged
        self._clock = clock
        self._asking = LoopingCall(self._ask)
        self._asking.clock = clock
        self._asked: Deferred[LoopingCall]

    def startService(self) -> None:
        """Ask the store at once, and both from then on."""
        super().startService()
        self._asked = self._asking.start(FIGURES_EVERY)
        self._wait()

    def stopService(self) -> Deferred[LoopingCall]:
        """
        :return: fires when the store is not being asked any more.
        """
        super().stopService()
        self._call.cancel()
        self._asking.stop()
        return self._asked

    def _wait(self) -> None:
        due = self._clock.seconds() + LAG_EVERY
        self._call = self._clock.callLater(LAG_EVERY, self._called, due)

    def _called(self, due: float) -> None:
        self._lagged(max(0.0, self._clock.seconds() - due))
        self._wait()

    async def _read(self) -> None:
        try:
            self._measured(await self._figures())
        except Exception:
            # The next reading may well succeed, and the uploads do not
            # depend on it: a stopped loop would freeze the numbers for ever.
            self.log.failure("the store did not say what it holds")

    def _ask(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._read())
