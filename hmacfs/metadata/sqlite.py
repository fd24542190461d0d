"""
This node's records, in the index's database.

The database belongs to the index, whose thread makes every statement; this
module brings one table and what is asked of it.  A row without a record is
the memory of a removal.

For the sake of Redis each row also knows the revision that was pushed there:
what Redis has missed is found by ``revision > pushed``, however long it was
away and however often this process was started meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.interfaces.index import IDatabase
from hmacfs.interfaces.metadata import ILedger
from hmacfs.metadata.encoding import read, write
from hmacfs.uploads import UploadRecord

_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS uploads (
        id TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        until INTEGER NOT NULL,
        record TEXT,
        pushed INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS uploads_until ON uploads (until)",
    "CREATE INDEX IF NOT EXISTS uploads_behind ON uploads (id) WHERE revision > pushed",
    # One row: which server the column "pushed" speaks of.
    "CREATE TABLE IF NOT EXISTS uploads_server (server TEXT NOT NULL)",
)

_PUT = """
INSERT INTO uploads (id, revision, until, record) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE
SET revision = excluded.revision, until = excluded.until, record = excluded.record
WHERE excluded.revision > uploads.revision AND uploads.record IS NOT NULL
"""
_REMOVE = """
INSERT INTO uploads (id, revision, until) VALUES (?, 1, ?)
ON CONFLICT (id) DO UPDATE
SET revision = uploads.revision + 1, until = excluded.until, record = NULL
WHERE uploads.record IS NOT NULL
"""
_FORGET_REMOVALS = "DELETE FROM uploads WHERE until <= ? AND record IS NULL"
_RECALL = "SELECT id, revision, record FROM uploads WHERE id = ?"
_ALL = "SELECT record FROM uploads WHERE record IS NOT NULL ORDER BY id"
_EXPIRED = """
SELECT record FROM uploads WHERE until <= ? AND record IS NOT NULL ORDER BY until, id LIMIT ?
"""
_BEHIND = "SELECT id, revision, record FROM uploads WHERE revision > pushed ORDER BY id LIMIT ?"
_BACKLOG = "SELECT COUNT(*) FROM uploads WHERE revision > pushed"
_PUSHED = "UPDATE uploads SET pushed = ? WHERE id = ?"


@attrs.frozen
class Change:
    """
    How an upload stands, as far as this node knows.

    :ivar revision: of the record; one more where that was removed.
    :ivar record: ``None`` where it was removed.
    """

    id: str
    revision: int
    record: UploadRecord | None


@implementer(ILedger)
class SqliteMetadata:
    """
    The tables ``uploads`` and ``uploads_server``.
    """

    def __init__(self, database: IDatabase, clock: IReactorTime, expiry: int) -> None:
        """
        :param database: open from before :meth:`start` until after :meth:`stop`.
        :param expiry: seconds that a removal is remembered.
        """
        self._database = database
        self._clock = clock
        self._expiry = expiry

    def start(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.start`."""
        return self._database.run(_make_tables)

    def stop(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.stop`."""
        return self._database.run(_nothing)

    def put(self, record: UploadRecord) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.put`."""
        return self._database.note(_put, record)

    def get(self, id: str) -> Deferred[UploadRecord | None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.get`."""
        return self.recall(id).addCallback(_record)

    def remove(self, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.remove`."""
        return self._database.note(_remove, id, int(self._clock.seconds()), self._expiry)

    def all(self) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.metadata.ILedger.all`."""
        return self._database.run(_records, _ALL, ())

    def expired(self, now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.metadata.ILedger.expired`."""
        return self._database.run(_records, _EXPIRED, (now, most))

    def faults(self) -> Sequence[str]:
        """The index tells what is wrong with the database."""
        return ()

    def recall(self, id: str) -> Deferred[Change | None]:
        """
        :return: fires with what is known of *id*, a removal included;
            ``None`` where this node never heard of it.
        """
        return self._database.run(_recall, id)

    def joined(self, server: str) -> Deferred[None]:
        """
        Say where changes are pushed from now on.  Where it is another server
        than before, or one that was started anew and may have lost what it
        held, all is behind again.

        :param server: which one, as of :meth:`hmacfs.interfaces.metadata.ISharedMetadata.server`.
        """
        return self._database.run(_joined, server)

    def behind(self, most: int) -> Deferred[Sequence[Change]]:
        """
        :return: fires with up to *most* changes that were not pushed.
        """
        return self._database.run(_behind, most)

    def backlog(self) -> Deferred[int]:
        """
        :return: fires with how many changes were not pushed.
        """
        return self._database.run(_backlog)

    def pushed(self, changes: Sequence[Change]) -> Deferred[None]:
        """
        Note that *changes* were pushed; what has changed again meanwhile
        stays behind.
        """
        return self._database.note(_pushed, changes)


def _make_tables(database: sqlite3.Connection) -> None:
    for statement in _SCHEMA:
        database.execute(statement)


def _nothing(database: sqlite3.Connection) -> None:
    """What was asked for before is done when this is."""


def _put(database: sqlite3.Connection, record: UploadRecord) -> None:
    database.execute(_PUT, (record.id, record.revision, record.until, write(record)))


def _remove(database: sqlite3.Connection, id: str, now: int, expiry: int) -> None:
    database.execute(_FORGET_REMOVALS, (now,))
    database.execute(_REMOVE, (id, now + expiry))


def _records(
    database: sqlite3.Connection, query: str, values: tuple[float, ...]
) -> list[UploadRecord]:
    found = (read(text) for (text,) in database.execute(query, values))
    return [record for record in found if record is not None]


def _recall(database: sqlite3.Connection, id: str) -> Change | None:
    row = database.execute(_RECALL, (id,)).fetchone()
    return None if row is None else _change(*row)


def _joined(database: sqlite3.Connection, server: str) -> None:
    if database.execute("SELECT server FROM uploads_server").fetchone() == (server,):
        return
    database.execute("UPDATE uploads SET pushed = 0")
    database.execute("DELETE FROM uploads_server")
    database.execute("INSERT INTO uploads_server VALUES (?)", (server,))


def _behind(database: sqlite3.Connection, most: int) -> list[Change]:
    return [_change(*row) for row in database.execute(_BEHIND, (most,))]


def _backlog(database: sqlite3.Connection) -> int:
    (count,) = database.execute(_BACKLOG).fetchone()
    assert isinstance(count, int)
    return count


def _pushed(database: sqlite3.Connection, changes: Sequence[Change]) -> None:
    database.executemany(_PUSHED, [(change.revision, change.id) for change in changes])


def _record(change: Change | None) -> UploadRecord | None:
    return None if change is None else change.record


def _change(id: str, revision: int, text: str | None) -> Change:
    return Change(id, revision, None if text is None else read(text))
