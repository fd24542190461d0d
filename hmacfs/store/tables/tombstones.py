"""
The tombstones: what names take no upload, and what is being removed.

A name is known by a hash, so that what was deleted is not remembered by name;
the name itself stands there only while its removal is under way, for a start
that has to finish it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import sha256

import attrs

_BURY = """
INSERT INTO tombstones (hash, until, name, doing) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET until = MAX(until, excluded.until), name = excluded.name,
    doing = excluded.doing
"""
_SETTLE = "UPDATE tombstones SET name = NULL, doing = NULL WHERE hash = ?"
_EXHUME = "DELETE FROM tombstones WHERE hash = ?"
_FIND = "SELECT until, doing FROM tombstones WHERE hash = ?"
_UNFINISHED = """
SELECT name, until, doing FROM tombstones WHERE doing IS NOT NULL ORDER BY name
"""
_HASHES = "SELECT hash FROM tombstones WHERE hash > ? ORDER BY hash LIMIT ?"
_COUNT_EXPIRED = """
SELECT COUNT(*) FROM (SELECT 1 FROM tombstones WHERE until <= ? AND doing IS NULL LIMIT ?)
"""
_EXPIRED = "SELECT hash FROM tombstones WHERE until <= ? AND doing IS NULL LIMIT ?"


def tombstone_hash(name: str) -> bytes:
    """
    :return: 16 bytes by which *name* is known.
    """
    return sha256(name.encode()).digest()[:16]


@attrs.frozen
class Burial:
    """
    :ivar name: which takes no upload.
    :ivar until: unix seconds; from then on it takes uploads again, and the
        rows of files that were stored from then on.
    :ivar doing: the removal that is under way, in the words of whoever does
        it; ``None`` where it is done.
    """

    name: str
    until: int
    doing: str | None = None


def bury(database: sqlite3.Connection, burials: Iterable[Burial]) -> None:
    """
    Put up a tombstone for each name.  One that holds longer goes on to.
    """
    database.executemany(
        _BURY,
        (
            (tombstone_hash(each.name), each.until, each.doing and each.name, each.doing)
            for each in burials
        ),
    )


def settle(database: sqlite3.Connection, names: Iterable[str]) -> None:
    """
    Note that the removals of *names* are done, and forget the names.
    """
    database.executemany(_SETTLE, _hashes(names))


def exhume(database: sqlite3.Connection, names: Iterable[str]) -> int:
    """
    Take the tombstones of *names* away.

    :return: how many there were.
    """
    return database.executemany(_EXHUME, _hashes(names)).rowcount


def find(database: sqlite3.Connection, name: str) -> Burial | None:
    """
    :return: the tombstone of *name*, be it one that holds no longer.
    """
    found = database.execute(_FIND, (tombstone_hash(name),)).fetchone()
    return None if found is None else Burial(name, *found)


def unfinished(database: sqlite3.Connection) -> list[Burial]:
    """
    :return: the removals that were begun and not settled.
    """
    return [Burial(*each) for each in database.execute(_UNFINISHED)]


def hashes(database: sqlite3.Connection, after: bytes, most: int) -> Sequence[bytes]:
    """
    :param after: a hash, ``b""`` for the first page.
    :return: up to *most* of the hashes behind it, in order.
    """
    return [hash for (hash,) in database.execute(_HASHES, (after, most))]


def count_expired(database: sqlite3.Connection, now: float, most: int) -> int:
    """
    :return: how many hold no longer, counted up to *most*.
    """
    (count,) = database.execute(_COUNT_EXPIRED, (now, most)).fetchone()
    assert isinstance(count, int)
    return count


def expire(database: sqlite3.Connection, now: float, most: int) -> int:
    """
    Forget up to *most* tombstones that hold no longer.

    :return: how many that were.
    """
    found = database.execute(_EXPIRED, (now, most)).fetchall()
    database.executemany(_EXHUME, found)
    return len(found)


def _hashes(names: Iterable[str]) -> Iterable[tuple[bytes]]:
    return ((tombstone_hash(name),) for name in names)
