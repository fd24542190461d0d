"""
Tests for :mod:`hmacfs.readings`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.readings import ASK_EVERY, LAG_EVERY, Reading, Readings


class ReadingsTests(SynchronousTestCase):
    """
    Everything is asked for while the service runs, and only then.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.answers: list[Deferred[int]] = []
        self.counts = iter(range(10))
        self.told: list[int | str] = []
        self.lags: list[float] = []
        readings = [
            Reading("the store", lambda: self.answers.pop(0), self.told.append),
            Reading("the count", lambda: f"count {next(self.counts)}", self.told.append),
        ]
        self.readings = Readings(readings, self.lags.append, self.clock)

    def start(self, *answers: Deferred[int]) -> None:
        self.answers = list(answers)
        self.readings.startService()

    def test_again(self) -> None:
        """
        All are asked at the start, and again after a while.
        """
        self.start(succeed(7), succeed(8))
        self.assertEqual(self.told, [7, "count 0"])
        self.clock.advance(ASK_EVERY)
        self.assertEqual(self.told, [7, "count 0", 8, "count 1"])

    def test_failure(self) -> None:
        """
        One that does not tell is asked again, the failure is logged, and the others tell.
        """
        self.start(fail(OSError("the disk is gone")), succeed(8))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.clock.advance(ASK_EVERY)
        self.assertEqual(self.told, ["count 0", 8, "count 1"])

    def test_slow(self) -> None:
        """
        One that takes its time is not asked twice at once.
        """
        slow: Deferred[int] = Deferred()
        self.start(slow, succeed(8))
        self.clock.advance(2 * ASK_EVERY)
        self.assertEqual(len(self.answers), 1)
        slow.callback(7)
        self.clock.advance(ASK_EVERY)
        self.assertEqual(self.answers, [])

    def test_lag(self) -> None:
        """
        The lag is how much later than asked for the reactor called.
        """
        self.start(succeed(7))
        self.clock.advance(LAG_EVERY)
        self.clock.advance(LAG_EVERY + 0.25)
        self.clock.advance(LAG_EVERY)
        self.assertEqual(self.lags, [0.0, 0.25, 0.0])

    def test_stop(self) -> None:
        """
        It is stopped once who was asked has answered, and leaves nothing behind.
        """
        slow: Deferred[int] = Deferred()
        self.start(slow)
        stopped = self.readings.stopService()
        self.assertNoResult(stopped)
        slow.callback(7)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])
