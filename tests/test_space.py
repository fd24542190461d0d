"""
Tests for :mod:`hmacfs.store.space`.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import NoSpace
from hmacfs.store.space import MOMENT, PLENTY, Glance, Promise, Space


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


class GlanceTests(SynchronousTestCase):
    """
    Where there is plenty, what was seen a moment ago is good enough.
    """

    def setUp(self) -> None:
        self.free = PLENTY + 10
        self.asked = 0
        self.clock = Clock()
        self.space = Space(self.tell, 10)
        self.glance = Glance(self.space, self.clock.seconds)

    def tell(self) -> int:
        self.asked += 1
        return self.free

    def test_plenty(self) -> None:
        """
        It is asked for once in a while.
        """
        found = []
        for _ in range(6):
            found.append(self.glance.has(100))
            self.clock.advance(MOMENT / 2)
        self.assertEqual((found, self.asked), ([True] * 6, 3))

    def test_scarce(self) -> None:
        """
        Where there is less, it is asked for each time.
        """
        self.free = 110
        found = [self.glance.has(size) for size in (100, 101, 100)]
        self.assertEqual((found, self.asked), ([True, False, True], 3))

    def test_promised(self) -> None:
        """
        What was promised to others is not there.
        """
        self.free = 110
        Promise(self.space).ask(60)
        self.assertEqual([self.glance.has(size) for size in (40, 41)], [True, False])
