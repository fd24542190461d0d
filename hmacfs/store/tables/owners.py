"""
What each owner keeps, files and versions together.

Triggers change the sums with the rows, in the same transaction: they are
exact as long as the rows are.
"""

from __future__ import annotations

import sqlite3

_USAGE = "SELECT size FROM owners WHERE owner = ?"
_SPREAD = "SELECT COUNT(*), COALESCE(SUM(files), 0) FROM owners WHERE files > 0"


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
