"""
The way down: what is under way may end well, and nothing ends badly.

When no new connection is taken any more, transfers have ``ShutdownTimeout`` to
come to their end.  What is left then is cut: uploads are suspended, and every
connection is closed.  The store, which stops last, syncs what is suspended.
"""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from hmacfs.events import ShutdownStarted
from hmacfs.interfaces.hub import IHub


class Drainable(Protocol):
    """
    What the drain knows of a site.
    """

    @property
    def transfers(self) -> int:
        """How many transfers are under way."""

    def drain(self) -> Deferred[None]:
        """
        Close what is idle, and every connection behind its answer.

        :return: fires when none is left.
        """

    def cut(self) -> Deferred[None]:
        """
        Suspend every upload and close every connection.

        :return: fires when that is done.
        """


class Drain:
    """
    Ends the transfers of one site.
    """

    log = Logger()

    def __init__(self, site: Drainable, hub: IHub, clock: IReactorTime, timeout: float) -> None:
        """
        :param timeout: seconds that transfers may take to end; 0 cuts at once.
        """
        self._site, self._hub, self._clock, self._timeout = site, hub, clock, timeout

    async def run(self) -> None:
        """
        Return when no transfer is under way.
        """
        started = ShutdownStarted(at=self._clock.seconds(), transfers=self._site.transfers)
        self._hub.emit(started)
        if not await self._ended(self._site.drain()):
            left = self._site.transfers
            self.log.warn("{left} transfers did not end in time and are cut", left=left)
            await self._site.cut()

    async def _ended(self, drained: Deferred[None]) -> bool:
        """
        Wait for *drained*, and never cancel it: what it waits for, the cut
        that may follow waits for too.

        :return: whether it fired in time.
        """
        late: Deferred[None] = Deferred()
        alarm = self._clock.callLater(self._timeout, late.callback, None)
        await DeferredList(
            [drained, late], fireOnOneCallback=True, fireOnOneErrback=True, consumeErrors=True
        )
        if not alarm.active():
            return False
        alarm.cancel()
        return True
