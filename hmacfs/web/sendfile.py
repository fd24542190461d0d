"""
From the store to the client, and not by us: ``sendfile(2)``.

The kernel sends the bytes of a file from its own memory; what is left to do is
to say which, each time that the socket has room.  It does so only where the
socket is plain, and where the file has a descriptor.  Under TLS the outlet reads
and encrypts them, and all else is the same.

What the kernel does not have in memory it would wait for, and with it every
client of the daemon.  So each stretch is asked for first, which costs half a
microsecond, and one that is not there is read by a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IConsumer
from twisted.python.failure import Failure

from hmacfs.interfaces.store import IHasDescriptor
from hmacfs.ranges import Piece, Span
from hmacfs.web.outlet import PlainOutlet
from hmacfs.web.secure_outlet import SecureOutlet
from hmacfs.web.sources import Source, Truncated


class SendfileSource(Source):
    """
    Has the file sent to a consumer that writes to *outlet*.

    :ivar sent: bytes that the outlet took.
    """

    _file: IHasDescriptor

    def __init__(
        self,
        file: IHasDescriptor,
        pieces: Iterable[Piece],
        outlet: PlainOutlet | SecureOutlet,
        most: Callable[[], int],
    ) -> None:
        """
        :param file: as of :class:`hmacfs.web.sources.Source`.
        :param most: asked in each turn of the reactor: bytes to send in it.
        """
        super().__init__(file, pieces)
        self._outlet = outlet
        self._most = most
        self._fetched = 0
        self._fetching = False

    def _begin(self) -> None:
        """See :meth:`hmacfs.web.sources.Source._begin`."""
        self._outlet.drive(self._turn)

    def _go_on(self) -> None:
        if self._consumer is not None and not self._paused and not self._fetching:
            self._outlet.wake()

    def _turn(self) -> bool:
        """
        See :data:`hmacfs.web.outlet.Turn`.
        """
        end = self.sent + self._most()
        try:
            while self.sent < end and self._consumer is not None:
                if not self._step(self._consumer, end - self.sent):
                    break
        except ConnectionLost:
            return False
        except Exception:
            # Whatever a consumer or a file raises ends the body, and is told.
            self._end(Failure())
        return True

    def _step(self, consumer: IConsumer, most: int) -> bool:
        """
        :param most: bytes to send.
        :return: whether there may be more to do in this turn.
        """
        if self._paused or self._fetching:
            self._outlet.rest()
            return False
        if self._offset < self._stop:
            size = min(most, self._stop - self._offset)
            return self._fetch(size) and self._send(consumer, size)
        piece = next(self._pieces, None)
        if piece is None:
            self._end(True)
            return False
        if isinstance(piece, Span):
            self._offset, self._stop, self._fetched = piece.start, piece.stop, piece.start
        else:
            self.sent += len(piece)
            consumer.write(piece)
        # What is queued goes first.
        return not self._outlet.queued

    def _fetch(self, size: int) -> bool:
        """
        :return: whether so many bytes are in memory.
        """
        if self._offset + size > self._fetched:
            self._fetched = self._offset + size
            fetching = self._file.fetch(self._offset, size)
            if fetching is not None:
                self._fetching = True
                self._outlet.rest()
                fetching.addCallbacks(self._has_fetched, self._fail)
        return not self._fetching and self._consumer is not None

    def _send(self, consumer: IConsumer, size: int) -> bool:
        """
        :return: whether the socket may have room for more.
        """
        if not self.sent:
            # The head, unless it is out.
            consumer.write(b"")
            self._outlet.flush()
            if self._outlet.queued or self._consumer is None:
                return False
        try:
            sent = self._outlet.send_span(self._file.fileno(), self._offset, size)
        except BlockingIOError:
            return False
        if not sent:
            raise Truncated
        self.sent += sent
        self._offset += sent
        return sent == size

    def _has_fetched(self, result: None) -> None:
        self._fetching = False
        self._go_on()

    def _fail(self, failure: Failure) -> None:
        self._fetching = False
        if self._consumer is not None:
            self._end(failure)

    def _let_go(self) -> None:
        """See :meth:`hmacfs.web.sources.Source._let_go`."""
        self._outlet.release()
        self._file.close()
