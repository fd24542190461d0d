"""
The index: what orders and searches the files, in SQLite.

One thread and one connection own the database: with several processes that
write, SQLite before 3.51.3 can corrupt it.  ``check_same_thread``, which the
module leaves on, holds us to it.  What can be said to it stands in
:mod:`hmacfs.store.tables`.

A database that is damaged is moved aside and begun anew: it is made of what
the files say, so nothing is lost for good but tombstones and bans.  Damage
that shows only when a page is read is marked, for the next start.  One whose
file somebody removes is still open, and is written down anew.

On a full disk what removes something is written down all the same: see
:mod:`hmacfs.store.reserve`.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from hmacfs.errors import StoreProblem
from hmacfs.interfaces.disk import IDisk, IThreads
from hmacfs.interfaces.index import IIndex
from hmacfs.records import Totals
from hmacfs.store.reserve import Reserve
from hmacfs.store.tables.schema import prepare
from hmacfs.store.tables.totals import totals

T = TypeVar("T")

NAME = "index.sqlite"
MARK = NAME + ".mark"
"""Is there where the database was found damaged since it was opened."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

# What it says of a full disk while it is opened: its log and what it maps into
# memory want room.
_ROOMLESS = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)

# Whether each transaction is synced, or is so with the next one that is: none
# is ever lost but the last ones (https://sqlite.org/pragma.html#pragma_synchronous).
_SYNCED = "PRAGMA synchronous = FULL"
_SYNCED_LATER = "PRAGMA synchronous = NORMAL"


