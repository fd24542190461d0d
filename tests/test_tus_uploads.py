"""
Tests for uploads by tus, over the wire.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1

from twisted.internet.defer import Deferred

from hmacfs.conditions import format_date
from tests.resuming import CHUNKED, OFFSETS, TUS, ResumingCase, chunks, digest, head
from tests.serving import NOW, signed, timed
from tests.wire import Answer, Conversation


class TusTests(ResumingCase):
    """
    tus 1.0.0, begun at the URL that was signed.
    """

    def create(self, size: int, *fields: str, body: bytes = b"") -> Answer:
        return self.ask(
            "POST", signed("a", size), TUS, f"Upload-Length: {size}", *fields, body=body
        )

    def begun(self, size: int) -> str:
        return self.below(self.create(size).headers["location"])

    def patch(self, target: str, offset: int, body: bytes, *fields: str) -> Answer:
        return self.ask(
            "PATCH", target, TUS, OFFSETS, f"Upload-Offset: {offset}", *fields, body=body
        )

    def test_whole_way(self) -> None:
        """
        Created, appended to, asked about, finished, and served.
        """
        created = self.create(6)
        target = self.below(created.headers["location"])
        first = self.patch(target, 0, b"abc")
        asked = self.ask("HEAD", target, TUS)
        last = self.patch(target, 3, b"def")
        done = self.ask("HEAD", target, TUS)
        self.assertEqual(
            [a.status for a in (created, first, asked, last, done)], [201, 204, 204, 204, 204]
        )
        self.assertEqual(
            [a.headers["upload-offset"] for a in (created, first, asked, last, done)],
            ["0", "3", "3", "6", "6"],
        )
        self.assertEqual({a.headers["tus-resumable"] for a in (created, first, asked)}, {"1.0.0"})
        self.assertEqual(asked.headers["upload-length"], "6")
        self.assertEqual(asked.headers["cache-control"], "no-store")
        self.assertIn("upload-expires", first.headers)
        self.assertEqual(self.served("a"), (200, b"abcdef"))

    def test_with_upload(self) -> None:
        """
        A creation may bring the first bytes, or all of them.
        """
        some = self.create(6, OFFSETS, body=b"abc")
        all = self.create(3, OFFSETS, body=b"abc")
        self.assertEqual(
            [(a.status, a.headers["upload-offset"]) for a in (some, all)], [(201, "3"), (201, "3")]
        )
        self.assertEqual(self.served("a"), (200, b"abc"))

    def test_empty(self) -> None:
        """
        A file of no bytes is there at once.
        """
        self.assertEqual((self.create(0).status, self.served("a")), (201, (200, b"")))

    def test_broken(self) -> None:
        """
        What came before a break is kept.
        """
        target = self.begun(6)
        self.broken("PATCH", target, TUS, OFFSETS, "Upload-Offset: 0", body=b"ab", length=6)
        asked = self.ask("HEAD", target, TUS)
        self.assertEqual(asked.headers["upload-offset"], "2")
        self.assertEqual(self.patch(target, 2, b"cdef").status, 204)
        self.assertEqual(self.served("a"), (200, b"abcdef"))

    def test_wrong_offset(self) -> None:
        """
        Bytes that belong elsewhere are refused, with where they belong.
        """
        target = self.begun(6)
        self.patch(target, 0, b"abc")
        answer = self.patch(target, 2, b"cdef")
        self.assertEqual((answer.status, answer.headers["upload-offset"]), (409, "3"))

    def test_too_long(self) -> None:
        """
        More than the length is refused unread, and what was kept stays.
        """
        target = self.begun(3)
        answer = self.patch(target, 0, b"abcd")
        asked = self.ask("HEAD", target, TUS)
        self.assertEqual((answer.status, asked.headers["upload-offset"]), (413, "0"))

    def test_too_long_when_counted(self) -> None:
        """
        The same where only the end tells.
        """
        target = self.begun(3)
        client = Conversation(self.site)
        fields = (TUS, OFFSETS, "Upload-Offset: 0", CHUNKED)
        client.send(head("PATCH", target, *fields) + chunks(b"ab", b"cde"))
        asked = self.ask("HEAD", target, TUS)
        self.assertEqual((client.statuses(), asked.headers["upload-offset"]), ([413], "0"))

    def test_checksum(self) -> None:
        """
        A chunk with another checksum is not kept, nor one that broke.
        """
        target = self.begun(6)
        right = b64encode(sha1(b"abc").digest()).decode()
        wrong = self.patch(target, 0, b"abd", f"Upload-Checksum: sha1 {right}")
        checked = f"Upload-Checksum: sha1 {right}"
        self.broken(
            "PATCH", target, TUS, OFFSETS, "Upload-Offset: 0", checked, body=b"ab", length=3
        )
        asked = self.ask("HEAD", target, TUS)
        good = self.patch(target, 0, b"abc", checked)
        self.assertEqual(
            (wrong.status, asked.headers["upload-offset"], good.status), (460, "0", 204)
        )

    def test_finished(self) -> None:
        """
        A finished upload takes no more; giving it up leaves its file.
        """
        target = self.begun(3)
        self.patch(target, 0, b"abc")
        found = [
            self.patch(target, 3, b"").status,
            self.ask("DELETE", target, TUS).status,
            self.ask("HEAD", target, TUS).status,
        ]
        self.assertEqual((found, self.served("a")), ([403, 204, 404], (200, b"abc")))

    def test_cancelled(self) -> None:
        """
        An upload that is given up is gone.
        """
        target = self.begun(6)
        self.patch(target, 0, b"abc")
        found = [
            self.ask("DELETE", target, TUS).status,
            self.ask("HEAD", target, TUS).status,
            self.patch(target, 3, b"def").status,
        ]
        self.assertEqual(found, [204, 404, 404])

    def test_metadata(self) -> None:
        """
        The file's type is in the metadata, which is told as it was given.
        """
        filetype = b64encode(b"text/plain").decode()
        given = f"filename YQ==,filetype {filetype}"
        created = self.create(3, f"Upload-Metadata: {given}")
        target = self.below(created.headers["location"])
        asked = self.ask("HEAD", target, TUS)
        self.patch(target, 0, b"abc")
        self.assertEqual(asked.headers["upload-metadata"], given)
        answer = self.ask("GET", "/uploads/a")
        self.assertEqual(answer.headers["content-type"], "text/plain")

    def test_refused(self) -> None:
        """
        Each mistake has its answer.
        """
        target = self.begun(6)
        other = target.partition("?")[0] + "?v=" + "0" * 64
        found = {
            "version": self.ask("HEAD", target, "Tus-Resumable: 0.2.2").status,
            "type": self.ask("PATCH", target, TUS, "Upload-Offset: 0", body=b"a").status,
            "offset": self.ask("PATCH", target, TUS, OFFSETS, body=b"a").status,
            "unsigned": self.ask("HEAD", target.partition("?")[0], TUS).status,
            "signature": self.ask("HEAD", other, TUS).status,
            "unknown": self.ask("HEAD", "/uploads/.hmacfs/uploads/" + "0" * 32, TUS).status,
            "strange": self.ask("HEAD", "/uploads/.hmacfs/uploads/..", TUS).status,
            "deferred": self.ask("POST", signed("b", 3), TUS, "Upload-Defer-Length: 1").status,
            "length": self.ask("POST", signed("b", 3), TUS, "Upload-Length: 4").status,
        }
        self.assertEqual(
            found,
            {
                "version": 412,
                "type": 415,
                "offset": 400,
                "unsigned": 403,
                "signature": 403,
                "unknown": 404,
                "strange": 404,
                "deferred": 400,
                "length": 403,
            },
        )

    def test_written_down_behind_the_answer(self) -> None:
        """
        The client need not wait until its upload is written down; who asks
        next does.
        """
        target = self.begun(3)
        put, gate = self.metadata.put, Deferred()
        self.metadata.put = lambda record: gate.addCallback(lambda _: put(record))
        last = self.patch(target, 0, b"abc")
        asking = Conversation(self.site)
        asking.send(head("HEAD", target, TUS))
        before = asking.statuses()
        gate.callback(None)
        self.assertEqual((last.status, before, asking.statuses()), (204, [], [204]))
        self.assertEqual(asking.answers()[0].headers["upload-offset"], "3")

    def test_override(self) -> None:
        """
        A client that cannot PATCH says so in a POST.
        """
        target = self.begun(3)
        answer = self.ask(
            "POST",
            target,
            TUS,
            OFFSETS,
            "X-HTTP-Method-Override: PATCH",
            "Upload-Offset: 0",
            body=b"abc",
        )
        self.assertEqual((answer.status, self.served("a")), (204, (200, b"abc")))

    def test_expired(self) -> None:
        """
        An upload that waited too long is gone.
        """
        target = self.begun(6)
        self.clock.advance(24 * 3600)
        self.assertEqual(self.ask("HEAD", target, TUS).status, 404)

    def test_options(self) -> None:
        """
        OPTIONS announces what is spoken.
        """
        answer = self.ask("OPTIONS", "/uploads/a")
        self.assertEqual(answer.headers["tus-version"], "1.0.0")
        self.assertEqual(
            answer.headers["tus-extension"],
            "creation,creation-with-upload,checksum,termination,expiration",
        )
        self.assertIn("max-size=1073741824", answer.headers["upload-limit"])
        self.assertIn("POST", answer.headers["allow"])

    def test_by_time(self) -> None:
        """
        A signature that ends binds the beginning alone.
        """
        created = self.ask("POST", timed("PUT", "a"), TUS, "Upload-Length: 3")
        target = self.below(created.headers["location"])
        self.clock.advance(3600)
        self.assertEqual(self.patch(target, 0, b"abc").status, 204)

    def test_more_time(self) -> None:
        """
        Whoever brings bytes is given the whole time again.
        """
        target = self.begun(6)
        self.clock.advance(20 * 3600)
        told = self.patch(target, 0, b"abc").headers["upload-expires"]
        self.clock.advance(20 * 3600)
        asked = self.ask("HEAD", target, TUS)
        self.assertEqual((asked.status, asked.headers["upload-expires"]), (204, told))
        self.assertEqual(told, format_date(NOW + 44 * 3600).decode())

    def test_whole_only(self) -> None:
        """
        Without chunking all that is missing comes in one request, of a known length.
        """
        self.serve(ChunkingEnabled=False)
        target = self.begun(6)
        some = self.patch(target, 0, b"abc")
        counted = Conversation(self.site)
        fields = (TUS, OFFSETS, "Upload-Offset: 0", CHUNKED)
        counted.send(head("PATCH", target, *fields) + chunks(b"abcdef"))
        all = self.patch(target, 0, b"abcdef")
        self.assertEqual((some.status, some.code), (403, "chunking-disabled"))
        self.assertEqual((counted.statuses(), all.status), ([403], 204))

    def test_again(self) -> None:
        """
        Creating anew with all the bytes of a file that is there meets the file.
        """
        self.put("a", b"abc")
        created = self.create(3, OFFSETS, body=b"abc")
        asked = self.ask("HEAD", self.below(created.headers["location"]), TUS)
        self.assertEqual(
            [(a.status, a.headers["upload-offset"]) for a in (created, asked)],
            [(201, "3"), (204, "3")],
        )

    def test_again_without_bytes(self) -> None:
        """
        Creating anew without them is 409, since there would be nothing to go on with.
        """
        self.put("a", b"abc")
        client = Conversation(self.site)
        fields = (TUS, OFFSETS, "Upload-Length: 3", CHUNKED)
        client.send(head("POST", signed("a", 3), *fields) + chunks(b"ab"))
        self.assertEqual((self.create(3).status, client.statuses()), (409, [409]))
        self.assertEqual(self.metadata.records, {})

    def test_created_anew(self) -> None:
        """
        A second creation takes the place of the first.
        """
        first, second = self.begun(6), self.begun(6)
        found = [self.ask("HEAD", target, TUS).status for target in (first, second)]
        self.assertEqual(found, [404, 204])

    def test_promised_file(self) -> None:
        """
        An upload that is not what it promised to be is gone, with its URL.
        """
        created = self.create(6, digest("Repr-Digest", b"other"))
        target = self.below(created.headers["location"])
        refused = self.patch(target, 0, b"abcdef")
        self.assertEqual((refused.status, refused.code), (400, "wrong-digest"))
        self.assertEqual(self.ask("HEAD", target, TUS).status, 404)
