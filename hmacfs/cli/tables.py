"""
What the commands that keep a store print: tables for people, JSON for programs.

A row is printed as it comes, for there may be a million of them: so columns
have their widths beforehand, and what has no bound, a name, stands last.
Nothing of it reaches a terminal but what can be seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

from hmacfs.control.lines import Message
from hmacfs.redaction import visible
from hmacfs.units import format_size

#: What the rows tell in unix seconds.
TIMES = ("stored", "expires", "removed")

NOTHING = "-"


def text(value: Any) -> str:
    """
    :return: *value* as it may be shown; a mark where there is none.
    """
    return NOTHING if value is None or value == "" else visible(str(value))


def size(value: Any) -> str:
    """
    :param value: bytes, or ``None``.
    """
    return NOTHING if value is None else format_size(value)


def moment(value: Any) -> str:
    """
    :param value: unix seconds, or ``None``.
    """
    return NOTHING if value is None else f"{_moment(value):%Y-%m-%d %H:%M:%S}"


@attrs.frozen
class Column:
    """
    :ivar key: of the rows.
    :ivar width: characters; what has more moves the rest of its line.
    :ivar right: whether it stands at the right end of them.
    """

    title: str
    key: str
    width: int
    show: Callable[[Any], str] = text
    right: bool = False


NAME = Column("name", "name", 0)
SIZE = Column("size", "size", 10, size, right=True)
STORED = Column("stored (UTC)", "stored", 19, moment)
EXPIRES = Column("expires (UTC)", "expires", 19, moment)
VERSION = Column("version", "version", 30)


class Table:
    """
    Prints rows to standard output, one way or the other.
    """

    def __init__(self, columns: Sequence[Column], as_json: bool) -> None:
        self._columns, self._json = columns, as_json
        self._begun = False

    def row(self, row: Message) -> None:
        """Print *row*, below the titles if it is the first one."""
        if self._json:
            print(as_json(row))
            return
        if not self._begun:
            self._begun = True
            self._print([column.title for column in self._columns])
        self._print([column.show(row.get(column.key)) for column in self._columns])

    def _print(self, cells: Sequence[str]) -> None:
        print(
            "  ".join(
                cell.rjust(column.width) if column.right else cell.ljust(column.width)
                for column, cell in zip(self._columns, cells, strict=True)
            ).rstrip()
        )


def as_json(row: Message) -> str:
    """
    :return: *row* as one line for a program, ``null`` for what there is not.
    """
    told = {key: _time(value) if key in TIMES else value for key, value in row.items()}
    if told.get("version") == "":
        told["version"] = None
    # All of it is ASCII, and DEL the one of those that a terminal acts on and JSON lets pass.
    return json.dumps(told).replace("\x7f", "\\u007f")


def counted(count: int, what: str) -> str:
    """
    :param what: in the singular, one that takes an s.
    :return: ``"1 file"``, ``"2 files"``.
    """
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _time(value: Any) -> str | None:
    if value is None:
        return None
    return _moment(value).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(value: float) -> datetime:
    return datetime.fromtimestamp(value, UTC)
