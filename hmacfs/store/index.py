"""
The index: a row for each file, in SQLite.

One thread and one connection own the database: with several processes that
write, SQLite before 3.51.3 can corrupt it.  ``check_same_thread``, which the
module leaves on, holds us to it.

A database that is damaged is moved aside and begun anew: it is made of what
the files say, so nothing is lost for good.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from hmacfs.errors import StoreProblem
from hmacfs.interfaces import IDatabase, IDisk, IIndex, IThreads
from hmacfs.records import Row

T = TypeVar("T")

NAME = "index.sqlite"

# WITHOUT ROWID: found by name and walked in the order of names.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    name TEXT PRIMARY KEY,
    content_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    stored REAL NOT NULL,
    sha256 TEXT,
    expires INTEGER,
    owner TEXT
) WITHOUT ROWID
"""

_FIELDS = [field.name for field in attrs.fields(Row)]
_COLUMNS = ", ".join(_FIELDS)
_FIND = f"SELECT {_COLUMNS} FROM files WHERE name = ?"  # noqa: S608 - the names are our own
_PUT = f"REPLACE INTO files ({_COLUMNS}) VALUES (:{', :'.join(_FIELDS)})"  # noqa: S608 - as above

# Whether each transaction is synced, or is so with the next one that is: none
# is ever lost but the last ones (https://sqlite.org/pragma.html#pragma_synchronous).
_SYNCED = "PRAGMA synchronous = FULL"
_SYNCED_LATER = "PRAGMA synchronous = NORMAL"


@implementer(IIndex, IDatabase)
class SqliteIndex:
    """
    The file ``index.sqlite``.
    """

    log = Logger()

    def __init__(self, folder: str, disk: IDisk, threads: IThreads) -> None:
        """
        :param folder: the path of the private area; there when it is started.
        :param threads: one single thread.
        """
        self._folder = folder
        self._disk = disk
        self._threads = threads
        self._database: sqlite3.Connection | None = None
        self._totals = (0, 0)

    def start(self) -> Deferred[None]:
        """
        See :meth:`hmacfs.interfaces.IIndex.start`.

        :raise StoreProblem: it can be neither opened nor begun anew.
        """
        self._threads.start()
        return self._threads.run(self._start)

    def stop(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IIndex.stop`."""
        closed = self._threads.run(self._close)
        return closed.addBoth(lambda result: self._threads.stop().addCallback(lambda _: result))

    def write(self, rows: Sequence[Row]) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IIndex.write`."""
        return self._threads.run(self._write, rows)

    def find(self, name: str) -> Deferred[Row | None]:
        """See :meth:`hmacfs.interfaces.IIndex.find`."""
        return self._threads.run(self._find, name)

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """See :meth:`hmacfs.interfaces.IDatabase.run`."""
        return self._threads.run(self._run, function, args)

    def totals(self) -> tuple[int, int]:
        """
        See :meth:`hmacfs.interfaces.IIndex.totals`.  Kept as a running total:
        counting would walk all rows for each scrape of the metrics.
        """
        return self._totals

    def _start(self) -> None:
        try:
            try:
                self._open()
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise
                self._close()
                self._move_aside()
                self._open()
        except sqlite3.Error as error:
            raise StoreProblem(f"The index in {self._folder!r} cannot be used: {error}.") from error

    def _open(self) -> None:
        self._database = sqlite3.connect(os.path.join(self._folder, NAME))
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute(_SYNCED_LATER)
        self._database.execute(_SCHEMA)
        query = "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM files"
        self._totals = self._database.execute(query).fetchone()

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _move_aside(self) -> None:
        self.log.error(
            "the index is damaged: it is kept as {name}.damaged, and begun anew", name=NAME
        )
        folder = self._disk.root(self._folder)
        try:
            # Its log would be taken for the new one's.
            for suffix in ("", "-wal", "-shm"):
                name = os.fsencode(NAME + suffix)
                with suppress(FileNotFoundError):
                    self._disk.rename(folder, name, folder, name + b".damaged")
        finally:
            self._disk.close(folder)

    def _run(self, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        assert self._database is not None
        return function(self._database, *args)

    def _write(self, rows: Sequence[Row]) -> None:
        assert self._database is not None
        count, total = self._totals
        # Else a power cut may cost the rows, when the parts are gone that they
        # could be made of.
        self._database.execute(_SYNCED)
        try:
            with self._database as database:
                for row in rows:
                    former = self._find(row.name)
                    count += former is None
                    total += row.size - (former.size if former else 0)
                    database.execute(_PUT, attrs.asdict(row))
        finally:
            self._database.execute(_SYNCED_LATER)
        self._totals = (count, total)

    def _find(self, name: str) -> Row | None:
        assert self._database is not None
        found = self._database.execute(_FIND, (name,)).fetchone()
        return None if found is None else Row(*found)
