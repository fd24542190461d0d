"""
GET and HEAD of stored files, over a wire in memory.
"""

from __future__ import annotations

import re
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hmacfs.conditions import format_date
from hmacfs.config import parse
from hmacfs.errors import NotFound
from hmacfs.events import (
    DownloadCompleted,
    DownloadFailed,
    DownloadStarted,
    Event,
    RequestFailed,
)
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.store import IFile, IResumes
from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.names import StoredName
from hmacfs.records import FileRecord
from hmacfs.store.held import HeldFile
from hmacfs.web.download import SMALL
from hmacfs.web.root import make_site
from tests import wire
from tests.configuring import NoFiles
from tests.test_sources import ALPHABET, QuickFile, SlowFile

NOW = 1_800_000_000.75
ETAG = '"abc"'
LARGE = bytes(range(256)) * (SMALL // 256 + 1)


@implementer(IResumes)
class Shelf:
    """
    A store of one file, of which only :meth:`open` is wanted here.

    :ivar file: what opens, or what goes wrong instead.
    :ivar slow: whether opening waits for :attr:`opening` to fire.
    """

    def __init__(self, file: IFile | Exception) -> None:
        self.file = file
        self.slow = False
        self.opening: Deferred[IFile] = Deferred()

    def open(self, name: StoredName) -> Deferred[IFile]:
        if self.slow:
            return self.opening
        return fail(self.file) if isinstance(self.file, Exception) else succeed(self.file)


@implementer(IHub)
class Downloads:
    """A hub that keeps what is told of downloads, and of requests that failed."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.failed: list[RequestFailed] = []

    def emit(self, event: Event) -> None:
        if isinstance(event, DownloadStarted | DownloadCompleted | DownloadFailed):
            self.told.append(event)
        elif isinstance(event, RequestFailed):
            self.failed.append(event)


class Serving:
    """
    A site with one file, and a client.
    """

    def serve(self, file: SlowFile | Exception, **settings: Any) -> None:
        table = {"Secret": "k" * 32, "ChunkSize": 4096, **settings}
        self.clock = Clock()
        self.clock.advance(NOW)
        self.store, self.hub = Shelf(file), Downloads()
        if isinstance(file, SlowFile):
            self.file = file
            file.record = FileRecord(len(file.content), "text/plain", NOW - 1000, "abc")
        self.site = make_site(
            self.store,
            MemoryMetadata(self.clock, 1),
            self.hub,
            parse(table, "/", NoFiles()).settings,
            self.clock,
        )
        self.client = wire.Conversation(self.site)

    def get(self, *fields: str, method: str = "GET") -> wire.Answer:
        return self.client.request(method, "/uploads/a/b.txt", *fields)

    def start(self, *fields: str) -> None:
        """Ask for the file, and do not wait for the answer."""
        lines = ["GET /uploads/a/b.txt HTTP/1.1", "Host: x", *fields, "", ""]
        self.client.send("\r\n".join(lines).encode())

    def told(self) -> list[Event]:
        """What was told of downloads, whichever request it was."""
        return [attrs.evolve(event, request="r") for event in self.hub.told]


class DownloadTests(Serving, SynchronousTestCase):
    """
    What goes over the wire, and what is told of it.
    """

    def test_small(self) -> None:
        """
        A small file comes with its headers, and the file is closed.
        """
        self.serve(QuickFile())
        found = self.get()
        self.assertEqual((found.status, found.body), (200, ALPHABET))
        self.assertEqual(
            {
                name: found.headers[name]
                for name in ["etag", "content-length", "content-type", "accept-ranges", "date"]
            },
            {
                "etag": ETAG,
                "content-length": "26",
                "content-type": "text/plain",
                "accept-ranges": "bytes",
                "date": format_date(int(NOW)).decode(),
            },
        )
        self.assertEqual(self.file.closed, 1)
        self.assertEqual(
            self.told(),
            [
                DownloadStarted(at=NOW, request="r", name="a/b.txt"),
                DownloadCompleted(at=NOW, request="r", name="a/b.txt", sent=26, duration=0.0),
            ],
        )

    def test_empty(self) -> None:
        """
        An empty file is served like any other.
        """
        self.serve(QuickFile(b""))
        found = self.get()
        self.assertEqual(
            (found.status, found.headers["content-length"], found.body), (200, "0", b"")
        )
        self.assertEqual(
            self.told()[-1],
            DownloadCompleted(at=NOW, request="r", name="a/b.txt", sent=0, duration=0.0),
        )

    def test_large(self) -> None:
        """
        A large file comes in chunks, and the file is closed.
        """
        self.serve(SlowFile(LARGE))
        self.start()
        self.clock.advance(2)
        while self.file.reads:
            self.file.answer()
        found = self.client.answers()[-1]
        self.assertEqual((found.status, found.body == LARGE), (200, True))
        self.assertEqual(self.file.closed, 1)
        self.assertEqual(
            self.told(),
            [
                DownloadStarted(at=NOW, request="r", name="a/b.txt"),
                DownloadCompleted(
                    at=NOW + 2, request="r", name="a/b.txt", sent=len(LARGE), duration=2.0
                ),
            ],
        )

    def test_slow_client(self) -> None:
        """
        A client that takes nothing is sent one chunk, and one more is kept for it.
        """
        self.serve(SlowFile(LARGE))
        self.start()
        self.client.transport.blocked = True
        self.file.answer()
        self.file.answer()
        waiting = self.client.transport.dataBuffer.partition(b"\r\n\r\n")[2]
        self.assertEqual((len(waiting), self.file.reads), (4096, []))

        self.client.transport.unblock()
        while self.file.reads:
            self.file.answer()
        self.assertEqual(self.client.answers()[-1].body, LARGE)

    def test_many_clients(self) -> None:
        """
        The more clients there are, the less is kept for each, and never next to nothing.
        """
        self.serve(SlowFile(LARGE * 32), ChunkSize="1MiB")
        clients = [wire.Conversation(self.site) for _ in range(300)]
        for client in clients:
            client.send(b"GET /uploads/a/b.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        sizes = [size for _, size, _ in self.file.reads]
        self.assertEqual(
            (sizes[0], sizes[15], sizes[31], sizes[299]),
            (1024 * 1024, 1024 * 1024, 512 * 1024, SMALL),
        )

        for client in clients[1:]:
            client.vanish()
        self.file.answer()
        self.assertEqual(self.file.reads[-1][1], 1024 * 1024)

    def test_one_after_the_other(self) -> None:
        """
        A connection serves several downloads, asked for at once.
        """
        self.serve(QuickFile(LARGE))
        self.start("Range: bytes=0-3")
        self.start()
        self.start("Range: bytes=-1")
        self.assertEqual(
            [found.body for found in self.client.answers()], [LARGE[:4], LARGE, LARGE[-1:]]
        )

    def test_head(self) -> None:
        """
        HEAD says what GET says, Range or not, and no event tells of it.
        """
        self.serve(SlowFile(LARGE))
        found = self.get("Range: bytes=0-0", method="HEAD")
        self.assertEqual((found.status, found.body), (200, b""))
        self.assertEqual(found.headers["content-length"], str(len(LARGE)))
        self.assertEqual(found.headers["accept-ranges"], "bytes")
        self.assertEqual((self.told(), self.file.closed, self.file.reads), ([], 1, []))

    def test_not_modified(self) -> None:
        """
        A client that has the file is told so, and gets no body.
        """
        for method in ["GET", "HEAD"]:
            self.serve(QuickFile())
            found = self.get('If-None-Match: "x"', f"If-None-Match: W/{ETAG}", method=method)
            self.assertEqual((found.status, found.headers["etag"]), (304, ETAG))
            self.assertTrue(
                {"content-length", "content-type", "transfer-encoding"}.isdisjoint(found.headers)
            )
            self.assertTrue(self.client.transport.written.endswith(b"\r\n\r\n"))
            self.assertEqual((self.told(), self.file.closed), ([], 1))

    def test_refused(self) -> None:
        """
        A precondition or a range that fails is told, and the file is closed.
        """
        for field, status, code in [
            ('If-Match: "x"', 412, "precondition-failed"),
            ("Range: bytes=26-", 416, "range-not-satisfiable"),
        ]:
            self.serve(QuickFile())
            found = self.get(field)
            self.assertEqual((found.status, found.code), (status, code))
            self.assertEqual((self.told(), self.file.closed), ([], 1))
        self.assertEqual(found.headers["content-range"], "bytes */26")

    def test_held(self) -> None:
        """
        A file that is in memory is answered as any other, each time, and as it
        is then.
        """
        self.serve(QuickFile())
        self.store.file = HeldFile(self.file.record, ALPHABET)
        first, again = self.get(), self.get()
        self.assertEqual(
            (first.headers.pop("x-request-id") == again.headers.pop("x-request-id"), first),
            (False, again),
        )
        self.store.file = self.file
        plain = self.get()
        del plain.headers["x-request-id"]
        self.assertEqual(plain, first)
        self.store.file = HeldFile(attrs.evolve(self.file.record, etag="def", size=5), b"other")
        self.assertEqual((self.get().headers["etag"], self.get().body), ('"def"', b"other"))
        self.assertEqual([event.sent for event in self.told()[1::2]], [26, 26, 26, 5, 5])

    def test_held_and_asked(self) -> None:
        """
        So is one who asks for a part, or for nothing that he has, or for HEAD.
        """
        self.serve(QuickFile())
        self.store.file = HeldFile(self.file.record, ALPHABET)
        self.assertEqual(self.get("Range: bytes=1-2").body, b"bc")
        self.assertEqual(self.get(f"If-None-Match: {ETAG}").status, 304)
        self.assertEqual(self.get("Want-Content-Digest: sha-256=1").status, 200)
        self.assertIn("content-digest", self.get("Want-Content-Digest: sha-256=1").headers)
        found = self.get(method="HEAD")
        self.assertEqual((found.headers["content-length"], found.body), ("26", b""))

    def test_held_and_expiring(self) -> None:
        """
        What is said of a file that expires is said anew each time.
        """
        self.serve(QuickFile())
        record = attrs.evolve(self.file.record, expires=int(NOW) + 100)
        self.store.file = HeldFile(record, ALPHABET)
        told = [self.get().headers["cache-control"]]
        self.clock.advance(10)
        told.append(self.get().headers["cache-control"])
        self.assertEqual(told, ["public, max-age=100, immutable", "public, max-age=90, immutable"])

    def test_held_and_closing(self) -> None:
        """
        A client that wants to go is told that it may.
        """
        self.serve(QuickFile())
        self.store.file = HeldFile(self.file.record, ALPHABET)
        self.assertEqual(self.get("Connection: close").headers["connection"], "close")
        self.assertEqual(self.client.transport.half_closed, True)

    def test_missing(self) -> None:
        """
        What is not there is 404.
        """
        self.serve(NotFound("Nothing is kept under this name."))
        self.assertEqual((self.get().status, self.get().code), (404, "not-found"))

    def test_without_ranges(self) -> None:
        """
        Where ranges are switched off the whole file is sent, and none is offered.
        """
        self.serve(QuickFile(), ResumableDownloadsEnabled=False)
        found = self.get("Range: bytes=0-0")
        self.assertEqual((found.status, found.body), (200, ALPHABET))
        self.assertNotIn("accept-ranges", found.headers)


class ModelTests(Serving, SynchronousTestCase):
    """
    Whatever is asked for, the bytes are those of the file.
    """

    @given(
        st.integers(0, 400) | st.integers(SMALL - 3, SMALL + 3),
        st.lists(
            st.tuples(st.none() | st.integers(0, 450), st.none() | st.integers(0, 450)).filter(
                lambda pair: pair != (None, None)
            ),
            min_size=1,
            max_size=4,
        ),
    )
    def test_slices(self, size: int, wanted: list[tuple[int | None, int | None]]) -> None:
        """
        Every part holds the bytes of the place that it names, and together
        they are what a simple reading of the Range asks for.
        """
        content = LARGE[:size]
        self.serve(QuickFile(content))
        value = ",".join("-".join("" if n is None else str(n) for n in pair) for pair in wanted)
        found = self.get(f"Range: bytes={value}")

        asked: set[int] = set()
        for first, last in wanted:
            places = range(size)
            if first is None:
                asked.update(places[size - min(size, last or 0) :])
            elif last is None or first <= last:
                asked.update(places[first : None if last is None else last + 1])
        malformed = any(None not in pair and pair[0] > pair[1] for pair in wanted)

        if found.status == 206:
            parts = self.parts(found)
            places_sent = [n for first, last, _ in parts for n in range(first, last + 1)]
            self.assertEqual(sorted(places_sent), sorted(asked))
            for first, last, body in parts:
                self.assertEqual(body, content[first : last + 1])
        elif found.status == 416:
            self.assertEqual((asked, malformed), (set(), False))
        else:
            self.assertEqual((found.status, found.body), (200, content))
            self.assertTrue(malformed or len(wanted) > 1)

    def parts(self, found: wire.Answer) -> list[tuple[int, int, bytes]]:
        """
        :return: the first and last byte of each part, and its bytes.
        """
        kind, _, boundary = found.headers["content-type"].partition("; boundary=")
        if kind != "multipart/byteranges":
            places = re.fullmatch(r"bytes (\d+)-(\d+)/\d+", found.headers["content-range"])
            assert places is not None
            return [(int(places[1]), int(places[2]), found.body)]
        self.assertNotIn("content-range", found.headers)
        first, *inner, last = (b"\r\n" + found.body).split(b"\r\n--" + boundary.encode())
        self.assertEqual((first, last), (b"", b"--\r\n"))
        parts = []
        for part in inner:
            head, _, body = part.partition(b"\r\n\r\n")
            places = re.fullmatch(
                rb"\r\nContent-Type: text/plain\r\nContent-Range: bytes (\d+)-(\d+)/\d+", head
            )
            assert places is not None
            parts.append((int(places[1]), int(places[2]), body))
        return parts
