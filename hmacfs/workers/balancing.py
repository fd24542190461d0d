"""
``Workers = "auto"``: as many workers as there is work, and processors, for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from hmacfs.workers.balance import Load, wanted
from hmacfs.workers.crew import Crew
from hmacfs.workers.hand import Hand

EVERY = 10.0
"""Seconds of work that are looked at."""

LOOKS = 6
"""Looks at the work for each at the processors."""


class Balancing(Service):
    """
    Adds and retires workers of a crew while it runs.
    """

    log = Logger()

    def __init__(
        self,
        crew: Crew,
        least: int,
        most: int,
        processors: Callable[[], float],
        clock: IReactorTime,
    ) -> None:
        """
        :param least: ``MinWorkers``.
        :param most: ``MaxWorkers``.
        :param processors: tells how many there are for this daemon.
        """
        self._crew, self._least, self._most = crew, least, most
        self._ask = processors
        self._processors = processors()
        self._looks = 0
        self._busy: dict[Hand, float] = {}
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock

    @property
    def first(self) -> int:
        """How many to begin with: one for each processor."""
        return max(self._least, min(self._most, round(self._processors)))

    def startService(self) -> None:
        """Look after them from now on."""
        super().startService()
        self._looking.start(EVERY, now=False)

    def stopService(self) -> Any:
        """Let them be."""
        super().stopService()
        self._looking.stop()

    def _look(self) -> None:
        self._looks += 1
        if self._looks % LOOKS == 0:
            self._processors = self._ask()
        hands = [hand for hand in self._crew.hands if hand.numbers is not None]
        loads = []
        for hand in hands:
            assert hand.numbers is not None
            before = self._busy.get(hand)
            if before is not None:
                loads.append(Load((hand.numbers.busy - before) / EVERY, hand.numbers.lag))
        self._busy = {hand: hand.numbers.busy for hand in hands if hand.numbers is not None}
        if loads and len(loads) == len(self._crew.hands):
            count = wanted(loads, self._least, self._most, self._processors)
            if count != len(loads):
                self.log.info("{count} workers from now on", count=count)
                self._crew.resize(count)
