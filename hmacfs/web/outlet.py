"""
The sending half of a connection: what is written to it, and what of it is taken.

Twisted's transports queue what is written and send it in a later turn, between
two calls of ``epoll_ctl``.  On a plain socket that has room an answer goes out
here and now, head and body in one piece; only what does not fit is queued.

A plain socket can also be driven: whenever it has room and nothing is queued,
somebody is called who sends by himself, as ``sendfile(2)`` does.

What is not public of Twisted's transports is touched in this file alone.
"""

from __future__ import annotations

from collections.abc import Callable
from fcntl import ioctl
from struct import unpack
from termios import TIOCOUTQ
from typing import Any

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.tcp import Connection

AT_ONCE = 128 * 1024
"""Bytes up to which an answer is worth joining to its head; Twisted sends no more at once."""

Turn = Callable[[int], bool]
"""
Called with the descriptor of a socket that has room.  It sends no more than a
few hundred KB, since every other client waits meanwhile; what it returns is
whether the connection is still there.
"""


class Outlet:
    """
    The sending half of one connection.

    :ivar plain: whether bytes go over the socket as they are written, so that
        it can be driven.
    """

    def __init__(self, transport: Any) -> None:
        """
        :param transport: connected.  The kinds of transport share no interface
            that says all of what is used here.
        """
        self.plain = isinstance(transport, Connection) and not ISSLTransport.providedBy(transport)
        self._transport = transport
        self._head = b""
        self._written = 0
        self._turn: Turn | None = None
        self._resting = False

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
        Send *data* behind all that was written before.
        """
        if self._head:
            data, self._head = self._head + data, b""
        self._written += len(data)
        if len(data) <= AT_ONCE and self._free():
            sent = self._transport.writeSomeData(data)
            if sent == len(data):
                return
            # Anything but a number is the end of the connection, which the
            # reactor is about to meet as well.
            if isinstance(sent, int):
                data = data[sent:]
        self._transport.write(data)

    def flush(self) -> None:
        """Send what :meth:`begin` holds."""
        if self._head:
            self.write(b"")

    def drive(self, turn: Turn) -> None:
        """
        Call *turn* now, and whenever the socket has room, until
        :meth:`release`; behind what is queued.  Plain sockets only.
        """
        self._turn, self._resting = turn, False
        # As abortConnection() does it.
        self._transport.doWrite = self._do_write
        if not self.queued:
            # The reactor meets the end of the connection as well.
            turn(self._transport.fileno())
        if self._turn is turn and not self._resting:
            self._transport.startWriting()

    def sent(self, size: int) -> None:
        """
        Take note of what a turn has sent.
        """
        self._written += size

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

    def _free(self) -> bool:
        """
        :return: whether what is written may overtake the queue, since there is none.
        """
        transport = self._transport
        return bool(
            self.plain
            and transport.connected
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
