"""
Tests for :mod:`hmacfs.readings`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.readings import FIGURES_EVERY, LAG_EVERY, Readings
from hmacfs.records import Figures

HELD = Figures(files=1, size=2, free=3)


class ReadingsTests(SynchronousTestCase):
    """
    The lag and the store are measured while the service runs, and only then.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.answers: list[Deferred[Figures]] = []
        self.measured: list[Figures] = []
        self.lags: list[float] = []
        self.readings = Readings(
            lambda: self.answers.pop(0), self.measured.append, self.lags.append, self.clock
        )

    def start(self, *answers: Deferred[Figures]) -> None:
        self.answers = list(answers)
        self.readings.startService()

    def test_store(self) -> None:
        """
        The store is asked at the start, and again after a while.
        """
        self.start(succeed(HELD), succeed(Figures(files=4, size=5, free=6)))
        self.assertEqual(self.measured, [HELD])
        self.clock.advance(FIGURES_EVERY)
        self.assertEqual(self.measured, [HELD, Figures(files=4, size=5, free=6)])

    def test_store_fails(self) -> None:
        """
        A store that did not say is asked again, and the failure is logged.
        """
        self.start(fail(OSError("the disk is gone")), succeed(HELD))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.clock.advance(FIGURES_EVERY)
        self.assertEqual(self.measured, [HELD])

    def test_slow_store(self) -> None:
        """
        A store that takes its time is not asked twice at once.
        """
        slow: Deferred[Figures] = Deferred()
        self.start(slow, succeed(HELD))
        self.clock.advance(2 * FIGURES_EVERY)
        self.assertEqual(len(self.answers), 1)
        slow.callback(HELD)
        self.clock.advance(FIGURES_EVERY)
        self.assertEqual(self.answers, [])

    def test_lag(self) -> None:
        """
        The lag is how much later than asked for the reactor called.
        """
        self.start(succeed(HELD))
        self.clock.advance(LAG_EVERY)
        self.clock.advance(LAG_EVERY + 0.25)
        self.clock.advance(LAG_EVERY)
        self.assertEqual(self.lags, [0.0, 0.25, 0.0])

    def test_stop(self) -> None:
        """
        It is stopped once the store has answered, and leaves nothing behind.
        """
        slow: Deferred[Figures] = Deferred()
        self.start(slow)
        stopped = self.readings.stopService()
        self.assertNoResult(stopped)
        slow.callback(HELD)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])
