"""
Downloads over real sockets: the same, however the bytes get there.

``sendfile(2)`` serves files of the disk over TCP and UNIX sockets; under TLS they
are encrypted in stretches, and a store in memory is served in chunks.  No client
can tell.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.internet.endpoints import connectProtocol, serverFromString
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from hmacfs.disk import Disk
from hmacfs.events import DownloadCompleted, DownloadFailed, RequestCompleted, RequestFailed
from hmacfs.interfaces.store import IFile
from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.names import StoredName
from hmacfs.records import FileRecord
from hmacfs.store.files import StoredFile
from hmacfs.web.root import make_site
from hmacfs.web.sources import Truncated
from tests.inline import Inline
from tests.serving import settings
from tests.sockets import TCP, TLS, UNIX, head
from tests.taker import Memo
from tests.test_download import Shelf
from tests.test_sources import QuickFile

SIZE = 9 * 1024 * 1024  # more than the buffers of two sockets hold
BODY = bytes(range(251)) * (SIZE // 251) + bytes(SIZE % 251)
SMALL = b"small"


class Reader(Protocol):
    """
    Keeps what comes, as fast as it is let.

    :ivar gone: fires when the connection has ended.
    """

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.count = 0
        self.gone: Deferred[None] = Deferred()
        self._wanted: tuple[int, Deferred[None]] | None = None

    def dataReceived(self, data: bytes) -> None:
        self.pieces.append(data)
        self.count += len(data)
        if self._wanted is not None and self.count >= self._wanted[0]:
            (_, wanted), self._wanted = self._wanted, None
            wanted.callback(None)

    def connectionLost(self, reason: Failure) -> None:
        self.gone.callback(None)

    def more_than(self, size: int) -> Deferred[None]:
        """
        :return: fires when so many bytes have come.
        """
        wanted: Deferred[None] = Deferred()
        self._wanted = (size, wanted)
        self.dataReceived(b"")
        return wanted

    @property
    def received(self) -> bytes:
        return b"".join(self.pieces)


class OnDisk:
    """The files are the disk's, and a large one is never read in chunks."""

    def file(self, content: bytes) -> tuple[Any, str]:
        path = self.mktemp()
        Path(path).write_bytes(content)
        record = FileRecord(len(content), "text/plain", 0.0, "e")
        file: Any = StoredFile(os.open(path, os.O_RDONLY), record, Disk(), Inline())
        if content is BODY:
            file.read = lambda offset, size: self.fail("it was read")
        return file, path

    def cut(self, path: str, size: int) -> None:
        os.truncate(path, size)

    def remove(self, path: str) -> None:
        os.unlink(path)

    def closed(self, file: Any) -> bool:
        return not os.path.exists(f"/proc/self/fd/{file.fileno()}")


class InMemory:
    """The files are in memory."""

    def file(self, content: bytes) -> tuple[IFile, Any]:
        file = QuickFile(content)
        return file, file

    def cut(self, file: Any, size: int) -> None:
        file.content = file.content[:size]

    def remove(self, file: Any) -> None:
        """What is open stays."""

    def closed(self, file: Any) -> bool:
        return file.closed == 1


class Place(Shelf):
    """
    A store of a large file and a small one.

    :ivar opened: what was opened.
    """

    def __init__(self, case: Any) -> None:
        self.case = case
        self.opened: list[tuple[Any, Any]] = []

    def open(self, name: StoredName) -> Deferred[IFile]:
        self.opened.append(self.case.file(BODY if name.text == "large" else SMALL))
        return succeed(self.opened[-1][0])


