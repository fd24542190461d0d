"""
Tests for :mod:`hmacfs.store.suspended`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.names import recall
from hmacfs.store.suspended import Suspended, Waiting

A, B, C = (recall(name) for name in (b"a", b"b", b"c"))


class SuspendedTests(SynchronousTestCase):
    """
    A part waits until its name is begun anew, or its time is over.
    """

    def setUp(self) -> None:
        self.suspended = Suspended()
        for name, id, until in ((A, b"1", 10), (A, b"2", 20), (B, b"3", 15)):
            self.suspended.add(Waiting(name, id, until))

    def test_begun_anew(self) -> None:
        """
        All parts of a name go together, and once.
        """
        self.assertEqual(self.suspended.take(A), (b"1", b"2"))
        self.assertEqual(self.suspended.take(A), ())
        self.assertEqual((self.suspended.take(C), self.suspended.ids()), ((), (b"3",)))

    def test_time_over(self) -> None:
        """
        Parts of any name go when their time is over, and once.
        """
        self.assertEqual(
            [[each.id for each in self.suspended.due(now, 9)] for now in (9, 10, 19, 20, 99)],
            [[], [b"1"], [b"3"], [b"2"], []],
        )
        self.assertEqual(self.suspended.take(A), ())

    def test_gone_on_with_often(self) -> None:
        """
        A part that is gone on with a thousand times has one time that counts.
        """
        for until in range(1000, 2000):
            waiting = self.suspended.remove(b"1")
            assert waiting is not None
            self.suspended.add(Waiting(waiting.name, waiting.id, until))
        self.assertLess(len(self.suspended._timed), 100)
        self.assertEqual(
            [[each.id for each in self.suspended.due(now, 9)] for now in (1998, 1999)],
            [[b"3", b"2"], [b"1"]],
        )
