"""
Tests for :mod:`hmacfs.store.tables.versions`.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.tables import versions
from hmacfs.store.tables.versions import VersionRow
from tests.tables import WithTables, row


def version(id: int, name: str = "a", **fields: Any) -> VersionRow:
    """
    :return: a version of *name*.
    """
    return VersionRow(str(id), row(name, **fields))


class VersionsTests(WithTables, SynchronousTestCase):
    """
    A row for each version, found by name and id, owner, digest and expiry, and
    where there are too many.
    """

    def write(self, *rows: VersionRow) -> None:
        versions.write(self.database, rows)

    def all(self) -> list[VersionRow]:
        return versions.page(self.database, ("", ""), -1)

    def test_find(self) -> None:
        """
        A version is found by its name and its id.
        """
        self.write(version(1), version(2, size=5), version(1, "b"))
        found = [versions.find(self.database, *key) for key in (("a", "2"), ("b", "1"), ("b", "2"))]
        self.assertEqual(found, [version(2, size=5), version(1, "b"), None])

    def test_of(self) -> None:
        """
        Those of a file are listed, the newest first.
        """
        self.write(version(2), version(1), version(3), version(4, "b"))
        self.assertEqual(versions.of(self.database, "a"), [version(3), version(2), version(1)])

    def test_last(self) -> None:
        """
        The last row of a version is the one that counts.
        """
        self.write(version(1, expires=9), version(1, size=5))
        self.assertEqual(self.all(), [version(1, size=5)])

    def test_drop(self) -> None:
        """
        What is not there is no trouble.
        """
        self.write(version(1), version(2), version(1, "b"))
        versions.drop(self.database, [("a", "1"), ("b", "2")])
        self.assertEqual(self.all(), [version(2), version(1, "b")])

    def test_page(self) -> None:
        """
        All are walked in the order of names and ids, page by page.
        """
        rows = [version(1), version(2), version(1, "b"), version(3, "b")]
        self.write(*reversed(rows))
        self.assertEqual(versions.page(self.database, ("", ""), 2), rows[:2])
        self.assertEqual(versions.page(self.database, ("a", "1"), 2), rows[1:3])
        self.assertEqual(versions.page(self.database, ("b", "1"), 2), rows[3:])

    def test_by_owner(self) -> None:
        """
        What an owner uploaded is told page by page.
        """
        mine = [version(1, owner="me"), version(2, owner="me"), version(1, "b", owner="me")]
        self.write(*mine, version(3, owner="you"), version(4))
        self.assertEqual(versions.by_owner(self.database, "me", ("", ""), 2), mine[:2])
        self.assertEqual(versions.by_owner(self.database, "me", ("a", "2"), 2), mine[2:])

    def test_by_digest(self) -> None:
        """
        So are the versions that have a digest.
        """
        same = [version(1, sha256="0" * 64), version(1, "b", sha256="0" * 64)]
        self.write(*same, version(2, sha256="1" * 64), version(3))
        self.assertEqual(versions.by_digest(self.database, "0" * 64, ("", ""), 9), same)
        self.assertEqual(versions.by_digest(self.database, "0" * 64, ("a", "1"), 9), same[1:])

    def test_due(self) -> None:
        """
        What has expired is told, the longest expired first, and nothing else.
        """
        rows = [version(1, expires=12), version(2, expires=11), version(3, expires=13), version(4)]
        self.write(*rows)
        self.assertEqual(versions.due(self.database, 12.0, 9), [rows[1], rows[0]])
        counts = [versions.count_due(self.database, 12.0, most) for most in (1, 2, 9)]
        self.assertEqual(counts, [1, 2, 2])

    def crowded(self, bound: int, now: float = 0, most: int = 99) -> list[tuple[str, str]]:
        """
        :return: the keys of what is over the bound.
        """
        found = versions.crowded(self.database, bound, now, most)
        self.assertEqual(versions.count_crowded(self.database, bound, now, most), len(found))
        return [each.key for each in found]

    def test_crowded(self) -> None:
        """
        What is older than the newest of a name, those that it may have, is
        told, the oldest first; each comes and goes with the versions.
        """
        self.write(*(version(id) for id in range(5)), *(version(id, "b") for id in range(3)))
        self.write(version(4, size=9), version(0, "c"))
        self.assertEqual(self.crowded(5), [])
        self.assertEqual(self.crowded(3), [("a", "0"), ("a", "1")])
        self.assertEqual(self.crowded(2, most=2), [("a", "0"), ("a", "1")])
        versions.drop(self.database, [("a", "0"), ("a", "1"), ("a", "4"), ("b", "9")])
        self.assertEqual(self.crowded(2), [("b", "0")])
        self.assertEqual(self.crowded(1), [("b", "0"), ("b", "1"), ("a", "2")])

    def test_crowded_and_due(self) -> None:
        """
        What has expired as well is told once, as due.
        """
        self.write(version(0, expires=9), version(1, expires=19), version(2))
        self.assertEqual(self.crowded(1, now=9.0), [("a", "1")])

    def test_mend(self) -> None:
        """
        Rows that are still what was seen are changed, made and dropped.
        """
        self.write(version(1), version(2), version(3, size=5))
        changes = [
            (version(1), version(1, size=7)),
            (version(2), None),
            (version(3), None),
            (None, version(3)),
            (None, version(4)),
            (None, None),
        ]
        self.assertEqual(versions.mend(self.database, changes), 3)
        self.assertEqual(self.all(), [version(1, size=7), version(3, size=5), version(4)])

    def test_cost(self) -> None:
        """
        Whatever is asked is found by an index, and comes in its order.
        """
        for query, index in (
            ("_FIND", "PRIMARY KEY (name=? AND id=?)"),
            ("_OF", "PRIMARY KEY (name=?)"),
            ("_OLDEST", "PRIMARY KEY (name=?)"),
            ("_PAGE", "PRIMARY KEY ((name,id)>(?,?))"),
            ("_BY_OWNER", "INDEX versions_owner (owner=? AND (name,id)>(?,?))"),
            ("_BY_DIGEST", "INDEX versions_sha256 (sha256=? AND (name,id)>(?,?))"),
            ("_DUE", "INDEX versions_expires (expires<?)"),
        ):
            self.assertEqual(
                self.looked_at(getattr(versions, query)), f"SEARCH versions USING {index}"
            )
        self.assertEqual(
            self.looked_at(versions._CROWDS),
            "SEARCH crowds USING COVERING INDEX crowds_count (count>?)",
        )
        self.assertIn(
            "SEARCH versions USING COVERING INDEX versions_expires",
            self.looked_at(versions._COUNT_DUE),
        )
