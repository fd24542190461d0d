"""
What every index promises.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs
from zope.interface.verify import verifyObject

from hmacfs.interfaces.index import IIndex
from hmacfs.records import Row, Tally, Totals
from hmacfs.store.tables import files, state, trash, versions
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.tables.versions import VersionRow
from tests.contracts import NOW, TYPE

T = TypeVar("T")

ROWS = [
    Row("a", TYPE, 3, NOW + 0.5, "0" * 64, NOW + 9, "me@example.org", NOW + 99, NOW + 1.5),
    Row("b/Größe", TYPE, 4, NOW),
]


def fail_behind(database: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """
    Write *rows*, and then fail.
    """
    files.write(database, rows)
    raise KeyError


class IndexContract:
    """
    Each function that it runs is one transaction.
    """

    def make_index(self) -> IIndex:
        """
        :return: an empty index.
        """
        raise NotImplementedError

    def setUp(self) -> None:
        self.index = self.make_index()
        self.successResultOf(self.index.start())
        self.addCleanup(lambda: self.successResultOf(self.index.stop()))

    def run_now(self, function: Callable[..., T], *args: Any) -> T:
        """
        :return: what *function* said in a transaction of its own.
        """
        return self.successResultOf(self.index.run(function, *args))

    def find(self, *names: str) -> list[Row | None]:
        return [self.run_now(files.find, name) for name in names]

    def test_interface(self) -> None:
        """
        It is what it says.
        """
        self.assertTrue(verifyObject(IIndex, self.index))

    def test_empty(self) -> None:
        """
        A new index knows nothing, and nothing is wrong with it.
        """
        self.assertEqual(
            (self.find("a"), self.index.totals(), list(self.index.faults())),
            ([None], Totals(), []),
        )

    def test_write(self) -> None:
        """
        What was written is found, column by column.
        """
        self.run_now(files.write, ROWS)
        self.assertEqual(self.find("b/Größe", "a"), ROWS[::-1])

    def test_totals(self) -> None:
        """
        It knows how much there is of each kind, at any time.
        """
        self.run_now(files.write, ROWS)
        self.run_now(versions.write, [VersionRow("1", ROWS[0]), VersionRow("2", ROWS[0])])
        self.run_now(trash.write, [TrashRow("1", "", NOW, ROWS[1])])
        self.run_now(files.write, [attrs.evolve(ROWS[0], size=10)])
        self.assertEqual(self.index.totals(), Totals(Tally(2, 14), Tally(2, 6), Tally(1, 4)))

    def test_failure(self) -> None:
        """
        Where a function fails nothing is changed, and the next one is not hurt.
        """
        self.failureResultOf(self.index.run(fail_behind, ROWS), KeyError)
        self.assertEqual((self.find("a"), self.index.totals()), ([None], Totals()))
        self.run_now(files.write, ROWS[:1])
        self.assertEqual((self.find("a"), self.index.totals().files), (ROWS[:1], Tally(1, 3)))

    def test_all_or_none(self) -> None:
        """
        A batch with a row that cannot be written leaves nothing.
        """
        bad = attrs.evolve(ROWS[1], size=2**64)
        self.failureResultOf(self.index.run(files.write, [ROWS[0], bad]), OverflowError)
        self.assertEqual(self.find("a"), [None])

    def test_no_commit(self) -> None:
        """
        A function that commits by itself is found out.
        """

        def impatient(database: sqlite3.Connection) -> None:
            state.put(database, "a", 1)
            database.execute("COMMIT")

        self.failureResultOf(self.index.run(impatient), sqlite3.OperationalError)
        self.assertEqual(self.run_now(state.get, "b"), None)

    def test_full(self) -> None:
        """
        Where there is no room it fails as a disk does that is full.
        """
        self.run_now(lambda database: database.execute("PRAGMA max_page_count = 1") and None)
        many = [attrs.evolve(ROWS[0], name=f"{number:04}" * 50) for number in range(200)]
        failure = self.failureResultOf(self.index.run(files.write, many), OSError)
        self.assertIn("No space left", str(failure.value))
        self.assertEqual((self.find(many[0].name), self.index.totals()), ([None], Totals()))
