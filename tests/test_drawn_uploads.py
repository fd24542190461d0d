"""
Large uploads on real sockets into a real folder: plain ones are drawn by threads,
or read as ever, TLS is read, and nobody can tell the difference.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.endpoints import connectProtocol, serverFromString
from twisted.trial.unittest import TestCase

from hmacfs.disk import Disk
from hmacfs.events import UploadFailed, UploadStarted, UploadSuspended
from hmacfs.interfaces.disk import Drawn
from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.names import recall
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from hmacfs.store.threads import Threads
from hmacfs.web.root import make_site
from tests.paces import SetPace
from tests.serving import settings, signed
from tests.sockets import TCP, TLS, UNIX, Client, head
from tests.taker import Memo

SIZE = 5 * 2**20
BODY = bytes(range(256)) * (SIZE // 256)


class Watched(Disk):
    """
    A disk that counts what is drawn.

    :ivar drawn: bytes.
    :ivar full: whether nothing more has room.
    :ivar going: set while anything is.
    """

    drawn = 0
    full = False

    def __init__(self) -> None:
        super().__init__()
        self.going = Event()
        self.going.set()

    def draw(self, source: int, file: int, most: int) -> Drawn:
        self.going.wait(60)
        if self.full:
            raise OSError(28, "No space left on device")
        drawn = super().draw(source, file, most)
        self.drawn += drawn.size
        return drawn

    def write(self, file: int, pieces: Sequence[bytes | memoryview]) -> int:
        self.going.wait(60)
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(file, pieces)


class Told(Memo):
    """A hub that tells when something of a kind happened."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: dict[type, Deferred[Any]] = {}

    def emit(self, event: Any) -> None:
        super().emit(event)
        waited = self.waited.pop(type(event), None)
        if waited is not None:
            waited.callback(event)

    def wait(self, kind: type) -> Deferred[Any]:
        self.waited[kind] = Deferred()
        return self.waited[kind]


