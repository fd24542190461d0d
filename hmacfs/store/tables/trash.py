"""
The trash: what a sweep took away, by the sweep that took it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import attrs

from hmacfs.records import Row
from hmacfs.store.tables.rows import put, select, values

_KEYS = ("batch", "version", "removed")
_PUT = put("trash", _KEYS)
_DROP = "DELETE FROM trash WHERE batch = ? AND name = ? AND version = ?"
_GET = select("trash", "WHERE batch = ? AND name = ? AND version = ?", _KEYS)
_NEWEST = "ORDER BY removed DESC, batch DESC, name DESC, version DESC LIMIT ?"
_FIND = select("trash", f"WHERE name = ? {_NEWEST}", _KEYS)
_ALL = select("trash", _NEWEST, _KEYS)
_BEFORE = select("trash", "WHERE removed < ? ORDER BY removed LIMIT ?", _KEYS)
_COUNT_BEFORE = "SELECT COUNT(*) FROM (SELECT 1 FROM trash WHERE removed < ? LIMIT ?)"
_BEHIND = "AND (batch, name, version) > (?, ?, ?) ORDER BY batch, name, version LIMIT ?"
_PAGE = select("trash", f"WHERE 1 {_BEHIND}", _KEYS)
_BY_OWNER = select("trash", f"WHERE owner = ? {_BEHIND}", _KEYS)
_BY_DIGEST = select("trash", f"WHERE sha256 = ? {_BEHIND}", _KEYS)


@attrs.frozen
class TrashRow:
    """
    Something in the trash, as the index lists it.

    :ivar batch: as of :class:`hmacfs.records.Trashed`, as the next two.
    :ivar row: what it was, with the name that it had.
    """

    batch: str
    version: str
    removed: float
    row: Row

    @property
    def key(self) -> tuple[str, str, str]:
        """The batch, the name and the version."""
        return self.batch, self.row.name, self.version


def write(database: sqlite3.Connection, items: Iterable[TrashRow]) -> None:
    """
    Put *items* in.
    """
    database.executemany(
        _PUT, ((each.batch, each.version, each.removed, *values(each.row)) for each in items)
    )


def mend(
    database: sqlite3.Connection, changes: Iterable[tuple[TrashRow | None, TrashRow | None]]
) -> int:
    """See :func:`hmacfs.store.tables.files.mend`."""
    changed = 0
    for seen, now in changes:
        item = now or seen
        if item is None or get(database, *item.key) != seen:
            continue
        if now is None:
            drop(database, [item.key])
        else:
            write(database, [now])
        changed += 1
    return changed


def drop(database: sqlite3.Connection, keys: Iterable[tuple[str, str, str]]) -> None:
    """
    :param keys: the batch, the name and the version of each to be taken out.
    """
    database.executemany(_DROP, keys)


def get(database: sqlite3.Connection, batch: str, name: str, version: str) -> TrashRow | None:
    """
    :return: the one that has this key.
    """
    return next(iter(_items(database, _GET, batch, name, version)), None)


def find(database: sqlite3.Connection, name: str | None, most: int) -> list[TrashRow]:
    """
    :param name: ``None`` for all.
    :return: up to *most*, the newest first.
    """
    if name is None:
        return _items(database, _ALL, most)
    return _items(database, _FIND, name, most)


def before(database: sqlite3.Connection, removed: float, most: int) -> list[TrashRow]:
    """
    :param removed: unix seconds.
    :return: up to *most* that came before then, the oldest first.
    """
    return _items(database, _BEFORE, removed, most)


def count_before(database: sqlite3.Connection, removed: float, most: int) -> int:
    """
    :return: how many came before then, counted up to *most*.
    """
    (count,) = database.execute(_COUNT_BEFORE, (removed, most)).fetchone()
    assert isinstance(count, int)
    return count


def page(database: sqlite3.Connection, after: tuple[str, str, str], most: int) -> list[TrashRow]:
    """
    :param after: a batch, a name and a version, ``("", "", "")`` for the first
        page.
    :return: up to *most* behind it, in this order.
    """
    return _items(database, _PAGE, *after, most)


def by_owner(
    database: sqlite3.Connection, owner: str, after: tuple[str, str, str], most: int
) -> list[TrashRow]:
    """
    :return: a page, as of :func:`page`, of what *owner* uploaded.
    """
    return _items(database, _BY_OWNER, owner, *after, most)


def by_digest(
    database: sqlite3.Connection, sha256: str, after: tuple[str, str, str], most: int
) -> list[TrashRow]:
    """
    :return: a page, as of :func:`page`, of what has this digest.
    """
    return _items(database, _BY_DIGEST, sha256, *after, most)


def _items(database: sqlite3.Connection, query: str, *values: Any) -> list[TrashRow]:
    found = database.execute(query, values)
    return [TrashRow(batch, version, removed, Row(*row)) for batch, version, removed, *row in found]
