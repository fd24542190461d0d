"""
Tests for :mod:`hmacfs.store.checking`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.records import ATTRIBUTE, Checked, Disagreement, Row
from hmacfs.retention import Retention
from hmacfs.store.checking import Checking
from hmacfs.store.folders import Folders
from hmacfs.store.known import Knowing
from hmacfs.store.labels import Label, encode
from hmacfs.store.locks import Locks
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.sides import Files, Side, Trash, Versions
from hmacfs.store.tables import files, tombstones, trash, versions
from hmacfs.store.tables.tombstones import Burial
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.tables.versions import VersionRow
from hmacfs.store.terms import since
from hmacfs.store.turns import Turns
from tests.inline import Inline

NOW = 1_700_000_000
FOR_EVER = Retention()
BATCH = f"{NOW * 1_000_000:014x}-0123456789abcdef"


class CheckingTests(SynchronousTestCase):
    """
    Whatever befell the tree or the index, a crawl makes them one again.
    """

    attributes = True

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.index = MemoryIndex()
        self.disk = Disk()
        self.path = Path(self.mktemp()).absolute()
        for name in ("versions", "trash", "locks"):
            (self.path / ".hmacfs" / name).mkdir(parents=True)
        self.flushed: list[Any] = []
        self.checking = self.another()

    def another(self, retention: Retention = FOR_EVER) -> Checking:
        """
        :return: what checks the same store.
        """
        disk, retention = self.disk, self.run_(since, retention, self.clock.seconds())
        knowing = Knowing(disk, self.attributes, retention)
        checking = Checking(
            disk,
            self.index,
            Inline(),
            self.clock,
            Locks(disk, self.root(".hmacfs/locks")),
            Turns(),
            knowing,
            [
                side(disk, Folders(disk, self.root(path)), knowing)
                for side, path in (
                    (Files, ""),
                    (Versions, ".hmacfs/versions"),
                    (Trash, ".hmacfs/trash"),
                )
            ],
            self.flush,
        )
        self.addCleanup(checking.close)
        return checking

    def root(self, path: str) -> int:
        descriptor = self.disk.root(str(self.path / path))
        self.addCleanup(os.close, descriptor)
        return descriptor

    def flush(self, names: Collection[str]) -> Deferred[None]:
        """What was on its way is written when something does not agree."""
        for deed in self.flushed:
            deed()
        self.flushed.clear()
        return succeed(None)

    def put(self, path: str, data: bytes = b"abc", **label: Any) -> Row:
        """
        Put a file there, with a label where one is told.

        :return: the row that it should have.
        """
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        os.utime(file, (NOW, NOW))
        row = Row(path, "text/plain", len(data), float(NOW))
        if label:
            told = {"content_type": "text/plain", "size": len(data), "commit": "c", "stored": NOW}
            value = Label(**{**told, **label})
            os.setxattr(file, ATTRIBUTE, encode(value))
            row = attrs.evolve(row, owner=value.owner, expires=value.expires, own=value.expires)
        return row

    def run_(self, function: Any, *args: Any) -> Any:
        return self.successResultOf(self.index.run(function, *args))

    def through(self, look: Any, most: int = 3) -> list[Disagreement]:
        """
        :return: all that was found, by slices.
        """
        cursor, found = None, []
        while True:
            checked: Checked = self.successResultOf(look(cursor, most))
            found += checked.found
            cursor = checked.cursor
            if cursor is None:
                return found

    def crawl(self) -> list[tuple[str, str, str]]:
        """
        :return: the kind, the side and the name of what a crawl found.
        """
        return [(each.kind, each.side, each.name) for each in self.through(self.checking.crawl)]

    def test_taken_in(self) -> None:
        """
        A store of another server is taken in: all its files are listed.
        """
        rows = [self.put(f"{n}/{m}.txt") for n in range(3) for m in range(4)]
        found = self.crawl()
        self.assertEqual(sorted(found), [("no row", "file", row.name) for row in rows])
        self.assertEqual(self.index.rows, {row.name: row for row in rows})
        self.assertEqual(self.crawl(), [])

    def test_all_sides(self) -> None:
        """
        Versions are listed again as well, and so is what rests in the trash.
        """
        file = self.put("a/b.txt", owner="romeo", expires=NOW + 60)
        self.put(".hmacfs/versions/a/b.txt/v-1", b"12", owner="romeo")
        self.put(f".hmacfs/trash/{BATCH}/files/gone.txt", b"1234")
        self.put(f".hmacfs/trash/{BATCH}/versions/a/b.txt/v-0", b"1")
        self.crawl()
        former = Row("a/b.txt", "text/plain", 2, float(NOW), owner="romeo")
        self.assertEqual(self.index.rows, {"a/b.txt": file})
        self.assertEqual(self.run_(versions.of, "a/b.txt"), [VersionRow("v-1", former)])
        self.assertEqual(
            sorted(self.run_(trash.find, None, 9), key=lambda item: item.key),
            [
                TrashRow(BATCH, "v-0", NOW, attrs.evolve(former, size=1, owner=None)),
                TrashRow(BATCH, "", NOW, Row("gone.txt", "text/plain", 4, float(NOW))),
            ],
        )
        self.assertEqual(self.through(self.checking.check), [])

    def test_gone(self) -> None:
        """
        A row whose file is gone goes, on every side.
        """
        row = Row("a.txt", "text/plain", 3, float(NOW), owner="romeo")
        self.run_(files.write, [row, attrs.evolve(row, name="b.txt")])
        self.run_(versions.write, [VersionRow("v", row)])
        self.run_(trash.write, [TrashRow(BATCH, "", NOW, row)])
        self.put("b.txt", owner="romeo")
        self.assertEqual(
            self.crawl(),
            [
                ("no file", "file", "a.txt"),
                ("no file", "version", "a.txt"),
                ("no file", "trash", "a.txt"),
            ],
        )
        self.assertEqual((list(self.index.rows), self.index.totals().trash.count), (["b.txt"], 0))
        self.assertEqual(self.through(self.checking.check), [])

    def test_other(self) -> None:
        """
        A row that tells something else than its file is corrected, and what differs is told.
        """
        row = self.put("a.txt", owner="romeo")
        self.run_(files.write, [attrs.evolve(row, size=7, owner="juliet")])
        self.assertEqual(
            self.through(self.checking.check),
            [
                Disagreement(
                    "other row",
                    "file",
                    "a.txt",
                    "",
                    "",
                    "The index lists it with size 7 in place of 3, owner 'juliet' in place of "
                    "'romeo'.",
                )
            ],
        )
        self.crawl()
        self.assertEqual(self.index.rows, {"a.txt": row})

    def test_digest_stays(self) -> None:
        """
        A digest that was computed for a file without a label stays in its row.
        """
        row = attrs.evolve(self.put("a.txt"), sha256="0" * 64)
        self.run_(files.write, [row])
        self.assertEqual((self.crawl(), self.index.rows), ([], {"a.txt": row}))

    def test_on_its_way(self) -> None:
        """
        What is on its way into the index is no disagreement.
        """
        row = self.put("a.txt", owner="romeo")
        for look in (self.checking.check, self.checking.crawl):
            self.run_(files.drop, ["a.txt"])
            self.flushed.append(lambda: self.run_(files.write, [row]))
            self.assertEqual(self.through(look), [])

    def test_replaced_meanwhile(self) -> None:
        """
        A row that was written while the file was looked at stays.
        """
        row = self.put("a.txt", owner="romeo")
        newer = attrs.evolve(row, size=9)
        mend = Files.mend

        def meanwhile(side: Side, database: Any, changes: Any) -> int:
            files.write(database, [newer])
            return mend(side, database, changes)

        self.patch(Files, "mend", meanwhile)
        self.successResultOf(self.checking.crawl(("file tree",), 9))
        self.assertEqual(self.index.rows, {"a.txt": newer})

    def test_buried(self) -> None:
        """
        A file that was deleted and is there again is told, and not listed.
        """
        self.put("a.txt", owner="romeo")
        self.run_(tombstones.bury, [Burial("a.txt", NOW + 60)])
        self.assertEqual(self.crawl(), [("buried", "file", "a.txt")])
        self.assertEqual(self.index.rows, {})
        (found,) = self.through(self.checking.check)
        self.assertEqual(
            found.text, "Its name was deleted: hmacfs rm removes it, hmacfs rm --forget lets it be."
        )

    def test_empty_folders(self) -> None:
        """
        Folders without a file go, with those that held nothing else.
        """
        self.put("a/full.txt")
        (self.path / "a" / "b" / "c").mkdir(parents=True)
        (self.path / "d").mkdir()
        (self.path / "lost+found").mkdir()
        self.crawl()
        left = sorted(each.name for each in self.path.rglob("*") if ".hmacfs" not in each.parts)
        self.assertEqual(left, ["a", "full.txt", "lost+found"])

    def test_trash_in_use(self) -> None:
        """
        A folder of the trash that may be about to be filled stays.
        """
        (self.path / ".hmacfs" / "trash" / BATCH / "files").mkdir(parents=True)
        self.assertEqual(self.crawl(), [])
        self.clock.advance(3600)
        self.assertEqual(self.crawl(), [("empty folder", "trash", f"{BATCH}/files")])
        self.assertEqual(os.listdir(self.path / ".hmacfs" / "trash"), [])

    def test_trash_renewed(self) -> None:
        """
        What an undo that broke off gave a new term rests as before.
        """
        path = f".hmacfs/trash/{BATCH}/files/a.txt"
        row = attrs.evolve(self.put(path, expires=NOW - 60), name="a.txt")
        self.run_(trash.write, [TrashRow(BATCH, "", NOW, row)])
        self.put(path, expires=NOW + 60, counted=NOW)
        self.assertEqual(self.through(self.checking.check), [])

    def test_no_name(self) -> None:
        """
        What can never be served is told, and left alone.
        """
        self.put("a\nb")
        (self.path / "link").symlink_to("/etc/passwd")
        self.assertEqual(self.crawl(), [("no name", "file", "a\nb")])

    def test_unreadable(self) -> None:
        """
        A file that cannot be read keeps its row, and the others are looked at.
        """
        rows = [self.put(name, owner="romeo") for name in ("a.txt", "b.txt")]
        self.run_(files.write, rows[:1])

        class Refusing(Disk):
            def open(self, folder: int, name: bytes) -> int:
                if name == b"a.txt":
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                return super().open(folder, name)

        self.disk = Refusing()
        found = self.through(self.another().crawl)
        self.assertEqual(
            sorted((each.kind, each.name) for each in found),
            [("no row", "b.txt"), ("unreadable", "a.txt")],
        )
        self.assertEqual(sorted(self.index.rows), ["a.txt", "b.txt"])

    def test_sums(self) -> None:
        """
        What the owners keep is summed up anew where it is wrong.
        """
        self.put("a.txt", owner="romeo")
        self.crawl()
        self.run_(lambda database: database.execute("UPDATE owners SET size = 99"))
        self.run_(lambda database: database.execute("INSERT INTO owners VALUES ('x', 1, 1, 1)"))
        found = self.through(self.checking.check)
        self.assertEqual(
            [(each.kind, each.name) for each in found], [("wrong sum", "romeo"), ("wrong sum", "x")]
        )
        self.assertEqual(self.successResultOf(self.checking.mend(found)), 2)
        kept = self.run_(lambda database: list(database.execute("SELECT * FROM owners")))
        self.assertEqual(kept, [("romeo", 1, 0, 3)])

    def test_foreign_label(self) -> None:
        """
        A file that somebody changed without its label is told, and keeps its bytes.
        """
        self.put("a.txt", owner="romeo")
        (self.path / "a.txt").write_bytes(b"changed")
        self.crawl()
        found = self.through(self.checking.check)
        self.assertEqual([(each.kind, each.name) for each in found], [("foreign label", "a.txt")])
        self.assertEqual(self.successResultOf(self.checking.mend(found)), 1)
        self.assertEqual(self.through(self.checking.check), [])
        self.assertEqual((self.path / "a.txt").read_bytes(), b"changed")

    def test_foreign_label_and_row(self) -> None:
        """
        Two things that are wrong with one file are both mended, and counted.
        """
        self.put("a.txt", owner="romeo")
        self.crawl()
        (self.path / "a.txt").write_bytes(b"changed")
        found = self.through(self.checking.check)
        self.assertEqual([each.kind for each in found], ["foreign label", "other row"])
        self.assertEqual(self.successResultOf(self.checking.mend(found)), 2)
        self.assertEqual(self.through(self.checking.check), [])

    def test_mends_all(self) -> None:
        """
        All that a check finds is mended on request.
        """
        self.put("a.txt", owner="romeo")
        (self.path / "b").mkdir()
        self.run_(files.write, [Row("c.txt", "text/plain", 1, 1.0)])
        found = self.through(self.checking.check)
        self.assertEqual(sorted(each.kind for each in found), ["empty folder", "no file", "no row"])
        self.assertEqual(self.successResultOf(self.checking.mend(found)), 3)
        self.assertEqual(self.through(self.checking.check), [])

    def test_goes_on(self) -> None:
        """
        A crawl that was interrupted anywhere is gone on with by another process.
        """
        names = {self.put(f"{n}/{m}.txt").name for n in range(3) for m in range(3)}
        cursor = None
        while True:
            checked = self.successResultOf(self.another().crawl(cursor, 5))
            cursor = checked.cursor
            if cursor is None:
                break
        self.assertEqual(set(self.index.rows), names)

    def test_other_terms(self) -> None:
        """
        Where the terms have changed no row is taken for a wrong one.
        """
        self.put("a.txt", owner="romeo")
        self.crawl()
        self.clock.advance(10)
        self.assertEqual(self.through(self.another(Retention(file_ttl=60)).check), [])

    def test_no_attributes(self) -> None:
        """
        Where the file system keeps no attributes a row that fits its file stays, and is
        never forgotten, since nothing else tells of the owner.
        """
        self.attributes = False
        row = attrs.evolve(self.put("a.txt"), owner="romeo", stored=NOW - 60.0)
        self.run_(files.write, [row])
        checking = self.another()
        self.assertEqual(self.through(checking.crawl), [])
        self.assertIs(self.successResultOf(checking.forget_rows(9)), False)
        self.assertEqual(self.index.rows, {"a.txt": row})

    def test_anew(self) -> None:
        """
        The rows can all be forgotten, and are found again.
        """
        rows = {row.name: row for row in (self.put(f"{n}.txt", owner="romeo") for n in range(5))}
        self.put(".hmacfs/versions/a.txt/v-1")
        self.crawl()
        while self.successResultOf(self.checking.forget_rows(2)):
            pass
        self.assertEqual((self.index.rows, self.index.totals().versions.count), ({}, 0))
        self.crawl()
        self.assertEqual((self.index.rows, self.index.totals().versions.count), (rows, 1))