class Uploads:
    """
    What is true of every kind of socket.

    :ivar draws: whether threads draw from it.
    :ivar quick: whether what is read is written on the spot.
    """

    draws = True
    quick = True
    timeout = 60

    @inlineCallbacks
    def setUp(self) -> Any:
        self.folder = Path(self.mktemp()).absolute()
        self.disk, self.hub, self.pace = Watched(), Told(), SetPace(self.quick)
        self.store = FilesystemStore(
            self.disk,
            str(self.folder),
            MemoryIndex(),
            reactor,
            Threads(reactor, 2, "test"),
            Policy(),
            pace=self.pace,
        )
        yield self.store.start()
        self.site = make_site(self.store, MemoryMetadata(reactor, 1), self.hub, settings(), reactor)
        self.site.draws = self.draws
        self.port = yield serverFromString(reactor, self.listening()).listen(self.site)

    @inlineCallbacks
    def tearDown(self) -> Any:
        yield self.port.stopListening()
        yield self.site.cut()
        yield self.store.stop()

    def connect(self) -> Deferred[Client]:
        return connectProtocol(self.way(), Client())

    def begin(self, client: Client, name: str, sent: int = SIZE, *fields: str) -> None:
        fields = (f"Content-Length: {SIZE}", *fields)
        client.transport.write(head("PUT", signed(name, SIZE), *fields))
        client.transport.write(BODY[:sent])

    @inlineCallbacks
    def test_one_after_the_other(self) -> Any:
        """
        Large uploads on one connection, and what follows them, are served in order.
        """
        client = yield self.connect()
        self.begin(client, "a")
        self.begin(client, "b")
        client.transport.write(head("GET", "/health", "Connection: close"))
        answers = yield client.gone
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", answers), [b"201", b"201", b"200"])
        for name in "ab":
            self.assertEqual((self.folder / name).read_bytes(), BODY)
        self.assertEqual(bool(self.disk.drawn), self.draws)

    @inlineCallbacks
    def test_paused(self) -> Any:
        """
        A client that pauses goes on where it was.
        """
        client = yield self.connect()
        self.begin(client, "a", 1_000_000)
        other = yield self.connect()
        other.transport.write(head("GET", "/health"))
        yield other.until('"ok"')
        client.transport.write(BODY[1_000_000:])
        yield client.until("201 Created")
        self.assertEqual((self.folder / "a").read_bytes(), BODY)
        for each in (client, other):
            each.transport.loseConnection()
            yield each.gone

    @inlineCallbacks
    def test_very_slow(self) -> Any:
        """
        A client that sends a little now and then is served to its last byte.
        """
        client, other = yield gatherResults([self.connect() for _ in range(2)])
        self.begin(client, "a", 300_000)
        for start in range(300_000, 600_000, 30_011):
            other.received = b""
            other.transport.write(head("GET", "/health"))
            yield other.until('"ok"')
            client.transport.write(BODY[start : min(start + 30_011, 600_000)])
        client.transport.write(BODY[600_000:])
        yield client.until("201 Created")
        self.assertEqual((self.folder / "a").read_bytes(), BODY)
        for each in (client, other):
            each.transport.loseConnection()
            yield each.gone

    @inlineCallbacks
    def test_cut(self) -> Any:
        """
        The end of the daemon cuts it off, and what came is kept.
        """
        client = yield self.connect()
        started, suspended = self.hub.wait(UploadStarted), self.hub.wait(UploadSuspended)
        self.begin(client, "a", 1_000_000)
        yield started
        yield self.site.cut()
        event = yield suspended
        yield client.gone
        self.assertEqual(event.reason, "shutting-down")
        [part] = (self.folder / ".hmacfs" / "parts").iterdir()
        self.assertEqual(part.read_bytes(), BODY[: event.offset])

    @inlineCallbacks
    def test_full(self) -> Any:
        """
        A disk that is full is told of, and nothing is left.
        """
        self.disk.full = True
        client, failed = (yield self.connect()), self.hub.wait(UploadFailed)
        self.begin(client, "a")
        answer = yield client.gone
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", answer), [b"507"])
        yield failed
        self.assertEqual([*(self.folder / ".hmacfs" / "parts").iterdir()], [])

    @inlineCallbacks
    def test_vanished(self) -> Any:
        """
        What came of a client that vanishes is kept, to the last byte.
        """
        client = yield self.connect()
        suspended = self.hub.wait(UploadSuspended)
        self.begin(client, "a", 1_000_000)
        client.transport.loseConnection()
        event = yield suspended
        self.assertEqual((event.offset, event.reason), (1_000_000, "disconnected"))
        yield client.gone

    @inlineCallbacks
    def test_superseded(self) -> Any:
        """
        A newer request takes the place of one that is being drawn.
        """
        client, newer = (yield self.connect()), (yield self.connect())
        started = self.hub.wait(UploadStarted)
        self.begin(client, "a", 1_000_000)
        yield started
        self.begin(newer, "a")
        yield newer.until("201 Created")
        yield client.until("409 Conflict")
        self.assertEqual((self.folder / "a").read_bytes(), BODY)
        for each in (client, newer):
            each.transport.loseConnection()
            yield each.gone

    @inlineCallbacks
    def test_digest(self) -> Any:
        """
        Only what has the digest that it came with is kept.
        """
        client = yield self.connect()
        for name, digest in (("a", sha256(b"other")), ("b", sha256(BODY))):
            told = b64encode(digest.digest()).decode()
            self.begin(client, name, SIZE, f"Content-Digest: sha-256=:{told}:")
            yield client.until("400 Bad Request" if name == "a" else "201 Created")
        client.transport.loseConnection()
        yield client.gone
        kept = sorted(each.name for each in self.folder.iterdir())
        self.assertEqual(kept, [".hmacfs", "b"])
        self.assertEqual((self.folder / "b").read_bytes(), BODY)

    @inlineCallbacks
    def test_banned(self) -> Any:
        """
        Bytes that are banned are not kept, however they came.
        """
        yield self.store.ban(sha256(BODY).hexdigest())
        client = yield self.connect()
        self.begin(client, "a")
        yield client.until("403 Forbidden")
        client.transport.loseConnection()
        yield client.gone
        self.assertEqual([each.name for each in self.folder.iterdir()], [".hmacfs"])

    @inlineCallbacks
    def test_taken_down(self) -> Any:
        """
        An upload whose name is taken down hears so with its next bytes.
        """
        client = yield self.connect()
        started = self.hub.wait(UploadStarted)
        self.begin(client, "a", 1_000_000)
        yield started
        yield self.store.take_down(recall(b"a"))
        client.transport.write(BODY[1_000_000:])
        yield client.until("410 Gone")
        client.transport.loseConnection()
        yield client.gone
        yield self.store.settled()
        self.assertEqual([each.name for each in self.folder.iterdir()], [".hmacfs"])
        self.assertEqual([*(self.folder / ".hmacfs" / "parts").iterdir()], [])


