"""
What requests and connections leave in memory: nothing that waits for Python's collector.

The collector comes by when there are many more objects than before, however large they
are: bodies of a flood of uploads, tens of megabytes that nobody needed any more, waited
for it.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.endpoints import connectProtocol, serverFromString
from twisted.trial.unittest import TestCase

from hmacfs.disk import Disk
from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from hmacfs.store.threads import Threads
from hmacfs.web.root import make_site
from tests.serving import settings, signed
from tests.sockets import TCP, TLS, Client, head
from tests.taker import Memo

SIZES = (100, 200_000, 2_000_000)  # of a body that comes with its head, is read, is drawn


class Circles:
    """
    Objects of ours that know each other in a circle are opened before they are left.
    """

    timeout = 60

    @inlineCallbacks
    def setUp(self) -> Any:
        folder = str(Path(self.mktemp()).absolute())
        threads = Threads(reactor, 2, "test")
        self.store = FilesystemStore(Disk(), folder, MemoryIndex(), reactor, threads, Policy())
        yield self.store.start()
        self.site = make_site(self.store, MemoryMetadata(reactor, 1), Memo(), settings(), reactor)
        self.port = yield serverFromString(reactor, self.listening()).listen(self.site)
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)

    @inlineCallbacks
    def tearDown(self) -> Any:
        gc.set_debug(0)
        gc.garbage.clear()
        yield self.port.stopListening()
        yield self.site.cut()
        yield self.store.stop()

    def connect(self) -> Any:
        return connectProtocol(self.way(), Client())

    def put(self, name: str, size: int, sent: int) -> bytes:
        return head("PUT", signed(name, size), f"Content-Length: {size}") + b"x" * sent

    @inlineCallbacks
    def left(self) -> Any:
        """
        :return: what kinds of our objects the collector finds.
        """
        yield self.site.cut()
        gc.collect()
        kinds = {type(found) for found in gc.garbage}
        return sorted(kind.__name__ for kind in kinds if kind.__module__.startswith("hmacfs"))

    @inlineCallbacks
    def test_stored(self) -> Any:
        """
        Uploads that were stored and fetched, on one connection.
        """
        client = yield self.connect()
        for at, size in enumerate(SIZES):
            client.transport.write(self.put(f"{at}", size, size))
            client.transport.write(head("GET", f"/uploads/{at}"))
        client.transport.write(head("GET", "/health", "Connection: close"))
        answer = yield client.gone
        self.assertIn(b'"ok"', answer)
        self.assertEqual((yield self.left()), [])

    @inlineCallbacks
    def test_refused(self) -> Any:
        """
        Uploads that are not admitted.
        """
        for size in SIZES:
            client = yield self.connect()
            client.transport.write(self.put("a", size, size).replace(b"?v=", b"?v=0"))
            yield client.gone
        self.assertEqual((yield self.left()), [])

    @inlineCallbacks
    def test_vanished(self) -> Any:
        """
        Uploads whose clients went.
        """
        for size in SIZES:
            client = yield self.connect()
            client.transport.write(self.put("a", size, size - 1))
            client.transport.loseConnection()
            yield client.gone
        self.assertEqual((yield self.left()), [])

    @inlineCallbacks
    def test_superseded(self) -> Any:
        """
        Uploads that others took the place of.
        """
        for size in SIZES:
            older = yield self.connect()
            older.transport.write(self.put(f"{size}", size, size - 1))
            newer = yield self.connect()
            newer.transport.write(self.put(f"{size}", size, size))
            yield newer.until(" 201 ")
        self.assertEqual((yield self.left()), [])


class TcpTests(Circles, TCP, TestCase):
    """
    Over TCP.
    """


class TlsTests(Circles, TLS, TestCase):
    """
    Over TLS.
    """
