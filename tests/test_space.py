"""
Tests for :mod:`hmacfs.store.space`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import NoSpace
from hmacfs.store.space import Promise, Space


class SpaceTests(SynchronousTestCase):
    """
    What was promised is not promised twice.
    """

    def setUp(self) -> None:
        self.free = 100
        self.space = Space(lambda: self.free, 10)

    def test_kept_back(self) -> None:
        """
        What the operator keeps back is not there.
        """
        self.assertEqual(self.space.left(), 90)

    def test_never_negative(self) -> None:
        """
        A disk that is fuller than it should be has nothing left.
        """
        self.free = 5
        self.assertEqual(self.space.left(), 0)

    def test_promised(self) -> None:
        """
        A promise is counted until it is kept or given back.
        """
        promise = Promise(self.space)
        promise.ask(60)
        self.free -= 20
        promise.need(40)
        during = self.space.left()
        promise.need(0)
        self.assertEqual((during, self.space.left()), (30, 70))

    def test_too_much(self) -> None:
        """
        More than there is is refused, and the former promise stands.
        """
        promise = Promise(self.space)
        promise.ask(60)
        self.assertRaises(NoSpace, promise.ask, 91)
        self.assertEqual(self.space.promised, 60)
        promise.ask(90)
        self.assertEqual(self.space.left(), 0)
