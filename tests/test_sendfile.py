"""
Tests for :mod:`hmacfs.web.sendfile`.
"""

from __future__ import annotations

import errno
import os

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hmacfs.interfaces.store import IHasDescriptor
from hmacfs.ranges import Piece, Span
from hmacfs.records import FileRecord
from hmacfs.web.outlet import PlainOutlet
from hmacfs.web.secure_outlet import STRETCH, SecureOutlet
from hmacfs.web.sendfile import SendfileSource
from tests.driven import TlsTransport, Wire, opened
from tests.source_contract import ALPHABET, Consumer, SourceContract, any_order


@implementer(IHasDescriptor)
class DescribedFile:
    """
    A real file.

    :ivar cold: whether the disk has to be waited for.
    :ivar fetches: what was asked for and is not in memory yet.
    """

    cold = False

    def __init__(self, path: str, content: bytes) -> None:
        with open(path, "wb") as file:
            file.write(content)
        self.path = path
        self.record = FileRecord(len(content), "text/plain", 0.0, "e")
        self.fetches: list[tuple[int, int, Deferred[None]]] = []
        self.closed = 0
        self._file = os.open(path, os.O_RDONLY)

    def read(self, offset: int, size: int) -> Deferred[bytes]:
        raise AssertionError("the kernel was to read it")

    def fetch(self, offset: int, size: int) -> Deferred[None] | None:
        if not self.cold:
            return None
        self.fetches.append((offset, size, Deferred()))
        return self.fetches[-1][2]

    def fileno(self) -> int:
        assert not self.closed
        return self._file

    def close(self) -> None:
        self.closed += 1
        self.let_go()

    def let_go(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Sending(SourceContract):
    """
    A source, and a client at the other end of a socket.
    """

    cold = False

    def over(self, wire: Wire) -> PlainOutlet | SecureOutlet:
        return PlainOutlet(wire.transport)

    def begin(self, *pieces: Piece, content: bytes = ALPHABET, turn: int = 4) -> None:
        self.wire = Wire(self)
        self.outlet = self.over(self.wire)
        self.file = DescribedFile(self.mktemp(), content)
        self.addCleanup(self.file.let_go)
        self.file.cold = self.cold
        if self.broken:
            self.file.let_go()
            self.file._file = os.open(".", os.O_RDONLY)
        self.client = Consumer(lambda data: self.hears(data), self.outlet.write)
        self.source = SendfileSource(self.file, pieces, self.outlet, lambda: turn)
        self.sent = self.source.send(self.client)

    def step(self) -> None:
        self.wire.turn()

    def arrived(self) -> bytes:
        return self.wire.drain()

    def cut(self, size: int) -> None:
        os.truncate(self.file.path, size)

    def closed(self) -> int:
        return self.file.closed


class SendfileSourceTests(Sending, SynchronousTestCase):
    """
    What the kernel sends of a file is what was asked for, a little in each turn.
    """

    @any_order
    def test_any_order(self, pieces: list[Piece], deeds: list[str]) -> None:
        """
        Whoever is slow, and whenever, the bytes are the same.
        """
        self.check_any_order(pieces, deeds)

    def test_turns(self) -> None:
        """
        In one turn it sends no more than it may: others wait.
        """
        self.begin(b"<", Span(0, 10), b">")
        taken = [self.wire.take()]
        while self.wire.writing:
            self.wire.turn()
            taken.append(self.wire.take())
        self.assertEqual(taken, [b"<abc", b"defg", b"hij>", b""])

    def test_full(self) -> None:
        """
        Where the socket has no room it waits for it, and blocks nobody.
        """
        content = bytes(range(256)) * 4096
        self.begin(Span(0, len(content)), content=content, turn=len(content))
        self.assertEqual((self.source.sent < len(content), self.wire.writing), (True, True))
        self.assertEqual(self.wire.drain() == content, True)
        self.assertTrue(self.successResultOf(self.sent))

    def test_behind_the_head(self) -> None:
        """
        The file comes behind all that was written before, the head that is kept included.
        """
        much = bytes(100_000)
        self.begin()
        self.outlet.write(much)
        self.outlet.begin(b"head")
        file = DescribedFile(self.mktemp(), ALPHABET)
        SendfileSource(file, [Span(0, 26)], self.outlet, lambda: 100).send(self.client)
        self.assertEqual(self.wire.drain(), much + b"head" + ALPHABET)

    def test_head_alone(self) -> None:
        """
        A consumer that keeps its head until something is written is written to.
        """
        told: list[bytes] = []
        self.hears = told.append
        self.begin(Span(0, 26))
        self.arrived()
        self.assertEqual(told, [b""])

    def test_cold(self) -> None:
        """
        What is not in memory is waited for, and nobody is asked to write meanwhile.
        """
        self.cold = True
        self.begin(Span(0, 6))
        self.assertEqual((self.wire.writing, self.wire.take()), (False, b""))
        [(*asked, fetching)] = self.file.fetches
        self.assertEqual(asked, [0, 4])
        self.file.cold = False
        fetching.callback(None)
        self.assertEqual(self.arrived(), b"abcdef")
        self.assertTrue(self.successResultOf(self.sent))

    def test_cold_and_paused(self) -> None:
        """
        What has come into memory is not sent to a client that has enough.
        """
        self.cold = True
        self.begin(Span(0, 4))
        self.source.pauseProducing()
        self.file.fetches[0][2].callback(None)
        self.assertEqual(self.arrived(), b"")
        self.source.resumeProducing()
        self.assertEqual(self.arrived(), b"abcd")

    def test_cold_and_gone(self) -> None:
        """
        A disk that answers, or fails, when the client has gone is nobody's concern.
        """
        self.cold = True
        for answer in (None, OSError(errno.EIO, "no disk")):
            self.begin(Span(0, 4))
            self.source.stopProducing()
            fetching = self.file.fetches[0][2]
            fetching.callback(None) if answer is None else fetching.errback(answer)
            self.assertFalse(self.successResultOf(self.sent))
            self.assertEqual((self.closed(), self.wire.writing), (1, False))

    def test_cold_and_failing(self) -> None:
        """
        A disk that fails before the first byte leaves the head unsaid.
        """
        self.cold = True
        told: list[bytes] = []
        self.hears = told.append
        self.begin(Span(0, 4))
        self.file.fetches[0][2].errback(OSError(errno.EIO, "no disk"))
        self.failureResultOf(self.sent, OSError)
        self.assertEqual((told, self.closed(), self.client.producer), ([], 1, None))

    def test_disconnected(self) -> None:
        """
        A connection that breaks is the reactor's to end, and no fault of the file.
        """
        self.begin(Span(0, 26))
        self.wire.client.close()
        self.assertIsInstance(self.wire.turn(), ConnectionLost)
        self.assertNoResult(self.sent)
        self.source.stopProducing()
        self.assertFalse(self.successResultOf(self.sent))


class SecureSourceTests(Sending, SynchronousTestCase):
    """
    So is what is encrypted of it.
    """

    def over(self, wire: Wire) -> PlainOutlet | SecureOutlet:
        self.transport = TlsTransport(wire)
        return SecureOutlet(self.transport)

    def arrived(self) -> bytes:
        return opened(super().arrived())

    @any_order
    def test_any_order(self, pieces: list[Piece], deeds: list[str]) -> None:
        """
        Whoever is slow, and whenever, the bytes are the same.
        """
        self.check_any_order(pieces, deeds)

    def test_full(self) -> None:
        """
        Where the socket has no room for a stretch, the next is not read.
        """
        content = bytes(range(256)) * 4096
        self.begin(Span(0, len(content)), content=content, turn=len(content))
        self.assertEqual((self.source.sent, self.wire.writing), (STRETCH, True))
        self.assertTrue(self.arrived() == content)
        self.assertTrue(self.successResultOf(self.sent))

    def test_goodbye(self) -> None:
        """
        A client that has said goodbye gets no more, and that is no fault of the file.
        """
        self.begin(Span(0, 26))
        self.transport._lostTLSConnection = True
        self.assertIsInstance(self.wire.turn(), ConnectionLost)
        self.assertNoResult(self.sent)
        self.source.stopProducing()
        self.assertFalse(self.successResultOf(self.sent))
