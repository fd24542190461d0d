"""
A connection of Twisted over a pair of real sockets, in hand; and one with
something like TLS on top.

No reactor runs: what it would do is done by :meth:`Wire.turn`, and what comes
out at the other end by :meth:`Wire.take`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from OpenSSL.SSL import WantReadError
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

ROOM = 8192  # bytes that the kernel is asked to keep; it keeps a few times more


@implementer(IReactorFDSet)
class Loop:
    """
    A reactor that only knows who wants to be called.

    :ivar later: what is to be called in the next turn.
    """

    def __init__(self) -> None:
        self.writers: set[Any] = set()
        self.later: list[Callable[[], object]] = []

    def addReader(self, reader: Any) -> None:
        """Nobody sends."""

    def removeReader(self, reader: Any) -> None:
        """Nobody sends."""

    def addWriter(self, writer: Any) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: Any) -> None:
        self.writers.discard(writer)

    def callLater(self, delay: float, call: Callable[..., object], *args: Any) -> None:
        self.later.append(lambda: call(*args))


class Wire:
    """
    :ivar transport: the server's end.
    :ivar client: the other, which does not block.
    :ivar loop: its reactor.
    """

    def __init__(self, case: SynchronousTestCase) -> None:
        ours, self.client = socket.socketpair()
        self.loop = Loop()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        self.client.setblocking(False)
        protocol = Protocol()
        self.transport = Connection(ours, protocol, self.loop)
        self.transport.connected = 1
        protocol.makeConnection(self.transport)
        case.addCleanup(self.client.close)
        case.addCleanup(ours.close)

    @property
    def writing(self) -> bool:
        """Whether the reactor is to tell when the socket has room."""
        return self.transport in self.loop.writers

    def turn(self) -> object:
        """
        One turn of the reactor, where the socket has room.

        :return: why the connection ended, or ``None``.
        """
        later, self.loop.later = self.loop.later, []
        for call in later:
            call()
        return self.transport.doWrite() if self.writing else None

    def take(self) -> bytes:
        """
        :return: what has come out.
        """
        taken = []
        try:
            while piece := self.client.recv(1 << 20):
                taken.append(piece)
        except BlockingIOError:
            pass
        return b"".join(taken)

    def drain(self) -> bytes:
        """
        :return: all that comes out as long as there is something to send.
        """
        taken = self.take()
        while self.writing and self.turn() is None:
            taken += self.take()
        return taken + self.take()


class Tls:
    """
    An OpenSSL connection that makes netstrings of what it encrypts, 1,000 bytes a
    record.

    :ivar most: bytes after which it fails.
    """

    def __init__(self) -> None:
        self.most = 1 << 30
        self._sealed = b""

    def send(self, data: memoryview) -> int:
        size = min(len(data), 1000)
        if size > self.most:
            raise WantReadError
        self.most -= size
        self._sealed += b"%d:%b," % (size, data[:size])
        return size

    def bio_read(self, most: int) -> bytes:
        sealed, self._sealed = self._sealed[:most], self._sealed[most:]
        if not sealed:
            raise WantReadError
        return sealed


class TlsTransport:
    """
    Twisted's, over a real socket.

    :ivar taken: what it was given to encrypt by itself.
    :ivar tls: what encrypts.
    """

    def __init__(self, wire: Wire) -> None:
        self.transport = wire.transport
        self.tls: Any = Tls()
        self.flushed = 0
        self.taken = b""
        self.disconnecting = self._lostTLSConnection = self._aborted = False
        self._handshakeDone = True
        self._appSendBuffer: list[bytes] = []
        self._aggregator = self

    def flush(self) -> None:
        self.flushed += 1

    def getHandle(self) -> Any:
        return self.tls

    def write(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        self.taken += data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)


def opened(data: bytes) -> bytes:
    """
    :return: what :class:`Tls` has encrypted.
    """
    found = []
    while data:
        size, _, data = data.partition(b":")
        found.append(data[: int(size)])
        data = data[int(size) + 1 :]
    return b"".join(found)
