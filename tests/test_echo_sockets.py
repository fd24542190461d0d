"""
Tests for :mod:`hmacfs.web.echo` over real sockets: who does not take an answer
at once gets the rest of it as anybody does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from hmacfs.abilities import IHolds
from hmacfs.disk import Disk
from hmacfs.events import (
    DownloadCompleted,
    DownloadFailed,
    DownloadStarted,
    RequestCompleted,
    RequestFailed,
    RequestReceived,
)
from hmacfs.interfaces.store import IFile
from hmacfs.names import StoredName
from hmacfs.records import FileRecord
from hmacfs.store.files import StoredFile
from hmacfs.store.held import HeldFile
from hmacfs.web.echo import LONGEST
from hmacfs.web.sources import Truncated
from tests.inline import Inline
from tests.sockets import TCP, TLS, UNIX, head
from tests.test_download import Shelf
from tests.test_download_sockets import Reader, Serving

BODY = bytes(range(251)) * (LONGEST // 251) + bytes(LONGEST % 251)
SMALL = b"small"
MANY = 80  # more than the buffers of two sockets hold


class Watching(Disk):
    """
    :ivar closed: the descriptors that were closed, each as often as it was.
    """

    def __init__(self) -> None:
        super().__init__()
        self.closed: list[int] = []

    def close(self, descriptor: int) -> None:
        self.closed.append(descriptor)
        super().close(descriptor)


@implementer(IHolds)
class AtHand(Shelf):
    """
    A store that has a file of the disk at hand, and a small one in memory.

    :ivar opened: the files that were given.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(BODY)
        self.opened: list[StoredFile] = []
        self.disk = Watching()
        self._record = FileRecord(len(BODY), "text/plain", 0.0, "e")
        self._small = HeldFile(FileRecord(len(SMALL), "text/plain", 0.0, "s"), SMALL)

    def held(self, name: StoredName) -> Any:
        if name.text == "small":
            return self._small
        file = os.open(self.path, os.O_RDONLY)
        self.opened.append(StoredFile(file, self._record, self.disk, Inline()))
        return self.opened[-1]

    def open(self, name: StoredName) -> Deferred[IFile]:
        return succeed(self.held(name))


class Asking(Serving):
    """
    Clients that ask for the same many times, in one go.
    """

    def make_store(self) -> AtHand:
        return AtHand(Path(self.mktemp()))

    def ask(self, name: str = "large", *fields: str) -> Any:
        """
        :return: fires with a client that has asked.
        """
        last = ("GET", name, *fields, "Connection: close")
        return self.begin(*[("GET", name, *fields)] * (MANY - 1), last)

    def assertBodies(self, client: Reader, expected: bytes) -> None:
        bodies = self.split(client.received, ["GET"] * MANY)
        self.assertTrue(all(body == expected for body in bodies))
        kinds = (RequestReceived, DownloadStarted, DownloadCompleted, RequestCompleted)
        told = {kind: [event.request for event in self.told(kind)] for kind in kinds}
        self.assertEqual([len(set(ids)) for ids in told.values()], [MANY] * 4)
        self.assertEqual([*told.values()], [told[RequestReceived]] * 4)
        sent = {event.sent for event in self.told(DownloadCompleted)}
        self.assertEqual(sent, {len(expected)})
        self.assertEqual({event.sent for event in self.told(RequestCompleted)}, sent)
        self.assertClosed()

    def assertFailed(self, reason: str) -> None:
        """
        What did not end well failed for this reason.
        """
        left = len(self.told(DownloadStarted)) - len(self.told(DownloadCompleted))
        failed = [event.reason for event in self.told(DownloadFailed)]
        self.assertEqual(failed, [reason] * left)
        self.assertEqual([event.reason for event in self.told(RequestFailed)], failed)
        self.assertClosed()

    def assertClosed(self) -> None:
        opened = sorted(file.fileno() for file in self.store.opened)
        self.assertEqual(sorted(self.store.disk.closed), opened)


class Asked(Asking):
    """
    What is true over each kind of socket.
    """

    @inlineCallbacks
    def test_read(self) -> Any:
        """
        A client that reads all gets all, in order, and it is told.
        """
        client = yield self.ask()
        yield client.gone
        self.assertBodies(client, BODY)

    @inlineCallbacks
    def test_paused(self) -> Any:
        """
        So does one that reads nothing for a while.
        """
        client = yield self.begin()
        client.transport.pauseProducing()
        client.transport.write(b"".join([head("GET", "/uploads/large")] * (MANY - 1)))
        client.transport.write(head("GET", "/uploads/large", "Connection: close"))
        before = -1
        while len(self.store.opened) > before:
            before = len(self.store.opened)
            yield self.wait()
            yield self.wait()
        self.assertLess(before, MANY)
        client.transport.resumeProducing()
        yield client.gone
        self.assertBodies(client, BODY)

    @inlineCallbacks
    def test_part(self) -> Any:
        """
        A part of the file comes alone.
        """
        client = yield self.ask("large", "Range: bytes=1000-200999")
        yield client.gone
        self.assertBodies(client, BODY[1000:201000])

    @inlineCallbacks
    def test_small(self) -> Any:
        """
        What is in memory comes whole.
        """
        client = yield self.ask("small")
        yield client.gone
        self.assertBodies(client, SMALL)

    @inlineCallbacks
    def test_gone(self) -> Any:
        """
        A client that leaves in the middle leaves no open file, and it is told.
        """
        client = yield self.ask()
        yield client.more_than(1_000_000)
        client.transport.abortConnection()
        yield client.gone
        yield self.site.drain()
        self.assertFailed("disconnected")

    @inlineCallbacks
    def test_stopped(self) -> Any:
        """
        The end of the daemon cuts off what is under way.
        """
        client = yield self.ask()
        yield client.more_than(1)
        client.transport.pauseProducing()
        yield self.site.cut()
        client.transport.resumeProducing()
        yield client.gone
        self.assertFailed("shutting-down")

    @inlineCallbacks
    def test_truncated(self) -> Any:
        """
        A file that is cut short meanwhile ends the connection; nothing is
        filled up, and nothing follows.
        """
        client = yield self.begin(("GET", "large"))
        yield client.more_than(len(BODY))
        os.truncate(self.store.path, 1000)
        client.transport.write(head("GET", "/uploads/large"))
        yield client.gone
        rest = client.received.partition(b"\r\n\r\n")[2][len(BODY) :]
        self.assertTrue(BODY[:1000].startswith(rest.partition(b"\r\n\r\n")[2]))
        self.assertEqual(len(self.flushLoggedErrors(Truncated)), 1)
        self.assertEqual([event.reason for event in self.told(DownloadFailed)], ["internal"])
        self.assertClosed()


class TCPTests(Asked, TCP, TestCase):
    """
    Over TCP.
    """


class UNIXTests(Asked, UNIX, TestCase):
    """
    Over a UNIX socket.
    """


class TLSTests(Asked, TLS, TestCase):
    """
    Over TLS, where the kernel sends no file.
    """
