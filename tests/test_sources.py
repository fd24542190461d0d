"""
Files on their way to a client.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hmacfs.interfaces.store import IFile
from hmacfs.ranges import Piece, Span
from hmacfs.records import FileRecord
from hmacfs.web.sources import FileSource, Truncated, read_whole
from tests.source_contract import ALPHABET, Consumer, SourceContract, any_order


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


class FileSourceTests(SourceContract, SynchronousTestCase):
    """
    What is read is kept for one chunk, and no more.
    """

    file: SlowFile

    def begin(self, *pieces: Piece, file: SlowFile | None = None, chunk: int = 4) -> None:
        self.taken: list[bytes] = []
        self.file = SlowFile() if file is None else file
        self.client = Consumer(lambda data: self.hears(data), self.taken.append)
        self.source = FileSource(self.file, pieces, lambda: chunk)
        self.sent = self.source.send(self.client)

    def step(self) -> None:
        if self.file.reads and self.broken:
            self.file.reads.pop()[2].errback(OSError("no disk"))
        elif self.file.reads:
            self.file.answer()
        self.assertLessEqual(len(self.file.reads), 1)

    def arrived(self) -> bytes:
        while self.file.reads:
            self.step()
        arrived = b"".join(self.taken)
        self.taken.clear()
        return arrived

    def cut(self, size: int) -> None:
        self.file.content = self.file.content[:size]

    def closed(self) -> int:
        return self.file.closed

    @any_order
    def test_any_order(self, pieces: list[Piece], deeds: list[str]) -> None:
        """
        Whoever is slow, and whenever, the bytes are the same.
        """
        self.check_any_order(pieces, deeds)

    def test_chunks(self) -> None:
        """
        A span is read in chunks, one at a time, and the last one is short.
        """
        self.begin(Span(0, 10))
        for expected in [(0, 4), (4, 4), (8, 2)]:
            self.assertEqual([read[:2] for read in self.file.reads], [expected])
            self.file.answer()
        self.assertTrue(self.successResultOf(self.sent))
        self.assertEqual(self.taken, [b"abcd", b"efgh", b"ij"])
        self.assertEqual((self.source.sent, self.file.closed, self.client.producer), (10, 1, None))

    def test_read_ahead(self) -> None:
        """
        For a client that is slow one chunk is kept ready, and no second.
        """
        self.begin(Span(0, 26))
        self.file.answer()
        self.source.pauseProducing()
        self.file.answer()
        self.assertEqual((self.taken, self.file.reads), ([b"abcd"], []))

        self.source.resumeProducing()
        self.assertEqual(self.taken, [b"abcd", b"efgh"])
        self.assertEqual([read[:2] for read in self.file.reads], [(8, 4)])

    def test_paused_by_write(self) -> None:
        """
        A client that is full with the first chunk gets the next when it asks for it.
        """
        self.begin(Span(0, 26))
        self.hears = lambda data: self.source.pauseProducing()
        self.file.answer()
        self.file.answer()
        self.assertEqual(self.taken, [b"abcd"])
        self.source.resumeProducing()
        self.assertEqual(self.taken, [b"abcd", b"efgh"])

    def test_gone_in_read(self) -> None:
        """
        The file is not closed under a read, but after it.
        """
        self.begin(Span(0, 26))
        self.source.stopProducing()
        self.assertFalse(self.successResultOf(self.sent))
        self.assertEqual(self.file.closed, 0)
        self.file.answer()
        self.assertEqual((self.taken, self.file.closed), ([], 1))

    def test_gone_in_failing_read(self) -> None:
        """
        A read that fails for a client that has gone is nobody's concern.
        """
        self.begin(Span(0, 26))
        self.source.stopProducing()
        self.successResultOf(self.sent)
        self.file.reads.pop()[2].errback(OSError("gone"))
        self.assertEqual(self.file.closed, 1)

    def test_deep(self) -> None:
        """
        A store that answers at once is not limited by the depth of the stack.
        """
        content = bytes(5000)
        self.begin(Span(0, 5000), chunk=1, file=QuickFile(content))
        self.assertTrue(self.successResultOf(self.sent))
        self.assertEqual(self.source.sent, 5000)


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
