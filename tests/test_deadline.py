"""
Tests for :mod:`hmacfs.web.deadline`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.web.deadline import Deadline


class DeadlineTests(SynchronousTestCase):
    """
    It is met when its time has come, however it was moved, and once.
    """

    def setUp(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.clock = Clock()
        self.met: list[float] = []
        self.deadline = Deadline(self.clock, lambda: self.met.append(self.clock.seconds()))

    def test_met(self) -> None:
        """
        Nobody came: it is met, and there is none any more.
        """
        self.deadline.move(5)
        self.assertTrue(self.deadline.set)
        self.clock.pump([4, 1, 10])
        self.assertEqual((self.met, self.deadline.set), ([5.0], False))

    def test_again(self) -> None:
        """
        Whoever meets it may set the next.
        """
        self.deadline = Deadline(self.clock, lambda: self.deadline.move(3))
        self.deadline.move(2)
        self.clock.pump([2, 2])
        self.assertTrue(self.deadline.set)

    def test_cheap(self) -> None:
        """
        However often it is moved or dropped, one timer is set, and it stays.
        """
        self.deadline.move(5)
        [timer] = self.clock.getDelayedCalls()
        for _ in range(100):
            self.deadline.drop()
            self.deadline.move(30)
        self.assertEqual(self.clock.getDelayedCalls(), [timer])

    def test_ended(self) -> None:
        """
        At the end no timer is left.
        """
        self.deadline.move(5)
        self.deadline.end()
        self.deadline.end()
        self.assertEqual((self.clock.getDelayedCalls(), self.deadline.set), ([], False))

    @given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(1, 9)), max_size=20))
    def test_any_moves(self, moves: list[tuple[int, int | None]]) -> None:
        """
        It is met exactly where a timer would go off that is set anew each time.
        """
        self.begin()
        due, expected = None, []
        for wait, period in moves:
            if due is not None and due <= self.clock.seconds() + wait:
                expected.append(float(due))
                due = None
            for _ in range(wait):
                self.clock.advance(1)
            if period is None:
                self.deadline.drop()
                due = None
            else:
                self.deadline.move(period)
                due = self.clock.seconds() + period
        self.assertEqual(self.met, expected)
