"""
Tests for :mod:`hmacfs.web.echo`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.address import IPv4Address
from twisted.web.resource import IResource, Resource

from hmacfs.abilities import IHolds
from hmacfs.disk import Disk
from hmacfs.events import (
    DownloadCompleted,
    DownloadStarted,
    RequestCompleted,
    RequestReceived,
)
from hmacfs.http1 import Head
from hmacfs.retention import Retention
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.held import ALONE
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from hmacfs.web.echo import LONGEST
from hmacfs.web.site import UploadSite
from hmacfs.web.wording import ASKED, Wordings
from tests.inline import Inline
from tests.serving import ServingCase, name
from tests.wire import UNIX_PEER, Conversation


class Walked(Resource):
    """
    The tree behind *root*.

    :ivar count: how often somebody has walked it.
    """

    isLeaf = False

    def __init__(self, root: IResource) -> None:
        super().__init__()
        self.count = 0
        self._root = root

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        self.count += 1
        return self._root.getChildWithDefault(path, request)


class SlowDisk(Disk):
    """
    :ivar slow: whether its bytes have to be waited for.
    """

    slow = False

    def at_hand(self, file: int, offset: int, size: int) -> bool:
        return not self.slow


class EchoCase(ServingCase):
    """
    A site over a store on disk, with one small file in it that is held.
    """

    site: UploadSite

    def serve(self, **keys: Any) -> None:
        super().serve(**keys)
        self.tree = self.site.resource = Walked(self.site.resource)
        self.later()
        self.client = Conversation(self.site)
        self.get("a/b.txt")

    def make_store(self) -> FilesystemStore:
        self.root = Path(self.mktemp()).absolute()
        found = self.settings
        retention = Retention(found.retention, found.file_ttl)
        policy = Policy(retention=retention)
        self.disk = SlowDisk()
        store = FilesystemStore(
            self.disk, str(self.root), MemoryIndex(), self.clock, Inline(), policy
        )
        self.successResultOf(store.start())
        self.addCleanup(store.stop)
        self.path = self.root / "a" / "b.txt"
        self.path.parent.mkdir()
        self.path.write_bytes(b"0123456789")
        return store

    def later(self) -> None:
        """Let the file be for as long as it takes to be held."""
        self.clock.advance(os.stat(self.path).st_ctime + ALONE + 1 - self.clock.seconds())

    def walks(self, *fields: str, method: str = "GET", path: str = "a/b.txt") -> int:
        """
        :return: how often the tree is walked for three requests of this kind.
        """
        before = self.tree.count
        for _ in range(3):
            self.client.request(method, f"/uploads/{path}", *fields)
        return self.tree.count - before


class EchoTests(EchoCase):
    """
    What anybody may have is answered without a look at anything but the file, and
    in the same words whoever asks.
    """

    def test_interface(self) -> None:
        """
        The store says that it has files at hand.
        """
        self.assertTrue(IHolds.providedBy(self.store))

    def test_same(self) -> None:
        """
        Each answer is what a request would get, byte for byte but for its id.
        """
        etag = self.get("a/b.txt").headers["etag"]
        modified = self.get("a/b.txt").headers["last-modified"]
        asked: list[tuple[str, list[str]]] = [
            ("HEAD", []),
            ("GET", ["Origin: https://a.example"]),
            ("GET", ["Range: bytes=2-4"]),
            ("GET", ["Range: bytes=-3", f"If-Range: {etag}"]),
            ("HEAD", ["Range: bytes=2-4"]),
            ("GET", [f"If-None-Match: {etag}"]),
            ("HEAD", [f"If-None-Match: {etag}"]),
            ("GET", [f"If-Match: {etag}"]),
            ("GET", [f"If-Modified-Since: {modified}"]),
        ]
        for number, (method, fields) in enumerate([("GET", []), *asked]):
            host = f"host{number}"
            walks = self.tree.count
            answered = self.written(method, *fields, host=host)
            self.assertEqual(self.tree.count - walks, 0, (method, fields))
            short, self.site.wordings = self.site.wordings, Wordings()
            self.assertEqual(self.written(method, *fields, host=host), answered, (method, fields))
            self.assertEqual(self.tree.count - walks, 3)
            self.site.wordings = short

    def written(self, method: str, *fields: str, host: str) -> bytes:
        """
        :return: what is written for three such requests, without their ids.
        """
        client = Conversation(self.site)
        for _ in range(3):
            client.request(method, "/uploads/a/b.txt", *fields, host=host)
        ids = [answer.headers["x-request-id"] for answer in client.answers()]
        self.assertEqual(len(set(ids)), 3)
        written = client.transport.written
        for id in ids:
            written = written.replace(id.encode(), b"id")
        one = len(written) // 3
        self.assertEqual(written, written[:one] * 3, (method, fields))
        return bytes(written)

    def test_events(self) -> None:
        """
        It is told as a request is, at its own time and under its own id.
        """
        for method, fields in (("GET", ()), ("HEAD", ()), ("GET", ("Range: bytes=1-2",))):
            told = []
            for words in (Wordings(), Wordings(self.site.first)):
                self.site.wordings = words
                for _ in range(2):
                    self.hub.events.clear()
                    self.client.request(method, "/uploads/a/b.txt", "User-Agent: me", *fields)
                    [id] = {event.request for event in self.hub.events}
                    told.append([attrs.evolve(event, request="") for event in self.hub.events])
                    self.assertEqual(id, self.client.answers()[-1].headers["x-request-id"])
            self.assertEqual(told, told[:1] * 4)
        now = self.clock.seconds()
        request = (self.client.channel.number, "192.0.2.1:4711", "GET", "/uploads/a/b.txt")
        expected = [
            RequestReceived(now, "", *request),
            DownloadStarted(now, "", "a/b.txt"),
            DownloadCompleted(now, "", "a/b.txt", 2, 0.0),
            RequestCompleted(now, "", *request, 206, "", 0, 2, 0.0, "me"),
        ]
        self.assertEqual(told[1], expected)

    def test_date(self) -> None:
        """
        Each answer has its own date.
        """
        before = self.get("a/b.txt").headers["date"]
        self.clock.advance(1)
        self.assertNotEqual(self.get("a/b.txt").headers["date"], before)
        self.assertEqual(self.walks(), 0)

    def test_other_words(self) -> None:
        """
        Another host, origin, method, range or client has an answer of its own.
        """
        self.serve(CORSOrigins=["https://a.example", "https://b.example"])

        def allowed(*fields: str) -> str | None:
            return self.get("a/b.txt", *fields).headers.get("access-control-allow-origin")

        for _ in range(2):
            self.assertIsNone(allowed())
            self.assertIsNone(allowed("Origin: https://c.example"))
            for origin in ("https://a.example", "https://b.example"):
                self.assertEqual(allowed(f"Origin: {origin}"), origin)
        parts = [self.get("a/b.txt", f"Range: bytes=0-{last}").body for last in (0, 1, 0)]
        self.assertEqual(parts, [b"0", b"01", b"0"])

    def test_same_question(self) -> None:
        """
        Who asks the same and has more to say gets the same, under his own name.
        """
        for fields in (["Accept: */*"], ["User-Agent: a"], ["Cookie: a=b"]):
            self.assertEqual(self.walks(*fields), 0)
        self.get("a/b.txt", "User-Agent: b", "X-Request-ID: " + "1" * 2000)
        self.assertEqual(self.told(RequestCompleted)[-1].agent, "b")

    def test_all_that_counts(self) -> None:
        """
        Nothing of a head counts for the answer that is no part of the question.
        """
        seen: set[bytes] = set()

        class Watched(Head):
            def get(self, name: bytes) -> bytes | None:
                seen.add(name)
                return super().get(name)

            def all(self, name: bytes) -> list[bytes]:
                seen.add(name)
                return super().all(name)

        etag = self.get("a/b.txt").headers["etag"]
        for field in ("X: 1", "Range: bytes=1-2", f"If-Match: {etag}", "Origin: http://a"):
            for method in ("GET", "HEAD"):
                lines = [f"{method} /uploads/a/b.txt HTTP/1.1", "Host: y", field, "", ""]
                data = "\r\n".join(lines).encode()
                words = self.site.wordings.read(data)
                known = {one.name: getattr(words.head, one.name) for one in attrs.fields(Head)}
                known.pop("_joined")
                words.head = Watched(**known)
                self.client.send(data)
        self.assertEqual(seen - set(ASKED), set())
        self.assertIn(b"if-none-match", seen)

    def test_credentials(self) -> None:
        """
        Who shows credentials, or asks with a query, is judged each time.
        """
        self.assertEqual(self.walks("Authorization: Bearer x"), 3)
        self.assertEqual(self.walks("Proxy-Authorization: x"), 3)
        self.assertEqual(self.walks(path="a/b.txt?x=y"), 3)

    def test_signed(self) -> None:
        """
        Where downloads are signed, no answer opens the way for another.
        """
        self.serve(DownloadAuth="signed")
        self.assertEqual([self.get("a/b.txt").status for _ in range(2)], [403] * 2)

    def test_digest(self) -> None:
        """
        What may have to be computed first is not repeated.
        """
        self.assertEqual(self.walks("Want-Repr-Digest: sha-256=1"), 3)
        self.assertEqual(self.walks("Want-Content-Digest: sha-256=1"), 3)

    def test_many_parts(self) -> None:
        """
        Nor is an answer of many parts, each of which has its own boundary.
        """
        self.path.write_bytes(bytes(20_000))
        self.later()
        self.get("a/b.txt")
        self.assertEqual(self.walks("Range: bytes=0-1,9-10"), 3)

    def test_unknown(self) -> None:
        """
        Nor is a refusal.
        """
        self.assertEqual(self.walks(path="a/none"), 3)
        self.assertEqual(self.walks("Range: bytes=99-"), 3)
        self.assertEqual(self.walks('If-Match: "other"'), 3)


class ChangeTests(EchoCase):
    """
    Whatever is done to the file, by whomever, is seen at once.
    """

    def test_written(self) -> None:
        """
        Other bytes.
        """
        self.path.write_bytes(b"other bytes")
        self.assertEqual([self.get("a/b.txt").body for _ in range(2)], [b"other bytes"] * 2)

    def test_replaced(self) -> None:
        """
        Another file, and the one before again.
        """
        etag = self.get("a/b.txt").headers["etag"]
        other, kept = self.root / "other", self.root / "kept"
        other.write_bytes(b"the other")
        os.link(self.path, kept)
        os.replace(other, self.path)
        self.later()
        for _ in range(2):
            self.assertEqual(self.get("a/b.txt", f"If-None-Match: {etag}").body, b"the other")
        os.replace(kept, self.path)
        self.assertEqual(self.get("a/b.txt").body, b"0123456789")

    def test_removed(self) -> None:
        """
        No file, for a time.
        """
        self.path.unlink()
        self.assertEqual([self.get("a/b.txt").status for _ in range(2)], [404] * 2)
        self.path.write_bytes(b"back")
        self.assertEqual(self.get("a/b.txt").body, b"back")

    def test_expires(self) -> None:
        """
        How old it may become is counted by the second, and then it is gone.
        """
        self.serve(FileTTL="30s")

        def age() -> tuple[int, str | None]:
            answer = self.get("a/b.txt")
            return answer.status, answer.headers.get("cache-control")

        def told(seconds: int) -> tuple[int, str]:
            return 200, f"public, max-age={seconds}, immutable"

        record = self.store.held(name("a/b.txt")).record
        left = record.expires - int(self.clock.seconds())
        self.assertEqual([age(), age()], [told(left)] * 2)
        self.assertEqual(self.walks(), 0)
        self.clock.advance(1)
        self.assertEqual([age(), age()], [told(left - 1)] * 2)
        self.clock.advance(left)
        self.assertEqual(age(), (404, "no-store"))

    def test_future(self) -> None:
        """
        A file from the future was changed just now, at each moment.
        """
        ahead = self.clock.seconds() + 1000
        os.utime(self.path, (ahead, ahead))
        self.get("a/b.txt")
        for _ in range(2):
            answer = self.get("a/b.txt")
            self.assertEqual(answer.headers["last-modified"], answer.headers["date"])
            self.clock.advance(1)


class FreshTests(EchoCase):
    """
    A file that is not held is answered from wherever its bytes are.
    """

    def test_wherever(self) -> None:
        """
        Be they in memory now and on the disk then, or the other way round.
        """
        self.path.write_bytes(b"fresh")
        self.clock.advance(os.stat(self.path).st_ctime - self.clock.seconds())
        for fields in ((), ("Range: bytes=1-2",)):
            for slow in (False, True, False, True, True, False):
                self.disk.slow = slow
                answer = self.get("a/b.txt", *fields)
                self.assertEqual(answer.body, b"re" if fields else b"fresh")
        for slow in (True, False):
            self.disk.slow = slow
            self.assertEqual(self.get("a/b.txt", f"X: {slow}").body, b"fresh")


class LargeTests(EchoCase):
    """
    A file that is too large to be held is opened for each, and no more than that.
    """

    def make_store(self) -> FilesystemStore:
        store = super().make_store()
        self.path.write_bytes(b"0" * LONGEST)
        return store

    def test_not_sent(self) -> None:
        """
        Where nothing of it is sent, nothing else is needed.
        """
        etag = self.get("a/b.txt").headers["etag"]
        self.assertEqual(self.walks(method="HEAD"), 0)
        self.assertEqual(self.walks(f"If-None-Match: {etag}"), 0)
        self.path.write_bytes(b"1" * LONGEST)
        self.assertEqual(self.get("a/b.txt", f"If-None-Match: {etag}").status, 200)

    def test_no_socket(self) -> None:
        """
        A connection to which the kernel sends no file is served as any.
        """
        self.assertEqual(self.walks(), 3)
        self.assertEqual(self.get("a/b.txt").body, b"0" * LONGEST)

    def test_nothing_open(self) -> None:
        """
        No file is left open, whatever was asked.
        """
        before = len(os.listdir("/proc/self/fd"))
        for fields in ([], ["Range: bytes=1-2"], ['If-None-Match: "x"'], ['If-Match: "x"']):
            self.walks(*fields)
        self.walks(method="HEAD")
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


class ConnectionTests(EchoCase):
    """
    The connection goes on as behind every answer.
    """

    def ask(self, count: int = 1, client: Conversation | None = None) -> None:
        """Send some requests at once."""
        data = b"GET /uploads/a/b.txt HTTP/1.1\r\nHost: x\r\n\r\n" * count
        (client or self.client).send(data)

    def test_pipelined(self) -> None:
        """
        Many that come at once are answered in their order.
        """
        self.ask(50)
        answers = self.client.answers()[-50:]
        self.assertEqual({answer.body for answer in answers}, {b"0123456789"})
        ids = [int(answer.headers["x-request-id"].partition("-")[2], 16) for answer in answers]
        self.assertEqual(ids, sorted(ids))

    def test_byte_by_byte(self) -> None:
        """
        One that drips in is answered like one that comes at once.
        """
        for byte in b"\r\nGET /uploads/a/b.txt HTTP/1.1\r\nHost: x\r\n\r\n":
            self.client.send(bytes([byte]))
        self.assertEqual(self.client.answers()[-1].body, b"0123456789")

    def test_not_read(self) -> None:
        """
        A client that does not take its answers is read no further, until it does.
        """
        self.client.transport.blocked = True
        self.ask(3)
        self.assertFalse(self.client.transport.reading)
        before = len(self.client.answers())
        self.client.transport.unblock()
        self.assertEqual(len(self.client.answers()) - before, 3)
        self.assertTrue(self.client.transport.reading)

    def test_idle(self) -> None:
        """
        Each answer begins the time anew for which the connection may be idle.
        """
        for _ in range(3):
            self.clock.advance(self.site.idle_timeout - 1)
            self.ask()
        self.assertIsNone(self.client.transport.closed)
        self.clock.advance(self.site.idle_timeout)
        self.assertEqual(self.client.transport.closed, "closed")

    def test_draining(self) -> None:
        """
        Behind the last answer of a daemon that stops the connection is closed.
        """
        self.client.send(b"GET /uploads/a/b.txt HTTP/1.1\r\nHost:")
        self.site.draining = True
        self.client.send(b" x\r\n\r\n")
        self.assertEqual(self.client.answers()[-1].headers["connection"], "close")

    def test_retiring(self) -> None:
        """
        So is it where another worker has taken the place of this one, however
        often a client asks for the same.
        """
        self.ask(2)
        retired = self.site.retire()
        self.ask(1)
        self.assertEqual(self.client.answers()[-1].headers["connection"], "close")
        self.client.end()
        self.successResultOf(retired)

    def test_half_closed(self) -> None:
        """
        Who sends no more is still answered.
        """
        client = Conversation(self.site)
        client.transport.blocked = True
        self.ask(2, client)
        client.end()
        client.transport.unblock()
        self.assertEqual((client.statuses(), client.transport.closed), ([200] * 2, "closed"))

    def test_each_client(self) -> None:
        """
        Each is told under its own address, by a proxy's word too.
        """
        other = Conversation(self.site, IPv4Address("TCP", "192.0.2.9", 1))
        self.ask(1, other)
        behind = Conversation(self.site, UNIX_PEER)
        for number in (1, 2, 1):
            behind.request("GET", "/uploads/a/b.txt", f"X-Forwarded-For: 198.51.100.{number}")
        told = [event.client for event in self.told(RequestReceived)[-4:]]
        self.assertEqual(told, ["192.0.2.9:1", "198.51.100.1", "198.51.100.2", "198.51.100.1"])
