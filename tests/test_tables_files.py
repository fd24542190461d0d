"""
Tests for :mod:`hmacfs.store.tables.files`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.records import Row, Tally
from hmacfs.store.tables import files, tombstones
from hmacfs.store.tables.tombstones import Burial
from hmacfs.store.tables.totals import totals
from hmacfs.workers import pickling
from tests.tables import WithTables, row


class FilesTests(WithTables, SynchronousTestCase):
    """
    A row for each file, found by name, owner, digest and expiry.
    """

    def all(self) -> list[Row]:
        return files.page(self.database, "", -1)

    def test_find(self) -> None:
        """
        A row is found by its name, with all that it says.
        """
        full = Row("b/Größe", "a/b", 2**40, 1.5, "0" * 64, 9, "me@x", 99, 3.25)
        files.write(self.database, [row("a"), full])
        found = [files.find(self.database, name) for name in ("b/Größe", "a", "A")]
        self.assertEqual(found, [full, row("a"), None])

    def test_last(self) -> None:
        """
        The last row of a name is the one that counts, all of it.
        """
        former = row("a", sha256="0" * 64, expires=9, owner="me", own=9, counted=5.0)
        files.write(self.database, [former, row("a", 10), row("a", 20)])
        self.assertEqual(self.all(), [row("a", 20)])

    def test_newer(self) -> None:
        """
        Where it is asked for, one that was stored later stays, however many come.
        """
        names = [f"{number:03}" for number in range(120)]
        files.write(self.database, [row(name, 1, 50.0 + at) for at, name in enumerate(names)])
        files.write(self.database, [row(name, 2) for name in [*names, "new"]], newer=True)
        sizes = [each.size for each in self.all()]
        self.assertEqual(sizes, [2] * 51 + [1] * 69 + [2])
        self.assertEqual(totals(self.database).files, Tally(121, sum(sizes)))

    def test_sent(self) -> None:
        """
        A row is the same when it was sent to another process.
        """
        for sent in (row("a"), Row("b/Größe", "a/b", 2**40, 1.5, "0" * 64, 9, "me@x", 99, 3.25)):
            self.assertEqual(pickling.loads(pickling.dumps((sent, sent))), (sent, sent))

    def test_drop(self) -> None:
        """
        Names that have no row are no trouble.
        """
        files.write(self.database, [row("a"), row("b"), row("c")])
        files.drop(self.database, ["a", "x", "c"])
        self.assertEqual(self.all(), [row("b")])

    def test_page(self) -> None:
        """
        All rows are walked in the order of names, page by page.
        """
        rows = [row(name) for name in ("a", "a/b", "b", "ä")]
        files.write(self.database, reversed(rows))
        self.assertEqual(files.page(self.database, "", 3), rows[:3])
        self.assertEqual(files.page(self.database, "b", 3), rows[3:])

    def test_due(self) -> None:
        """
        What has expired is told, the longest expired first, and nothing else.
        """
        rows = [row("a", expires=12), row("b", expires=11), row("c", expires=13), row("d")]
        files.write(self.database, rows)
        self.assertEqual(files.due(self.database, 12.0, 9), [rows[1], rows[0]])
        self.assertEqual(files.due(self.database, 12.9, 1), [rows[1]])
        counts = [files.count_due(self.database, 12.0, most) for most in (1, 2, 9)]
        self.assertEqual(counts, [1, 2, 2])

    def test_by_owner(self) -> None:
        """
        What an owner keeps is told page by page.
        """
        mine = [row(name, owner="me") for name in "abc"]
        files.write(self.database, [*mine, row("aa", owner="you"), row("bb")])
        self.assertEqual(files.by_owner(self.database, "me", "", 2), mine[:2])
        self.assertEqual(files.by_owner(self.database, "me", "b", 2), mine[2:])

    def test_by_digest(self) -> None:
        """
        So are the files that have a digest.
        """
        same = [row(name, sha256="0" * 64) for name in "abc"]
        files.write(self.database, [*same, row("aa", sha256="1" * 64), row("bb")])
        self.assertEqual(files.by_digest(self.database, "0" * 64, "", 2), same[:2])
        self.assertEqual(files.by_digest(self.database, "0" * 64, "b", 2), same[2:])

    def test_buried(self) -> None:
        """
        A row that comes late does not bring back a file that was removed; a
        file that was stored behind the tombstone's time is listed.
        """
        tombstones.bury(self.database, [Burial("a", 200), Burial("b", 100)])
        files.write(self.database, [row("a", stored=100.0), row("b", stored=100.0)])
        self.assertEqual(self.all(), [row("b", stored=100.0)])
        files.write(self.database, [row("a", stored=200.5)])
        self.assertEqual(files.find(self.database, "a"), row("a", stored=200.5))

    def test_mend(self) -> None:
        """
        Rows that are still what was seen are changed, made and dropped; where
        something has happened since, nothing is.
        """
        files.write(self.database, [row("a"), row("b"), row("c", 5)])
        tombstones.bury(self.database, [Burial("e", 200)])
        changes = [
            (row("a"), row("a", 7)),
            (row("b"), None),
            (row("c", 4), None),
            (None, row("c")),
            (None, row("d")),
            (None, row("e")),
            (row("f"), None),
            (None, None),
        ]
        self.assertEqual(files.mend(self.database, changes), 3)
        self.assertEqual(self.all(), [row("a", 7), row("c", 5), row("d")])

    def test_cost(self) -> None:
        """
        Whatever is asked is found by an index, and comes in its order.
        """
        for query in ("_FIND", "_PAGE"):
            plan = self.looked_at(getattr(files, query))
            self.assertRegex(plan, r"^SEARCH files USING PRIMARY KEY \(name[=>]\?\)$")
        for query, index in (
            ("_BY_OWNER", "INDEX files_owner (owner=? AND name>?)"),
            ("_BY_DIGEST", "INDEX files_sha256 (sha256=? AND name>?)"),
            ("_DUE", "INDEX files_expires (expires<?)"),
        ):
            self.assertEqual(self.looked_at(getattr(files, query)), f"SEARCH files USING {index}")
        self.assertIn(
            "SEARCH files USING COVERING INDEX files_expires",
            self.looked_at(files._COUNT_DUE),
        )
