"""
Tests for :mod:`hmacfs.web.slot_door`: what may befall an upload that begins.

Uploads that begin well are in the tests of their protocols.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from twisted.internet.defer import Deferred, fail

from hmacfs.events import UploadSuspended
from tests.resuming import TUS, ResumingCase, digest, head
from tests.serving import signed, timed
from tests.wire import Answer, Conversation


class BeginningTests(ResumingCase):
    """
    An upload begins whole, or leaves nothing.
    """

    def create(self, size: int = 6) -> Answer:
        return self.ask("POST", signed("a", size), TUS, f"Upload-Length: {size}")

    def left(self) -> tuple[Any, ...]:
        """
        :return: what is kept of uploads, and promised to them.
        """
        promised = self.store.space.left() - 2**30
        return (dict(self.store.parts), self.metadata.records, self.store.writing, promised)

    def test_not_remembered(self) -> None:
        """
        One whose record cannot be kept is not begun.
        """
        self.metadata.put = lambda record: fail(OSError("full"))
        self.assertEqual(self.create().status, 500)
        self.assertEqual(self.left(), ({}, {}, {}, 0))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_not_cleared(self) -> None:
        """
        One is not begun either while what was kept of others cannot be removed.
        """
        self.broken("PUT", signed("a", 6), body=b"abc", length=6)
        self.store.drop = lambda id: fail(OSError("read-only"))
        self.assertEqual(self.create().status, 500)
        self.assertEqual(([bytes(part) for part in self.store.parts.values()]), [b"abc"])
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_overtaken(self) -> None:
        """
        One that is overtaken while its record is written gives way.
        """
        put, gate = self.metadata.put, Deferred()

        def slow(record: Any) -> Any:
            self.metadata.put = put
            return gate.addCallback(lambda _: put(record))

        self.metadata.put = slow
        older = Conversation(self.site)
        older.send(head("POST", signed("a", 6), TUS, "Upload-Length: 6", "Content-Length: 0"))
        newer = Conversation(self.site)
        newer.send(head("POST", signed("a", 6), TUS, "Upload-Length: 6", "Content-Length: 0"))
        gate.callback(None)
        self.assertEqual((older.statuses(), newer.statuses()), ([409], [201]))
        self.assertEqual((len(self.store.parts), len(self.metadata.records)), (1, 1))

    def test_client_left(self) -> None:
        """
        One whose client leaves while the store makes ready is kept, for who comes back.
        """
        begin, gate = self.store.begin, Deferred()
        self.store.begin = lambda *given: gate.addCallback(lambda _: begin(*given))
        client = Conversation(self.site)
        client.send(head("POST", signed("a", 6), TUS, "Upload-Length: 6", "Content-Length: 0"))
        client.vanish()
        gate.callback(None)
        [suspended] = self.told(UploadSuspended)
        self.assertEqual((suspended.offset, suspended.reason), (0, "disconnected"))
        self.assertEqual(len(self.metadata.records), 1)

    def test_others(self) -> None:
        """
        It takes the place of all that was kept for its name, whoever signed that.
        """
        self.broken("PUT", signed("a", 6), body=b"abc", length=6)
        self.broken("PUT", signed("a", 7), body=b"abc", length=7)
        self.ask("POST", timed("PUT", "a"), TUS, "Upload-Length: 8")
        self.assertEqual([record.length for record in self.store.unfinished()], [8])

    def test_plain(self) -> None:
        """
        A plain PUT does so as well, and their URLs are gone.
        """
        created = self.create()
        self.assertEqual(self.ask("PUT", signed("a", 3), body=b"abc").status, 201)
        asked = self.ask("HEAD", self.below(created.headers["location"]), TUS)
        self.assertEqual((asked.status, self.store.unfinished()), (404, []))

    def test_location(self) -> None:
        """
        The URL of an upload is what clients see, and carries what signed it.
        """
        self.serve(PublicURL="https://files.example/x")
        location = self.create().headers["location"]
        self.assertTrue(location.startswith("https://files.example/x/uploads/.hmacfs/uploads/"))
        self.assertEqual(location.partition("?")[2], signed("a", 6).partition("?")[2])


class PromiseTests(ResumingCase):
    """
    A plain PUT may say what its file hashes to.
    """

    def answers(self, *fields: str) -> tuple[int, str]:
        answer = self.ask("PUT", signed("a", 3), *fields, body=b"abc")
        return answer.status, answer.code

    def test_right(self) -> None:
        """
        What it says rightly is stored, and known from then on.
        """
        answer = self.ask("PUT", signed("a", 3), digest("Repr-Digest", b"abc"), body=b"abc")
        told = digest("", b"abc").removeprefix(": ")
        self.assertEqual((answer.status, answer.headers["repr-digest"]), (201, told))
        self.assertEqual(self.ask("HEAD", "/uploads/a").headers["repr-digest"], told)

    def test_wrong(self) -> None:
        """
        What it says wrongly is 400, and nothing is kept.
        """
        for field in ("Repr-Digest", "Content-Digest"):
            self.assertEqual(self.answers(digest(field, b"x")), (400, "wrong-digest"))
        sha512 = "Repr-Digest: sha-512=:" + "AAAA" * 21 + "AA==:"
        self.assertEqual(self.answers(sha512), (400, "wrong-digest"))
        self.assertEqual((self.store.unfinished(), self.served("a")[0]), ([], 404))

    def test_not_resumable(self) -> None:
        """
        It counts as well where no upload is gone on with, and where the size is not known.
        """
        self.serve(ResumableUploadsEnabled=False)
        self.assertEqual(self.answers(digest("Repr-Digest", b"x")), (400, "wrong-digest"))
        client = Conversation(self.site)
        fields = (digest("Repr-Digest", b"x"), "Transfer-Encoding: chunked")
        client.send(head("PUT", timed("PUT", "a"), *fields) + b"3\r\nabc\r\n0\r\n\r\n")
        self.assertEqual(client.statuses(), [400])

    def test_again(self) -> None:
        """
        A file that is there is held against what is said of it, too.
        """
        self.put("a", b"abc")
        found = [self.answers(digest("Repr-Digest", data))[0] for data in (b"abc", b"x", b"abc")]
        self.assertEqual((found, self.served("a")), ([201, 400, 201], (200, b"abc")))

    def test_wanted(self) -> None:
        """
        Who wants the digest in the answer has it computed.
        """
        told = digest("", b"abc").removeprefix(": ")
        want = "Want-Repr-Digest: sha-256=3"
        answer = self.ask("PUT", signed("a", 3), want, body=b"abc")
        self.assertEqual(answer.headers["repr-digest"], told)

    def test_setting(self) -> None:
        """
        With Digests it is computed of every upload, and without of none.
        """
        found = []
        for setting in (False, True):
            self.serve(Digests=setting)
            self.put("a", b"abc")
            [kept] = self.store.files.values()
            found.append(kept.record.sha256)
        self.assertEqual(found, [None, sha256(b"abc").hexdigest()])
