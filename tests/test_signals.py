"""
Tests for :mod:`hmacfs.signals`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ReactorNotRunning
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.signals import Signals


class Turns:
    """
    A reactor that keeps what signals ask of it until its next turn.
    """

    def __init__(self) -> None:
        self.asked: list[Callable[[], object]] = []
        self.running = True

    def callFromThread(self, what: Callable[..., object], *args: Any) -> None:
        self.asked.append(lambda: what(*args))

    def stop(self) -> None:
        if not self.running:
            raise ReactorNotRunning
        self.running = False

    def turn(self) -> None:
        while self.asked:
            self.asked.pop(0)()


class SignalsTests(SynchronousTestCase):
    """
    The first signal asks for an orderly stop, the second ends the process.
    """

    def setUp(self) -> None:
        self.reactor = Turns()
        self.handlers: dict[int, Any] = {}
        self.opened = 0
        Signals(self.reactor, self.reopen, self.handlers.__setitem__).install()

    def reopen(self) -> None:
        self.opened += 1
        if self.opened == 3:
            raise OSError("no such folder")

    def send(self, number: signal.Signals) -> None:
        self.handlers[number](number, None)

    def stopped_by(self, number: signal.Signals) -> bool:
        """
        Whether *number* stops the reactor, in a turn of its own.
        """
        self.send(number)
        self.assertTrue(self.reactor.running)
        self.reactor.turn()
        return not self.reactor.running

    def test_term(self) -> None:
        """
        SIGTERM stops the reactor.
        """
        self.assertTrue(self.stopped_by(signal.SIGTERM))

    def test_int(self) -> None:
        """
        SIGINT stops the reactor.
        """
        self.assertTrue(self.stopped_by(signal.SIGINT))

    def test_second(self) -> None:
        """
        After the first, either does what the system does, however busy the reactor is.
        """
        self.send(signal.SIGTERM)
        self.assertEqual(
            (self.handlers[signal.SIGTERM], self.handlers[signal.SIGINT]),
            (signal.SIG_DFL, signal.SIG_DFL),
        )

    def test_stopping_already(self) -> None:
        """
        A signal to a daemon that is stopping by itself is no error.
        """
        self.reactor.running = False
        self.send(signal.SIGTERM)
        self.reactor.turn()
        self.assertFalse(self.reactor.running)

    def test_reopen(self) -> None:
        """
        Every hangup opens the log anew, and stops nothing.
        """
        self.send(signal.SIGHUP)
        self.send(signal.SIGHUP)
        self.reactor.turn()
        self.assertEqual((self.opened, self.reactor.running), (2, True))

    def test_cannot_reopen(self) -> None:
        """
        A log that cannot be opened anew is told of in the former one.
        """
        with capturedLogs() as captured:
            for _ in range(3):
                self.send(signal.SIGHUP)
            self.reactor.turn()
        self.assertEqual(
            (captured[-1]["log_level"], formatEvent(captured[-1])),
            (
                LogLevel.error,
                "LogFile: cannot be opened anew, the former one stays in use: no such folder",
            ),
        )
