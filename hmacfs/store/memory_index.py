"""
The index that forgets, for tests: the same tables and the same SQL, in memory.

What it holds can be kept and looked at, as what a crash leaves: a transaction
that was told is in it, whole, one that was not is not::

    index = MemoryIndex()
    ...
    kept = index.snapshot()
    ...
    after_the_crash = MemoryIndex(kept)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from zope.interface import implementer

from hmacfs.interfaces.index import IIndex
from hmacfs.records import Row
from hmacfs.store.index import Transactions
from hmacfs.store.tables import files
from hmacfs.store.tables.schema import prepare

T = TypeVar("T")


@implementer(IIndex)
class MemoryIndex(Transactions):
    """
    Answers at once.  It may be stopped and started again, and keeps its rows.
    """

    def __init__(self, snapshot: bytes | None = None) -> None:
        """
        :param snapshot: see :meth:`snapshot`; an empty index without.
        """
        super().__init__()
        self._listed = (-1, "")
        connection = connect()
        connection.deserialize(blank() if snapshot is None else snapshot)
        self.open(connection)

    def __del__(self) -> None:
        self.close()

    def start(self) -> Deferred[None]:
        """There is nothing to get ready."""
        return succeed(None)

    def stop(self) -> Deferred[None]:
        """There is nothing to let go of."""
        return succeed(None)

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """See :meth:`hmacfs.interfaces.index.IDatabase.run`."""
        return maybeDeferred(self.transact, function, *args)

    def note(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """See :meth:`hmacfs.interfaces.index.IDatabase.note`."""
        return self.run(function, *args)

    def insist(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """See :meth:`hmacfs.interfaces.index.IDatabase.insist`."""
        return self.run(function, *args)

    def faults(self) -> Sequence[str]:
        """Memory is never damaged."""
        return ()

    def snapshot(self) -> bytes:
        """
        :return: all that is in it, for another one to begin with.
        """
        return self.transact(sqlite3.Connection.serialize)

    def contents(self) -> str:
        """
        :return: a digest, the same for indexes that hold the same, however
            they came by it, which a snapshot is not.
        """
        self._listed = self.transact(_contents, *self._listed)
        return self._listed[1]

    @property
    def rows(self) -> Mapping[str, Row]:
        """The row of each file, by its name."""
        return {row.name: row for row in self.transact(files.page, "", -1)}


def connect() -> sqlite3.Connection:
    """
    :return: an empty database, for whatever thread runs a test.
    """
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


@cache
def blank() -> bytes:
    """
    Made once: tests of crashes begin an index ten thousand times.

    :return: the snapshot of an empty index, in small pages.
    """
    connection = connect()
    try:
        connection.execute("PRAGMA page_size = 1024")
        prepare(connection)
        return connection.serialize()
    finally:
        connection.close()


def _contents(connection: sqlite3.Connection, before: int, listed: str) -> tuple[int, str]:
    """
    :param before: how many changes there were when *listed* was all.
    """
    # Tests of crashes ask a hundred times for each change.
    changes = connection.total_changes
    if changes == before:
        return before, listed
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
    tables = [table for (table,) in connection.execute(query)]
    # By their keys: they have no other order.
    found = {table: list(connection.execute(f"SELECT * FROM {table}")) for table in tables}  # noqa: S608
    return changes, sha256(repr(found).encode()).hexdigest()
