"""
Tests for :mod:`hmacfs.store.tables.owners`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.tables import files, owners, versions
from hmacfs.store.tables.versions import VersionRow
from tests.tables import WithTables, row


class OwnersTests(WithTables, SynchronousTestCase):
    """
    What an owner keeps is known at any time.
    """

    def usage(self, *names: str) -> list[int]:
        return [owners.usage(self.database, name) for name in names]

    def test_usage(self) -> None:
        """
        Files and versions count, each for who uploaded it.
        """
        files.write(self.database, [row("a", 3, owner="me"), row("b", 4, owner="you"), row("c")])
        versions.write(self.database, [VersionRow("1", row("b", 5, owner="me"))])
        self.assertEqual(self.usage("me", "you", "nobody"), [8, 4, 0])

    def test_changes(self) -> None:
        """
        So they do when they are replaced, change hands, and go.
        """
        files.write(self.database, [row("a", 3, owner="me"), row("b", 4, owner="me")])
        files.write(self.database, [row("a", 10, owner="me"), row("b", 4, owner="you")])
        self.assertEqual(self.usage("me", "you"), [10, 4])
        files.write(self.database, [row("a", 10)])
        files.drop(self.database, ["b"])
        self.assertEqual(self.usage("me", "you"), [0, 0])

    def test_spread(self) -> None:
        """
        It is known how many owners there are of how many files.
        """
        self.assertEqual(owners.spread(self.database), (0, 0))
        files.write(self.database, [row(name, owner="me") for name in "abc"])
        files.write(self.database, [row("d", owner="you"), row("e", owner="he"), row("f")])
        versions.write(self.database, [VersionRow("1", row("a", owner="she"))])
        files.drop(self.database, ["e"])
        self.assertEqual(owners.spread(self.database), (2, 4))

    def test_correct(self) -> None:
        """
        Sums that are wrong are found, a few owners at a time, and made right.
        """
        files.write(self.database, [row("a", 3, owner="he"), row("b", 4, owner="me")])
        versions.write(self.database, [VersionRow("1", row("a", 5, owner="she"))])
        self.database.execute("UPDATE owners SET size = 99 WHERE owner = 'he'")
        self.database.execute("DELETE FROM owners WHERE owner = 'she'")
        self.database.execute("INSERT INTO owners VALUES ('nobody', 1, 0, 9)")
        self.assertEqual(owners.wrong(self.database, "", 2), ("me", ["he"]))
        self.assertEqual(owners.wrong(self.database, "me", 9), ("", ["nobody", "she"]))
        for owner in ("he", "nobody", "she"):
            owners.correct(self.database, owner)
        self.assertEqual(owners.wrong(self.database, "", 9), ("", []))
        self.assertEqual(self.usage("he", "me", "she", "nobody"), [3, 4, 5, 0])
        self.assertEqual(owners.spread(self.database), (2, 2))