class Serving:
    """
    A site, and clients of it.
    """

    timeout = 30
    idle_timeout = 30.0

    @inlineCallbacks
    def setUp(self) -> Any:
        self.store, self.hub = self.make_store(), Memo()
        keys = {"IdleTimeout": f"{int(self.idle_timeout * 1000)}ms"}
        self.site = make_site(
            self.store, MemoryMetadata(reactor, 1), self.hub, settings(**keys), reactor
        )
        self.port = yield serverFromString(reactor, self.listening()).listen(self.site)

    def make_store(self) -> Any:
        return Place(self)

    @inlineCallbacks
    def tearDown(self) -> Any:
        yield self.port.stopListening()
        yield self.site.cut()

    @inlineCallbacks
    def begin(self, *asked: tuple[str, ...]) -> Any:
        """
        Send requests in one go, each a method, a name and fields.

        :return: fires with the client.
        """
        client = yield connectProtocol(self.way(), Reader())
        heads = [head(method, f"/uploads/{name}", *fields) for method, name, *fields in asked]
        client.transport.write(b"".join(heads))
        return client

    @inlineCallbacks
    def bodies(self, *asked: tuple[str, ...]) -> Any:
        """
        :return: fires with the bodies of all answers.
        """
        client = yield self.begin(*asked)
        yield client.gone
        return self.split(client.received, [method for method, *_ in asked])

    def split(self, data: bytes, methods: list[str]) -> list[bytes]:
        found = []
        for method in methods:
            said, _, data = data.partition(b"\r\n\r\n")
            length = int(re.search(rb"Content-Length: (\d+)", said)[1]) if method == "GET" else 0
            found.append(data[:length])
            data = data[length:]
        self.assertEqual(data, b"")
        return found

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.hub.events if isinstance(event, kind)]

    def assertClosed(self) -> None:
        self.assertTrue(all(self.closed(file) for file, _ in self.store.opened))

    def wait(self, seconds: float = 0.005) -> Deferred[None]:
        waited: Deferred[None] = Deferred()
        reactor.callLater(seconds, waited.callback, None)
        return waited


