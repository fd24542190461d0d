"""
What no event tells, and so is measured from time to time.

The lag of the reactor is how much later than asked for it called: the time by
which somebody held up every connection at once.  What others hold, the store
say, is asked for here and not at a scrape, so that a Prometheus that asks too
often costs nothing but the writing down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

LAG_EVERY = 1.0  # seconds: often enough for the peaks between two scrapes, and costs nothing
ASK_EVERY = 15.0  # seconds: as often as Prometheus asks by default


@attrs.frozen
class Reading:
    """
    Something that is asked for from time to time.

    :ivar what: what a log line calls it.
    :ivar ask: returns it, or a Deferred that fires with it.
    :ivar tell: is called with it.
    """

    what: str
    ask: Callable[[], Any]
    tell: Callable[[Any], object]


class Readings(Service):
    """
    Measures while it runs.
    """

    log = Logger()

    def __init__(
        self,
        readings: Sequence[Reading],
        lagged: Callable[[float], object],
        clock: IReactorTime,
    ) -> None:
        """
        :param readings: asked for one after the other.
        :param lagged: is told the lag in seconds, never below 0.
        """
        self._readings, self._lagged, self._clock = readings, lagged, clock
        self._asking = LoopingCall(self._ask)
        self._asking.clock = clock
        self._asked: Deferred[LoopingCall]

    def startService(self) -> None:
        """Ask for all at once, and from then on."""
        super().startService()
        self._asked = self._asking.start(ASK_EVERY)
        self._wait()

    def stopService(self) -> Deferred[LoopingCall]:
        """
        :return: fires when nobody is being asked any more.
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
        for reading in self._readings:
            try:
                reading.tell(await maybeDeferred(reading.ask))
            except Exception:
                # The next one may well succeed, and the uploads do not depend
                # on it: a stopped loop would freeze the numbers for ever.
                self.log.failure("{what} cannot be told", what=reading.what)

    def _ask(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._read())
