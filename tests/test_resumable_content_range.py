"""
Tests for :mod:`hmacfs.resumable.content_range`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.digests import Digest
from hmacfs.errors import (
    InconsistentLength,
    LengthRequired,
    MalformedHeader,
    MethodNotAllowed,
    NotFound,
    Refusal,
    TooLarge,
    UnknownLength,
    WrongOffset,
)
from hmacfs.resumable.content_range import RANGE
from hmacfs.resumable.steps import Append, Probe, Standing, Step
from tests.judged import request
from tests.test_resumable_steps import outcome
from tests.test_uploads import RECORD

CHUNKED = "Transfer-Encoding: chunked"


def put(value: str, *fields: str) -> Step | type[Refusal]:
    """
    What a PUT with this ``Content-Range`` is read as.
    """
    return outcome(RANGE.create, "PUT", f"Content-Range: {value}", *fields)


class ReadTests(SynchronousTestCase):
    """
    A Content-Range brings bytes of a file, or asks for how many there are.
    """

    def test_bytes(self) -> None:
        """
        The first byte and the total are what curl says by them.
        """
        self.assertEqual(
            [
                put("bytes 1000-2999/3000", "Content-Length: 2000", "Expect: 100-continue"),
                put("BYTES 0-0/1", "Content-Length: 1"),
                put("bytes 00-01/000003", "Content-Length: 2"),
            ],
            [Append(1000, 2000, 3000), Append(0, 1, 1), Append(0, 2, 3)],
        )

    def test_fields(self) -> None:
        """
        The type is the file's, unless it is that of bytes to append; digests are kept.
        """
        length = "Content-Length: 1"
        self.assertEqual(
            [
                put("bytes 0-0/3", length, "Content-Type: text/html"),
                put("bytes 0-0/3", length, "Content-Type: application/offset+octet-stream"),
                put(
                    "bytes 0-0/3",
                    length,
                    "Content-Digest: sha-256=:YQ==:",
                    "Repr-Digest: sha-256=:" + "A" * 43 + "=:",
                ),
                put("bytes */3", "Content-Type: text/html"),
            ],
            [
                Append(0, 1, 3, content_type=b"text/html"),
                Append(0, 1, 3),
                Append(
                    0,
                    1,
                    3,
                    digests=(Digest("Content-Digest", "sha256", b"a"),),
                    promised=(Digest("Repr-Digest", "sha256", bytes(32)),),
                ),
                Probe(3, b"text/html"),
            ],
        )

    def test_questions(self) -> None:
        """
        A star in place of the bytes asks, with the total or without.
        """
        self.assertEqual(
            [
                put("bytes */3000", "Content-Length: 0"),
                put("bytes */3000"),
                put("bytes */0"),
                put("bytes */*"),
            ],
            [Probe(3000), Probe(3000), Probe(0), Probe()],
        )
        self.assertEqual(
            [put("bytes */3000", field) for field in ("Content-Length: 1", CHUNKED)],
            [InconsistentLength] * 2,
        )

    def test_unknown_total(self) -> None:
        """
        Bytes of a file of which nobody says how long it is are refused.
        """
        self.assertEqual(put("bytes 0-9/*", "Content-Length: 10"), UnknownLength)

    def test_malformed(self) -> None:
        """
        Another unit, a range that is none, or one that is not in the file is refused.
        """
        for value in [
            "",
            "bytes",
            "bytes=0-9/10",
            "items 0-9/10",
            "bytes  0-9/10",
            "bytes 0-9",
            "bytes 0-9/",
            "bytes -9/10",
            "bytes 0-/10",
            "bytes 0 -9/10",
            "bytes +0-9/10",
            "bytes 9-0/10",
            "bytes 1-10/10",
            "bytes 0-9/9",
            "bytes 0-0/0",
            "bytes 0-9/10, bytes 0-9/10",
            "bytes 0-9,11-12/20",
        ]:
            self.assertEqual((value, put(value, "Content-Length: 10")), (value, MalformedHeader))

    def test_huge(self) -> None:
        """
        Numbers that no file could have are refused without being computed.
        """
        digits = "9" * 19
        for value in (
            f"0-9/{digits}",
            f"{digits}-{digits}/{digits}",
            f"0-{digits}/10",
            f"*/{digits}",
        ):
            self.assertEqual(put(f"bytes {value}", "Content-Length: 10"), TooLarge)
        self.assertEqual(put("bytes 0-9/" + "9" * 9000, "Content-Length: 10"), TooLarge)

    def test_contradictions(self) -> None:
        """
        The content is as long as its range, and says so.

        ``curl -r 5-9 -T`` sends the whole file and says that it is a part.
        """
        self.assertEqual(
            [
                put("bytes 5-9/3000", "Content-Length: 3000"),
                put("bytes 0-9/10", "Content-Length: 9"),
                put("bytes 0-9/10", "Content-Length: 0"),
                put("bytes 0-9/10", CHUNKED),
                put("bytes 0-9/10"),
            ],
            [*[InconsistentLength] * 3, *[LengthRequired] * 2],
        )

    def test_elsewhere(self) -> None:
        """
        An upload that has a URL of its own is gone on with by other methods.
        """
        head = request("/up/a", "Content-Range: bytes 0-0/1", "Content-Length: 1")
        refusal = self.assertRaises(MethodNotAllowed, RANGE.resume, head)
        self.assertEqual(refusal.headers, ((b"Allow", b"HEAD, GET, PATCH, DELETE, OPTIONS"),))

    @given(st.integers(0, 10**17), st.integers(1, 10**17), st.integers(0, 10**17))
    def test_written(self, start: int, size: int, rest: int) -> None:
        """
        Every part of every file is read as it is written.
        """
        total = start + size + rest
        self.assertEqual(
            put(f"bytes {start}-{start + size - 1}/{total}", f"Content-Length: {size}"),
            Append(start, size, total),
        )


class AnswerTests(SynchronousTestCase):
    """
    While bytes are missing the answer is 308, with those that are here.
    """

    def test_answers(self) -> None:
        """
        Of no bytes there is no Range, and never a Location, which would be followed.
        """
        uncached = (b"Cache-Control", b"no-store")
        standings = [
            Standing(now=0, offset=0, location=b"https://a.example/"),
            Standing(now=0, offset=5, location=b"https://a.example/"),
            Standing(now=0, offset=12, finished=True, location=b"https://a.example/"),
        ]
        self.assertEqual(
            [
                RANGE.answer(step, standing)
                for step in (Append(0, 5, 12), Probe())
                for standing in standings
            ],
            [
                (308, (uncached,)),
                (308, ((b"Range", b"bytes=0-4"), uncached)),
                (201, ()),
                (308, (uncached,)),
                (308, ((b"Range", b"bytes=0-4"), uncached)),
                (200, (uncached,)),
            ],
        )

    def test_refusals(self) -> None:
        """
        A wrong offset is told the bytes that are here.
        """
        standing = Standing.of(RECORD, 5, 0)
        self.assertEqual(
            [
                RANGE.refused(WrongOffset(5, 0), standing),
                RANGE.refused(WrongOffset(0, 5), Standing.of(RECORD, 0, 0)),
                RANGE.refused(NotFound(""), standing),
                RANGE.problem(WrongOffset(5, 0)),
            ],
            [((b"Range", b"bytes=0-4"),), (), (), None],
        )
