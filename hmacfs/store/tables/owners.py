"""
What each owner keeps, files and versions together.

Triggers change the sums with the rows, in the same transaction: they are
exact as long as the rows are.
"""

from __future__ import annotations

import sqlite3

_USAGE = "SELECT size FROM owners WHERE owner = ?"
_SPREAD = "SELECT COUNT(*), COALESCE(SUM(files), 0) FROM owners WHERE files > 0"

# Each is the first entry of an index: owners are passed over as wholes,
# however much they keep.
_NEXT = """
SELECT MIN(owner) FROM (
    SELECT MIN(owner) AS owner FROM owners WHERE owner > :after
    UNION ALL SELECT MIN(owner) FROM files WHERE owner > :after
    UNION ALL SELECT MIN(owner) FROM versions WHERE owner > :after
)
"""
_SUMMED = """
SELECT COALESCE(SUM(file), 0), COALESCE(SUM(NOT file), 0), COALESCE(SUM(size), 0) FROM (
    SELECT 1 AS file, size FROM files WHERE owner = :owner
    UNION ALL SELECT 0, size FROM versions WHERE owner = :owner
)
"""
_KEPT = "SELECT files, versions, size FROM owners WHERE owner = ?"
_DROP = "DELETE FROM owners WHERE owner = ?"
_PUT = "INSERT INTO owners (owner, files, versions, size) VALUES (?, ?, ?, ?)"


def usage(database: sqlite3.Connection, owner: str) -> int:
    """
    :return: the bytes of all files and versions that *owner* keeps.
    """
    found = database.execute(_USAGE, (owner,)).fetchone()
    return found[0] if found else 0


def spread(database: sqlite3.Connection) -> tuple[int, int]:
    """
    :return: how many owners keep files, and how many files they keep.
    """
    owners, files = database.execute(_SPREAD).fetchone()
    return owners, files


def wrong(database: sqlite3.Connection, after: str, most: int) -> tuple[str, list[str]]:
    """
    Sum up anew what a few owners keep.

    :param after: an owner, ``""`` for the first ones.
    :return: the last of these owners, ``""`` where all are done, and those
        whose sums are wrong.
    """
    owner = after
    found: list[str] = []
    for _ in range(most):
        (owner,) = database.execute(_NEXT, {"after": owner}).fetchone()
        if owner is None:
            return "", found
        kept = database.execute(_KEPT, (owner,)).fetchone()
        if _summed(database, owner) != (kept or (0, 0, 0)):
            found.append(owner)
    return owner, found


def correct(database: sqlite3.Connection, owner: str) -> None:
    """
    Make the sums of *owner* anew.
    """
    summed = _summed(database, owner)
    database.execute(_DROP, (owner,))
    if any(summed):
        database.execute(_PUT, (owner, *summed))


def _summed(database: sqlite3.Connection, owner: str) -> tuple[int, int, int]:
    files, versions, size = database.execute(_SUMMED, {"owner": owner}).fetchone()
    return files, versions, size
