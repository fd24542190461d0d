"""
Structured fields (RFC 9651), as far as uploads speak in them.

``Upload-Complete: ?1``, ``Upload-Offset: 17`` and ``Content-Digest:
sha-256=:...:`` are Items and Dictionaries of booleans, integers and byte
sequences.  The whole grammar is read all the same, since what one member is
worth may not depend on whether we know the type of its neighbour; a value of
another type is only not told apart (:data:`OTHER`).

A field that breaks the grammar counts as absent, and so does one whose value
has another type than it should (section 4.2; the upload draft says it again).
Parameters are legal everywhere and mean nothing to us.

This is our own and not ``http-sfv``: that one is 900 lines of mutable
collections that also write, compare and convert, it gives what is wrong as one
ValueError, and it would be the core's only import from outside for two
functions.  On 400,000 made-up fields the two agreed.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_to_bytes


class _Other:
    """The type of :data:`OTHER`."""

    def __repr__(self) -> str:
        return "OTHER"


OTHER: Final = _Other()
"""A value that is well-formed and neither boolean, integer nor bytes."""

Value = bool | int | bytes | _Other

# Section 3.3, each with what can tell it from the others first.  The lengths
# are the grammar's: a digit too many is left over, and fails what follows.
_BARE = re.compile(
    rb"(?P<decimal>-?[0-9]{1,12}\.[0-9]{1,3})"
    rb"|(?P<integer>-?[0-9]{1,15})"
    rb"|\?(?P<boolean>[01])"
    rb"|:(?P<bytes>(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2,3})?+={0,2}+):"
    rb'|(?P<string>"(?:[ !#-\[\]-~]|\\["\\])*+")'
    rb"|(?P<token>[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*+)"
    rb"|(?P<date>@-?[0-9]{1,15})"
    rb'|%"(?P<display>(?:[ !#$&-~]|%[0-9a-f]{2})*+)"'
)
# key = ( lcalpha / "*" ) *( lcalpha / DIGIT / "_" / "-" / "." / "*" )
_KEY = re.compile(rb"[a-z*][a-z0-9_\-.*]*+")
_SPACES = re.compile(rb" *+")
# What parts two members, and no member may end with.
_COMMA = re.compile(rb"[ \t]*+,[ \t]*+")


class _Malformed(Exception):
    """The field breaks the grammar."""


def _integer(text: bytes) -> int:
    return int(text)


def _boolean(text: bytes) -> bool:
    return text == b"1"


def _bytes(text: bytes) -> bytes:
    # Section 4.2.7: padding may be missing.
    bare = text.rstrip(b"=")
    return b64decode(bare + b"=" * (-len(bare) % 4))


def _display(text: bytes) -> _Other:
    try:
        unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise _Malformed from None
    return OTHER


def _other(_text: bytes) -> _Other:
    return OTHER


_TYPES: Mapping[str, Callable[[bytes], Value]] = MappingProxyType(
    {
        "integer": _integer,
        "boolean": _boolean,
        "bytes": _bytes,
        "display": _display,
        "decimal": _other,
        "string": _other,
        "token": _other,
        "date": _other,
    }
)


class _Reader:
    """
    A place in a field, which every method moves on or finds malformed.
    """

    def __init__(self, field: bytes) -> None:
        self._field = field
        self._at = 0

    @property
    def ended(self) -> bool:
        """Whether all of it was read."""
        return self._at == len(self._field)

    def take(self, what: bytes) -> bool:
        """
        :return: whether *what* stands here; it is behind us then.
        """
        here = self._field.startswith(what, self._at)
        self._at += len(what) * here
        return here

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        """Read what *pattern* finds here."""
        found = pattern.match(self._field, self._at)
        if found is None:
            raise _Malformed
        self._at = found.end()
        return found

    def key(self) -> str:
        """A key of a dictionary or of a parameter."""
        return self.match(_KEY)[0].decode()

    def bare(self) -> Value:
        """An item without its parameters."""
        found = self.match(_BARE)
        assert found.lastgroup is not None
        return _TYPES[found.lastgroup](found[found.lastgroup])

    def parameters(self) -> None:
        """All of them, which mean nothing here."""
        while self.take(b";"):
            self.match(_SPACES)
            self.key()
            if self.take(b"="):
                self.bare()

    def item(self) -> Value:
        """An item with its parameters."""
        value = self.bare()
        self.parameters()
        return value

    def member(self) -> Value:
        """What a key of a dictionary stands for: an item, or an inner list."""
        if not self.take(b"("):
            return self.item()
        blank = True
        while True:
            blank = bool(self.match(_SPACES)[0]) or blank
            if self.take(b")"):
                break
            if not blank:
                raise _Malformed
            self.item()
            blank = False
        self.parameters()
        return OTHER


def item(field: bytes | None) -> Value | None:
    """
    Read an Item (section 4.2.3).

    :param field: its value, several lines joined, or ``None``.
    :return: ``None`` where it is absent or malformed.
    """
    if field is None:
        return None
    reader = _Reader(field.strip(b" "))
    try:
        value = reader.item()
    except _Malformed:
        return None
    return value if reader.ended else None


def boolean(field: bytes | None) -> bool | None:
    """
    :return: the boolean that an Item is, or ``None``.
    """
    value = item(field)
    return value if isinstance(value, bool) else None


def natural(field: bytes | None) -> int | None:
    """
    :return: the integer that an Item is, or ``None``; a negative one is none
        of those that count bytes.
    """
    value = item(field)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def dictionary(field: bytes | None) -> Mapping[str, Value]:
    """
    Read a Dictionary (section 4.2.2).

    :param field: its value, several lines joined, or ``None``.
    :return: its members; none where it is absent or malformed.  Of a key that
        stands there twice the last counts.
    """
    members: dict[str, Value] = {}
    reader = _Reader((field or b"").lstrip(b" ").rstrip(b" \t"))
    try:
        while not reader.ended:
            if members:
                reader.match(_COMMA)
            key = reader.key()
            if reader.take(b"="):
                members[key] = reader.member()
            else:
                reader.parameters()
                members[key] = True
    except _Malformed:
        return {}
    return members
