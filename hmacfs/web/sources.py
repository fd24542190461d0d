"""
From the store to the client, at the pace of the slower of the two.

The body of an answer is a sequence of pieces (:data:`hmacfs.ranges.Piece`):
bytes as they are, and spans of a file.  A small one is read whole and goes out
with its headers; every other one is produced by a :class:`Source`: here a
:class:`FileSource`, and where it can be :class:`hmacfs.web.sendfile.SendfileSource`.

A file that the operator cuts short while it is being sent cannot be helped: the
length is promised.  It is an error, and never filled up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.interfaces.store import IFile
from hmacfs.ranges import Piece, Span


class Truncated(Exception):
    """The file has become shorter than it was when it was opened."""


async def read_whole(file: IFile, pieces: Iterable[Piece]) -> bytes:
    """
    Read a small body into memory.

    :return: all of its bytes.
    :raise Truncated: there are fewer.
    """
    body = []
    for piece in pieces:
        if not isinstance(piece, Span):
            body.append(piece)
            continue
        offset = piece.start
        while offset < piece.stop:
            data = await file.read(offset, piece.stop - offset)
            if not data:
                raise Truncated
            body.append(data)
            offset += len(data)
    return b"".join(body)


@implementer(IPushProducer)
class Source:
    """
    A producer of *pieces* for one consumer.

    :ivar sent: bytes that the consumer took.
    """

    def __init__(self, file: IFile, pieces: Iterable[Piece]) -> None:
        """
        :param file: is closed when the body ends, however it ends.
        """
        self.sent = 0
        self._file = file
        self._pieces = iter(pieces)
        self._offset = self._stop = 0
        self._paused = False
        self._consumer: IConsumer | None = None
        self._done: Deferred[bool] = Deferred()

    def send(self, consumer: IConsumer) -> Deferred[bool]:
        """
        Produce everything for *consumer*.  To be called once.

        :return: fires with ``True`` when it took everything, and with
            ``False`` when it went away before.
        :raise Truncated: the file ended before its span.
        """
        self._consumer = consumer
        consumer.registerProducer(self, True)
        self._begin()
        return self._done

    def pauseProducing(self) -> None:
        """The consumer has enough."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The consumer wants more."""
        self._paused = False
        self._go_on()

    def stopProducing(self) -> None:
        """The consumer has gone away."""
        self._end(False)

    def _begin(self) -> None:
        self._go_on()

    def _go_on(self) -> None:
        """Do what can be done now."""
        raise NotImplementedError

    def _let_go(self) -> None:
        """Nothing more is sent: close the file."""
        raise NotImplementedError

    def _end(self, result: bool | Failure) -> None:
        """
        :param result: ``False`` where the consumer has gone and is not to be
            spoken to.
        """
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        self._let_go()
        if result is not False:
            consumer.unregisterProducer()
        self._done.callback(result)


class FileSource(Source):
    """
    Reads the file.

    One chunk is read ahead while the one before is on its way, so that neither
    the disk nor the network waits for the other, and never a second: that is
    what a stalled client costs.

    The file is closed in every case, but never under a read: the descriptor's
    number may be another file's by then.
    """

    def __init__(self, file: IFile, pieces: Iterable[Piece], chunk_size: Callable[[], int]) -> None:
        """
        :param file: as of :class:`Source`.
        :param chunk_size: asked before each read: bytes to read at once, at most.
        """
        super().__init__(file, pieces)
        self._chunk_size = chunk_size
        self._ahead: bytes | None = None
        self._reading = False
        self._pumping = False

    def _go_on(self) -> None:
        """
        See :meth:`Source._go_on`.

        A loop, since a store in memory answers at once: recursion would end at
        its depth.
        """
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._consumer is not None and self._step(self._consumer):
                pass
        except Exception:
            # Whatever a consumer or a file raises ends the body, and is told.
            self._end(Failure())
        finally:
            self._pumping = False

    def _step(self, consumer: IConsumer) -> bool:
        """
        :return: whether there may be more to do.
        """
        if self._ahead is not None:
            if self._paused:
                return False
            data, self._ahead = self._ahead, None
            self.sent += len(data)
            consumer.write(data)
        elif self._reading:
            return False
        elif self._offset < self._stop:
            size = min(self._chunk_size(), self._stop - self._offset)
            reading = self._file.read(self._offset, size)
            self._reading = True
            reading.addCallbacks(self._read, self._fail)
        else:
            self._next_piece()
        return True

    def _next_piece(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            self._end(True)
        elif isinstance(piece, Span):
            self._offset, self._stop = piece.start, piece.stop
        else:
            self._ahead = piece

    def _read(self, data: bytes) -> None:
        self._reading = False
        if self._consumer is None:
            self._file.close()
        elif not data:
            self._end(Failure(Truncated()))
        else:
            self._offset += len(data)
            self._ahead = data
            self._go_on()

    def _fail(self, failure: Failure) -> None:
        self._reading = False
        if self._consumer is None:
            # Nobody waits for these bytes any more, nor for the reason.
            self._file.close()
        else:
            self._end(failure)

    def _let_go(self) -> None:
        """See :meth:`Source._let_go`."""
        self._ahead = None
        if not self._reading:
            self._file.close()
