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

What comes by itself is told in the next turn; where one event follows another,
those of :data:`PAUSE` seconds are told together.  A turn of the reactor for the
events of each request, and a write for its line, cost as much as the request.

Who hears of what is looked up once for each kind of event: one that nobody
wants costs next to nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from hmacfs.events import Event
from hmacfs.interfaces.hub import IHub

Listener = Callable[[Event], object]

TURN = 1000
MOST = 10_000

PAUSE = 0.002
"""Seconds between two deliveries, where events come all the time."""


@implementer(IHub)
class Hub:
    """
    The hub of one daemon.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
        pause: float = 0.0,
    ) -> None:
        """
        :param around: makes what the deliveries of each turn happen in: a log
            that gathers its lines meanwhile, say.
        :param pause: seconds between two turns, at least; :data:`PAUSE` suits.
        """
        self._clock, self._around, self._pause = clock, around, pause
        self._rested = 0.0
        self._listeners: list[tuple[Listener, tuple[type[Event], ...]]] = []
        self._hearing: dict[type[Event], list[Listener]] = {}
        self._waiting: deque[Event] = deque()
        self._scheduled = False

    def listen(self, listener: Listener, kinds: Collection[type[Event]] = (Event,)) -> None:
        """
        Tell *listener* of every event that is delivered from now on.

        :param listener: called with the event, in the reactor's thread; what
            it returns is ignored, and what it raises is logged and hurts nobody.
        :param kinds: what it wants to hear of, classes derived from these among
            them; what it does not want costs nothing.
        """
        self._listeners.append((listener, tuple(kinds)))
        self._hearing.clear()

    def emit(self, event: Event) -> None:
        """See :meth:`hmacfs.interfaces.hub.IHub.emit`."""
        self._waiting.append(event)
        if not self._scheduled:
            self._schedule()

    def flush(self) -> None:
        """
        Deliver what waits, now, before the reactor stops.

        What listeners emit meanwhile waits for the next turn as ever, so that
        one that answers each event with another cannot hold up the end.
        """
        self._deliver(len(self._waiting))

    def _schedule(self) -> None:
        self._scheduled = True
        left = self._rested - self._clock.seconds()
        # The clock may have been set back.
        self._clock.callLater(min(max(left, 0.0), self._pause), self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._rested = self._clock.seconds() + self._pause
        self._deliver(min(len(self._waiting), max(TURN, len(self._waiting) - MOST)))
        if self._waiting and not self._scheduled:
            self._schedule()

    def _deliver(self, count: int) -> None:
        try:
            with self._around():
                self._tell(count)
        except Exception:
            # That is the end of what is around: a log whose disk is full.  All
            # have heard, and others will.
            self.log.failure("a turn's events were told, and then something failed")

    def _tell(self, count: int) -> None:
        waiting, hearing = self._waiting, self._hearing
        for _ in range(count):
            event = waiting.popleft()
            listeners = hearing.get(type(event))
            if listeners is None:
                listeners = self._find(type(event))
            for listener in listeners:
                try:
                    listener(event)
                except Exception:
                    # Listeners are anybody's code: one that is broken must
                    # not keep the others from hearing.
                    self.log.failure("{listener} failed at {event}", listener=listener, event=event)

    def _find(self, kind: type[Event]) -> list[Listener]:
        found = [listener for listener, kinds in self._listeners if issubclass(kind, kinds)]
        self._hearing[kind] = found
        return found
