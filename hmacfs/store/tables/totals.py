"""
How much there is of each kind, kept by triggers.
"""

from __future__ import annotations

import sqlite3

from hmacfs.records import Tally, Totals


def totals(database: sqlite3.Connection) -> Totals:
    """
    :return: how much there is now.
    """
    found = database.execute("SELECT kind, count, size FROM totals")
    return Totals(**{kind: Tally(count, size) for kind, count, size in found})
