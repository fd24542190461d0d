"""
Tests for :mod:`hmacfs.store.suspended`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.names import recall
from hmacfs.store.suspended import Suspended, Waiting

A, B = recall(b"a"), recall(b"b")


class SuspendedTests(SynchronousTestCase):
    """
    Parts wait under their names, until their time is over.
    """

    def setUp(self) -> None:
        self.suspended = Suspended()
        for name, id, until in [(A, b"1", 10), (A, b"2", 30), (B, b"3", 20)]:
            self.suspended.add(Waiting(name, id, until))

    def test_by_name(self) -> None:
        """
        All of a name are given up with it, and no other.
        """
        self.assertEqual(self.suspended.take(A, 0), [b"1", b"2"])
        self.assertEqual(self.suspended.take(A, 0), [])
        self.assertEqual(self.suspended.take(B, 0), [b"3"])

    def test_by_time(self) -> None:
        """
        Whose time is over goes whatever is begun.
        """
        other = recall(b"other")
        self.assertEqual(
            [self.suspended.take(other, now) for now in (9, 10, 29, 30)],
            [[], [b"1"], [b"3"], [b"2"]],
        )
