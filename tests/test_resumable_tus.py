"""
Tests for :mod:`hmacfs.resumable.tus`.
"""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.digests import Digest
from hmacfs.errors import (
    ChecksumMismatch,
    MalformedHeader,
    MethodNotAllowed,
    NotFound,
    Refusal,
    TooLarge,
    UnknownLength,
    UnsupportedMediaType,
    UnsupportedVersion,
    WrongDigest,
    WrongOffset,
)
from hmacfs.resumable.steps import Append, Cancel, Create, Probe, Standing, Step
from hmacfs.resumable.tus import TUS, metadata
from tests.judged import request
from tests.test_resumable_steps import outcome
from tests.test_uploads import RECORD

MARK = "Tus-Resumable: 1.0.0"
BYTES = "Content-Type: application/offset+octet-stream"
HERE = b"https://a.example/up/.hmacfs/uploads/1?v=2"


def post(*fields: str) -> Step | type[Refusal]:
    """
    What a POST to a slot is read as.
    """
    return outcome(TUS.create, "POST", MARK, *fields)


def patch(*fields: str, method: str = "PATCH") -> Step | type[Refusal]:
    """
    What a request to an upload is read as.
    """
    return outcome(TUS.resume, method, MARK, *fields)


class CreateTests(SynchronousTestCase):
    """
    A POST begins an upload of a length that it says.
    """

    def test_length(self) -> None:
        """
        The length is enough; tuspy sends empty metadata beside it.
        """
        for fields in [
            ("Upload-Length: 12",),
            ("Upload-Length: 12", "Content-Length: 0", "Upload-Metadata:"),
            ("Upload-Length: 12", "Content-Type: text/plain"),
        ]:
            self.assertEqual(post(*fields), Create(12))

    def test_all(self) -> None:
        """
        It may bring metadata, which says the file's type, and the first bytes.
        """
        self.assertEqual(
            post(
                "Upload-Length: 12",
                "Upload-Metadata: filename YQ==,filetype aW1hZ2UvcG5n,x",
                "Content-Length: 5",
                BYTES,
                "Upload-Checksum: sha1 YQ==",
                "Content-Digest: sha-512=:YQ==:",
                "Repr-Digest: sha-256=:" + "A" * 43 + "=:",
            ),
            Create(
                12,
                content_type=b"image/png",
                metadata="filename YQ==,filetype aW1hZ2UvcG5n,x",
                promised=(Digest("Repr-Digest", "sha256", bytes(32)),),
                digests=(
                    Digest("Content-Digest", "sha512", b"a"),
                    Digest("Upload-Checksum", "sha1", b"a"),
                ),
            ),
        )

    def test_no_length(self) -> None:
        """
        Without a length, or with one that comes later, nothing begins.
        """
        self.assertEqual(
            [
                post(),
                post("Upload-Defer-Length: 1"),
                post("Upload-Length: 12", "Upload-Defer-Length: 1"),
                post("Upload-Length: 12", "Upload-Concat: partial"),
                post("Upload-Length: twelve"),
                post("Upload-Length: -1"),
                post("Upload-Length: 12", "Upload-Length: 12"),
                post("Upload-Length: " + "1" * 19),
            ],
            [*[UnknownLength] * 3, *[MalformedHeader] * 4, TooLarge],
        )

    def test_body(self) -> None:
        """
        What the POST brings is of tus' type, and no more than the length.
        """
        length = "Upload-Length: 4"
        self.assertEqual(
            [
                post(length, "Content-Length: 4", BYTES),
                post(length, "Transfer-Encoding: chunked", BYTES),
                post(length, "Content-Length: 5", BYTES),
                post(length, "Content-Length: 4"),
                post(length, "Content-Length: 4", "Content-Type: text/plain"),
                post(length, "Transfer-Encoding: chunked"),
            ],
            [Create(4), Create(4), TooLarge, *[UnsupportedMediaType] * 3],
        )

    def test_digests(self) -> None:
        """
        A digest that cannot be held against the bytes is refused before them.
        """
        length = "Upload-Length: 4"
        self.assertEqual(
            [
                post(length, "Upload-Checksum: md5 YQ=="),
                post(length, "Repr-Digest: sha-256=:YQ==:"),
                post(length, "Repr-Digest: md5=:YQ==:", "Content-Digest: ?"),
            ],
            [MalformedHeader, WrongDigest, Create(4)],
        )

    def test_version(self) -> None:
        """
        Another version, or none, is told which one is spoken, whatever else is wrong.
        """
        for fields in [("Tus-Resumable: 0.2.2",), (), ("Tus-Resumable: 1.0.0, 1.0.0",)]:
            for method in ("POST", "PUT"):
                head = request("/up/a", BYTES, *fields, method=method)
                refusal = self.assertRaises(UnsupportedVersion, TUS.create, head)
                self.assertEqual(
                    (refusal.status, refusal.headers), (412, ((b"Tus-Version", b"1.0.0"),))
                )

    def test_methods(self) -> None:
        """
        Only a POST begins an upload, of whatever method it is the bearer.
        """
        head = request("/up/a", MARK, method="PUT")
        refusal = self.assertRaises(MethodNotAllowed, TUS.create, head)
        self.assertEqual(refusal.headers, ((b"Allow", b"POST, OPTIONS"),))
        self.assertEqual(post("X-HTTP-Method-Override: PATCH"), MethodNotAllowed)


