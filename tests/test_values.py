"""
Tests for :mod:`hmacfs.values`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.values import frozen


@frozen
class Point:
    """Two numbers."""

    x: int
    y: int = 0


class RecordTests(SynchronousTestCase):
    """
    A record is its values.
    """

    def test_same(self) -> None:
        """
        Two that say the same are equal, and are one key.
        """
        self.assertEqual(Point(1), Point(x=1, y=0))
        self.assertNotEqual(Point(1), Point(1, 1))
        self.assertEqual(len({Point(1), Point(1, 0), Point(2)}), 2)

    def test_no_others(self) -> None:
        """
        It has no other attributes.
        """
        self.assertRaises(AttributeError, setattr, Point(1), "z", 3)
