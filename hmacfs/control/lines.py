r"""
The framing of the control socket: one JSON object a line.

A client sends one request, and hears answers until the server hangs up::

    {"do": "rm", "name": "a.txt", ...}

    {"row": {"name": "a.txt", "size": 12, ...}}
    {"progress": {"what": "reading", "done": 10, "total": 100, "unit": "B"}}
    {"done": {"files": 1}}      or, in place of it:      {"error": "..."}

Whatever stands in a name, a line feed ends the line and nothing else: JSON
escapes it inside of texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Message = Mapping[str, Any]

LONGEST = 2**18
"""Bytes of a line.  A name has 4,096, an owner what a header may hold, and each
of their bytes may take six where it is escaped."""


class Garbled(Exception):
    """
    The other side speaks something else; the text is a sentence that says why.
    """


def encode(message: Message) -> bytes:
    """
    :raise ValueError: it would be longer than :data:`LONGEST`.
    """
    line = json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
    if len(line) > LONGEST:
        raise ValueError(f"a message has {len(line)} bytes")
    return line


class Lines:
    """
    What came, cut into messages.
    """

    def __init__(self) -> None:
        self._rest = b""

    @property
    def broken(self) -> bool:
        """Whether a line has begun and not ended."""
        return self._rest != b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """
        Take *data*, as much as there happens to be of it.

        :return: the messages that are complete by now, each decoded when it
            is asked for.
        :raise Garbled: the next line is too long, or no JSON object.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield decode(line)
        if len(self._rest) >= LONGEST:
            raise Garbled(f"A line is over {LONGEST} bytes long.")


def decode(line: bytes) -> Message:
    """
    :param line: without its line feed.
    :raise Garbled: it is no message.
    """
    if len(line) >= LONGEST:
        raise Garbled(f"A line is over {LONGEST} bytes long.")
    try:
        message = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Garbled("A line is no JSON.") from None
    if not isinstance(message, dict):
        raise Garbled("A line is JSON, and no object.")
    return message


def _refuse(constant: str) -> None:
    """
    :raise ValueError: ``NaN`` and its like, which Python reads, are no JSON.
    """
    raise ValueError(constant)
