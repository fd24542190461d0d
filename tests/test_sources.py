"""
Files on their way to a client.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IPushProducer
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from hmacfs.interfaces import IFile
from hmacfs.ranges import Piece, Span
from hmacfs.records import FileRecord
from hmacfs.web.sources import FileSource, Truncated, read_whole

ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


@implementer(IFile)
class SlowFile:
    """
    A file whose reads are answered when the test says so.

    :ivar reads: what was asked for and is not answered yet, each with its
        answer.
    """

    def __init__(self, content: bytes = ALPHABET) -> None:
        self.content = content
        self.record = FileRecord(len(content), "text/plain", 0.0, "e")
        self.reads: list[tuple[int, int, Deferred[bytes]]] = []
        self.closed = 0

    def read(self, offset: int, size: int) -> Deferred[bytes]:
        answer: Deferred[bytes] = Deferred()
        self.reads.append((offset, size, answer))
        return answer

    def answer(self) -> None:
        """The oldest read is done."""
        offset, size, answer = self.reads.pop(0)
        answer.callback(self.content[offset : offset + size])

    def close(self) -> None:
        self.closed += 1


class QuickFile(SlowFile):
    """A file in memory: reads are answered at once, and no more than *most* bytes."""

    most = 1 << 20

    def read(self, offset: int, size: int) -> Deferred[bytes]:
        return succeed(self.content[offset : offset + min(size, self.most)])


@attrs.define
class Taker:
    """
    A consumer that keeps what it gets.

    :ivar hears: called with each piece, before :meth:`write` returns.
    """

    taken: list[bytes] = attrs.Factory(list)
    producer: IPushProducer | None = None
    hears: Callable[[bytes], None] = lambda data: None

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        assert streaming and self.producer is None
        self.producer = producer

    def unregisterProducer(self) -> None:
        assert self.producer is not None
        self.producer = None

    def write(self, data: bytes) -> None:
        self.taken.append(data)
        self.hears(data)


class FileSourceTests(SynchronousTestCase):
    """
    The bytes go out in order, as fast as they are taken, and the file is closed.
    """

    def begin(self, *pieces: Piece, chunk: int = 4, file: SlowFile | None = None) -> None:
        self.file = SlowFile() if file is None else file
        self.client = Taker()
        self.source = FileSource(self.file, pieces, lambda: chunk)
        self.sent = self.source.send(self.client)

    def test_interface(self) -> None:
        """
        It pushes.
        """
        self.assertTrue(verifyObject(IPushProducer, FileSource(SlowFile(), [], lambda: 1)))

    def test_chunks(self) -> None:
        """
        A span is read in chunks, one at a time, and the last one is short.
        """
        self.begin(Span(0, 10))
        for expected in [(0, 4), (4, 4), (8, 2)]:
            self.assertEqual([read[:2] for read in self.file.reads], [expected])
            self.file.answer()
        self.assertTrue(self.successResultOf(self.sent))
        self.assertEqual(self.client.taken, [b"abcd", b"efgh", b"ij"])
        self.assertEqual((self.source.sent, self.file.closed, self.client.producer), (10, 1, None))

    def test_pieces(self) -> None:
        """
        Bytes and spans go out in their order.
        """
        self.begin(b"<", Span(24, 26), b"|", Span(0, 2), b">", file=QuickFile())
        self.assertTrue(self.successResultOf(self.sent))
        self.assertEqual(b"".join(self.client.taken), b"<yz|ab>")

    def test_nothing(self) -> None:
        """
        A body without pieces is sent at once.
        """
        self.begin()
        self.assertTrue(self.successResultOf(self.sent))
        self.assertEqual((self.client.taken, self.file.closed), ([], 1))

    def test_read_ahead(self) -> None:
        """
        For a client that is slow one chunk is kept ready, and no second.
        """
        self.begin(Span(0, 26))
        self.file.answer()
        self.source.pauseProducing()
        self.file.answer()
        self.assertEqual((self.client.taken, self.file.reads), ([b"abcd"], []))

        self.source.resumeProducing()
        self.assertEqual(self.client.taken, [b"abcd", b"efgh"])
        self.assertEqual([read[:2] for read in self.file.reads], [(8, 4)])

    def test_paused_by_write(self) -> None:
        """
        A client that is full with the first chunk gets the next when it asks for it.
        """
        self.begin(Span(0, 26))
        self.client.hears = lambda data: self.source.pauseProducing()
        self.file.answer()
        self.file.answer()
        self.assertEqual(self.client.taken, [b"abcd"])
        self.source.resumeProducing()
        self.assertEqual(self.client.taken, [b"abcd", b"efgh"])

    def test_gone(self) -> None:
        """
        A client that goes away between two chunks ends it.
        """
        self.begin(Span(0, 26))
        self.file.answer()
        self.source.pauseProducing()
        self.file.answer()
        self.source.stopProducing()
        self.assertFalse(self.successResultOf(self.sent))
        self.assertEqual((self.source.sent, self.file.closed, self.file.reads), (4, 1, []))

    def test_gone_in_read(self) -> None:
        """
        The file is not closed under a read, but after it.
        """
        self.begin(Span(0, 26))
        self.source.stopProducing()
        self.assertFalse(self.successResultOf(self.sent))
        self.assertEqual(self.file.closed, 0)
        self.file.answer()
        self.assertEqual((self.client.taken, self.file.closed), ([], 1))

    def test_gone_in_failing_read(self) -> None:
        """
        A read that fails for a client that has gone is nobody's concern.
        """
        self.begin(Span(0, 26))
        self.source.stopProducing()
        self.successResultOf(self.sent)
        self.file.reads.pop()[2].errback(OSError("gone"))
        self.assertEqual(self.file.closed, 1)

    def test_gone_in_write(self) -> None:
        """
        A client that goes away while it is written to gets nothing more.
        """
        self.begin(Span(0, 26))
        self.client.hears = lambda data: self.source.stopProducing()
        self.file.answer()
        self.assertFalse(self.successResultOf(self.sent))
        self.assertEqual((self.client.taken, self.file.closed), ([b"abcd"], 1))

    def test_gone_twice(self) -> None:
        """
        The end comes once.
        """
        self.begin(Span(0, 26))
        self.file.answer()
        self.source.stopProducing()
        self.source.stopProducing()
        self.file.answer()
        self.source.resumeProducing()
        self.assertFalse(self.successResultOf(self.sent))
        self.assertEqual((self.client.taken, self.file.closed), ([b"abcd"], 1))

    def test_truncated(self) -> None:
        """
        A file that has become shorter is an error, and is not filled up.
        """
        self.begin(Span(20, 30))
        self.file.answer()
        self.file.answer()
        self.file.answer()
        self.failureResultOf(self.sent, Truncated)
        self.assertEqual(b"".join(self.client.taken), b"uvwxyz")
        self.assertEqual((self.file.closed, self.client.producer), (1, None))

    def test_failing_read(self) -> None:
        """
        A disk that fails ends it.
        """
        self.begin(Span(0, 26))
        self.file.reads.pop()[2].errback(OSError("no disk"))
        self.failureResultOf(self.sent, OSError)
        self.assertEqual((self.file.closed, self.client.producer), (1, None))

    def test_failing_write(self) -> None:
        """
        A client that cannot be written to ends it.
        """

        def refuse(data: bytes) -> None:
            raise RuntimeError("closed")

        self.begin(Span(0, 26))
        self.client.hears = refuse
        self.file.answer()
        self.failureResultOf(self.sent, RuntimeError)
        self.assertEqual(self.file.closed, 1)

    def test_deep(self) -> None:
        """
        A store that answers at once is not limited by the depth of the stack.
        """
        content = bytes(5000)
        self.begin(Span(0, 5000), chunk=1, file=QuickFile(content))
        self.assertTrue(self.successResultOf(self.sent))
        self.assertEqual(self.source.sent, 5000)

    @given(
        st.lists(
            st.binary(max_size=3)
            | st.tuples(st.integers(0, 25), st.integers(1, 26)).map(
                lambda pair: Span(pair[0], min(26, pair[0] + pair[1]))
            )
        ),
        st.integers(1, 9),
        st.lists(st.sampled_from(["pause", "resume", "answer"])),
    )
    def test_any_order(self, pieces: list[Piece], chunk: int, deeds: list[str]) -> None:
        """
        Whoever is slow, and whenever, the bytes are the same.
        """
        self.begin(*pieces, chunk=chunk)
        for deed in deeds:
            if deed == "pause":
                self.source.pauseProducing()
            elif deed == "resume":
                self.source.resumeProducing()
            elif self.file.reads:
                self.file.answer()
            self.assertLessEqual(len(self.file.reads), 1)
        self.source.resumeProducing()
        while self.file.reads:
            self.file.answer()
        self.assertTrue(self.successResultOf(self.sent))
        self.assertEqual(
            b"".join(self.client.taken),
            b"".join(
                ALPHABET[piece.start : piece.stop] if isinstance(piece, Span) else piece
                for piece in pieces
            ),
        )


class ReadWholeTests(SynchronousTestCase):
    """
    A small body is read into memory.
    """

    def test_pieces(self) -> None:
        """
        Bytes and spans are joined, however little a read yields.
        """
        file = QuickFile()
        file.most = 3
        body = Deferred.fromCoroutine(read_whole(file, [b"<", Span(0, 8), b">"]))
        self.assertEqual(self.successResultOf(body), b"<abcdefgh>")

    def test_truncated(self) -> None:
        """
        A file that has become shorter is an error.
        """
        body = Deferred.fromCoroutine(read_whole(QuickFile(), [Span(20, 30)]))
        self.failureResultOf(body, Truncated)
