"""
The sending half of a connection: what is written to it, and what of it is taken.

Twisted's transports queue what is written and send it in a later turn, between
two calls of ``epoll_ctl``.  On a socket that has room an answer goes out here
and now, head and body in one piece; only what does not fit is queued.

It can also be driven: whenever the socket has room and nothing is queued, somebody
is called who sends stretches of a file, which the kernel does by itself
(``sendfile(2)``).

What of this holds under TLS is in :mod:`hmacfs.web.secure_outlet`.  What is not
public of Twisted's transports is touched in these two alone.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from fcntl import ioctl
from socket import MSG_MORE
from struct import unpack
from termios import TIOCOUTQ
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.internet.main import CONNECTION_LOST

from hmacfs.web.pacing import unpace

AT_ONCE = 128 * 1024
"""Bytes up to which an answer is worth joining to its head; Twisted sends no more at once."""

Turn = Callable[[], bool]
"""
Called where a socket has room.  It sends no more than a few hundred KB, since
every other client waits meanwhile; what it returns is whether the connection is
still there.
"""

#: What is wrong with the file, and not with the connection.
_OF_THE_FILE = frozenset(
    {errno.EINVAL, errno.EIO, errno.ENOMEM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ESTALE}
)


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
            turn()
        if self._turn is turn and not self._resting:
            self._transport.startWriting()

    def hasten(self) -> None:
        """See :meth:`Outlet.hasten`."""
        if not self._hastened:
            self._hastened = True
            unpace(self._transport.getHandle())

    def send_span(self, file: int, offset: int, size: int) -> int:
        """
        In a turn: send of *file* what the socket has room for.

        :param file: a descriptor; its bytes are in memory.
        :return: how many bytes of it; none where it has no more.
        :raise BlockingIOError: there is no room.
        :raise ConnectionLost: nothing can be sent any more.
        :raise OSError: something is wrong with the file.
        """
        try:
            sent = os.sendfile(self._transport.fileno(), file, offset, size)
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno in _OF_THE_FILE:
                raise
            raise ConnectionLost from None
        self._written += sent
        return sent

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
        return None if self._turn() else CONNECTION_LOST
