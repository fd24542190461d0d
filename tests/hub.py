"""
A hub for the tests of those who emit.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import implementer

from hmacfs.events import Event
from hmacfs.interfaces.hub import IHub


@implementer(IHub)
class Heard:
    """
    :ivar events: all that was told, in order.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._waiting: list[tuple[type[Event], Deferred[Event]]] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)
        ready = [waiting for waiting in self._waiting if isinstance(event, waiting[0])]
        self._waiting = [waiting for waiting in self._waiting if waiting not in ready]
        for _, heard in ready:
            heard.callback(event)

    def next(self, kind: type[Event]) -> Deferred[Event]:
        """
        :return: fires with the next event of that *kind*.
        """
        heard: Deferred[Event] = Deferred()
        self._waiting.append((kind, heard))
        return heard
