"""
The files: one row each, by name.

A row may be written long after its file was stored, and the file may be gone
by then.  So a row is passed over where its name was buried later than its
file was stored: a removal cannot be undone by what was still on its way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain, islice

from hmacfs.records import Row
from hmacfs.store.tables.rows import put, select, values
from hmacfs.store.tables.tombstones import tombstone_hash

_AT_ONCE = 50
"""
Rows of one statement, which is one call of SQLite: around each the thread lets
go of the interpreter and wants it back, and who has it meanwhile pays for that.
"""

_BURIED = "EXISTS (SELECT 1 FROM tombstones WHERE hash = came.hash AND until > came.stored)"
_NEWER = "excluded.stored >= files.stored"
_PUT = put("files", unless=_BURIED, beside=["hash"])
_PUT_MANY = put("files", unless=_BURIED, beside=["hash"], rows=_AT_ONCE)
_PUT_NEWER = put("files", unless=_BURIED, beside=["hash"], over=_NEWER)
_PUT_MANY_NEWER = put("files", unless=_BURIED, beside=["hash"], rows=_AT_ONCE, over=_NEWER)
_FIND = select("files", "WHERE name = ?")
_PAGE = select("files", "WHERE name > ? ORDER BY name LIMIT ?")
_BY_OWNER = select("files", "WHERE owner = ? AND name > ? ORDER BY name LIMIT ?")
_BY_DIGEST = select("files", "WHERE sha256 = ? AND name > ? ORDER BY name LIMIT ?")
_DUE = select("files", "WHERE expires <= ? ORDER BY expires, name LIMIT ?")
_COUNT_DUE = "SELECT COUNT(*) FROM (SELECT 1 FROM files WHERE expires <= ? LIMIT ?)"
_DROP = "DELETE FROM files WHERE name = ?"


def write(database: sqlite3.Connection, rows: Iterable[Row], newer: bool = False) -> None:
    """
    Put *rows* in, each in place of the one that has its name, unless a
    tombstone holds there that is younger than the file.

    :param newer: whether one that was stored later than that stays.
    """
    one, many = (_PUT_NEWER, _PUT_MANY_NEWER) if newer else (_PUT, _PUT_MANY)
    waiting = iter(rows)
    while some := [(*values(row), tombstone_hash(row.name)) for row in islice(waiting, _AT_ONCE)]:
        if len(some) == _AT_ONCE:
            database.execute(many, tuple(chain.from_iterable(some)))
        else:
            database.executemany(one, some)


def mend(database: sqlite3.Connection, changes: Iterable[tuple[Row | None, Row | None]]) -> int:
    """
    Change rows that are still what they were: for whoever looked at rows and
    files a while ago, and may be wrong by now.

    :param changes: the row that was seen, ``None`` where there was none, and
        the one to be in its place, ``None`` for none.
    :return: how many were changed.
    """
    changed = 0
    for seen, now in changes:
        row = now or seen
        if row is None or find(database, row.name) != seen:
            continue
        before = database.total_changes
        if now is None:
            drop(database, [row.name])
        else:
            write(database, [now])
        changed += database.total_changes != before
    return changed


def drop(database: sqlite3.Connection, names: Iterable[str]) -> None:
    """
    Take out the rows of *names*, where there are any.
    """
    database.executemany(_DROP, ((name,) for name in names))


def find(database: sqlite3.Connection, name: str) -> Row | None:
    """
    :return: the row of *name*.
    """
    found = database.execute(_FIND, (name,)).fetchone()
    return None if found is None else Row(*found)


def page(database: sqlite3.Connection, after: str, most: int) -> list[Row]:
    """
    :param after: a name, ``""`` for the first page.
    :return: up to *most* rows behind it, in the order of names.
    """
    return _rows(database, _PAGE, after, most)


def by_owner(database: sqlite3.Connection, owner: str, after: str, most: int) -> list[Row]:
    """
    :return: a page, as of :func:`page`, of what *owner* keeps.
    """
    return _rows(database, _BY_OWNER, owner, after, most)


def by_digest(database: sqlite3.Connection, sha256: str, after: str, most: int) -> list[Row]:
    """
    :return: a page, as of :func:`page`, of the files that have this digest;
        where nobody wanted it yet a row knows of none.
    """
    return _rows(database, _BY_DIGEST, sha256, after, most)


def due(database: sqlite3.Connection, now: float, most: int) -> list[Row]:
    """
    :param now: unix seconds.
    :return: up to *most* rows that have expired, the longest expired first.
    """
    return _rows(database, _DUE, now, most)


def count_due(database: sqlite3.Connection, now: float, most: int) -> int:
    """
    :return: how many have expired, counted up to *most*.
    """
    (count,) = database.execute(_COUNT_DUE, (now, most)).fetchone()
    assert isinstance(count, int)
    return count


def _rows(database: sqlite3.Connection, query: str, *values: str | float) -> list[Row]:
    found: Sequence[tuple[object, ...]] = database.execute(query, values).fetchall()
    return [Row(*each) for each in found]  # type: ignore[arg-type]
