"""
Tests for :mod:`hmacfs.store.tables.trash`.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.tables import trash
from hmacfs.store.tables.trash import TrashRow
from tests.tables import WithTables, row


def item(
    batch: int, name: str = "a", version: str = "", removed: float = 0, **fields: Any
) -> TrashRow:
    """
    :return: something that the sweep *batch* took away.
    """
    return TrashRow(str(batch), version, removed or batch * 10, row(name, **fields))


class TrashTests(WithTables, SynchronousTestCase):
    """
    A row for each thing in the trash, found by name, age, owner and digest.
    """

    def write(self, *items: TrashRow) -> None:
        trash.write(self.database, items)

    def all(self) -> list[TrashRow]:
        return trash.page(self.database, ("", "", ""), -1)

    def test_get(self) -> None:
        """
        One is found by its batch, its name and its version.
        """
        self.write(item(1), item(1, version="7", size=5), item(2))
        self.assertEqual(trash.get(self.database, "1", "a", "7"), item(1, version="7", size=5))
        self.assertEqual(trash.get(self.database, "3", "a", ""), None)

    def test_find(self) -> None:
        """
        What rests of a name, or of all, is listed, the newest first.
        """
        items = [item(1), item(3, "b"), item(2, version="7"), item(2)]
        self.write(*items)
        listed = [items[1], items[2], items[3], items[0]]
        self.assertEqual(trash.find(self.database, None, 9), listed)
        self.assertEqual(trash.find(self.database, None, 2), listed[:2])
        self.assertEqual(trash.find(self.database, "a", 9), listed[1:])
        self.assertEqual(trash.find(self.database, "a", 1), listed[1:2])

    def test_before(self) -> None:
        """
        What has rested long enough is told, the oldest first.
        """
        items = [item(2), item(1), item(3)]
        self.write(*items)
        self.assertEqual(trash.before(self.database, 30, 9), [items[1], items[0]])
        self.assertEqual(trash.before(self.database, 30, 1), [items[1]])
        counts = [trash.count_before(self.database, 30, most) for most in (1, 9)]
        self.assertEqual(counts, [1, 2])

    def test_drop(self) -> None:
        """
        What is not there is no trouble.
        """
        self.write(item(1), item(2))
        trash.drop(self.database, [("1", "a", ""), ("2", "a", "7")])
        self.assertEqual(self.all(), [item(2)])

    def test_page(self) -> None:
        """
        All is walked in the order of batches, page by page.
        """
        items = [item(1), item(1, version="7"), item(1, "b"), item(2)]
        self.write(*reversed(items))
        self.assertEqual(trash.page(self.database, ("", "", ""), 2), items[:2])
        self.assertEqual(trash.page(self.database, ("1", "a", "7"), 9), items[2:])

    def test_by_owner(self) -> None:
        """
        What an owner uploaded is told page by page.
        """
        mine = [item(1, owner="me"), item(2, owner="me")]
        self.write(*mine, item(1, "b", owner="you"), item(1, "c"))
        self.assertEqual(trash.by_owner(self.database, "me", ("", "", ""), 9), mine)
        self.assertEqual(trash.by_owner(self.database, "me", ("1", "a", ""), 9), mine[1:])

    def test_by_digest(self) -> None:
        """
        So is what has a digest.
        """
        same = [item(1, sha256="0" * 64), item(2, sha256="0" * 64)]
        self.write(*same, item(1, "b", sha256="1" * 64), item(1, "c"))
        self.assertEqual(trash.by_digest(self.database, "0" * 64, ("", "", ""), 9), same)
        self.assertEqual(trash.by_digest(self.database, "0" * 64, ("1", "a", ""), 9), same[1:])

    def test_mend(self) -> None:
        """
        Rows that are still what was seen are changed, made and dropped.
        """
        self.write(item(1), item(2), item(3, size=5))
        changes = [
            (item(1), item(1, size=7)),
            (item(2), None),
            (item(3), None),
            (None, item(4)),
            (None, None),
        ]
        self.assertEqual(trash.mend(self.database, changes), 3)
        self.assertEqual(self.all(), [item(1, size=7), item(3, size=5), item(4)])

    def test_cost(self) -> None:
        """
        Whatever is asked is found by an index, and comes in its order, but for
        what rests of one name, which is little.
        """
        for query, index in (
            ("_GET", "PRIMARY KEY (batch=? AND name=? AND version=?)"),
            ("_PAGE", "PRIMARY KEY ((batch,name,version)>(?,?,?))"),
            ("_BEFORE", "INDEX trash_removed (removed<?)"),
            ("_BY_OWNER", "INDEX trash_owner (owner=? AND (batch,name,version)>(?,?,?))"),
            ("_BY_DIGEST", "INDEX trash_sha256 (sha256=? AND (batch,name,version)>(?,?,?))"),
        ):
            self.assertEqual(self.looked_at(getattr(trash, query)), f"SEARCH trash USING {index}")
        self.assertEqual(self.looked_at(trash._ALL), "SCAN trash USING INDEX trash_removed")
        self.assertIn("INDEX trash_name (name=?)", self.looked_at(trash._FIND))
        self.assertIn("COVERING INDEX trash_removed", self.looked_at(trash._COUNT_BEFORE))
