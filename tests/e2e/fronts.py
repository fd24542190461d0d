"""
The least client of each protocol: it uploads one file and, after every break,
does what its protocol has for that.

The connections are plain blocking sockets on HTTP/1.1, on which answers are
read while content is still being sent, as they come.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from select import select
from typing import ClassVar
from urllib.parse import urlsplit

import attrs

from tests.process import PATIENCE

PIECE = 2**18  # bytes that are sent at once, at most
ATTEMPTS = 5  # a connection is broken once, and a daemon that was killed comes back


@attrs.frozen
class Told:
    """
    One answer.

    :ivar headers: names in lower case.
    """

    status: int
    headers: Mapping[str, str]

    def number(self, name: str) -> int:
        """
        :return: the field *name*, which is there and a number.
        """
        return int(self.headers[name])


class Wire:
    """One connection of a client."""

    def __init__(self, place: str) -> None:
        """
        :param place: ``host:port``.
        """
        self._place = place
        host, _, port = place.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), PATIENCE)
        self._unread = b""

    def close(self) -> None:
        self._socket.close()

    def ask(
        self,
        method: str,
        target: str,
        fields: Mapping[str, object] | None = None,
        content: memoryview | None = None,
        interim: Callable[[Told], object] = lambda told: None,
        slowly: bool = False,
    ) -> Told:
        """
        Send a request, and hear what is answered to it.

        :param interim: gets the answers that come before the last.
        :param slowly: send no content until the first of them is here, as if
            the line were slow.
        :return: the last one, once all of it is there.
        :raise OSError: the connection broke before.
        """
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._place}"]
        lines += [f"{name}: {value}" for name, value in (fields or {}).items()]
        if content is not None:
            lines.append(f"Content-Length: {len(content)}")
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        left = content or memoryview(b"")
        while True:
            while (told := self._answer(method)) is not None:
                if told.status >= 200:
                    return told
                interim(told)
                slowly = False
            sending = [self._socket] if left and not slowly else []
            readable, writable, _ = select([self._socket], sending, [], PATIENCE)
            # Read first: what came before the connection broke still counts.
            if readable:
                self._read()
            elif writable:
                left = left[self._socket.send(left[:PIECE]) :]
            else:
                raise AssertionError(f"no answer to {lines[0]}")

    def _read(self) -> None:
        data = self._socket.recv(PIECE)
        if not data:
            raise ConnectionError("closed without an answer")
        self._unread += data

    def _answer(self, method: str) -> Told | None:
        """
        Take the next answer, if all of it has come.
        """
        head, end, rest = self._unread.partition(b"\r\n\r\n")
        if not end:
            return None
        start, *lines = head.decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in lines)
        told = Told(
            int(start.split()[1]),
            {name.lower(): value.strip() for name, _, value in fields},
        )
        bare = told.status < 200 or told.status == 204 or method == "HEAD"
        length = 0 if bare else int(told.headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._unread = rest[length:]
        return told


class Upload:
    """
    One file on its way to the slot that was signed for it.

    :ivar attempts: how many connections it has taken so far.
    """

    def __init__(self, slot: str, content: bytes) -> None:
        """
        :param slot: the URL.
        """
        where = urlsplit(slot)
        self.place = where.netloc
        self.target = f"{where.path}?{where.query}"
        self.content = memoryview(content)
        self.attempts = 0

    def run(self, between: Callable[[], object]) -> None:
        """
        Upload it, and try again whenever the connection breaks.

        :param between: called after each break.
        :raise AssertionError: the server said something that it should not.
        """
        while self.attempts < ATTEMPTS:
            self.attempts += 1
            try:
                wire = Wire(self.place)
                try:
                    return self.attempt(wire)
                finally:
                    wire.close()
            except OSError:
                between()
        raise AssertionError("it broke again and again")

    def attempt(self, wire: Wire) -> None:
        """
        Begin, or go on.

        :raise OSError: the connection broke.
        """
        raise NotImplementedError


class Put(Upload):
    """A plain PUT, which simply tries again."""

    def attempt(self, wire: Wire) -> None:
        told = wire.ask("PUT", self.target, content=self.content)
        assert told.status == 201, told


class ContentRange(Upload):
    """PUTs with ``Content-Range``; how it stands is asked for by one without content."""

    def attempt(self, wire: Wire) -> None:
        size = len(self.content)
        offset = 0
        if self.attempts > 1:
            told = wire.ask(
                "PUT", self.target, {"Content-Range": f"bytes */{size}"}, memoryview(b"")
            )
            if told.status == 200:
                return
            assert told.status == 308, told
            offset = int(told.headers.get("range", "bytes=0--1").removeprefix("bytes=0-")) + 1
        self.send(wire, offset)

    def send(self, wire: Wire, offset: int) -> None:
        """Send all that there is from *offset* on."""
        size = len(self.content)
        place = {"Content-Range": f"bytes {offset}-{size - 1}/{size}"}
        told = wire.ask("PUT", self.target, place, self.content[offset:])
        assert told.status == 201, told


class PutThenRange(ContentRange):
    """A plain PUT, which another request goes on with when it broke."""

    def send(self, wire: Wire, offset: int) -> None:
        if offset:
            super().send(wire, offset)
        else:
            Put.attempt(self, wire)


class Tus(Upload):
    """tus 1.0.0: POST creates, HEAD asks, PATCH appends."""

    _VERSION: ClassVar = {"Tus-Resumable": "1.0.0"}

    def __init__(self, slot: str, content: bytes) -> None:
        super().__init__(slot, content)
        self._url = ""

    def attempt(self, wire: Wire) -> None:
        if not self._url:
            told = wire.ask(
                "POST", self.target, {**self._VERSION, "Upload-Length": len(self.content)}
            )
            assert told.status == 201, told
            self._url = target_of(told)
            offset = 0
        else:
            told = wire.ask("HEAD", self._url, self._VERSION)
            assert told.status in (200, 204), told
            offset = told.number("upload-offset")
        if offset < len(self.content):
            fields = {"Upload-Offset": offset, "Content-Type": "application/offset+octet-stream"}
            told = wire.ask("PATCH", self._url, {**self._VERSION, **fields}, self.content[offset:])
            assert told.status == 204, told
            assert told.number("upload-offset") == len(self.content), told


class Draft(Upload):
    """
    The IETF draft, as its later clients do it: the PUT that was signed, which
    hears by 104 where it can be gone on with.
    """

    _VERSION: ClassVar = {"Upload-Draft-Interop-Version": 8}

    def __init__(self, slot: str, content: bytes) -> None:
        super().__init__(slot, content)
        self._url = ""

    def attempt(self, wire: Wire) -> None:
        fields = {**self._VERSION, "Upload-Complete": "?1"}
        if not self._url:
            told = wire.ask("PUT", self.target, fields, self.content, self._hear)
            assert told.status == 201, told
            return
        told = wire.ask("HEAD", self._url, self._VERSION)
        assert told.status == 204, told
        if told.headers["upload-complete"] == "?1":
            return
        offset = told.number("upload-offset")
        fields |= {"Upload-Offset": offset, "Content-Type": "application/partial-upload"}
        told = wire.ask("PATCH", self._url, fields, self.content[offset:])
        assert told.status in (200, 201, 204), told
        assert told.headers["upload-complete"] == "?1", told

    def _hear(self, told: Told) -> None:
        if told.status == 104 and "location" in told.headers:
            self._url = target_of(told)


def target_of(told: Told) -> str:
    """
    :return: what to ask for at the URL of an upload.
    """
    return urlsplit(told.headers["location"])._replace(scheme="", netloc="").geturl()


FRONTS: Mapping[str, type[Upload]] = {
    "put": PutThenRange,
    "range": ContentRange,
    "tus": Tus,
    "draft": Draft,
}
"""The four ways in, each with a client that goes on where it broke."""
