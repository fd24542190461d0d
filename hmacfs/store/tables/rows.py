"""
The columns that files, versions and trash have in common, and their SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import attrs

from hmacfs.records import Row

FIELDS = [field.name for field in attrs.fields(Row)]
_values = attrgetter(*FIELDS)

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


def put(
    table: str,
    keys: Sequence[str] = (),
    unless: str = "0",
    beside: Sequence[str] = (),
    rows: int = 1,
    over: str = "1",
) -> str:
    """
    An upsert: ``REPLACE`` would keep the sums' triggers from hearing of what
    it replaces.

    :param keys: as of :func:`select`; with the name they are the primary key.
    :param unless: a condition of SQL, on the columns of the row.
    :param beside: columns of it that are not stored.
    :param rows: how many rows it puts in.
    :param over: a condition on a row that is there, and on ``excluded``, the one
        that would be in its place.
    :return: the statement that puts rows in, each in place of the one that has
        its key; its parameters are *keys*, :func:`values` and *beside* of each.
    """
    columns = [*keys, *FIELDS]
    given = [*columns, *beside]
    marks = f"({', '.join('?' * len(given))})"
    changed = ", ".join(f"{each} = excluded.{each}" for each in FIELDS if each != "name")
    # The names of the columns of VALUES.
    named = ", ".join(f"column{at} AS {each}" for at, each in enumerate(given, 1))
    return f"""
        INSERT INTO {table} ({", ".join(columns)})
        SELECT {", ".join(columns)}
        FROM (SELECT {named} FROM (VALUES {", ".join([marks] * rows)})) AS came
        WHERE NOT ({unless})
        ON CONFLICT DO UPDATE SET {changed} WHERE {over}
    """  # noqa: S608 - as above


def values(row: Row) -> tuple[Any, ...]:
    """
    :return: *row*, column by column.
    """
    told: tuple[Any, ...] = _values(row)
    return told