class Plain(Uploads):
    """
    What is true of sockets that a client can close by half.
    """

    @inlineCallbacks
    def test_gone_on_with(self) -> Any:
        """
        What a newer request finds is what came, and nothing is missing in its
        midst: nobody reads the older one's socket while a thread draws.
        """
        client, newer, other = yield gatherResults([self.connect() for _ in range(3)])
        started, suspended = self.hub.wait(UploadStarted), self.hub.wait(UploadSuspended)
        self.pace.quick = False
        self.disk.going.clear()
        self.begin(client, "a", 1_000_000)
        yield started
        asked = (f"Content-Range: bytes */{SIZE}", "Content-Length: 0")
        newer.transport.write(head("PUT", signed("a", SIZE), *asked))
        yield client.until("409 Conflict")
        client.transport.write(BODY[1_000_000:2_000_000])
        other.transport.write(head("GET", "/health"))
        yield other.until('"ok"')
        self.disk.going.set()
        event = yield suspended
        yield newer.until("308 ")
        [part] = (self.folder / ".hmacfs" / "parts").iterdir()
        self.assertEqual(part.read_bytes(), BODY[: event.offset])
        for each in (client, newer, other):
            each.transport.loseConnection()
            yield each.gone

    @inlineCallbacks
    def test_too_many_files(self) -> Any:
        """
        Where there is no descriptor left to draw from, it is read.
        """

        def full(descriptor: int) -> int:
            raise OSError(24, "Too many open files")

        self.patch(os, "dup", full)
        client = yield self.connect()
        self.begin(client, "a", SIZE, "Connection: close")
        answers = yield client.gone
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", answers), [b"201"])
        self.assertEqual(((self.folder / "a").read_bytes(), self.disk.drawn), (BODY, 0))

    @inlineCallbacks
    def test_half_closed(self) -> Any:
        """
        A client that ends its body too early hears so.
        """
        client = yield self.connect()
        self.begin(client, "a", 1_000_000)
        client.transport.loseWriteConnection()
        answer = yield client.gone
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", answer), [b"400"])


class TCPTests(TCP, Plain, TestCase):
    """
    Over TCP, drawn by threads.
    """


class ReadTCPTests(TCP, Plain, TestCase):
    """
    Over TCP, read as ever: so it is where a reactor cannot wait for a descriptor;
    and written by threads, as where the disk is slow.
    """

    draws = quick = False


class UNIXTests(UNIX, Plain, TestCase):
    """
    Over a UNIX socket, which threads could not draw much from at a time.
    """

    draws = False

    @inlineCallbacks
    def test_never_drawn(self) -> Any:
        """
        Also where threads draw from others.
        """
        self.site.draws = True
        yield self.test_one_after_the_other()


class SlowUNIXTests(UNIX, Plain, TestCase):
    """
    Over a UNIX socket, onto a slow disk.
    """

    draws = quick = False


class TLSTests(TLS, Uploads, TestCase):
    """
    Over TLS, where no thread can read.
    """

    draws = False

    @inlineCallbacks
    def test_never_drawn(self) -> Any:
        """
        Also where threads draw from plain sockets.
        """
        self.site.draws = True
        client = yield self.connect()
        self.begin(client, "a", SIZE, "Connection: close")
        answers = yield client.gone
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", answers), [b"201"])
        self.assertEqual(((self.folder / "a").read_bytes(), self.disk.drawn), (BODY, 0))
