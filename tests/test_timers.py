"""
Tests for :mod:`hmacfs.timers`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock, LoopingCall
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.timers import Timers, ahead

NOW = 1_700_000_000
YEARS = 10 * 365 * 86400


class Reactor(Clock):
    """
    A clock that other threads can call.
    """

    def callFromThread(self, call: Callable[..., object], *args: Any) -> None:
        call(*args)


class TimersTests(SynchronousTestCase):
    """
    What is to be done in a minute is done in a minute, whoever sets the clock back.
    """

    def setUp(self) -> None:
        self.reactor, self.elapsed = Reactor(), 0.0
        self.reactor.advance(NOW)
        self.timers = Timers(self.reactor, lambda: self.reactor.seconds() - self.elapsed)
        self.done: list[str] = []

    def wait(self, seconds: float) -> None:
        self.reactor.advance(seconds)
        self.elapsed += seconds

    def set(self, seconds: float) -> None:
        """
        Set the clock; whatever is due by then is done.
        """
        self.reactor.rightNow += seconds
        self.reactor.advance(0)

    def test_set_back(self) -> None:
        """
        What was begun before goes on, and what was begun since stays as it is.
        """
        loop = LoopingCall(self.done.append, "beat")
        loop.clock = self.reactor
        loop.start(60, now=False)
        self.set(YEARS)
        self.assertEqual(self.done, ["beat"])
        self.timers.look()
        self.set(-YEARS)
        self.reactor.callLater(10, self.done.append, "since")
        self.timers.look()
        for _ in range(12):
            self.wait(10)
            self.timers.look()
        loop.stop()
        self.assertEqual(self.done, ["beat", "since", "beat", "beat"])

    def test_usual(self) -> None:
        """
        A clock that goes a little slower is none that was set.
        """
        self.reactor.callLater(5, self.done.append, "then")
        self.set(-0.5)
        self.timers.look()
        self.wait(5)
        self.assertEqual(self.done, [])
        self.wait(0.5)
        self.assertEqual(self.done, ["then"])

    def test_ends(self) -> None:
        """
        Nobody looks any more when it has stopped.
        """
        self.timers.start()
        self.timers.stop()
        self.assertFalse(self.timers._thread.is_alive())

    def test_ahead(self) -> None:
        """
        The start of this machine does not move.
        """
        self.assertLess(abs(ahead() - ahead()), 0.5)
