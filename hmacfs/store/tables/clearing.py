"""
What can be made anew of the files, taken out.

Tombstones and bans stay, and what the daemon has to remember: no file tells
of them.
"""

from __future__ import annotations

import sqlite3

from hmacfs.store.tables.schema import recount

_KEYS = {"files": "name", "versions": "name, id", "trash": "batch, name, version"}


def clear(database: sqlite3.Connection, most: int) -> bool:
    """
    :param most: how many rows are taken out.
    :return: whether there are more.
    """
    for table, keys in _KEYS.items():
        gone = database.execute(
            f"DELETE FROM {table} WHERE ({keys}) IN (SELECT {keys} FROM {table} LIMIT ?)",  # noqa: S608 - our own
            (most,),
        ).rowcount
        if gone:
            return True
    recount(database)
    return False
