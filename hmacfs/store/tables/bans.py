"""
The digests that no upload may have.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable


def ban(database: sqlite3.Connection, digests: Iterable[str]) -> None:
    """
    :param digests: SHA-256, lower-case hexadecimal.
    """
    database.executemany("INSERT OR IGNORE INTO bans VALUES (?)", ((each,) for each in digests))


def unban(database: sqlite3.Connection, digests: Iterable[str]) -> None:
    """
    Take *digests* again.
    """
    database.executemany("DELETE FROM bans WHERE sha256 = ?", ((each,) for each in digests))


def all(database: sqlite3.Connection) -> frozenset[str]:
    """
    :return: every digest that is banned.
    """
    return frozenset(each for (each,) in database.execute("SELECT sha256 FROM bans"))
