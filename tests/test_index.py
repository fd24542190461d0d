"""
Tests for :mod:`hmacfs.store.index`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import attrs
from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from hmacfs.disk import Disk
from hmacfs.errors import StoreProblem
from hmacfs.interfaces import IDatabase
from hmacfs.store.index import NAME, SqliteIndex
from hmacfs.store.threads import Threads
from tests.contracts import ROWS, IndexContract
from tests.inline import Inline

T = TypeVar("T")


def change(database: sqlite3.Connection, statement: str) -> None:
    with database:
        database.execute(statement)


class SqliteIndexTests(IndexContract, SynchronousTestCase):
    """
    The index lasts, or is begun anew.
    """

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
        self.successResultOf(self.index.write(ROWS))
        self.restart()
        self.assertEqual((self.find("a", "b/Größe"), self.index.totals()), (ROWS, (2, 7)))

    def test_synced(self) -> None:
        """
        Rows are synced, since nobody could make them again behind a power cut;
        what others commit waits for the next of them.
        """
        said: list[str] = []
        self.run_in(lambda database: database.set_trace_callback(said.append))
        self.successResultOf(self.index.write(ROWS))
        level = self.run_in(lambda database: database.execute("PRAGMA synchronous").fetchone())
        pragmas = ("PRAGMA synchronous = FULL", "COMMIT", "PRAGMA synchronous = NORMAL")
        self.assertEqual(([line for line in said if line in pragmas], level), ([*pragmas], (1,)))

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
        self.successResultOf(self.index.write(ROWS))
        other = self.another_index()
        self.successResultOf(other.start())
        self.assertEqual(other.totals(), (2, 7))
        self.successResultOf(other.stop())

    def test_durable(self) -> None:
        """
        Each batch is synced before it counts as written.
        """
        with sqlite3.connect(self.path / NAME) as other:
            self.assertEqual(other.execute("PRAGMA journal_mode").fetchone(), ("wal",))
        other.close()

    def test_all_or_none(self) -> None:
        """
        A batch with a row that cannot be written leaves nothing, and hurts no other.
        """
        bad = attrs.evolve(ROWS[1], size=2**64)
        self.failureResultOf(self.index.write([ROWS[0], bad]), OverflowError)
        self.successResultOf(self.index.write(ROWS[1:]))
        self.assertEqual(
            (self.find("a", "b/Größe"), self.index.totals()), ([None, ROWS[1]], (1, 4))
        )

    def damaged(self, data: bytes) -> set[str]:
        """
        Start an index where a database of *data* is.

        :return: what is kept of the old one.
        """
        self.successResultOf(self.index.write(ROWS))
        self.successResultOf(self.index.stop())
        (self.path / NAME).write_bytes(data)
        self.index = self.another_index()
        self.successResultOf(self.index.start())
        self.assertEqual((self.find("a"), self.index.totals()), ([None], (0, 0)))
        self.successResultOf(self.index.write(ROWS))
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
        self.successResultOf(self.index.write(many))
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

    def test_other_tables(self) -> None:
        """
        Others keep tables of theirs in its database, by its one thread.
        """
        self.assertTrue(verifyObject(IDatabase, self.index))
        for statement in ("CREATE TABLE other (x)", "INSERT INTO other VALUES (7)"):
            self.successResultOf(self.index.run(change, statement))
        told = self.index.run(lambda database: database.execute("SELECT x FROM other").fetchall())
        self.assertEqual(self.successResultOf(told), [(7,)])


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
            await index.write([row])
        self.assertEqual(await index.find("a"), ROWS[0])
        await index.stop()
