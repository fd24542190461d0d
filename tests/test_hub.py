"""
Tests for :mod:`hmacfs.hub`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from hmacfs.events import DownloadStarted, Event, RedisLost, ShutdownStarted
from hmacfs.hub import MOST, PAUSE, TURN, Hub
from hmacfs.interfaces.hub import IHub


def happenings(count: int, first: int = 0) -> list[Event]:
    """
    :return: *count* events that differ in their time.
    """
    return [ShutdownStarted(at=float(first + number), transfers=0) for number in range(count)]


class Turns(Clock):
    """
    A clock by which what is scheduled in one turn waits for the next one, as
    it does in a reactor.
    """

    def callLater(self, delay: float, *args: Any, **kwargs: Any) -> IDelayedCall:
        return super().callLater(delay + 1, *args, **kwargs)

    def turn(self) -> None:
        """Let one turn go by."""
        self.advance(1)


class HubTests(SynchronousTestCase):
    """
    Every listener hears every event, in order, later, whatever another does.
    """

    def setUp(self) -> None:
        self.clock = Turns()
        self.hub = Hub(self.clock)
        self.heard: list[Event] = []
        self.hub.listen(self.heard.append)

    def emit(self, events: list[Event]) -> None:
        for event in events:
            self.hub.emit(event)

    def test_interface(self) -> None:
        """
        It is what the other floors know as the hub.
        """
        self.assertTrue(verifyObject(IHub, self.hub))

    def test_later(self) -> None:
        """
        Whoever emits goes on before anybody hears.
        """
        self.emit(happenings(1))
        self.assertEqual(self.heard, [])
        self.clock.turn()
        self.assertEqual(self.heard, happenings(1))

    def test_in_order_to_all(self) -> None:
        """
        Two listeners hear the same events in the order in which they happened.
        """
        other: list[Event] = []
        self.hub.listen(other.append)
        self.emit(happenings(3))
        self.clock.turn()
        self.assertEqual((self.heard, other), (happenings(3), happenings(3)))

    def test_broken_listener(self) -> None:
        """
        A listener that raises is logged each time and hurts nobody.
        """
        hub, heard = Hub(self.clock), []
        hub.listen(lambda event: {}[event.at])
        hub.listen(heard.append)
        for event in happenings(2):
            hub.emit(event)
        self.clock.turn()
        self.assertEqual(heard, happenings(2))
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 2)

    def test_nobody_listens(self) -> None:
        """
        Events that nobody listens to are gone.
        """
        hub = Hub(self.clock)
        hub.emit(happenings(1)[0])
        self.clock.turn()
        hub.listen(self.heard.append)
        self.clock.turn()
        self.assertEqual((self.heard, self.clock.getDelayedCalls()), ([], []))

    def test_listener_emits(self) -> None:
        """
        An event that a listener emits is heard after those that waited before it.
        """
        first, second, answer = happenings(3)

        def echo(event: Event) -> None:
            if event == first:
                self.hub.emit(answer)

        self.hub.listen(echo)
        self.emit([first, second])
        self.clock.turn()
        self.assertEqual(self.heard, [first, second])
        self.clock.turn()
        self.assertEqual(self.heard, [first, second, answer])

    def test_burst(self) -> None:
        """
        A burst is spread over turns, so that connections are served between them.
        """
        self.emit(happenings(2 * TURN + 1))
        lengths = []
        while self.clock.getDelayedCalls():
            self.clock.turn()
            lengths.append(len(self.heard))
        self.assertEqual(lengths, [TURN, 2 * TURN, 2 * TURN + 1])
        self.assertEqual(self.heard, happenings(2 * TURN + 1))

    def test_flood(self) -> None:
        """
        In a flood what waits stays bounded, and nothing is lost.
        """
        flood = happenings(MOST + 5 * TURN)
        self.emit(flood)
        self.clock.turn()
        self.assertEqual(self.heard, flood[: 5 * TURN])
        self.hub.flush()
        self.assertEqual(self.heard, flood)

    def test_flush(self) -> None:
        """
        At the end what waits is heard at once, and only once.
        """
        self.emit(happenings(TURN + 1))
        self.hub.flush()
        self.assertEqual(self.heard, happenings(TURN + 1))
        self.clock.turn()
        self.assertEqual(self.heard, happenings(TURN + 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_flush_ends(self) -> None:
        """
        A listener that answers each event with another cannot hold up the end.
        """
        self.hub.listen(self.hub.emit)
        self.emit(happenings(2))
        self.hub.flush()
        self.assertEqual(self.heard, happenings(2))


class Stopped(ShutdownStarted):
    """An event that is also one of another kind."""


class KindTests(SynchronousTestCase):
    """
    A listener may say which kinds of events it wants to hear of.
    """

    def setUp(self) -> None:
        self.clock = Turns()
        self.hub = Hub(self.clock)
        self.heard: list[Event] = []
        self.happened = [DownloadStarted(0.0, "r1", "a.txt"), Stopped(1.0, 0), RedisLost(2.0, "?")]

    def tell(self) -> None:
        for event in self.happened:
            self.hub.emit(event)
        self.clock.turn()

    def test_kinds(self) -> None:
        """
        It hears of these alone, and of what is derived from them.
        """
        self.hub.listen(self.heard.append, [ShutdownStarted, RedisLost])
        self.tell()
        self.assertEqual(self.heard, self.happened[1:])

    def test_none(self) -> None:
        """
        One that wants none hears nothing.
        """
        self.hub.listen(self.heard.append, [])
        self.tell()
        self.assertEqual(self.heard, [])

    def test_order(self) -> None:
        """
        Of each event the listeners hear one after the other, whoever said what it wants.
        """
        told: list[tuple[str, Event]] = []
        self.hub.listen(lambda event: told.append(("all", event)))
        self.hub.listen(lambda event: told.append(("some", event)), [RedisLost])
        self.hub.listen(lambda event: told.append(("more", event)))
        self.tell()
        download, shutdown, redis = self.happened
        self.assertEqual(
            told,
            [
                *(("all", download), ("more", download), ("all", shutdown), ("more", shutdown)),
                *(("all", redis), ("some", redis), ("more", redis)),
            ],
        )

    def test_comes_later(self) -> None:
        """
        One that comes later hears of kinds that were told of before.
        """
        self.tell()
        self.hub.listen(self.heard.append, [RedisLost])
        self.tell()
        self.assertEqual(self.heard, self.happened[2:])


class AroundTests(SynchronousTestCase):
    """
    Each turn's deliveries happen in what the hub was given for that.
    """

    def setUp(self) -> None:
        self.told: list[object] = []
        self.full = False
        self.clock = Turns()
        self.hub = Hub(self.clock, self.around)
        self.hub.listen(lambda event: self.told.append(event.at))

    @contextmanager
    def around(self) -> Iterator[None]:
        self.told.append("(")
        yield
        self.told.append(")")
        if self.full:
            raise OSError("full")

    def tell(self, count: int) -> None:
        for event in happenings(count):
            self.hub.emit(event)

    def test_once_a_turn(self) -> None:
        """
        It is entered once for all that a turn delivers, and at a flush.
        """
        self.tell(2)
        self.clock.turn()
        self.tell(1)
        self.hub.flush()
        self.assertEqual(self.told, ["(", 0.0, 1.0, ")", "(", 0.0, ")"])

    def test_broken_listener(self) -> None:
        """
        A listener that raises does not end it.
        """
        self.hub.listen(lambda event: {}[event.at])
        self.tell(2)
        self.clock.turn()
        self.assertEqual(self.told, ["(", 0.0, 1.0, ")"])
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 2)

    def test_fails(self) -> None:
        """
        Where its end fails that is logged, and the next turn comes as ever.
        """
        self.full = True
        self.tell(TURN + 1)
        self.clock.turn()
        self.clock.turn()
        self.assertEqual(self.told[-3:], ["(", float(TURN), ")"])
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 2)


class PauseTests(SynchronousTestCase):
    """
    Events that follow each other are told together.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.heard: list[Event] = []
        self.hub = Hub(self.clock, pause=PAUSE)
        self.hub.listen(self.heard.append)

    def after(self, seconds: float, event: Event) -> list[Event]:
        """
        :return: what was heard once that many seconds are over since *event*.
        """
        self.heard.clear()
        self.hub.emit(event)
        self.assertEqual(self.heard, [])
        self.clock.advance(seconds)
        return list(self.heard)

    def test_first(self) -> None:
        """
        One that comes by itself is told in the next turn, however often.
        """
        for event in happenings(3):
            self.assertEqual(self.after(0, event), [event])
            self.clock.advance(1)

    def test_more(self) -> None:
        """
        Those that follow it wait, and not for long.
        """
        first, second, third = happenings(3)
        self.after(0, first)
        self.assertEqual(self.after(PAUSE / 4, second), [])
        self.assertEqual(self.after(PAUSE / 4, third), [])
        self.clock.advance(PAUSE / 2)
        self.assertEqual(self.heard, [second, third])

    def test_flush(self) -> None:
        """
        Whoever wants to hear of all of it need not wait.
        """
        events = happenings(2)
        self.after(0, events[0])
        self.hub.emit(events[1])
        self.hub.flush()
        self.assertEqual(self.heard, events)

    def test_set_back(self) -> None:
        """
        A clock that is set back holds nothing up.
        """
        events = happenings(2)
        self.after(0, events[0])
        self.clock.rightNow -= 500
        self.assertEqual(self.after(PAUSE, events[1]), [events[1]])
