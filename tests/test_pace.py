"""
Tests for :mod:`hmacfs.store.pace`.
"""

from __future__ import annotations

from threading import Event

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.pace import LONGEST, MEMORY, MOST, SHORTEST, SLOW, Pace, sleeps


class PaceTests(SynchronousTestCase):
    """
    A disk is waited for as long as nobody waits long.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.slept = 0
        self.pace = Pace(self.clock.seconds, lambda: self.slept)
        # The first slow call of all tells it to look at those that follow.
        self.take(SLOW * 1.1)

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        self.clock.advance(seconds)

    def take(self, seconds: float) -> None:
        """Do what takes so long."""
        self.pace.run(self.sleep, seconds)

    def rests(self) -> float:
        """
        :return: seconds until the disk is tried again.
        """
        seconds = 0.0
        while not self.pace.quick:
            self.clock.advance(SHORTEST)
            seconds += SHORTEST
        return seconds

    def test_quick(self) -> None:
        """
        One that is quick is waited for, however often.
        """
        for _ in range(1000):
            self.take(SLOW / 2)
        self.assertTrue(self.pace.quick)

    def test_stands_still(self) -> None:
        """
        Where it stands still it is let be, and twice as long where it does again
        soon, up to a bound.
        """
        found = []
        for _ in range(9):
            self.take(MOST * 2)
            found.append(self.rests())
        self.assertEqual(found, [2, 4, 8, 16, 32, LONGEST, LONGEST, LONGEST, LONGEST])

    def test_later(self) -> None:
        """
        Where it does so again a minute later it is as the first time.
        """
        found = []
        for _ in range(3):
            self.take(MOST * 2)
            found.append(self.rests())
            self.clock.advance(MEMORY - 1)
            self.take(SLOW * 1.1)
            self.clock.advance(1)
        self.assertEqual(found, [SHORTEST] * 3)

    def test_first(self) -> None:
        """
        The first slow call in a minute is none: it may have been anything.
        """
        for _ in range(9):
            self.clock.advance(MEMORY)
            self.take(MOST * 2)
            self.assertTrue(self.pace.quick)

    def test_slow_once(self) -> None:
        """
        A slow call now and then is nothing.
        """
        for _ in range(100):
            self.take(SLOW * 1.1)
            self.clock.advance(1)
        self.assertTrue(self.pace.quick)

    def test_slow_often(self) -> None:
        """
        Many of them are as bad as one that stands still.
        """
        count = 0
        while self.pace.quick:
            self.take(SLOW * 1.1)
            count += 1
        self.assertEqual(count, 6)

    def test_processor(self) -> None:
        """
        That somebody else had the processor is not the disk's fault.
        """
        for _ in range(100):
            self.pace.run(self.clock.advance, MOST * 2)
        self.assertTrue(self.pace.quick)
        self.take(MOST * 2)
        self.assertFalse(self.pace.quick)

    def test_this_thread(self) -> None:
        """
        The system knows who sleeps.
        """
        before = sleeps()
        Event().wait(0.001)
        self.assertGreater(sleeps(), before)

    def test_answer(self) -> None:
        """
        What is done gives its answer, and what it raises, and is measured then too.
        """
        self.assertEqual(self.pace.run(int, "7"), 7)

        def fail() -> None:
            self.sleep(MOST * 2)
            raise OSError

        self.assertRaises(OSError, self.pace.run, fail)
        self.assertFalse(self.pace.quick)
