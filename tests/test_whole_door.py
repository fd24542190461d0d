"""
Tests for :mod:`hmacfs.web.whole_door`: small files whose body came with their
head.  That they are what any other upload is, is in the tests of uploads, most
of which come like this.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed

from hmacfs.errors import Deleted, NoSpace, NotStored
from hmacfs.events import (
    UploadCompleted,
    UploadFailed,
    UploadRefused,
    UploadStarted,
)
from hmacfs.records import FileRecord
from hmacfs.uploads import Slot
from hmacfs.web.channel import MOMENT, STEPS
from tests.resuming import ResumingCase, digest, head
from tests.serving import signed, timed
from tests.wire import UNIX_PEER, Conversation

EVENTS = (UploadStarted, UploadCompleted, UploadFailed, UploadRefused)


class WholeDoorCase(ResumingCase):
    """
    A site over a store that is watched.

    :cvar waits: whether it stores nothing at once.
    :ivar calls: what was stored with one call.
    :ivar trouble: what becomes of the next of these, where it stores nothing.
    :ivar gate: where it waits, what it waits for.
    """

    waits = False

    def setUp(self) -> None:
        super().setUp()
        self.calls: list[tuple[str, bytes]] = []
        self.trouble: Exception | None = None
        self.gate: Deferred[Any] = succeed(None)

    def serve(self, **keys: Any) -> None:
        super().serve(**keys)
        store_now = self.store.store_now

        def stored(slot: Slot, content: bytes) -> FileRecord | None:
            if self.trouble is not None:
                raise self.trouble
            record: FileRecord | None = store_now(slot, content)
            if record is not None:
                self.calls.append((slot.name.text, content))
            return record

        def now(slot: Slot, content: bytes) -> FileRecord | None:
            return None if self.waits else stored(slot, content)

        def later(slot: Slot, content: bytes) -> Deferred[FileRecord | None]:
            gate, self.gate = self.gate, succeed(None)
            return gate.addCallback(lambda _: stored(slot, content))

        self.store.store_now, self.store.store = now, later

    def events(self) -> list[type]:
        """
        :return: the kinds of what was told of uploads.
        """
        return [kind for kind in self.hub.kinds() if kind in EVENTS]

    def send(self, path: str = "a", *fields: str, body: bytes = b"abc") -> Conversation:
        """
        :return: a client that has sent a whole PUT in one piece.
        """
        client = Conversation(self.site)
        client.send(head("PUT", signed(path, 3), *fields, "Content-Length: 3") + body)
        return client


class WholeDoorTests(WholeDoorCase):
    """
    What is small and here is stored with one call, and nothing else is.
    """

    def test_one_piece(self) -> None:
        """
        A PUT in one piece is stored so, answered, and told of.
        """
        self.assertEqual(self.send().statuses(), [201])
        self.assertEqual(self.calls, [("a", b"abc")])
        self.assertEqual(self.events(), [UploadStarted, UploadCompleted])
        self.assertEqual(self.served("a"), (200, b"abc"))

    def test_pipelined(self) -> None:
        """
        So are those that follow it at once, one after the other.
        """
        client = Conversation(self.site)
        client.send(
            b"".join(
                head("PUT", signed(name, 3), "Content-Length: 3") + name.encode() * 3
                for name in "abc"
            )
            + head("GET", "/uploads/b")
        )
        self.assertEqual(client.statuses(), [201, 201, 201, 200])
        self.assertEqual(self.calls, [("a", b"aaa"), ("b", b"bbb"), ("c", b"ccc")])

    def test_pieces(self) -> None:
        """
        So is one whose body comes right behind its head, whatever it begins with.
        """
        client = self.send(body=b"")
        client.send(b"\r\n")
        client.send(b"." + head("GET", "/uploads/a"))
        self.assertEqual((client.statuses(), self.calls), ([201, 200], [("a", b"\r\n.")]))

    def test_begun(self) -> None:
        """
        A body that came with its head in part goes the way of every upload.
        """
        client = self.send(body=b"a")
        self.assertEqual((client.statuses(), self.events()), ([], [UploadStarted]))
        client.send(b"bc")
        self.assertEqual((client.statuses(), self.calls), ([201], []))

    def test_later(self) -> None:
        """
        So does one that is not there a moment later.
        """
        for body in (b"", b"a"):
            client = self.send(str(len(body)), body=b"")
            client.send(body)
            self.assertEqual(self.events(), [])
            self.clock.advance(MOMENT)
            self.assertEqual(self.events(), [UploadStarted])
            client.send(b"abc"[len(body) :])
            self.assertEqual((client.statuses(), self.calls), ([201], []))
            self.hub.events.clear()

    def test_gone_behind_head(self) -> None:
        """
        Of a client that leaves meanwhile nothing is kept.
        """
        client = self.send(body=b"")
        client.send(b"a")
        client.vanish()
        self.clock.advance(MOMENT)
        self.assertEqual((self.events(), self.served("a")[0]), ([], 404))

    def test_wrong_alone(self) -> None:
        """
        A head that is refused is refused a moment later, where no body comes.
        """
        client = Conversation(self.site)
        client.send(head("PUT", signed("a", 4), "Content-Length: 3"))
        self.assertEqual(client.statuses(), [])
        self.clock.advance(MOMENT)
        self.assertEqual(client.statuses(), [403])

    def test_end_behind_head(self) -> None:
        """
        Where the client sends no more, that is an upload without its body.
        """
        client = self.send(body=b"")
        client.end()
        self.assertEqual((client.statuses(), self.events()[0]), ([400], UploadStarted))

    def test_drain_behind_head(self) -> None:
        """
        A stop does not wait for the body, and says so.
        """
        client = self.send(body=b"")
        self.site.drain()
        self.assertEqual((client.statuses(), self.events()), ([503], [UploadRefused]))

    def test_special(self) -> None:
        """
        So does what asks for more than a plain file.
        """
        for number, field in enumerate(
            (
                "Expect: 100-continue",
                digest("Repr-Digest", b"abc"),
                digest("Content-Digest", b"abc"),
                "Want-Repr-Digest: sha-256=1",
                "Content-Range: bytes 0-2/3",
                "Upload-Complete: ?1",
            )
        ):
            self.assertIn(201, self.send(str(number), field).statuses(), field)
        client = Conversation(self.site)
        chunked = head("PUT", timed("PUT", "b"), "Transfer-Encoding: chunked")
        client.send(chunked + b"3\r\nabc\r\n0\r\n\r\n")
        self.assertEqual((client.statuses(), self.calls), ([201], []))

    def test_digests(self) -> None:
        """
        So does everything where all digests are to be known.
        """
        self.serve(Digests=True)
        self.assertEqual((self.send().statuses(), self.calls), ([201], []))

    def test_empty(self) -> None:
        """
        So does a file of no bytes.
        """
        client = Conversation(self.site)
        client.send(head("PUT", signed("a", 0), "Content-Length: 0"))
        self.assertEqual((client.statuses(), self.calls), ([201], []))

    def test_large(self) -> None:
        """
        So does one that is not small.
        """
        size = self.store.most + 1
        client = Conversation(self.site)
        client.send(head("PUT", signed("a", size), f"Content-Length: {size}") + b"x" * size)
        self.assertEqual((client.statuses(), self.calls), ([201], []))

    def test_wrong(self) -> None:
        """
        One that may not be stored is refused unread.
        """
        client = Conversation(self.site)
        client.send(head("PUT", signed("a", 4), "Content-Length: 3") + b"abc")
        self.assertEqual((client.statuses(), self.calls), ([403], []))
        self.assertEqual(self.events(), [UploadRefused])

    def test_draining(self) -> None:
        """
        So is each while the daemon is about to stop.
        """
        client = Conversation(self.site)
        self.site.draining = True
        client.send(head("PUT", signed("a", 3), "Content-Length: 3") + b"abc")
        self.assertEqual((client.statuses(), self.events()), ([503], [UploadRefused]))

    def test_again(self) -> None:
        """
        The same bytes again are answered as the first, and others are refused.
        """
        self.send()
        self.assertEqual(self.send().statuses(), [201])
        self.assertEqual(self.send(body=b"xyz").statuses(), [409])
        completed = [event.repeated for event in self.told(UploadCompleted)]
        self.assertEqual((completed, self.served("a")), ([False, True], (200, b"abc")))

    def test_left_to_a_beginning(self) -> None:
        """
        What the store does not take goes the way of every upload, and may be
        refused there.
        """
        self.store.store_now = lambda slot, content: None
        self.store.store = lambda slot, content: succeed(None)
        self.assertEqual((self.send().statuses(), self.served("a")), ([201], (200, b"abc")))
        self.store.begin = lambda *given: (_ for _ in ()).throw(NoSpace("Full."))
        self.assertEqual(self.send("b").statuses(), [507])
        self.assertEqual(self.events(), [UploadStarted, UploadCompleted, UploadRefused])

    def test_name_refused(self) -> None:
        """
        Where the name takes no file, it was not admitted, as of every upload.
        """
        self.trouble = Deleted("Gone.")
        self.assertEqual(self.send().statuses(), [410])
        self.assertEqual(self.events(), [UploadRefused])

    def test_failed(self) -> None:
        """
        One that the disk does not keep is told of.
        """
        self.trouble = NotStored("Broken.")
        client = self.send()
        client.send(head("GET", "/uploads/a"))
        self.assertEqual(client.statuses(), [500, 404])
        [failed] = self.told(UploadFailed)
        self.assertEqual((failed.name, failed.reason), ("a", "not-stored"))

    def test_unforeseen(self) -> None:
        """
        So is a fault of ours.
        """
        self.trouble = ZeroDivisionError()
        self.assertEqual(self.send().statuses(), [500])
        [failed] = self.told(UploadFailed)
        self.assertEqual(failed.reason, "internal")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_turn_of_another(self) -> None:
        """
        Where another upload has the name it is taken over, as ever.
        """
        older = Conversation(self.site)
        older.send(head("PUT", signed("a", 3), "Content-Length: 3") + b"a")
        newer = self.send()
        self.assertEqual((older.statuses(), newer.statuses()), ([409], [201]))
        self.assertEqual(self.calls, [])

    def test_same(self) -> None:
        """
        The client hears, and the hub is told, what a body in pieces leads to.
        """
        origin = "Origin: https://a.example"
        for number, (peer, *fields) in enumerate(
            [
                (None,),
                (None, "Content-Type: text/plain", "User-Agent: me"),
                (None, origin),
                (None, "Connection: close"),
                (None, "Content-Encoding: gzip"),
                (UNIX_PEER, "X-Forwarded-For: 198.51.100.7"),
            ]
        ):
            for origins in (["*"], ["https://a.example"], []):
                for version in (b"HTTP/1.1", b"HTTP/1.0"):
                    for retiring in (False, True):
                        self.assert_same(f"{number}.txt", version, origins, retiring, peer, fields)

    def assert_same(
        self,
        path: str,
        version: bytes,
        origins: list[str],
        retiring: bool,
        peer: Any,
        fields: list[str],
    ) -> None:
        """
        :param peer: of the client, ``None`` for any.
        """
        found = []
        for pieces in (1, 2):
            self.serve(CORSOrigins=origins)
            self.site.retiring = retiring
            client = Conversation(self.site, *([] if peer is None else [peer]))
            self.hub.events.clear()
            begin = head("PUT", signed(path, 3), *fields, "Content-Length: 3")
            begin = begin.replace(b"HTTP/1.1", version)
            for piece in [begin + b"abc"] if pieces == 1 else [begin + b"a", b"bc"]:
                client.send(piece)
            closed = client.transport.closed, client.transport.half_closed
            client.send(head("GET", f"/uploads/{path}"))
            written, told = client.transport.written, []
            for event in self.hub.events:
                id = getattr(event, "request", None)
                if id is not None:
                    written = written.replace(id.encode(), b"id")
                    event = attrs.evolve(event, request="")
                told.append(event)
            found.append((closed, written, told))
        self.assertEqual(found[0], found[1], (path, version, origins, retiring))


class AtOnceTests(WholeDoorCase):
    """
    Where the store has to wait for nothing, nothing is made that could wait.
    """

    def test_no_request(self) -> None:
        """
        No request is made for it.
        """
        client = Conversation(self.site)
        client.channel.requestFactory = None
        for path in "abc":
            client.send(head("PUT", signed(path, 3), "Content-Length: 3") + b"abc")
        self.assertEqual(client.statuses(), [201] * 3)


class WaitingTests(WholeDoorTests):
    """
    So it is where the store has to wait for something.
    """

    waits = True

    def test_two_at_once(self) -> None:
        """
        Who sends it again while it is stored waits, and finds it.
        """
        gate = self.gate = Deferred()
        first, second = self.send(), self.send()
        self.assertEqual((first.statuses(), second.statuses()), ([], []))
        gate.callback(None)
        self.assertEqual((first.statuses(), second.statuses()), ([201], [201]))
        self.assertEqual([e.repeated for e in self.told(UploadCompleted)], [False, True])

    def test_store_raises(self) -> None:
        """
        A store that fails before it waits is answered for, also behind many others.
        """
        self.store.store = lambda slot, content: 1 / 0
        client = Conversation(self.site)
        for name in range(STEPS + 1):
            client.send(head("PUT", signed(f"{name}", 3), "Content-Length: 3") + b"abc")
        self.clock.advance(0)
        self.assertEqual(client.statuses(), [500] * (STEPS + 1))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), STEPS + 1)
        self.assertEqual(len(self.told(UploadFailed)), STEPS + 1)

    def test_client_left(self) -> None:
        """
        A client that leaves while it is stored finds it when he comes back.
        """
        gate = self.gate = Deferred()
        self.send().vanish()
        gate.callback(None)
        self.assertEqual(self.served("a"), (200, b"abc"))
        self.assertEqual(self.events(), [UploadStarted, UploadCompleted])

    def test_drain(self) -> None:
        """
        A stop waits for what is being stored, also where its client has left.
        """
        gate = self.gate = Deferred()
        self.send().vanish()
        drained = self.site.drain()
        self.assertNoResult(drained)
        gate.callback(None)
        self.successResultOf(drained)
        self.assertEqual(self.events(), [UploadStarted, UploadCompleted])

    def test_next_request(self) -> None:
        """
        What a client sends behind it meanwhile is answered behind it.
        """
        gate = self.gate = Deferred()
        client = self.send()
        client.send(head("GET", "/uploads/a"))
        self.assertEqual(client.statuses(), [])
        gate.callback(None)
        self.assertEqual(client.statuses(), [201, 200])