class MetadataTests(SynchronousTestCase):
    """
    Metadata are keys, each with a value in base64 or none.
    """

    def test_pairs(self) -> None:
        """
        Values may be empty, with and without the blank; lines may have been joined.
        """
        self.assertEqual(
            metadata(b"filename w6Q=,empty ,bare, a-b YQ==\t,c"),
            {b"filename": "ä".encode(), b"empty": b"", b"bare": b"", b"a-b": b"a", b"c": b""},
        )
        self.assertEqual(metadata(b""), {})

    def test_malformed(self) -> None:
        """
        Empty, double and unreadable pairs are refused, and too many bytes.
        """
        for value in [
            b",",
            b" ",
            b"a,",
            b"a YQ==,,b",
            b"a YQ==,a",
            b"a YQ",
            b"a Y-==",
            b"a  YQ==",
            b"a YQ== YQ==",
            b"a YQ==;b",
            "ä YQ==".encode(),
            b"a\x7f",
            b"a " + b"YWFh" * 512,
        ]:
            self.assertRaises(MalformedHeader, metadata, value)
        self.assertEqual(len(metadata(b"a " + b"YWFh" * 511)[b"a"]), 3 * 511)

    @given(st.binary() | st.text("ab=Y, Q\t").map(str.encode))
    def test_any(self, value: bytes) -> None:
        """
        Any bytes are metadata or refused, and what is kept is ASCII.
        """
        try:
            metadata(value)
        except MalformedHeader:
            return
        self.assertTrue(value.isascii())


