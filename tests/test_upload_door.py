"""
Tests for :mod:`hmacfs.web.upload_door`: what may befall an upload that goes on.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail, succeed

from tests.resuming import OFFSETS, TUS, ResumingCase, head
from tests.serving import signed
from tests.wire import Answer, Conversation


class GoingOnTests(ResumingCase):
    """
    One request at a time goes on with an upload.
    """

    def setUp(self) -> None:
        super().setUp()
        created = self.ask("POST", signed("a", 6), TUS, "Upload-Length: 6")
        self.target = self.below(created.headers["location"])
        [self.id] = self.metadata.records

    def patch(self, offset: int, body: bytes) -> Answer:
        return self.ask("PATCH", self.target, TUS, OFFSETS, f"Upload-Offset: {offset}", body=body)

    def asked(self) -> Answer:
        return self.ask("HEAD", self.target, TUS)

    def start(self, body: bytes) -> Conversation:
        """
        :return: who has sent *body*, and more to come.
        """
        client = Conversation(self.site)
        fields = (TUS, OFFSETS, "Upload-Offset: 0", "Content-Length: 6")
        client.send(head("PATCH", self.target, *fields) + body)
        return client

    def slow_commits(self) -> Deferred[None]:
        """
        :return: what lets the next commit go on.
        """
        resume, gate = self.store.resume, Deferred()

        def slow(id: str) -> Any:
            self.store.resume = resume
            part = self.successResultOf(resume(id))
            commit = part.commit
            part.commit = lambda *given: gate.addCallback(lambda _: commit(*given))
            return succeed(part)

        self.store.resume = slow
        return gate

    def test_written_down(self) -> None:
        """
        A request that gives the upload more time has that written down, and
        one of the same second writes nothing.
        """
        put, written = self.metadata.put, []

        def noting(record: Any) -> Deferred[None]:
            written.append(record.until)
            result: Deferred[None] = put(record)
            return result

        self.metadata.put = noting
        until = self.metadata.records[self.id].until
        self.patch(0, b"ab")
        self.clock.advance(1)
        self.patch(2, b"cd")
        self.patch(4, b"e")
        self.assertEqual(written, [until + 1])

    def test_overtaken(self) -> None:
        """
        Who asks ends the request that writes, and is told of all its bytes.
        """
        older = self.start(b"abc")
        asked = self.asked()
        self.assertEqual((older.statuses(), asked.headers["upload-offset"]), ([409], "3"))
        self.assertEqual(self.patch(3, b"def").status, 204)

    def test_cancelled_under_way(self) -> None:
        """
        Who gives it up ends the request that writes.
        """
        older = self.start(b"abc")
        cancelled = self.ask("DELETE", self.target, TUS)
        self.assertEqual((older.statuses(), cancelled.status), ([409], 204))
        self.assertEqual((self.asked().status, self.store.parts), (404, {}))

    def test_committing(self) -> None:
        """
        While it is being committed, others hear when to try again; then it is finished.
        """
        gate = self.slow_commits()
        writer = self.start(b"abcdef")
        asking = Conversation(self.site)
        asking.send(head("HEAD", self.target, TUS))
        self.clock.advance(1)
        [locked] = asking.answers()
        self.assertEqual((locked.status, locked.headers["retry-after"]), (423, "1"))
        gate.callback(None)
        self.assertEqual((writer.statuses(), self.asked().status), ([204], 204))

    def test_committed_meanwhile(self) -> None:
        """
        Who comes while it is being committed meets the finished upload.
        """
        gate = self.slow_commits()
        self.start(b"abcdef")
        late = Conversation(self.site)
        late.send(head("PATCH", self.target, TUS, OFFSETS, "Upload-Offset: 0", "Content-Length: 6"))
        gate.callback(None)
        [answer] = late.answers()
        self.assertEqual((answer.status, answer.code), (403, "completed"))

    def test_cancelled_meanwhile(self) -> None:
        """
        Who waited for one that gave the upload up finds none.
        """
        drop, gate = self.store.drop, Deferred()
        self.store.drop = lambda id: gate.addCallback(lambda _: drop(id))
        cancelling = Conversation(self.site)
        cancelling.send(head("DELETE", self.target, TUS))
        asking = Conversation(self.site)
        asking.send(head("HEAD", self.target, TUS))
        gate.callback(None)
        self.assertEqual((cancelling.statuses(), asking.statuses()), ([204], [404]))

    def test_all_but_the_file(self) -> None:
        """
        Where all bytes are here and the daemon died before they were a file, asking makes it one.
        """
        self.patch(0, b"abc")
        self.store.parts[self.id.encode()] += b"def"
        asked = self.asked()
        self.assertEqual((asked.status, asked.headers["upload-offset"]), (204, "6"))
        self.assertEqual(self.served("a"), (200, b"abcdef"))
        self.assertEqual(self.patch(6, b"").status, 403)

    def test_all_but_the_promised_file(self) -> None:
        """
        Unless it is not what was promised.
        """
        record = attrs.evolve(self.metadata.records[self.id], sha256="0" * 64)
        part = self.successResultOf(self.store.resume(self.id))
        part.record = record
        self.successResultOf(part.append([b"abcdef"]))
        self.successResultOf(part.suspend())
        found = [self.asked().status, self.asked().status, self.served("a")[0]]
        self.assertEqual(found, [400, 404, 404])

    def test_part_lost(self) -> None:
        """
        An upload whose part is gone is gone.
        """
        self.successResultOf(self.store.drop(self.id))
        found = [self.patch(0, b"abc").status, self.asked().status]
        self.assertEqual((found, self.metadata.records), ([404, 404], {}))

    def test_elsewhere(self) -> None:
        """
        What another node has is asked for there, with all that signs it.
        """
        there = attrs.evolve(self.metadata.records[self.id], node="https://b.example/x")
        self.metadata.records[self.id] = there
        answer = self.asked()
        self.assertEqual(
            (answer.status, answer.headers["location"]),
            (307, "https://b.example/x" + self.target),
        )

    def test_not_written_down(self) -> None:
        """
        A file that is there is told of, whatever its record says.
        """
        self.metadata.put = lambda record: fail(OSError("full"))
        answer = self.patch(0, b"abcdef")
        self.assertEqual((answer.status, answer.headers["upload-offset"]), (204, "6"))
        self.assertEqual(self.served("a"), (200, b"abcdef"))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_draining(self) -> None:
        """
        A daemon that is about to stop takes no more bytes, and still tells how far it is.
        """
        clients = [Conversation(self.site), Conversation(self.site)]
        self.site.draining = True
        fields = (TUS, OFFSETS, "Upload-Offset: 0", "Content-Length: 3")
        clients[0].send(head("PATCH", self.target, *fields) + b"abc")
        clients[1].send(head("HEAD", self.target, TUS))
        self.assertEqual([client.statuses() for client in clients], [[503], [204]])

    def test_not_truncated(self) -> None:
        """
        A part that cannot be brought back to what is trusted is removed.
        """
        resume = self.store.resume

        def stuck(id: str) -> Any:
            part = self.successResultOf(resume(id))
            part.truncate = lambda offset: fail(OSError("stuck"))
            return succeed(part)

        self.store.resume = stuck
        checked = "Upload-Checksum: sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="
        self.broken(
            "PATCH", self.target, TUS, OFFSETS, "Upload-Offset: 0", checked, body=b"ab", length=6
        )
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertEqual((self.store.parts, self.store.writing), ({}, {}))
        self.assertEqual(self.asked().status, 404)
