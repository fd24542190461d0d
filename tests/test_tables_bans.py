"""
Tests for :mod:`hmacfs.store.tables.bans`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.tables import bans
from tests.tables import WithTables


class BansTests(WithTables, SynchronousTestCase):
    """
    A digest is banned until it is taken again.
    """

    def test_bans(self) -> None:
        """
        To ban twice, and to take again what was not banned, changes nothing.
        """
        self.assertEqual(bans.all(self.database), frozenset())
        bans.ban(self.database, ["a", "b"])
        bans.ban(self.database, ["b", "c"])
        bans.unban(self.database, ["a", "x"])
        self.assertEqual(bans.all(self.database), frozenset({"b", "c"}))
