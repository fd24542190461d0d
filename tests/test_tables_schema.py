"""
Tests for :mod:`hmacfs.store.tables.schema`, and for the sums it keeps.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.errors import StoreProblem
from hmacfs.records import Row, Tally, Totals
from hmacfs.store.index import NAME, SqliteIndex
from hmacfs.store.memory_index import blank, connect
from hmacfs.store.tables import files, owners, trash, versions
from hmacfs.store.tables.schema import prepare, recount
from hmacfs.store.tables.totals import totals
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.tables.versions import VersionRow
from tests.inline import Inline
from tests.tables import WithTables, row

# As the first release made it.
FORMER = """
CREATE TABLE files (
    name TEXT PRIMARY KEY,
    content_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    stored REAL NOT NULL,
    sha256 TEXT,
    expires INTEGER,
    owner TEXT
) WITHOUT ROWID
"""

SUMS = ("totals", "owners", "crowds")

names = st.sampled_from("abc")
ids = st.sampled_from("12")
rows = st.builds(
    row,
    name=names,
    size=st.integers(0, 9),
    owner=st.sampled_from([None, "me", "you"]),
)
deeds = st.one_of(
    st.tuples(st.just(files.write), rows),
    st.tuples(st.just(files.drop), names),
    st.tuples(st.just(versions.write), st.builds(VersionRow, ids, rows)),
    st.tuples(st.just(versions.drop), st.tuples(names, ids)),
    st.tuples(st.just(trash.write), st.builds(TrashRow, ids, ids, st.just(1.0), rows)),
    st.tuples(st.just(trash.drop), st.tuples(ids, names, ids)),
)


class SumsTests(SynchronousTestCase):
    """
    The sums are those of the rows.
    """

    @given(st.lists(deeds))
    def test_sums(self, deeds: list[Any]) -> None:
        """
        Whatever is written and dropped, they are what counting gives.
        """
        database = connect()
        database.deserialize(blank())
        for function, what in deeds:
            function(database, [what])
        kept = [list(database.execute(f"SELECT * FROM {table}")) for table in SUMS]
        recount(database)
        counted = [list(database.execute(f"SELECT * FROM {table}")) for table in SUMS]
        database.close()
        self.assertEqual(kept, counted)


class SchemaTests(WithTables, SynchronousTestCase):
    """
    A database of any release before this one is taken on.
    """

    def test_former(self) -> None:
        """
        What the first release wrote is there, with the expiry as it was given,
        is counted, and found in all the new ways.
        """
        path = Path(self.mktemp()).absolute()
        path.mkdir()
        former = sqlite3.connect(path / NAME, isolation_level=None)
        former.execute(FORMER)
        former.executemany(
            "INSERT INTO files VALUES (?, 'a/b', ?, 1.5, ?, ?, ?)",
            [("a", 3, "0" * 64, 9, "me"), ("b", 4, None, None, None)],
        )
        former.execute("CREATE TABLE uploads (id TEXT PRIMARY KEY) WITHOUT ROWID")
        former.execute("INSERT INTO uploads VALUES ('kept')")
        former.close()

        index = SqliteIndex(str(path), Disk(), Inline())
        self.successResultOf(index.start())
        self.addCleanup(lambda: self.successResultOf(index.stop()))
        first = Row("a", "a/b", 3, 1.5, "0" * 64, 9, "me", own=9)

        def told(function: Any, *args: Any) -> Any:
            return self.successResultOf(index.run(function, *args))

        self.assertEqual(told(files.page, "", 9), [first, Row("b", "a/b", 4, 1.5)])
        self.assertEqual(index.totals(), Totals(Tally(2, 7)))
        self.assertEqual((told(owners.usage, "me"), told(owners.spread)), (3, (1, 1)))
        self.assertEqual(told(files.due, 9.0, 9), [first])
        self.assertEqual(told(files.by_digest, "0" * 64, "", 9), [first])
        kept = told(lambda database: database.execute("SELECT id FROM uploads").fetchall())
        self.assertEqual(kept, [("kept",)])

    def test_again(self) -> None:
        """
        A database that is up to date stays as it is.
        """
        files.write(self.database, [row("a")])
        prepare(self.database)
        self.assertEqual(totals(self.database).files, Tally(1, 3))

    def test_later(self) -> None:
        """
        One that a later release made is not touched.
        """
        self.database.execute("PRAGMA user_version = 99")
        self.assertRaises(StoreProblem, prepare, self.database)
