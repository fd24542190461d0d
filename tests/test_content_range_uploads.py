"""
Tests for uploads by ``Content-Range``, over the wire.
"""

from __future__ import annotations

from hmacfs.events import UploadCompleted, UploadResumed, UploadStarted, UploadSuspended
from hmacfs.signing import Claim, sign
from tests.resuming import TUS, ResumingCase, digest, head
from tests.serving import NOW, SECRET, signed, timed
from tests.wire import Answer, Conversation


class ContentRangeTests(ResumingCase):
    """
    A PUT with ``Content-Range`` goes on where the one before broke.
    """

    def part(self, path: str, data: bytes, start: int, stop: int, *fields: str) -> Answer:
        return self.ask(
            "PUT",
            signed(path, len(data)),
            f"Content-Range: bytes {start}-{stop - 1}/{len(data)}",
            *fields,
            body=data[start:stop],
        )

    def asked(self, path: str, size: int, total: str | None = None) -> Answer:
        total = str(size) if total is None else total
        return self.ask("PUT", signed(path, size), f"Content-Range: bytes */{total}")

    def test_parts(self) -> None:
        """
        Part by part becomes a file; until then it is not served.
        """
        first = self.part("a", b"abcdef", 0, 2)
        during = self.served("a")[0]
        second = self.part("a", b"abcdef", 2, 6)
        self.assertEqual((first.status, first.headers["range"], during), (308, "bytes=0-1", 404))
        self.assertNotIn("location", first.headers)
        self.assertEqual((second.status, self.served("a")), (201, (200, b"abcdef")))

    def test_plain_then_rest(self) -> None:
        """
        A plain PUT that broke is asked about and gone on with.
        """
        self.broken("PUT", signed("a", 6), body=b"abc", length=6)
        asked = self.asked("a", 6)
        rest = self.part("a", b"abcdef", 3, 6)
        self.assertEqual((asked.status, asked.headers["range"]), (308, "bytes=0-2"))
        self.assertEqual((rest.status, self.served("a")), (201, (200, b"abcdef")))
        self.assertEqual([event.offset for event in self.told(UploadResumed)], [3])
        self.assertEqual([event.offset for event in self.told(UploadSuspended)], [3])

    def test_wrong_offset(self) -> None:
        """
        Kept bytes are never written again, the first ones neither.
        """
        self.part("a", b"abcdef", 0, 3)
        for start in (0, 2, 4):
            answer = self.part("a", b"ABCDEF", start, 6)
            self.assertEqual((answer.status, answer.headers["range"]), (409, "bytes=0-2"))
        self.part("a", b"abcdef", 3, 6)
        self.assertEqual(self.served("a"), (200, b"abcdef"))

    def test_nothing_kept(self) -> None:
        """
        Where nothing is kept, there is no Range.
        """
        answers = [self.asked("a", 6), self.part("a", b"abcdef", 3, 6)]
        self.assertEqual([answer.status for answer in answers], [308, 409])
        self.assertEqual(["range" in answer.headers for answer in answers], [False, False])

    def test_finished(self) -> None:
        """
        A finished upload is 200 to who asks, with the total or without.
        """
        self.put("a", b"abcdef")
        answers = [self.asked("a", 6), self.asked("a", 6, "*")]
        self.assertEqual([answer.status for answer in answers], [200, 200])

    def test_asked_without_total(self) -> None:
        """
        Who does not know the total is told by the record.
        """
        self.part("a", b"abcdef", 0, 2)
        answer = self.asked("a", 6, "*")
        self.assertEqual((answer.status, answer.headers["range"]), (308, "bytes=0-1"))

    def test_lost_answer(self) -> None:
        """
        Who lost the last answer sends the last part again, and hears 201.
        """
        self.part("a", b"abcdef", 0, 3)
        self.part("a", b"abcdef", 3, 6)
        again = self.part("a", b"abcdef", 3, 6)
        other = self.part("a", b"abcdeX", 3, 6)
        self.assertEqual((again.status, other.status), (201, 409))

    def test_other_type(self) -> None:
        """
        A type that is not signed may be said with one part and not with the next.
        """
        self.part("a", b"abcdef", 0, 3, "Content-Type: text/plain")
        self.assertEqual(self.part("a", b"abcdef", 3, 6).status, 201)
        self.assertEqual(self.ask("GET", "/uploads/a").headers["content-type"], "text/plain")

    def test_balanced_events(self) -> None:
        """
        Every end of an upload has its beginning, that of a repetition too.
        """
        self.part("a", b"abcdef", 0, 3)
        self.part("a", b"abcdef", 3, 6)
        self.part("a", b"abcdef", 3, 6)
        self.part("a", b"abcdef", 0, 3)
        begun = len(self.told(UploadStarted)) + len(self.told(UploadResumed))
        ended = len(self.told(UploadSuspended)) + len(self.told(UploadCompleted))
        self.assertEqual((begun, ended), (4, 4))

    def test_contradictions(self) -> None:
        """
        What contradicts itself is 400, another total 403.
        """
        target = signed("a", 6)
        found = [
            self.ask("PUT", target, f"Content-Range: {value}", body=b"abc").status
            for value in ("bytes 0-1/6", "bytes 0-2/*", "bytes 4-6/6", "lines 0-2/6", "bytes 0-2/7")
        ]
        self.assertEqual(found, [400, 400, 400, 400, 403])

    def test_replaced(self) -> None:
        """
        A plain PUT takes the place of what was kept.
        """
        self.part("a", b"abcdef", 0, 3)
        self.assertEqual((self.put_anew("a", b"ABCDEF"), self.served("a")), (201, (200, b"ABCDEF")))

    def put_anew(self, path: str, body: bytes) -> int:
        return self.ask("PUT", signed(path, len(body)), body=body).status

    def test_under_way(self) -> None:
        """
        A newer part ends the older request, whose bytes stay.
        """
        older = Conversation(self.site)
        older.send(
            f"PUT {signed('a', 6)} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nab".encode()
        )
        asked = self.asked("a", 6)
        self.assertEqual((older.statuses(), asked.headers["range"]), ([409], "bytes=0-1"))
        self.assertEqual(self.part("a", b"abcdef", 2, 6).status, 201)

    def test_under_way_without_total(self) -> None:
        """
        Who does not know the total may ask before it is known that the line broke.
        """
        older = Conversation(self.site)
        older.send(head("PUT", signed("a", 6), "Content-Length: 6") + b"ab")
        unsigned = self.ask("PUT", signed("b", 6).replace("/b?", "/a?"), "Content-Range: bytes */*")
        self.assertEqual((unsigned.status, older.statuses()), (403, []))
        asked = self.asked("a", 6, "*")
        self.assertEqual((asked.status, asked.headers["range"]), (308, "bytes=0-1"))
        self.assertEqual(older.statuses(), [409])

    def test_type(self) -> None:
        """
        Where no type is signed the first one is kept, whatever those declare who go on.
        """
        self.part("a", b"abcdef", 0, 2, "Content-Type: text/plain")
        asked = self.asked("a", 6)
        self.part("a", b"abcdef", 2, 4)
        last = self.part("a", b"abcdef", 4, 6, "Content-Type: text/csv")
        self.assertEqual((asked.headers["range"], last.status), ("bytes=0-1", 201))
        self.assertEqual(self.ask("GET", "/uploads/a").headers["content-type"], "text/plain")

    def test_foreign_type(self) -> None:
        """
        A signed type that is no ASCII goes on as it was signed, not as it is stored.
        """

        def typed(declared: str, *fields: str, body: bytes = b"") -> Answer:
            claim = Claim(path=b"a", size=6, content_type=declared.encode())
            target = f"/uploads/a?v2={sign('v2', claim, SECRET.encode())}"
            return self.ask("PUT", target, f"Content-Type: {declared}", *fields, body=body)

        typed("text/é", "Content-Range: bytes 0-2/6", body=b"abc")
        other = typed("application/octet-stream", "Content-Range: bytes */6")
        last = typed("text/é", "Content-Range: bytes 3-5/6", body=b"def")
        self.assertNotIn("range", other.headers)
        self.assertEqual((last.status, self.served("a")), (201, (200, b"abcdef")))

    def test_time_over(self) -> None:
        """
        A signature whose time is over begins nothing, and goes on with what it began.
        """

        def put(path: str, place: str, body: bytes = b"") -> int:
            target = timed("PUT", path, expires=NOW + 60)
            return self.ask("PUT", target, f"Content-Range: bytes {place}/6", body=body).status

        begun = put("a", "0-1", b"ab")
        self.broken("PUT", timed("PUT", "b"), body=b"abc", length=6)
        self.clock.advance(60)
        going_on = [put("a", "*"), put("a", "2-3", b"cd"), put("b", "3-5", b"def")]
        self.assertEqual((begun, going_on), (308, [308, 308, 201]))
        self.assertEqual([put("b", "*"), put("b", "3-5", b"def")], [200, 410])
        self.assertEqual([put("c", "*"), put("c", "0-1", b"ab")], [410, 410])
        self.ask("PUT", signed("a", 7), body=b"abcdefg")
        self.assertEqual([put("a", "*"), put("a", "4-5", b"ef")], [410, 410])

    def test_switched_off(self) -> None:
        """
        Where there is no resuming, a part of a file is refused.
        """
        self.serve(ResumableUploadsEnabled=False)
        self.assertEqual(self.part("a", b"abcdef", 0, 3).status, 400)

    def test_whole_only(self) -> None:
        """
        Without chunking the rest comes in one request, after a break too.
        """
        self.serve(ChunkingEnabled=False)
        refused = self.part("a", b"abcdef", 0, 3)
        self.broken("PUT", signed("a", 6), body=b"abc", length=6)
        self.assertEqual((refused.status, refused.code), (403, "chunking-disabled"))
        self.assertEqual(self.part("a", b"abcdef", 3, 6).status, 201)

    def test_digest(self) -> None:
        """
        A part with another digest than it says is not kept.
        """
        refused = self.part("a", b"abcdef", 0, 3, digest("Content-Digest", b"x"))
        nothing = self.asked("a", 6)
        kept = self.part("a", b"abcdef", 0, 3, digest("Content-Digest", b"abc"))
        self.assertEqual((refused.status, refused.code), (400, "wrong-digest"))
        self.assertEqual(("range" in nothing.headers, kept.status), (False, 308))

    def test_file_again(self) -> None:
        """
        A file that is there may come again, part by part, and is held against itself.
        """
        self.put("a", b"abcdef")
        found = [self.part("a", b"abcdef", 0, 3).status, self.part("a", b"abcdef", 3, 6).status]
        other = self.part("a", b"ABCDEF", 0, 3)
        self.assertEqual((found, other.status, other.code), ([308, 201], 409, "exists"))

    def test_promised_file(self) -> None:
        """
        Where the whole file is another one than the first part promised, nothing of it is kept.
        """
        self.part("a", b"abcdef", 0, 3, digest("Repr-Digest", b"other"))
        refused = self.part("a", b"abcdef", 3, 6)
        self.assertEqual((refused.status, refused.code), (400, "wrong-digest"))
        self.assertNotIn("range", self.asked("a", 6).headers)

    def test_promised_late(self) -> None:
        """
        The promise may come with the last part, and is remembered with the file.
        """
        self.part("a", b"abcdef", 0, 3)
        last = self.part("a", b"abcdef", 3, 6, digest("Repr-Digest", b"abcdef"))
        told = digest("repr-digest", b"abcdef").partition(": ")[2]
        self.assertEqual((last.status, last.headers["repr-digest"]), (201, told))

    def test_begun_by_tus(self) -> None:
        """
        What another protocol began with the same signature is gone on with.
        """
        created = self.ask("POST", signed("a", 6), TUS, "Upload-Length: 6")
        first = self.part("a", b"abcdef", 0, 3)
        last = self.part("a", b"abcdef", 3, 6)
        asked = self.ask("HEAD", self.below(created.headers["location"]), TUS)
        self.assertEqual((first.status, last.status), (308, 201))
        self.assertEqual(asked.headers["upload-offset"], "6")

    def test_all_but_the_file(self) -> None:
        """
        Where all bytes are here and the daemon died before they were a file, asking makes it one.
        """
        self.broken("PUT", signed("a", 7), body=b"abcdef", length=7)
        [part] = self.store.parts.values()
        part += b"g"
        asked = self.asked("a", 7)
        self.assertEqual((asked.status, self.served("a")), (200, (200, b"abcdefg")))
        self.assertEqual(self.asked("a", 7).status, 200)

    def test_events(self) -> None:
        """
        The first part begins an upload, every other one goes on with it.
        """
        self.part("a", b"abcdef", 0, 2)
        self.part("a", b"abcdef", 2, 4)
        self.part("a", b"abcdef", 4, 6)
        told = [type(event) for event in self.hub.events if "Upload" in type(event).__name__]
        self.assertEqual(
            told,
            [
                UploadStarted,
                UploadSuspended,
                UploadResumed,
                UploadSuspended,
                UploadResumed,
                UploadCompleted,
            ],
        )
