"""
What files were before: one row for each version, by name and id.

How many versions a name has is kept by triggers, and in order, so that those
with too many are found without looking at the others.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import attrs

from hmacfs.records import Row
from hmacfs.store.tables.rows import put, select, values

_KEYS = ("id",)
_PUT = put("versions", _KEYS)
_DROP = "DELETE FROM versions WHERE name = ? AND id = ?"
_FIND = select("versions", "WHERE name = ? AND id = ?", _KEYS)
_OF = select("versions", "WHERE name = ? ORDER BY id DESC", _KEYS)
_BEHIND = "AND (name, id) > (?, ?) ORDER BY name, id LIMIT ?"
_PAGE = select("versions", f"WHERE 1 {_BEHIND}", _KEYS)
_BY_OWNER = select("versions", f"WHERE owner = ? {_BEHIND}", _KEYS)
_BY_DIGEST = select("versions", f"WHERE sha256 = ? {_BEHIND}", _KEYS)
_DUE = select("versions", "WHERE expires <= ? ORDER BY expires, name, id LIMIT ?", _KEYS)
_COUNT_DUE = "SELECT COUNT(*) FROM (SELECT 1 FROM versions WHERE expires <= ? LIMIT ?)"
_CROWDS = "SELECT name, count FROM crowds WHERE count > ? ORDER BY count DESC"
_OLDEST = select("versions", "WHERE name = ? ORDER BY id LIMIT ?", _KEYS)


@attrs.frozen
class VersionRow:
    """
    One version as the index lists it.

    :ivar id: as of :class:`hmacfs.records.Version`.
    :ivar row: of the former file, with the name that it had.
    """

    id: str
    row: Row

    @property
    def key(self) -> tuple[str, str]:
        """The name and the id."""
        return self.row.name, self.id


def write(database: sqlite3.Connection, versions: Iterable[VersionRow]) -> None:
    """
    Put *versions* in, each in place of the one that has its name and id.
    """
    database.executemany(_PUT, ((each.id, *values(each.row)) for each in versions))


def mend(
    database: sqlite3.Connection, changes: Iterable[tuple[VersionRow | None, VersionRow | None]]
) -> int:
    """See :func:`hmacfs.store.tables.files.mend`."""
    changed = 0
    for seen, now in changes:
        version = now or seen
        if version is None or find(database, *version.key) != seen:
            continue
        if now is None:
            drop(database, [version.key])
        else:
            write(database, [now])
        changed += 1
    return changed


def drop(database: sqlite3.Connection, keys: Iterable[tuple[str, str]]) -> None:
    """
    :param keys: the name and the id of each row to be taken out.
    """
    database.executemany(_DROP, keys)


def find(database: sqlite3.Connection, name: str, id: str) -> VersionRow | None:
    """
    :return: the row of this version.
    """
    return next(iter(_versions(database, _FIND, name, id)), None)


def of(database: sqlite3.Connection, name: str) -> list[VersionRow]:
    """
    :return: the versions of *name*, the newest first.
    """
    return _versions(database, _OF, name)


def page(database: sqlite3.Connection, after: tuple[str, str], most: int) -> list[VersionRow]:
    """
    :param after: a name and an id, ``("", "")`` for the first page.
    :return: up to *most* versions behind it, in the order of names and ids.
    """
    return _versions(database, _PAGE, *after, most)


def by_owner(
    database: sqlite3.Connection, owner: str, after: tuple[str, str], most: int
) -> list[VersionRow]:
    """
    :return: a page, as of :func:`page`, of the versions that *owner* uploaded.
    """
    return _versions(database, _BY_OWNER, owner, *after, most)


def by_digest(
    database: sqlite3.Connection, sha256: str, after: tuple[str, str], most: int
) -> list[VersionRow]:
    """
    :return: a page, as of :func:`page`, of the versions that have this digest.
    """
    return _versions(database, _BY_DIGEST, sha256, *after, most)


def due(database: sqlite3.Connection, now: float, most: int) -> list[VersionRow]:
    """
    :param now: unix seconds.
    :return: up to *most* versions that have expired, the longest expired first.
    """
    return _versions(database, _DUE, now, most)


def count_due(database: sqlite3.Connection, now: float, most: int) -> int:
    """
    :return: how many have expired, counted up to *most*.
    """
    (count,) = database.execute(_COUNT_DUE, (now, most)).fetchone()
    assert isinstance(count, int)
    return count


def crowded(database: sqlite3.Connection, bound: int, now: float, most: int) -> list[VersionRow]:
    """
    :param bound: how many versions a name may have, at least 1.
    :param now: unix seconds; what has expired by then is :func:`due`, and not
        told once more.
    :return: up to *most* versions that are older than the newest *bound* of
        their name, the oldest of a name first.
    """
    return list(islice(_crowded(database, bound, now), most))


def count_crowded(database: sqlite3.Connection, bound: int, now: float, most: int) -> int:
    """
    :return: how many these are, counted up to *most*.
    """
    return sum(1 for _ in islice(_crowded(database, bound, now), most))


def _crowded(database: sqlite3.Connection, bound: int, now: float) -> Iterator[VersionRow]:
    for name, count in database.execute(_CROWDS, (bound,)):
        for version in _versions(database, _OLDEST, name, count - bound):
            if version.row.expires is None or version.row.expires > now:
                yield version


def _versions(database: sqlite3.Connection, query: str, *values: Any) -> list[VersionRow]:
    return [VersionRow(id, Row(*row)) for id, *row in database.execute(query, values)]