class Downloads(Serving):
    """
    What is true however the bytes get there.
    """

    @inlineCallbacks
    def test_whole(self) -> Any:
        """
        A large file comes to its last byte.
        """
        [body] = yield self.bodies(("GET", "large", "Connection: close"))
        self.assertTrue(body == BODY)
        told = [*self.told(DownloadCompleted), *self.told(RequestCompleted)]
        self.assertEqual([event.sent for event in told], [SIZE, SIZE])
        self.assertClosed()

    @inlineCallbacks
    def test_one_after_the_other(self) -> Any:
        """
        Downloads that are asked for at once, large and small, come in their order.
        """
        bodies = yield self.bodies(
            ("GET", "large"),
            ("GET", "small"),
            ("HEAD", "large"),
            ("GET", "large", f"Range: bytes={SIZE - 200_000}-"),
            ("GET", "large"),
            ("GET", "small", "Connection: close"),
        )
        self.assertTrue(bodies == [BODY, SMALL, b"", BODY[-200_000:], BODY, SMALL])
        self.assertClosed()

    @inlineCallbacks
    def test_parts(self) -> Any:
        """
        Several ranges come as parts, each with the bytes of its place.
        """
        [body] = yield self.bodies(
            ("GET", "large", "Range: bytes=0-3000000,5000000-8000000", "Connection: close")
        )
        between = b"\r\n" + body.partition(b"\r\n")[0]
        before, *parts, behind = (b"\r\n" + body).split(between)
        self.assertEqual((before, behind), (b"", b"--\r\n"))
        bodies = [part.partition(b"\r\n\r\n")[2] for part in parts]
        self.assertTrue(bodies == [BODY[:3_000_001], BODY[5_000_000:8_000_001]])

    @inlineCallbacks
    def test_slow(self) -> Any:
        """
        A client that stops and goes gets every byte.
        """
        client = yield self.begin(("GET", "large"), ("GET", "small", "Connection: close"))
        for size in range(1, SIZE, SIZE // 5):
            yield client.more_than(size)
            client.transport.pauseProducing()
            yield self.wait()
            client.transport.resumeProducing()
        yield client.gone
        large, small = self.split(client.received, ["GET", "GET"])
        self.assertTrue(large == BODY and small == SMALL)

    @inlineCallbacks
    def test_side_by_side(self) -> Any:
        """
        Clients side by side get each his own.
        """
        clients = []
        for number in range(4):
            field = f"Range: bytes={number}-"
            clients.append((yield self.begin(("GET", "large", field, "Connection: close"))))
        for number, client in enumerate(clients):
            yield client.gone
            [body] = self.split(client.received, ["GET"])
            self.assertTrue(body == BODY[number:])
        self.assertClosed()

    @inlineCallbacks
    def test_gone(self) -> Any:
        """
        A client that leaves in the middle leaves no open file, and it is told.
        """
        client = yield self.begin(("GET", "large"), ("GET", "small"))
        yield client.more_than(1_000_000)
        client.transport.abortConnection()
        yield client.gone
        yield self.site.drain()
        [failed] = self.told(DownloadFailed)
        self.assertEqual((failed.reason, 0 < failed.sent < SIZE), ("disconnected", True))
        self.assertEqual(self.told(RequestFailed)[0].sent, failed.sent)
        self.assertClosed()

    @inlineCallbacks
    def test_cut(self) -> Any:
        """
        The end of the daemon cuts it off.
        """
        client = yield self.begin(("GET", "large"))
        yield client.more_than(1_000_000)
        client.transport.pauseProducing()
        yield self.site.cut()
        client.transport.resumeProducing()
        yield client.gone
        [failed] = self.told(DownloadFailed)
        self.assertEqual(failed.reason, "shutting-down")
        self.assertClosed()

    @inlineCallbacks
    def truncated(self, size: int) -> Any:
        """
        Cut a file short while it is sent.

        :return: fires with what came of it.
        """
        client = yield self.begin(("GET", "large"), ("GET", "small"))
        yield client.more_than(1)
        client.transport.pauseProducing()
        [(_, path)] = self.store.opened
        self.cut(path, size)
        client.transport.resumeProducing()
        yield client.gone
        self.assertEqual(len(self.flushLoggedErrors(Truncated)), 1)
        self.assertEqual([event.reason for event in self.told(DownloadFailed)], ["internal"])
        self.assertClosed()
        return client.received.partition(b"\r\n\r\n")[2]

    @inlineCallbacks
    def test_truncated(self) -> Any:
        """
        A file that is emptied meanwhile ends the connection; nothing is
        filled up, and nothing follows.
        """
        body = yield self.truncated(0)
        self.assertTrue(len(body) < SIZE and BODY.startswith(body))

    @inlineCallbacks
    def test_shortened(self) -> Any:
        """
        One that has lost its end comes no further than it goes.
        """
        body = yield self.truncated(SIZE - 1_000)
        self.assertTrue(BODY[: SIZE - 1_000].startswith(body))

    @inlineCallbacks
    def test_removed(self) -> Any:
        """
        One that is removed meanwhile comes to its last byte, and so does what follows.
        """
        client = yield self.begin(("GET", "large"), ("GET", "small", "Connection: close"))
        yield client.more_than(1)
        [(_, path)] = self.store.opened
        self.remove(path)
        yield client.gone
        large, small = self.split(client.received, ["GET", "GET"])
        self.assertTrue(large == BODY and small == SMALL)
        self.assertClosed()

    @inlineCallbacks
    def test_closed_by_us(self) -> Any:
        """
        What comes behind the last answer is not served, and the answer is whole.
        """
        client = yield self.begin(("GET", "large", "Connection: close"), ("GET", "small"))
        yield client.gone
        [body] = self.split(client.received, ["GET"])
        self.assertTrue(body == BODY)
        self.assertEqual(len(self.store.opened), 1)


class HalfClosed:
    """
    Where a client may close its own half: TLS knows no such thing.
    """

    @inlineCallbacks
    def test_half_closed(self) -> Any:
        """
        A client that has closed its half gets all that it asked for, and is
        closed then.
        """
        client = yield self.begin(("GET", "large"), ("GET", "small"))
        client.transport.loseWriteConnection()
        yield client.gone
        large, small = self.split(client.received, ["GET", "GET"])
        self.assertTrue(large == BODY and small == SMALL)


class SendfileTests(OnDisk, TCP, HalfClosed, Downloads, TestCase):
    """
    By ``sendfile(2)`` over TCP.
    """


class UNIXSendfileTests(OnDisk, UNIX, HalfClosed, Downloads, TestCase):
    """
    By ``sendfile(2)`` over a UNIX socket.
    """


class ChunkTests(InMemory, TCP, HalfClosed, Downloads, TestCase):
    """
    In chunks over TCP.
    """


class UNIXChunkTests(InMemory, UNIX, HalfClosed, Downloads, TestCase):
    """
    In chunks over a UNIX socket.
    """


class TLSTests(OnDisk, TLS, Downloads, TestCase):
    """
    In stretches over TLS.
    """

    @inlineCallbacks
    def test_goodbye(self) -> Any:
        """
        A client that has said it gets no more, and the rest of the file is not read.
        """
        client = yield self.begin(("GET", "large"), ("GET", "small"))
        yield client.more_than(1_000_000)
        client.transport.loseConnection()
        yield client.gone
        yield self.site.drain()
        [failed] = self.told(DownloadFailed)
        self.assertEqual((failed.reason, 0 < failed.sent < SIZE), ("disconnected", True))
        self.assertClosed()


class TLSChunkTests(InMemory, TLS, Downloads, TestCase):
    """
    In chunks over TLS.
    """
