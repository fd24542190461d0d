"""
Tests for :mod:`hmacfs.signals`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.signals import Signals


class Turn:
    """
    A reactor that keeps what threads and signals ask of it.
    """

    def __init__(self) -> None:
        self.asked: list[Callable[[], object]] = []

    def callFromThread(self, what: Callable[..., object], *args: Any) -> None:
        self.asked.append(lambda: what(*args))

    def turn(self) -> None:
        while self.asked:
            self.asked.pop(0)()


class SignalsTests(SynchronousTestCase):
    """
    The first signal asks for an orderly stop, the second ends the process.
    """

    def setUp(self) -> None:
        self.reactor = Turn()
        self.installed: dict[int, Any] = {}
        self.told: list[str] = []
        signals = Signals(
            self.reactor,
            self.told.append,
            lambda: self.told.append("reopen"),
            self.installed.__setitem__,
        )
        signals.install()

    def send(self, number: signal.Signals) -> None:
        self.installed[number](number, None)

    def test_stop(self) -> None:
        """
        The reactor is asked to stop in a turn of its own, for either signal.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            self.setUp()
            self.send(number)
            self.assertEqual(self.told, [])
            self.reactor.turn()
            self.assertEqual(self.told, [number.name])

    def test_second(self) -> None:
        """
        After the first, either signal does what the system does, however busy the reactor is.
        """
        self.send(signal.SIGTERM)
        self.assertEqual(
            (self.installed[signal.SIGTERM], self.installed[signal.SIGINT]),
            (signal.SIG_DFL, signal.SIG_DFL),
        )

    def test_reopen(self) -> None:
        """
        Every hangup opens the log anew, and stops nothing.
        """
        self.send(signal.SIGHUP)
        self.send(signal.SIGHUP)
        self.reactor.turn()
        self.assertEqual(self.told, ["reopen", "reopen"])
