"""
Tests for :mod:`hmacfs.store.pace`.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.pace import LONGEST, SHORTEST, SLOW, Pace


class PaceTests(SynchronousTestCase):
    """
    A disk is waited for as long as nobody waits long.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.pace = Pace(self.clock.seconds)

    def take(self, seconds: float) -> None:
        """Do what takes so long."""
        self.pace.run(self.clock.advance, seconds)

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
        One that is quick is waited for.
        """
        self.take(SLOW / 2)
        self.assertTrue(self.pace.quick)

    def test_slow(self) -> None:
        """
        Behind a slow call it rests, and twice as long where the next one is slow
        too, up to a bound.
        """
        found = []
        for _ in range(9):
            self.take(SLOW * 2)
            found.append(self.rests())
        self.assertEqual(found, [1, 2, 4, 8, 16, 32, LONGEST, LONGEST, LONGEST])

    def test_recovered(self) -> None:
        """
        A quick one in between forgives.
        """
        self.take(SLOW * 2)
        self.rests()
        self.take(SLOW * 2)
        self.rests()
        self.take(0)
        self.take(SLOW * 2)
        self.assertEqual(self.rests(), SHORTEST)

    def test_answer(self) -> None:
        """
        What is done gives its answer, and what it raises, and is measured then too.
        """
        self.assertEqual(self.pace.run(int, "7"), 7)

        def fail() -> None:
            self.clock.advance(SLOW * 2)
            raise OSError

        self.assertRaises(OSError, self.pace.run, fail)
        self.assertFalse(self.pace.quick)
