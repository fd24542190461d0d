"""
Conversations with the site over transports in memory.

A :class:`Conversation` is a client and the wire to it.  What it sends while
the server does not read waits, as it would in the kernel; what the server
writes can be kept from the client in the same way.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer, ITCPTransport
from twisted.python.failure import Failure
from twisted.web.server import Site
from zope.interface import implementer

PEER = IPv4Address("TCP", "192.0.2.1", 4711)
HOST = IPv4Address("TCP", "192.0.2.2", 80)
UNIX_PEER = UNIXAddress(b"")


@attrs.frozen
class Answer:
    """
    One answer.

    :ivar headers: names in lower case.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The stable code in a refusal's text."""
        return self.body.decode().rpartition("(")[2].partition(")")[0]


@implementer(ITCPTransport, IPushProducer)
class Transport:
    """
    The server's end of a wire.

    :ivar written: all that was written.
    :ivar reading: whether the server reads.
    :ivar half_closed: whether the server closed its writing half.
    :ivar closed: ``None``, ``"closed"`` or ``"aborted"``.
    :ivar blocked: whether the client takes nothing: what is written stays in
        the transport, and its producer is paused.
    """

    bufferSize = 65536
    offset = 0

    def __init__(self, peer: Any = PEER) -> None:
        self.written = b""
        self.reading = True
        self.half_closed = False
        self.closed: str | None = None
        self.blocked = False
        self.dataBuffer = b""
        self._peer = peer
        self._producer: Any = None
        self._closing = False
        self.protocol: Any = None
        self.on_reading: Any = lambda: None

    @property
    def _tempDataLen(self) -> int:
        return 0

    def fileno(self) -> int:
        return -1

    def write(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        assert not self.half_closed, "written behind the half-close"
        if self.blocked:
            self.dataBuffer += data
            if self._producer is not None:
                self._producer.pauseProducing()
        else:
            self.written += data

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def take(self, size: int) -> None:
        """The client takes *size* bytes, and then no more."""
        taken, self.dataBuffer = self.dataBuffer[:size], self.dataBuffer[size:]
        self.written += taken

    def unblock(self) -> None:
        """The client takes all that waits."""
        self.blocked = False
        self.written, self.dataBuffer = self.written + self.dataBuffer, b""
        if self._closing:
            self._end("closed", ConnectionDone())
        elif self._producer is not None:
            self._producer.resumeProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True
        self.on_reading()

    def stopProducing(self) -> None:
        self.loseConnection()

    def loseConnection(self) -> None:
        self._closing = True
        if not self.dataBuffer:
            self._end("closed", ConnectionDone())

    def loseWriteConnection(self) -> None:
        self.half_closed = True

    def abortConnection(self) -> None:
        self._end("aborted", ConnectionAborted())

    def _end(self, how: str, why: Exception) -> None:
        if self.closed is None:
            self.closed = how
            self.reading = False
            producer, self._producer = self._producer, None
            if producer is not None:
                producer.stopProducing()
            self.protocol.connectionLost(Failure(why))

    def getPeer(self) -> Any:
        return self._peer

    def getHost(self) -> Any:
        return HOST

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass

    def getTcpNoDelay(self) -> bool:
        return True

    def setTcpKeepAlive(self, enabled: bool) -> None:
        pass

    def getTcpKeepAlive(self) -> bool:
        return False


class Conversation:
    """
    One client of *site*.
    """

    def __init__(self, site: Site, peer: Any = PEER) -> None:
        self.transport = Transport(peer)
        self.channel = site.buildProtocol(peer)
        self.transport.protocol = self.channel
        self.transport.on_reading = self._deliver
        self._waiting: list[bytes] = []
        self._delivering = False
        self._ended = False
        self._methods: list[str] = []
        self.channel.makeConnection(self.transport)

    def send(self, data: bytes) -> None:
        """Send *data*; the server gets it when it reads."""
        self._waiting.append(data)
        self._deliver()

    def request(
        self, method: str, target: str, *fields: str, body: bytes = b"", host: str = "x"
    ) -> Answer:
        """
        Send a whole request, its length told.

        :return: the last answer that came.
        """
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields]
        if body or method in ("PUT", "POST"):
            lines.append(f"Content-Length: {len(body)}")
        self._methods.append(method)
        self.send("\r\n".join([*lines, "", ""]).encode() + body)
        return self.answers()[-1]

    def end(self) -> None:
        """The client sends no more (a half-close)."""
        self._ended = True
        self._deliver()

    def vanish(self) -> None:
        """The client is gone."""
        self.transport._end("closed", ConnectionDone())

    @property
    def unread(self) -> int:
        """Bytes that the server has not read yet."""
        return sum(map(len, self._waiting))

    def _deliver(self) -> None:
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._waiting and self.transport.reading and self.transport.closed is None:
                piece = self._waiting[0][: self.transport.bufferSize]
                rest = self._waiting[0][len(piece) :]
                self._waiting[:1] = [rest] if rest else []
                self.channel.dataReceived(piece)
        finally:
            self._delivering = False
        if self._ended and not self._waiting and self.transport.closed is None:
            self._ended = False
            IHalfCloseableProtocol(self.channel).readConnectionLost()

    def answers(self) -> list[Answer]:
        """
        :return: every whole answer so far, informational ones too.
        """
        return _split(self.transport.written, self._methods)

    def statuses(self) -> list[int]:
        """
        :return: their statuses.
        """
        return [answer.status for answer in self.answers()]


def _split(data: bytes, methods: list[str]) -> list[Answer]:
    """
    :param methods: of the requests in their order, as far as known: an answer
        to HEAD has no body, whatever its Content-Length.
    """
    found = []
    known = iter(methods)
    while b"\r\n\r\n" in data:
        head, data = data.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, value = line.split(": ", 1)
            assert name.lower() not in headers, f"{name} stands twice"
            headers[name.lower()] = value
        status = int(first.split(" ")[1])
        length = int(headers.get("content-length", 0))
        heading = status >= 200 and next(known, "") == "HEAD"
        if heading or status in (100, 104, 204, 304):
            length = 0
        body, data = data[:length], data[length:]
        found.append(Answer(status, headers, body))
    return found
