"""
Tests for :mod:`hmacfs.events`.
"""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.events import DownloadStarted, Event, VersionRemoved, VersionRestored

STARTED = DownloadStarted(at=1.0, request="r1", name="a.txt")


class EventTests(SynchronousTestCase):
    """
    An event is what it says.
    """

    def test_same(self) -> None:
        """
        Two that say the same are equal, and one in a set.
        """
        same = DownloadStarted(1.0, "r1", "a.txt")
        self.assertEqual((same == STARTED, len({STARTED, same})), (True, 1))

    def test_other(self) -> None:
        """
        Two that say something else, or are of another kind, are not equal.
        """
        restored, removed = (
            kind(1.0, "r1", "a.txt", "1a", 5) for kind in (VersionRestored, VersionRemoved)
        )
        self.assertNotEqual(STARTED, attrs.evolve(STARTED, name="b.txt"))
        self.assertNotEqual(restored, removed)

    def test_read(self) -> None:
        """
        It shows all that it says.
        """
        self.assertIsInstance(STARTED, Event)
        self.assertEqual(repr(STARTED), "DownloadStarted(at=1.0, request='r1', name='a.txt')")
