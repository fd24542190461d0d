"""
Since when the present retention holds.

The index remembers the terms that held before, by their fingerprint.  Where
they are others now, they hold since now: what is kept gets its grace by them,
and the rows have to be reckoned anew, since their expiries are the old ones.
An index that knows of no terms is one of a store that is taken over, or was
lost: its files are as old as they are, and get the grace as well.
"""

from __future__ import annotations

import sqlite3
from math import ceil
from typing import Any

import attrs

from hmacfs.records import Row
from hmacfs.retention import Retention
from hmacfs.store.tables import files, state, versions
from hmacfs.store.tables.versions import VersionRow

KEY = "retention"

Key = tuple[str, ...]


@attrs.frozen
class Reckoned:
    """
    How far the rows have been reckoned anew.

    :ivar stage: ``"files"``, ``"versions"`` or ``"done"``.
    :ivar after: the key of the last row that was, in this stage.
    :ivar rows: how many were looked at.
    :ivar count: how many of them go when the grace is over.
    :ivar size: bytes of these.
    """

    stage: str = "files"
    after: Key = ("",)
    rows: int = 0
    count: int = 0
    size: int = 0


def since(database: sqlite3.Connection, retention: Retention, now: float) -> Retention:
    """
    :param retention: of the settings.
    :param now: unix seconds.
    :return: the same, with the moment since when it holds: to be asked for
        before anything is served, and to be remembered.
    """
    known = state.get(database, KEY)
    if known is None or known["fingerprint"] != retention.fingerprint:
        at = Reckoned("done" if known is None else "files")
        # Of a new index the rows are yet to be made, by these terms.
        new = known is None or known.get("new", False)
        known = {"fingerprint": retention.fingerprint, "since": now, "new": new}
        state.put(database, KEY, {**known, **attrs.asdict(at)})
    return attrs.evolve(retention, since=known["since"])


def reckoned(database: sqlite3.Connection) -> Reckoned:
    """
    :return: how far it is; also behind a restart.
    """
    return _read(state.get(database, KEY))


def crawled(database: sqlite3.Connection) -> None:
    """
    The whole tree is in the index.  Where that was new its rows are gone
    through once more, since only now it can be counted what goes by the terms.
    """
    told = state.get(database, KEY)
    if told is not None and told.get("new"):
        state.put(database, KEY, {**told, "new": False, **attrs.asdict(Reckoned())})


def reckon(database: sqlite3.Connection, retention: Retention, most: int) -> Reckoned:
    """
    Reckon when the next *most* rows expire.

    :param retention: as :func:`since` gave it.
    :return: how far it is then.
    """
    told = state.get(database, KEY)
    at = _read(told)
    if at.stage not in _PAGES:
        return at
    page = _PAGES[at.stage](database, at.after, most)
    count, size = at.count, at.size
    for key, row in page:
        expires = retention.expires(row.name, row.stored, row.own, row.counted)
        changed = attrs.evolve(row, expires=expires)
        if changed != row:
            _WRITE[at.stage](database, key, changed)
        if _goes_by_grace(changed, retention):
            count, size = count + 1, size + row.size
    rows = at.rows + len(page)
    if len(page) == most:
        at = Reckoned(at.stage, page[-1][0], rows, count, size)
    else:
        at = Reckoned(_FOLLOWING[at.stage], ("", ""), rows, count, size)
    state.put(database, KEY, {**told, **attrs.asdict(at)})
    return at


def _goes_by_grace(row: Row, retention: Retention) -> bool:
    grace = ceil(retention.since + retention.grace)
    return row.stored < retention.since and row.expires is not None and row.expires <= grace


def _files(database: sqlite3.Connection, after: Key, most: int) -> list[tuple[Key, Row]]:
    return [((row.name,), row) for row in files.page(database, after[0], most)]


def _versions(database: sqlite3.Connection, after: Key, most: int) -> list[tuple[Key, Row]]:
    return [(each.key, each.row) for each in versions.page(database, (after[0], after[1]), most)]


def _write_file(database: sqlite3.Connection, key: Key, row: Row) -> None:
    files.write(database, [row])


def _write_version(database: sqlite3.Connection, key: Key, row: Row) -> None:
    versions.write(database, [VersionRow(key[1], row)])


def _read(told: Any) -> Reckoned:
    if told is None:
        return Reckoned("done")
    fields = {field.name: told[field.name] for field in attrs.fields(Reckoned)}
    return Reckoned(**{**fields, "after": tuple(fields["after"])})


_PAGES = {"files": _files, "versions": _versions}
_WRITE = {"files": _write_file, "versions": _write_version}
_FOLLOWING = {"files": "versions", "versions": "done"}
