"""
What is said of a stored file.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.conditions import format_date
from hmacfs.config import parse
from hmacfs.errors import PreconditionFailed, RangeNotSatisfiable
from hmacfs.ranges import Span
from hmacfs.records import FileRecord
from hmacfs.web.answers import YEAR, Answer, Terms, answer
from tests.configuring import NoFiles

NOW = 1_800_000_000.75
STORED = NOW - 1000
IMMUTABLE = b"public, max-age=%d, immutable" % YEAR
PLAIN = Terms()


class AnswerTests(SynchronousTestCase):
    """
    What is said of a file, decided by the request's fields and the record.
    """

    def answer(
        self,
        fields: dict[bytes, bytes] | None = None,
        method: bytes = b"GET",
        terms: Terms = PLAIN,
        **changes: Any,
    ) -> Answer:
        record = attrs.evolve(FileRecord(26, "text/plain", STORED, "abc"), **changes)
        return answer(method, (fields or {}).get, record, "é.txt".encode(), NOW, terms)

    def test_whole(self) -> None:
        """
        A file is sent whole, with all that is known of it.
        """
        self.assertEqual(
            self.answer(),
            Answer(
                200,
                [
                    (b"ETag", b'"abc"'),
                    (b"Cache-Control", IMMUTABLE),
                    (b"Accept-Ranges", b"bytes"),
                    (b"Content-Type", b"text/plain"),
                    (b"Content-Length", b"26"),
                    (b"Content-Disposition", b"inline"),
                    (b"Last-Modified", format_date(int(STORED))),
                ],
                (Span(0, 26),),
            ),
        )

    def test_part(self) -> None:
        """
        A part says which it is, and all that the whole file says.
        """
        whole, part = self.answer(), self.answer({b"range": b"bytes=2-4"})
        said = dict(part.headers)
        self.assertEqual((part.status, part.pieces), (206, (Span(2, 5),)))
        self.assertEqual(said.pop(b"Content-Range"), b"bytes 2-4/26")
        self.assertEqual(said, {**dict(whole.headers), b"Content-Length": b"3"})

    def test_head_ignores_range(self) -> None:
        """
        HEAD is answered as if no range had been asked for, not even a bad one.
        """
        for value in [b"bytes=0-0", b"bytes=100-"]:
            self.assertEqual(self.answer({b"range": value}, b"HEAD"), self.answer(method=b"HEAD"))

    def test_order(self) -> None:
        """
        Preconditions come before ranges, and If-Range before 416.
        """
        outside = b"bytes=100-"
        self.assertRaises(RangeNotSatisfiable, self.answer, {b"range": outside})
        self.assertRaises(PreconditionFailed, self.answer, {b"range": outside, b"if-match": b'"x"'})
        for fields, status in [
            ({b"if-none-match": b'"abc"'}, 304),
            ({b"if-range": b'"x"'}, 200),
            ({b"if-range": b'W/"abc"'}, 200),
        ]:
            self.assertEqual(self.answer({b"range": outside, **fields}).status, status, fields)

    def test_not_modified(self) -> None:
        """
        304 repeats what a cache lives by, and nothing of the body.
        """
        self.assertEqual(
            self.answer({b"if-none-match": b'"abc"'}, expires=int(NOW) + 100),
            Answer(
                304,
                [
                    (b"ETag", b'"abc"'),
                    (b"Cache-Control", b"public, max-age=100, immutable"),
                    (b"Expires", format_date(int(NOW) + 100)),
                ],
            ),
        )

    def test_without_ranges(self) -> None:
        """
        Where ranges are switched off none is offered, and none is heeded.
        """
        terms = Terms(ranges=False)
        found = self.answer({b"range": b"bytes=0-0", b"if-range": b'"abc"'}, terms=terms)
        self.assertEqual((found.status, found.pieces), (200, (Span(0, 26),)))
        self.assertNotIn(b"Accept-Ranges", dict(found.headers))
        self.assertEqual(self.answer({b"range": b"bytes=100-"}, terms=terms).status, 200)

    def test_costly_parts(self) -> None:
        """
        Parts that cost more than the whole file are not sent.
        """
        fields = {b"range": b"bytes=0-0,5-5"}
        self.assertEqual(self.answer(fields).status, 200)
        self.assertEqual(self.answer(fields, size=1000).status, 206)

    def test_parts_touching(self) -> None:
        """
        Ranges that are one in the end are no multipart.
        """
        found = self.answer({b"range": b"bytes=0-4,3-9,10-11"}, size=1000)
        self.assertEqual(dict(found.headers)[b"Content-Range"], b"bytes 0-11/1000")
        self.assertEqual(dict(found.headers)[b"Content-Type"], b"text/plain")

    def test_cache_control(self) -> None:
        """
        A copy is good for ever, or until the file expires, unless a name may
        get another file; only those who sign may share what is signed for.
        """
        for terms, expires, expected in [
            (Terms(), int(NOW) + 10 * YEAR, IMMUTABLE),
            (Terms(), int(NOW) + 60, b"public, max-age=60, immutable"),
            (Terms(), int(NOW) - 60, b"public, max-age=0, immutable"),
            (Terms(), 10**30, IMMUTABLE),
            (Terms(versioned=True), int(NOW) + 60, b"public, no-cache"),
            (Terms(private=True), int(NOW) + 60, b"private, max-age=60, immutable"),
            (Terms(private=True, versioned=True), None, b"private, no-cache"),
        ]:
            said = dict(self.answer(terms=terms, expires=expires).headers)
            self.assertEqual(said[b"Cache-Control"], expected)

    def test_future(self) -> None:
        """
        A file from the future was changed just now, and is not settled.
        """
        said = dict(self.answer(stored=NOW + 5000).headers)
        self.assertEqual(said[b"Last-Modified"], format_date(int(NOW)))
        fields = {b"range": b"bytes=0-0", b"if-range": said[b"Last-Modified"]}
        self.assertEqual(self.answer(fields, stored=NOW + 5000).status, 200)

    def test_ancient(self) -> None:
        """
        A file from before unix time is as old as can be said.
        """
        said = dict(self.answer(stored=-(10.0**18)).headers)
        self.assertEqual(said[b"Last-Modified"], format_date(0))

    def test_unsafe_type(self) -> None:
        """
        A stored type that is none is a stream of bytes, and saved.
        """
        said = dict(self.answer(content_type="text/html\r\nX: y").headers)
        self.assertEqual(
            (said[b"Content-Type"], said[b"Content-Disposition"]),
            (b"application/octet-stream", b"attachment; filename*=UTF-8''%C3%A9.txt"),
        )

    def test_terms(self) -> None:
        """
        The settings say what holds for all downloads.
        """
        table = {
            "Secret": "k" * 32,
            "ChunkSize": 4096,
            "ResumableDownloadsEnabled": False,
            "EnableVersioning": True,
            "DownloadAuth": "signed",
        }
        self.assertEqual(
            Terms.of(parse(table, "/", NoFiles()).settings),
            Terms(chunk_size=4096, ranges=False, versioned=True, private=True),
        )
