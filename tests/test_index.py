"""
Tests for :mod:`hmacfs.store.index`.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import attrs
from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hmacfs.disk import Disk
from hmacfs.errors import StoreProblem
from hmacfs.records import Tally, Totals
from hmacfs.store.index import MARK, NAME, SqliteIndex
from hmacfs.store.reserve import NAME as RESERVE
from hmacfs.store.tables import bans, files
from hmacfs.store.threads import Threads
from tests.index_contract import ROWS, IndexContract
from tests.inline import Inline

T = TypeVar("T")

ROOT = "SELECT rootpage FROM sqlite_schema WHERE name = 'bans'"
PAGE = 4096


class Failing(Disk):
    """
    A disk that does not let anybody look at a folder.
    """

    def root(self, path: str) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


class SqliteIndexTests(IndexContract, SynchronousTestCase):
    """
    The index lasts, or is begun anew.
    """

    index: SqliteIndex

    def make_index(self) -> SqliteIndex:
        self.path = Path(self.mktemp()).absolute()
        self.path.mkdir()
        return self.another_index()

    def another_index(self) -> SqliteIndex:
        """
        :return: another index in the same folder.
        """
        return SqliteIndex(str(self.path), Disk(), Inline())

    def restart(self) -> None:
        """Stop the index, and start another one in its place."""
        self.successResultOf(self.index.stop())
        self.index = self.another_index()
        self.successResultOf(self.index.start())

    def test_restart(self) -> None:
        """
        What was written is there after another start, and is counted.
        """
        self.run_now(files.write, ROWS)
        self.restart()
        self.assertEqual(
            (self.find("a", "b/Größe"), self.index.totals().files), (ROWS, Tally(2, 7))
        )

    def test_synced(self) -> None:
        """
        What is run is synced, since nobody could make it again behind a power
        cut; what is noted waits for the next of these.
        """
        said: list[str] = []
        self.run_in(lambda database: database.set_trace_callback(said.append))
        del said[:]
        self.successResultOf(self.index.note(files.write, ROWS))
        self.successResultOf(self.index.run(files.write, ROWS))
        expected = ["PRAGMA synchronous = NORMAL", "COMMIT", "PRAGMA synchronous = FULL", "COMMIT"]
        self.assertEqual([line for line in said if line in expected], expected)

    def run_in(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """
        :return: what *function* returns in the thread of the index.
        """
        result: T = self.successResultOf(self.index.run(function))
        return result

    def test_killed(self) -> None:
        """
        What was written needs no stop to be there.
        """
        self.run_now(files.write, ROWS)
        other = self.another_index()
        self.successResultOf(other.start())
        self.assertEqual(other.totals().files, Tally(2, 7))
        self.successResultOf(other.stop())

    def test_durable(self) -> None:
        """
        Each batch is synced before it counts as written.
        """
        with sqlite3.connect(self.path / NAME) as other:
            self.assertEqual(other.execute("PRAGMA journal_mode").fetchone(), ("wal",))
        other.close()

    def damaged(self, data: bytes) -> set[str]:
        """
        Start an index where a database of *data* is.

        :return: what is kept of the old one.
        """
        self.run_now(files.write, ROWS)
        self.successResultOf(self.index.stop())
        (self.path / NAME).write_bytes(data)
        self.index = self.another_index()
        self.successResultOf(self.index.start())
        self.assertEqual((self.find("a"), self.index.totals()), ([None], Totals()))
        self.run_now(files.write, ROWS)
        self.assertEqual(self.find("a"), ROWS[:1])
        return {each.name for each in self.path.iterdir() if "damaged" in each.name}

    def test_no_database(self) -> None:
        """
        What is no database is moved aside.
        """
        self.assertEqual(self.damaged(b"garbage" * 1000), {NAME + ".damaged"})

    def test_damaged(self) -> None:
        """
        A database that is damaged inside is moved aside, whole.
        """
        self.successResultOf(self.index.stop())
        self.index = self.another_index()
        self.successResultOf(self.index.start())
        many = [attrs.evolve(ROWS[0], name=f"{number:04}" * 50) for number in range(200)]
        self.run_now(files.write, many)
        self.successResultOf(self.index.stop())
        data = bytearray((self.path / NAME).read_bytes())
        data[4096:] = b"\xff" * (len(data) - 4096)
        self.index = self.another_index()
        self.successResultOf(self.index.start())
        self.assertEqual(self.damaged(bytes(data)), {NAME + ".damaged"})
        self.assertEqual((self.path / (NAME + ".damaged")).read_bytes(), data)

    def test_problem(self) -> None:
        """
        What can be neither opened nor moved aside keeps the daemon from starting.
        """
        self.path = Path(self.mktemp()).absolute()
        (self.path / NAME).mkdir(parents=True)
        other = self.another_index()
        problem = str(self.failureResultOf(other.start(), StoreProblem).value)
        self.assertIn(str(self.path), problem)
        self.successResultOf(other.stop())

    def test_damaged_inside(self) -> None:
        """
        Damage that shows while it works is told, and mended by the next start.
        """
        self.run_now(files.write, ROWS)
        (root,) = self.run_now(lambda database: database.execute(ROOT).fetchone())
        self.successResultOf(self.index.stop())
        data = bytearray((self.path / NAME).read_bytes())
        data[(root - 1) * PAGE : root * PAGE] = b"\xff" * PAGE
        (self.path / NAME).write_bytes(data)
        self.index = self.another_index()
        self.successResultOf(self.index.start())
        self.failureResultOf(self.index.run(bans.all), sqlite3.DatabaseError)
        (fault,) = self.index.faults()
        self.assertIn("damaged", fault)
        self.assertEqual(self.find("a"), ROWS[:1])
        self.restart()
        self.assertEqual(
            (self.run_now(bans.all), self.find("a"), list(self.index.faults())),
            (frozenset(), [None], []),
        )
        kept = {each.name for each in self.path.iterdir()}
        self.assertEqual((NAME + ".damaged" in kept, MARK in kept), (True, False))

    def removed(self, *suffixes: str) -> None:
        """
        Remove files of an index that is open, and ask it for more.
        """
        self.run_now(files.write, ROWS[:1])
        for suffix in suffixes:
            (self.path / (NAME + suffix)).unlink()
        self.run_now(files.write, ROWS[1:])
        other = self.another_index()
        self.successResultOf(other.start())
        self.addCleanup(lambda: self.successResultOf(other.stop()))
        self.assertEqual(self.successResultOf(other.run(files.page, "", 9)), ROWS)
        self.assertEqual(list(self.index.faults()), [])

    def test_removed(self) -> None:
        """
        An index whose file is removed while it is open is written anew.
        """
        self.removed("")

    def test_removed_all(self) -> None:
        """
        So it is where nothing of it is left.
        """
        self.removed("", "-wal", "-shm")

    def test_removed_for_good(self) -> None:
        """
        Where it cannot be written anew it goes on without a file, and says so.
        """
        self.successResultOf(self.index.stop())
        self.index = SqliteIndex(str(self.path), Failing(), Inline())
        self.successResultOf(self.index.start())
        self.find("a")
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)  # no room is kept back
        (self.path / NAME).unlink()
        self.run_now(files.write, ROWS)
        self.assertEqual(self.find("a"), ROWS[:1])
        (fault,) = self.index.faults()
        self.assertIn("no file", fault)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_insist(self) -> None:
        """
        What insists has the room that is kept back when there is no other, and
        that is kept back again when there is.
        """
        reserve = self.path / os.fsdecode(RESERVE)
        many = [attrs.evolve(ROWS[0], name=f"{number:04}" * 50) for number in range(200)]

        def write(database: sqlite3.Connection) -> None:
            database.execute(f"PRAGMA max_page_count = {1 if reserve.exists() else 9999}")
            files.write(database, many)

        self.find("a")
        self.failureResultOf(self.index.run(write), OSError)
        self.assertTrue(reserve.exists())
        removed: list[bool] = []

        def see(database: sqlite3.Connection) -> None:
            removed.append(not reserve.exists())
            write(database)

        self.successResultOf(self.index.insist(see))
        self.assertEqual((removed, self.index.totals().files.count), ([False, True], 200))
        self.assertTrue(reserve.exists())

    def test_later_release(self) -> None:
        """
        An index that a later release made is left as it is.
        """
        self.run_now(lambda database: database.execute("PRAGMA user_version = 99") and None)
        self.successResultOf(self.index.stop())
        other = self.another_index()
        problem = self.failureResultOf(other.start(), StoreProblem).value
        self.assertIn("later release", str(problem))
        self.successResultOf(other.stop())
        self.assertEqual([each.name for each in self.path.iterdir() if "damaged" in each.name], [])


class OneThreadTests(TestCase):
    """
    SQLite itself would object if the database were used by two threads.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute()
        self.path.mkdir()

    async def test_one_thread(self) -> None:
        """
        The database is opened, written, read and closed by one thread.
        """
        index = SqliteIndex(str(self.path), Disk(), Threads(reactor, 1, "index"))
        await index.start()
        for row in ROWS * 3:
            await index.run(files.write, [row])
        self.assertEqual(await index.run(files.find, "a"), ROWS[0])
        await index.stop()