class ResumeTests(SynchronousTestCase):
    """
    An upload is gone on with at its own URL.
    """

    def test_append(self) -> None:
        """
        A PATCH says where its bytes begin, and maybe what they hash to.
        """
        self.assertEqual(
            [
                patch(BYTES, "Upload-Offset: 5", "Content-Length: 7"),
                patch(
                    BYTES + ";x=y",
                    "Upload-Offset: 0",
                    "Transfer-Encoding: chunked",
                    "Upload-Length: 12",
                    "Upload-Checksum: sha256 YQ==",
                ),
            ],
            [
                Append(5, 7),
                Append(0, None, length=12, digests=(Digest("Upload-Checksum", "sha256", b"a"),)),
            ],
        )

    def test_malformed(self) -> None:
        """
        A PATCH has tus' type, and an offset that is a number.
        """
        self.assertEqual(
            [
                patch("Upload-Offset: 5", "Content-Length: 7"),
                patch("Upload-Offset: 5", "Content-Type: application/partial-upload"),
                patch(BYTES),
                patch(BYTES, "Upload-Offset: -1"),
                patch(BYTES, "Upload-Offset: 0", "Upload-Length: x"),
                patch(BYTES, "Upload-Offset: 0", "Upload-Checksum: crc32 YQ=="),
            ],
            [*[UnsupportedMediaType] * 2, *[MalformedHeader] * 4],
        )

    def test_unread(self) -> None:
        """
        A method whose content nobody reads does not stand for one that brings some.
        """
        override = "X-HTTP-Method-Override: PATCH"
        self.assertEqual(
            [
                patch(override, BYTES, "Upload-Offset: 0", method=method)
                for method in ("GET", "HEAD", "DELETE")
            ],
            [MethodNotAllowed] * 3,
        )

    def test_others(self) -> None:
        """
        HEAD and GET ask, DELETE gives up, and another method may be meant than sent.
        """
        override = "X-HTTP-Method-Override: "
        self.assertEqual(
            [
                patch(method="HEAD"),
                patch(method="GET"),
                patch(method="DELETE"),
                patch(override + "DELETE", method="POST"),
                patch(override + "PATCH", BYTES, "Upload-Offset: 0", method="POST"),
                patch(method="POST"),
                patch(override + "PUT", method="HEAD"),
            ],
            [Probe(), Probe(), Cancel(), Cancel(), Append(0, 0), *[MethodNotAllowed] * 2],
        )


class AnswerTests(SynchronousTestCase):
    """
    Every answer says the version, and what of the upload the client needs.
    """

    OPEN = attrs.evolve(Standing.of(attrs.evolve(RECORD, metadata="a YQ=="), 5, 0), location=HERE)
    FINISHED = attrs.evolve(OPEN, offset=12, finished=True)
    VERSION = (b"Tus-Resumable", b"1.0.0")
    EXPIRES = (b"Upload-Expires", b"Wed, 15 Nov 2023 22:13:20 GMT")

    def test_answers(self) -> None:
        """
        A step is answered with where the upload stands behind it.
        """
        offset, end = (b"Upload-Offset", b"5"), (b"Upload-Offset", b"12")
        self.assertEqual(
            [
                TUS.answer(step, standing)
                for step in (Create(12), Append(0, 5), Probe(), Cancel())
                for standing in (self.OPEN, self.FINISHED)
            ],
            [
                (201, (self.VERSION, (b"Location", HERE), offset, self.EXPIRES)),
                (201, (self.VERSION, (b"Location", HERE), end)),
                (204, (self.VERSION, offset, self.EXPIRES)),
                (204, (self.VERSION, end)),
                (
                    204,
                    (
                        self.VERSION,
                        offset,
                        (b"Upload-Length", b"12"),
                        (b"Upload-Metadata", b"a YQ=="),
                        self.EXPIRES,
                        (b"Cache-Control", b"no-store"),
                    ),
                ),
                (
                    204,
                    (
                        self.VERSION,
                        end,
                        (b"Upload-Length", b"12"),
                        (b"Upload-Metadata", b"a YQ=="),
                        (b"Cache-Control", b"no-store"),
                    ),
                ),
                (204, (self.VERSION,)),
                (204, (self.VERSION,)),
            ],
        )

    def test_refusals(self) -> None:
        """
        A refusal says the version as well, and the offset where that helps.
        """
        offset = (b"Upload-Offset", b"5")
        self.assertEqual(
            [
                TUS.refused(refusal, self.OPEN)
                for refusal in (
                    WrongOffset(5, 7),
                    TooLarge(""),
                    ChecksumMismatch(""),
                    NotFound(""),
                )
            ],
            [*[(self.VERSION, offset)] * 3, (self.VERSION,)],
        )
        self.assertEqual(TUS.refused(TooLarge(""), Standing(now=0)), (self.VERSION,))
        self.assertIsNone(TUS.problem(WrongOffset(5, 7)))
