"""
The sending half of a connection: what is written to it, and what of it is taken.

Twisted's transports queue what is written and send it in a later turn, between
two calls of ``epoll_ctl``.  On a socket that has room an answer goes out here
and now, head and body in one piece; only what does not fit is queued.

A plain socket can also be driven: whenever it has room and nothing is queued,
somebody is called who sends by himself, as ``sendfile(2)`` does.

Under TLS, Twisted copies each record of 16 KiB out of what is written, and
takes it out of OpenSSL by itself; half of a large download went into that.
Here a stretch that fits a processor's cache is encrypted as it stands, and
taken out as a whole.

What is not public of Twisted's transports is touched in this file alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from fcntl import ioctl
from socket import MSG_MORE
from struct import unpack
from termios import TIOCOUTQ
from typing import Any

from OpenSSL.SSL import Error
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.tcp import Connection
from twisted.protocols.tls import BufferingTLSTransport

from hmacfs.web.pacing import unpace

AT_ONCE = 128 * 1024
"""Bytes up to which an answer is worth joining to its head; Twisted sends no more at once."""

Turn = Callable[[int], bool]
"""
Called with the descriptor of a socket that has room.  It sends no more than a
few hundred KB, since every other client waits meanwhile; what it returns is
whether the connection is still there.
"""

STRETCH = 96 * 1024
"""
Bytes that are encrypted at once.  More than Twisted's 64 KiB, so that the last
stretch of many pauses who writes them; less than the 128 KiB from which on malloc
asks the kernel for fresh pages each time, which made it slower by a third.
"""

_ROOM = 8192
"""What TLS adds to a stretch, and what else it may have to say, at most."""


class Outlet:
    """
    The sending half of one connection, as Twisted has it.
    """

    def __init__(self, transport: Any) -> None:
        """
        :param transport: connected.  The kinds of transport share no interface
            that says all of what is used here.
        """
        self._transport = transport
        self._head = b""
        self._written = 0

    @property
    def unsent(self) -> int:
        """
        Bytes that the client's machine has not taken: those in Twisted's
        buffers and those in the kernel's.
        """
        try:
            [queued] = unpack("i", ioctl(self._transport.fileno(), TIOCOUTQ, b"\0" * 4))
        except (OSError, ValueError):
            # The socket is gone, and its descriptor -1.
            queued = 0
        return self.queued + int(queued)

    @property
    def taken(self) -> int:
        """
        Bytes that the client's machine has taken since the connection began.
        Under TLS a little less: what is on its way is counted encrypted.
        """
        return self._written - self.unsent

    @property
    def queued(self) -> int:
        """Bytes that wait for room in the socket."""
        transport = self._transport
        waiting: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
        return waiting

    def begin(self, head: bytes) -> None:
        """
        Send *head* together with what is written next, or alone by :meth:`flush`.
        """
        self._head += head

    def write(self, data: bytes) -> None:
        """
        Send *data* behind all that was written before, now if there is room.
        """
        self._pass(self._with_head(data), False)

    def queue(self, data: bytes) -> None:
        """
        As :meth:`write`, of one who has more: a part of it waits for the
        reactor, so that he is paused while the socket is full, and other
        clients have their turn.
        """
        self._pass(self._with_head(data), True)

    def flush(self) -> None:
        """Send what :meth:`begin` holds."""
        if self._head:
            self.write(b"")

    def hasten(self) -> None:
        """A long answer follows: see :mod:`hmacfs.web.pacing`."""

    def _with_head(self, data: bytes) -> bytes:
        if self._head:
            data, self._head = self._head + data, b""
        self._written += len(data)
        return data

    def _pass(self, data: bytes, more: bool) -> None:
        """
        :param more: see :meth:`queue`.
        """
        self._transport.write(data)


class PlainOutlet(Outlet):
    """
    Over a socket of TCP, or a UNIX socket, which can be driven.
    """

    def __init__(self, transport: Any) -> None:
        super().__init__(transport)
        self._turn: Turn | None = None
        self._resting = False
        self._hastened = False

    def drive(self, turn: Turn) -> None:
        """
        Call *turn* now, and whenever the socket has room, until
        :meth:`release`; behind what is queued.
        """
        self._turn, self._resting = turn, False
        # As abortConnection() does it.
        self._transport.doWrite = self._do_write
        if not self.queued:
            # The reactor meets the end of the connection as well.
            turn(self._transport.fileno())
        if self._turn is turn and not self._resting:
            self._transport.startWriting()

    def hasten(self) -> None:
        """See :meth:`Outlet.hasten`."""
        if not self._hastened:
            self._hastened = True
            unpace(self._transport.getHandle())

    def sent(self, size: int) -> None:
        """
        Take note of what a turn has sent.
        """
        self._written += size

    def send_file(self, head: bytes, file: int, offset: int, size: int) -> int:
        """
        Send *head*, and of *file* what the socket has room for now.

        :param file: a descriptor; its bytes are in memory.
        :return: how many bytes of it; none where something is wrong with it or
            with the connection, whoever sends the rest is told.
        """
        if not self._free():
            self.write(head)
            return 0
        try:
            # They make one packet with what follows.
            sent = self._transport.getHandle().send(head, MSG_MORE)
        except OSError:
            sent = 0
        self._written += sent
        if sent < len(head):
            self.write(head[sent:])
            return 0
        try:
            sent = os.sendfile(self._transport.fileno(), file, offset, size)
        except OSError:
            return 0
        self._written += sent
        return sent

    def rest(self) -> None:
        """There is nothing to send: no turn before :meth:`wake`."""
        self._resting = True
        if not self.queued:
            self._transport.stopWriting()

    def wake(self) -> None:
        """There is something to send again."""
        self._resting = False
        self._transport.startWriting()

    def release(self) -> None:
        """
        End what :meth:`drive` began.
        """
        self._turn = None
        # It may have been aborted meanwhile.
        if vars(self._transport).get("doWrite") == self._do_write:
            del self._transport.doWrite
        self.rest()

    def _pass(self, data: bytes, more: bool) -> None:
        if not more and len(data) <= AT_ONCE and self._free():
            sent = self._transport.writeSomeData(data)
            if sent == len(data):
                return
            # Anything but a number is the end of the connection, which the
            # reactor is about to meet as well.
            if isinstance(sent, int):
                data = data[sent:]
        self._transport.write(data)

    def _free(self) -> bool:
        """
        :return: whether what is written may overtake the queue, since there is none.
        """
        transport = self._transport
        return bool(
            transport.connected
            and not transport._tempDataLen
            and not transport.dataBuffer
            and not transport.disconnecting
            and not transport._writeDisconnecting
            and not transport._aborting
        )

    def _do_write(self) -> Exception | None:
        """
        What the reactor calls in place of the transport's own method.
        """
        transport = self._transport
        if self.queued:
            why: Exception | None = type(transport).doWrite(transport)
            if why is not None or self.queued or self._turn is None or self._resting:
                return why
            # The method has taken it for the end.
            transport.startWriting()
        assert self._turn is not None
        return None if self._turn(transport.fileno()) else CONNECTION_LOST


class SecureOutlet(Outlet):
    """
    Over TLS, once the handshake is done; before that, as Twisted has it.
    """

    def __init__(self, transport: Any) -> None:
        super().__init__(transport)
        self._below = PlainOutlet(transport.transport)

    def hasten(self) -> None:
        """See :meth:`Outlet.hasten`."""
        self._below.hasten()

    def _pass(self, data: bytes, more: bool) -> None:
        transport = self._transport
        # What was written before comes before.
        transport._aggregator.flush()
        left = memoryview(data)
        while left and self._ready():
            # The odd one first, so that the last is a whole one.
            end = len(left) % STRETCH or STRETCH
            sealed, kept = self._seal(left[:end])
            left = left[end - kept :]
            if more and not left:
                self._below.queue(sealed)
            elif sealed:
                self._below.write(sealed)
            if kept:
                # Twisted waits, or ends the connection, where OpenSSL wants it.
                break
        if left:
            transport.write(bytes(left))

    def _ready(self) -> bool:
        transport = self._transport
        return bool(
            transport._handshakeDone
            and not transport._appSendBuffer
            and not transport._lostTLSConnection
            and not transport._aborted
            and not transport.disconnecting
        )

    def _seal(self, stretch: memoryview) -> tuple[bytes, int]:
        """
        :return: *stretch*, encrypted, but for so many bytes at its end.
        """
        tls = self._transport.getHandle()
        kept = stretch
        try:
            while kept:
                kept = kept[tls.send(kept) :]
        except Error:
            if len(kept) == len(stretch):
                return b"", len(kept)
        most = len(stretch) + _ROOM
        sealed: bytes = tls.bio_read(most)
        return sealed, len(kept)


def outlet(transport: Any) -> Outlet:
    """
    :param transport: connected.
    :return: its sending half.
    """
    if ISSLTransport.providedBy(transport):
        if isinstance(transport, BufferingTLSTransport) and isinstance(
            transport.transport, Connection
        ):
            return SecureOutlet(transport)
    elif isinstance(transport, Connection):
        return PlainOutlet(transport)
    return Outlet(transport)
