"""
How much there is, kept by triggers.
"""

from __future__ import annotations

import sqlite3

import attrs


@attrs.frozen
class Tally:
    """
    :ivar count: of rows.
    :ivar size: bytes of what they stand for.
    """

    count: int = 0
    size: int = 0


@attrs.frozen
class Totals:
    """
    How much the index lists, of each kind.
    """

    files: Tally = Tally()
    versions: Tally = Tally()
    trash: Tally = Tally()


def totals(database: sqlite3.Connection) -> Totals:
    """
    :return: how much there is now.
    """
    found = database.execute("SELECT kind, count, size FROM totals")
    return Totals(**{kind: Tally(count, size) for kind, count, size in found})
