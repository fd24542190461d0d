"""
What clients sent of one file, and what they had been told by then.

A :class:`Ledger` reads HTTP/1.1 along on a relay.  It holds the two against
each other: a byte that the server said it has, by 104, 308, HEAD or a 2xx, is
never to be sent again.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_HEAD_END = b"\r\n\r\n"


class Ledger:
    """
    The account of one file, over all connections of its clients.

    :ivar told: how many bytes the server has said that it has.
    :ivar twice: how many bytes it got again that it had said it has.
    :ivar requests: the methods, each with the offset where its content
        begins: ``"PATCH 1000"``.
    :ivar answers: the statuses, interim ones too.
    """

    def __init__(self, size: int) -> None:
        """
        :param size: bytes of the file.
        """
        self.size = size
        self.told = self.twice = 0
        self.requests: list[str] = []
        self.answers: list[int] = []

    def line(self) -> _Line:
        """
        :return: what reads along on a connection that is new.
        """
        return _Line(self)


class _Line:
    """One connection."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._methods: list[bytes] = []
        self._content = self._told = 0
        self._requests = _Messages(self._request, self._sent)
        self._answers = _Messages(self._answer, lambda size: None)

    def sent(self, data: bytes) -> None:
        self._requests.feed(data)

    def heard(self, data: bytes) -> None:
        self._answers.feed(data)

    def _request(self, start: bytes, head: bytes) -> int:
        method = start.partition(b" ")[0]
        self._methods.append(method)
        self._content = _number(rb"upload-offset: *(\d+)", head)
        self._content = _number(rb"content-range: *bytes (\d+)-", head) or self._content
        # What is told from here on was not known when this was sent.
        self._told = self._ledger.told
        length = _number(rb"content-length: *(\d+)", head)
        self._ledger.requests.append(method.decode() + (f" {self._content}" if length else ""))
        return length

    def _sent(self, size: int) -> None:
        again = min(self._told, self._content + size) - self._content
        self._ledger.twice += max(again, 0)
        self._content += size

    def _answer(self, start: bytes, head: bytes) -> int:
        status = int(start.split()[1])
        self._ledger.answers.append(status)
        method = b"" if status < 200 else self._methods.pop(0)
        told = _number(rb"upload-offset: *(\d+)", head)
        if status == 308:
            told = _number(rb"range: *bytes=0-(\d+)", head, -1) + 1
        elif method == b"PUT" and status in (200, 201):
            told = self._ledger.size
        self._ledger.told = max(self._ledger.told, told)
        bare = status < 200 or status in (204, 304) or method == b"HEAD"
        return 0 if bare else _number(rb"content-length: *(\d+)", head)


class _Messages:
    """Parts one direction of a connection into heads and contents."""

    def __init__(self, head: Callable[[bytes, bytes], int], content: Callable[[int], None]) -> None:
        """
        :param head: gets the first line and the fields, in lower case; tells
            how many bytes of content follow.
        :param content: gets the size of each piece of it.
        """
        self._head = head
        self._content = content
        self._left = 0
        self._buffer = b""

    def feed(self, data: bytes) -> None:
        while data:
            if self._left:
                piece = min(self._left, len(data))
                self._left -= piece
                self._content(piece)
                data = data[piece:]
                continue
            self._buffer += data
            head, end, data = self._buffer.partition(_HEAD_END)
            if not end:
                return
            self._buffer = b""
            start, _, fields = head.partition(b"\r\n")
            self._left = self._head(start, fields.lower())


def _number(field: bytes, head: bytes, otherwise: int = 0) -> int:
    found = re.search(rb"^" + field, head, re.MULTILINE)
    return int(found[1]) if found else otherwise
