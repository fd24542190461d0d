"""
The header fields of an answer.

twisted.web's own class cleans and renames each value each time that one is
set, which took a tenth of a small download.  Here the head is looked at once,
when it is a whole: it must have as many line ends as lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from hmacfs.conditions import format_date
from hmacfs.errors import Headers

Field = tuple[bytes, Sequence[bytes]]
"""A name as it is sent, and its values."""

_LINE_ENDS = re.compile(rb"[\r\n]+")


@lru_cache(maxsize=2)
def date(seconds: int) -> bytes:
    """
    :param seconds: unix seconds.
    :return: the value of ``Date``, which is made once a second.
    """
    return format_date(seconds)


def lines(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """
    :return: a line for each field, its end included.  A value that has line
        ends of its own, which would begin a field of somebody else's, has
        blanks in their place.
    """
    told = [b"%b: %b\r\n" % field for field in fields]
    block = b"".join(told)
    if block.count(b"\n") == len(told) == block.count(b"\r"):
        return block
    return b"".join(_LINE_ENDS.sub(b" ", line[:-2]) + b"\r\n" for line in told)


class AnswerFields:
    """
    What :class:`twisted.web.http_headers.Headers` is to a request, as far as
    answers need it.  Names are sent as they are written, and found however.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[bytes, Field] | None = None) -> None:
        """
        :param fields: by their names in lower case.
        """
        self._fields = dict(fields or {})

    @classmethod
    def of(cls, fields: Headers) -> AnswerFields:
        """
        :param fields: each name once.
        """
        return cls({name.lower(): (name, [value]) for name, value in fields})

    def copy(self) -> AnswerFields:
        """
        :return: the same fields, to go on with.
        """
        return AnswerFields(self._fields)

    def hasHeader(self, name: bytes) -> bool:
        """Whether there is such a field."""
        return name.lower() in self._fields

    def removeHeader(self, name: bytes) -> None:
        """Say nothing of it."""
        self._fields.pop(name.lower(), None)

    def setRawHeaders(self, name: bytes | str, values: Sequence[bytes]) -> None:
        """Say this of it, and nothing else."""
        if isinstance(name, str):
            # As twisted.web names one of its own.
            name = name.encode()
        self._fields[name.lower()] = (name, list(values))

    def addRawHeader(self, name: bytes, value: bytes) -> None:
        """Say this of it too."""
        _, values = self._fields.get(name.lower(), (name, []))
        self._fields[name.lower()] = (name, [*values, value])

    def getRawHeaders(
        self, name: bytes, default: Sequence[bytes] | None = None
    ) -> Sequence[bytes] | None:
        """
        :return: what is said of it, or *default*.
        """
        found = self._fields.get(name.lower())
        return default if found is None else found[1]

    def getAllRawHeaders(self) -> Iterator[Field]:
        """
        :return: all that is said.
        """
        return iter(self._fields.values())

    @property
    def lines(self) -> bytes:
        """See :func:`lines`."""
        return lines([(name, value) for name, values in self._fields.values() for value in values])