class Transactions:
    """
    A connection on which each function is one transaction.
    """

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._totals = Totals()

    def totals(self) -> Totals:
        """
        See :meth:`hmacfs.interfaces.index.IIndex.totals`.  As of the last
        transaction, and so asked for on any thread at no cost.
        """
        return self._totals

    def open(self, connection: sqlite3.Connection) -> None:
        """
        :param connection: one that begins no transaction by itself.
        :raise StoreProblem: a later release made the database.
        """
        self._connection = connection
        self.transact(prepare)
        self._totals = totals(connection)

    def close(self) -> None:
        """Let go of the connection.  Harmless when called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def transact(self, function: Callable[..., T], *args: Any) -> T:
        """See :meth:`hmacfs.interfaces.index.IDatabase.run`."""
        assert self._connection is not None, "the index is not started"
        connection, before = self._connection, self._connection.total_changes
        connection.execute("BEGIN")
        try:
            result = function(connection, *args)
            connection.execute("COMMIT")
        except BaseException as error:
            # SQLite itself rolls back where the disk is full.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if code(error) == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise
        if connection.total_changes != before:
            self._totals = totals(connection)
        return result


@implementer(IIndex)
class SqliteIndex(Transactions):
    """
    The file ``index.sqlite``.
    """

    log = Logger()

    def __init__(self, folder: str, disk: IDisk, threads: IThreads) -> None:
        """
        :param folder: the path of the private area; there when it is started.
        :param threads: one single thread.
        """
        super().__init__()
        self._folder = folder
        self._disk = disk
        self._threads = threads
        self._faults: Sequence[str] = ()
        self._file: os.stat_result | None = None
        self._reserve = Reserve(disk, folder)

    def start(self) -> Deferred[None]:
        """
        See :meth:`hmacfs.interfaces.index.IIndex.start`.

        :raise StoreProblem: it can be neither opened nor begun anew.
        """
        self._threads.start()
        return self._threads.run(self._start)

    def stop(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.index.IIndex.stop`."""
        closed = self._threads.run(self.close)
        return closed.addBoth(lambda result: self._threads.stop().addCallback(lambda _: result))

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """See :meth:`hmacfs.interfaces.index.IDatabase.run`."""
        return self._threads.run(self._run, function, args)

    def note(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """See :meth:`hmacfs.interfaces.index.IDatabase.note`."""
        return self._threads.run(self._note, function, args)

    def insist(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """See :meth:`hmacfs.interfaces.index.IDatabase.insist`."""
        return self._threads.run(self._insist, function, args)

    def faults(self) -> Sequence[str]:
        """See :meth:`hmacfs.interfaces.index.IIndex.faults`."""
        return self._faults

    def _start(self) -> None:
        try:
            if os.path.lexists(self._path(MARK)):
                self._move_aside()
            try:
                self._open()
            except sqlite3.DatabaseError as error:
                if code(error) not in _DAMAGED:
                    raise
                self.close()
                self._move_aside()
                self._open()
        except (sqlite3.Error, OSError) as error:
            raise StoreProblem(f"The index in {self._folder!r} cannot be used: {error}.") from error

    def _open(self) -> None:
        try:
            self._connect()
        except sqlite3.OperationalError as error:
            self.close()
            if code(error) not in _ROOMLESS or not self._reserve.let_go():
                raise
            self._connect()

    def _connect(self) -> None:
        connection = sqlite3.connect(self._path(NAME), isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(_SYNCED)
        except BaseException:
            connection.close()
            raise
        self.open(connection)
        self._file = self._seen()

    def _seen(self) -> os.stat_result | None:
        with suppress(FileNotFoundError):
            return os.stat(self._path(NAME))
        return None

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _run(self, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        if not self._faults and not _same(self._seen(), self._file):
            self._put_back()
        try:
            result = self.transact(function, *args)
        except sqlite3.DatabaseError as error:
            if code(error) in _DAMAGED and not self._faults:
                self._mark()
            raise
        if self._reserve.wanted:
            self._reserve.hold()
        return result

    def _note(self, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        assert self._connection is not None
        self._connection.execute(_SYNCED_LATER)
        try:
            return self._run(function, args)
        finally:
            # It is another connection by now, or none, where its file was removed.
            if self._connection is not None:
                self._connection.execute(_SYNCED)

    def _insist(self, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        try:
            return self._run(function, args)
        except OSError as error:
            if error.errno != errno.ENOSPC or not self._reserve.let_go():
                raise
        return self._run(function, args)

    def _put_back(self) -> None:
        """
        Write down anew what is open and has no name any more.
        """
        assert self._connection is not None
        self.log.error("{name} was removed under way, and is written anew", name=NAME)
        try:
            self._rename()
            copy = sqlite3.connect(self._path(NAME))
            try:
                self._connection.backup(copy)
            finally:
                copy.close()
        except (sqlite3.Error, OSError):
            self.log.failure("the index was not written anew")
            self._faults = ("The index has no file: start hmacfs again, and it is made anew.",)
        else:
            self.close()
            self._open()

    def _mark(self) -> None:
        self.log.error("the index is damaged: the next start begins it anew")
        self._faults = ("The index is damaged: start hmacfs again, and it is made anew.",)
        folder = self._disk.root(self._folder)
        try:
            # Not synced: where a power cut takes it, the damage shows again.
            self._disk.close(self._disk.create(folder, os.fsencode(MARK), 0o600))
        except OSError:
            self.log.failure("the mark of the damaged index was not made")
        finally:
            self._disk.close(folder)

    def _move_aside(self) -> None:
        self.log.error(
            "the index is damaged: it is kept as {name}.damaged, and begun anew", name=NAME
        )
        self._rename()

    def _rename(self) -> None:
        folder = self._disk.root(self._folder)
        try:
            # Its log would be taken for the new one's.
            for suffix in ("", "-wal", "-shm"):
                name = os.fsencode(NAME + suffix)
                with suppress(FileNotFoundError):
                    self._disk.rename(folder, name, folder, name + b".damaged")
            with suppress(FileNotFoundError):
                self._disk.unlink(folder, os.fsencode(MARK))
        finally:
            self._disk.close(folder)


def _same(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    return one is not None and other is not None and os.path.samestat(one, other)


def code(error: BaseException) -> int | None:
    """
    :return: the primary result code, where SQLite raised *error*.
    """
    extended = getattr(error, "sqlite_errorcode", None)
    return None if extended is None else extended & 0xFF
