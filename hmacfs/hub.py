"""
Where events go, and who hears of them.

Whoever has something to tell calls :meth:`Hub.emit` and goes on; the listeners
hear of it in a later turn of the reactor, all of them, in the order in which
things happened.  So a listener can neither slow down nor break a request that
it watches, and it may call whatever it likes without being re-entered.

A turn delivers :data:`TURN` events, so that a burst is spread over many turns
and connections are served between them.  What waits is bounded too: past
:data:`MOST` events a turn delivers the excess as well.  Nothing is ever
dropped: counters that lose events in a flood lie when they are needed most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from hmacfs.events import Event
from hmacfs.interfaces import IHub

Listener = Callable[[Event], object]

TURN = 200
MOST = 10_000


@implementer(IHub)
class Hub:
    """
    The hub of one daemon.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._listeners: list[Listener] = []
        self._waiting: deque[Event] = deque()
        self._scheduled = False

    def listen(self, listener: Listener) -> None:
        """
        Tell *listener* of every event that is delivered from now on.

        :param listener: called with the event, in the reactor's thread; what
            it returns is ignored, and what it raises is logged and hurts nobody.
        """
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """See :meth:`hmacfs.interfaces.IHub.emit`."""
        self._waiting.append(event)
        self._schedule()

    def flush(self) -> None:
        """
        Deliver what waits, now, before the reactor stops.

        What listeners emit meanwhile waits for the next turn as ever, so that
        one that answers each event with another cannot hold up the end.
        """
        self._deliver(len(self._waiting))

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._clock.callLater(0, self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._deliver(min(len(self._waiting), max(TURN, len(self._waiting) - MOST)))
        if self._waiting:
            self._schedule()

    def _deliver(self, count: int) -> None:
        for _ in range(count):
            event = self._waiting.popleft()
            for listener in self._listeners:
                try:
                    listener(event)
                except Exception:
                    # Listeners are anybody's code: one that is broken must
                    # not keep the others from hearing.
                    self.log.failure("{listener} failed at {event}", listener=listener, event=event)
