"""
What the index is told before something goes or comes back, and behind it.

Each function is one transaction: see :mod:`hmacfs.store.tables`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from hmacfs.records import Due
from hmacfs.store.kept import Plan
from hmacfs.store.removal import ANY, Errand, Outcome
from hmacfs.store.restoring import Back
from hmacfs.store.tables import files, state, tombstones, trash, versions
from hmacfs.store.tables.tombstones import Burial
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.tables.versions import VersionRow
from hmacfs.store.versions import Rows

UNDER_WAY = 86400
"""Seconds that a name takes no upload because its removal is under way."""

MOST = 10_000
"""Items of the trash that one name has at most, as far as anyone looks."""

_PURGING = "purging"

Key = tuple[str, str, str]
"""Of an item of the trash: its batch, its name and its version."""


def rows_of(database: sqlite3.Connection, names: Iterable[str]) -> dict[str, Rows]:
    """
    :return: for each name the row of its file, by ``""``, and of its versions.
    """
    found: dict[str, Rows] = {}
    for name in names:
        rows = {version.id: version.row for version in versions.of(database, name)}
        file = files.find(database, name)
        found[name] = rows if file is None else {**rows, "": file}
    return found


def trashed(database: sqlite3.Connection, name: str) -> list[TrashRow]:
    """
    :return: what the trash has of *name*.
    """
    return trash.find(database, name, MOST)


def due(database: sqlite3.Connection, now: float, bound: int, most: int) -> list[Due]:
    """
    :param bound: how many versions a name has; 0 for any number.
    :return: what is past its time, the longest first, and then what is over
        the bound.
    """
    expired = [
        (row.expires, Due(row.name, "", "expired", row.size))
        for row in files.due(database, now, most)
    ]
    for version in versions.due(database, now, most):
        expired.append((version.row.expires, Due(*version.key, "expired", version.row.size)))
    found = [each for _, each in sorted(expired, key=lambda timed: timed[0] or 0)][:most]
    if bound and len(found) < most:
        crowded = versions.crowded(database, bound, now, most - len(found))
        found += [Due(*each.key, "over the bound", each.row.size) for each in crowded]
    return found


def count_due(database: sqlite3.Connection, now: float, bound: int, most: int) -> int:
    """
    :return: how many these are, counted up to *most*.
    """
    count = files.count_due(database, now, most) + versions.count_due(database, now, most)
    if bound and count < most:
        count += versions.count_crowded(database, bound, now, most - count)
    return min(count, most)


def mend(database: sqlite3.Connection, plan: Plan) -> None:
    """Put right what the index had wrong."""
    files.mend(database, plan.files)
    versions.mend(database, plan.versions)


def begin(database: sqlite3.Connection, errands: Iterable[Errand], now: float) -> None:
    """
    Write down what is about to go.  Where a file does, its name takes no
    upload until that is done, however short it is to be buried then.
    """
    tombstones.bury(
        database,
        (
            Burial(
                errand.name,
                max(errand.until, int(now) + UNDER_WAY) if errand.file else 0,
                errand.encode(),
            )
            for errand in errands
        ),
    )


def finish(database: sqlite3.Connection, outcomes: Iterable[Outcome]) -> None:
    """
    Write down what went.  What failed on the way stays written down as begun.
    """
    for outcome in outcomes:
        errand = outcome.errand
        if outcome.failed:
            if not outcome.changed:
                _dig_out(database, errand, 0)
            continue
        _drop(database, outcome)
        trash.write(database, outcome.shelved())
        _dig_out(database, errand, errand.until if outcome.stays is None else 0)
        if outcome.stays is not None:
            files.write(database, [outcome.stays])


def forget(database: sqlite3.Connection, name: str, now: float) -> bool:
    """
    :return: whether *name* was buried; it is not any more, unless something
        is just being removed there.
    """
    found = tombstones.find(database, name)
    if found is None or found.doing is not None:
        return False
    tombstones.exhume(database, [name])
    return found.until > now


def came_back(database: sqlite3.Connection, back: Back, item: TrashRow) -> None:
    """
    Note that *item* is where it was.
    """
    name, version = item.row.name, item.version
    if version:
        versions.write(database, [VersionRow(version, back.file.row)])
    else:
        tombstones.exhume(database, [name])
        files.write(database, [back.file.row])
    trash.drop(database, [item.key])


def purge(database: sqlite3.Connection, keys: Iterable[Key]) -> list[TrashRow]:
    """
    Write down that *keys* are about to go from the trash.

    :return: those that are there.
    """
    found = [item for key in keys if (item := trash.get(database, *key)) is not None]
    state.put(database, _PURGING, [item.key for item in found])
    return found


def purging(database: sqlite3.Connection) -> list[TrashRow]:
    """
    :return: what was about to go when all ended.
    """
    keys = state.get(database, _PURGING) or []
    return [item for key in keys if (item := trash.get(database, *key)) is not None]


def purged(database: sqlite3.Connection, keys: Iterable[Key]) -> None:
    """Note that *keys* went."""
    trash.drop(database, keys)
    state.put(database, _PURGING, None)


def _drop(database: sqlite3.Connection, outcome: Outcome) -> None:
    errand = outcome.errand
    if errand.file and outcome.stays is None:
        files.drop(database, [errand.name])
    ids: Sequence[str] = errand.versions
    if ids == (ANY,):
        ids = [version.id for version in versions.of(database, errand.name)]
    versions.drop(database, ((errand.name, id) for id in ids))
    if errand.everywhere:
        trash.drop(database, [item.key for item in trashed(database, errand.name)])


def _dig_out(database: sqlite3.Connection, errand: Errand, until: int) -> None:
    """
    :param until: until when the name stays buried, 0 where it does not.
    """
    if errand.file:
        tombstones.exhume(database, [errand.name])
        if until:
            tombstones.bury(database, [Burial(errand.name, until)])
        return
    # Versions go and come without their name's being buried; it may be all
    # the same, since its file went before.
    found = tombstones.find(database, errand.name)
    if found is not None and found.until:
        tombstones.settle(database, [errand.name])
    else:
        tombstones.exhume(database, [errand.name])
