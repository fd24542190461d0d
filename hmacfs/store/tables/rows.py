"""
The columns that files, versions and trash have in common, and their SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from hmacfs.records import Row

FIELDS = [field.name for field in attrs.fields(Row)]

DEFINED = """
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    stored REAL NOT NULL,
    sha256 TEXT,
    expires INTEGER,
    owner TEXT,
    own INTEGER,
    counted REAL
"""


def select(table: str, rest: str, keys: Sequence[str] = ()) -> str:
    """
    :param rest: what follows the table's name.
    :param keys: columns before those of the row.
    :return: a query of whole rows.
    """
    columns = ", ".join([*keys, *FIELDS])
    return f"SELECT {columns} FROM {table} {rest}"  # noqa: S608 - all of it is our own


def put(table: str, keys: Sequence[str] = (), unless: str = "0") -> str:
    """
    An upsert: ``REPLACE`` would keep the sums' triggers from hearing of what
    it replaces.

    :param keys: as of :func:`select`; with the name they are the primary key.
    :param unless: a condition of SQL.
    :return: the statement that puts a row in, in place of the one that has its
        key; its parameters are numbered by :func:`values`.
    """
    columns = [*keys, *FIELDS]
    marks = ", ".join(f"?{number}" for number in range(1, len(columns) + 1))
    changed = ", ".join(f"{each} = excluded.{each}" for each in FIELDS if each != "name")
    return f"""
        INSERT INTO {table} ({", ".join(columns)}) SELECT {marks} WHERE NOT ({unless})
        ON CONFLICT DO UPDATE SET {changed}
    """


def values(row: Row) -> tuple[Any, ...]:
    """
    :return: *row*, column by column.
    """
    return attrs.astuple(row, recurse=False)
