"""
Tests for :mod:`hmacfs.resumable.draft`.
"""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.digests import Digest
from hmacfs.errors import (
    Completed,
    InconsistentLength,
    MalformedHeader,
    MethodNotAllowed,
    NotFound,
    Refusal,
    TooLarge,
    UnknownLength,
    UnsupportedMediaType,
    WrongDigest,
    WrongOffset,
)
from hmacfs.resumable.draft import DRAFT, informed, progress, supported
from hmacfs.resumable.steps import Append, Cancel, Create, Probe, Standing, Step
from tests.judged import request
from tests.test_resumable_steps import outcome
from tests.test_uploads import RECORD

BYTES = "Content-Type: application/partial-upload"
CHUNKED = "Transfer-Encoding: chunked"
LAST, MORE = "Upload-Complete: ?1", "Upload-Complete: ?0"
VERSION = "Upload-Draft-Interop-Version: "
HERE = b"https://a.example/up/.hmacfs/uploads/1?v=2"


def put(*fields: str, method: str = "PUT") -> Step | type[Refusal]:
    """
    What a request to a slot is read as.
    """
    return outcome(DRAFT.create, method, *fields)


def patch(*fields: str, method: str = "PATCH") -> Step | type[Refusal]:
    """
    What a request to an upload is read as.
    """
    return outcome(DRAFT.resume, method, *fields)


class CreateTests(SynchronousTestCase):
    """
    Any PUT or POST to a slot begins an upload, once its length is known.
    """

    def test_lengths(self) -> None:
        """
        The whole length is said, or is that of the content that ends the file.
        """
        self.assertEqual(
            [
                put(LAST, "Content-Length: 12"),
                put(LAST, "Content-Length: 12", "Upload-Length: 12", method="POST"),
                put(LAST, CHUNKED, "Upload-Length: 12"),
                put(MORE, "Content-Length: 5", "Upload-Length: 12;a=b"),
                put(MORE, "Upload-Length: 12"),
                put(MORE, CHUNKED, "Upload-Length: 12"),
                put(LAST, "Content-Length: 12", "Upload-Length: twelve"),
                put(LAST),
            ],
            [
                Create(12, complete=True),
                Create(12, complete=True),
                Create(12, complete=True),
                Create(12, complete=False),
                Create(12, complete=False),
                Create(12, complete=False),
                Create(12, complete=True),
                Create(0, complete=True),
            ],
        )

    def test_unknown(self) -> None:
        """
        Where nobody says the whole length nothing begins.
        """
        self.assertEqual(
            [
                put(MORE, "Content-Length: 5"),
                put(MORE, "Content-Length: 5", "Upload-Length: -12"),
                put(LAST, CHUNKED),
            ],
            [UnknownLength] * 3,
        )

    def test_contradictions(self) -> None:
        """
        Two lengths that are not one are refused, and content that goes on behind it.
        """
        self.assertEqual(
            [
                put(LAST, "Content-Length: 12", "Upload-Length: 13"),
                put(LAST, "Content-Length: 12", "Upload-Length: 11"),
                put(MORE, "Content-Length: 12", "Upload-Length: 11"),
            ],
            [InconsistentLength, InconsistentLength, TooLarge],
        )

    def test_fields(self) -> None:
        """
        The type is the file's, unless it is that of bytes to append; digests are kept.
        """
        digest = "Content-Digest: sha-256=:YQ==:"
        self.assertEqual(
            [
                put(LAST, "Content-Type: Text/HTML; a"),
                put(LAST, BYTES),
                put(LAST, "Content-Type: application/offset+octet-stream"),
                put(LAST, digest, "Repr-Digest: sha-256=:" + "A" * 43 + "=:"),
                put(LAST, "Repr-Digest: sha-256=:YQ==:"),
            ],
            [
                Create(0, b"Text/HTML; a", complete=True),
                Create(0, complete=True),
                Create(0, complete=True),
                Create(
                    0,
                    complete=True,
                    promised=(Digest("Repr-Digest", "sha256", bytes(32)),),
                    digests=(Digest("Content-Digest", "sha256", b"a"),),
                ),
                WrongDigest,
            ],
        )

    def test_ending(self) -> None:
        """
        With versions 5 and 6 the length alone may end an upload, with others it does not.
        """
        said = [put(MORE, "Upload-Length: 0", VERSION + version) for version in "45678"]
        self.assertEqual(
            said, [Create(0, complete=ends) for ends in (False, None, None, False, False)]
        )
        self.assertEqual(put(LAST, VERSION + "6"), Create(0, complete=True))

    def test_others(self) -> None:
        """
        Without a boolean it is none of the draft's, and other methods begin nothing.
        """
        self.assertEqual(
            [put(), put("Upload-Complete: 1"), put(LAST, method="PATCH")],
            [MalformedHeader, MalformedHeader, MethodNotAllowed],
        )


class ResumeTests(SynchronousTestCase):
    """
    An upload is gone on with at its own URL.
    """

    def test_append(self) -> None:
        """
        Bytes say where they begin and whether they are the last, and so the length.
        """
        self.assertEqual(
            [
                patch(BYTES, LAST, "Upload-Offset: 5", "Content-Length: 7"),
                patch(BYTES, MORE, "Upload-Offset: 5;a", "Content-Length: 7"),
                patch(BYTES, LAST, "Upload-Offset: 5", CHUNKED),
                patch(BYTES, LAST, "Upload-Offset: 12"),
                patch(
                    BYTES + " ;x=y",
                    MORE,
                    "Upload-Offset: 0",
                    "Upload-Length: 12",
                    "Content-Digest: sha-256=:YQ==:",
                ),
            ],
            [
                Append(5, 7, 12, complete=True),
                Append(5, 7, None, complete=False),
                Append(5, None, None, complete=True),
                Append(12, 0, 12, complete=True),
                Append(
                    0,
                    0,
                    12,
                    complete=False,
                    digests=(Digest("Content-Digest", "sha256", b"a"),),
                ),
            ],
        )

    def test_ending(self) -> None:
        """
        With versions 5 and 6 the length alone may end an upload, with others it does not.
        """
        fields = (BYTES, MORE, "Upload-Offset: 5", "Content-Length: 7")
        self.assertEqual(
            [patch(*fields, VERSION + version) for version in "45678"],
            [Append(5, 7, complete=ends) for ends in (False, None, None, False, False)],
        )

    def test_malformed(self) -> None:
        """
        Both fields are needed, and one of another type is not there.
        """
        offset = "Upload-Offset: 5"
        self.assertEqual(
            [
                patch(BYTES, LAST),
                patch(BYTES, offset),
                patch(BYTES, LAST, "Upload-Offset: -5"),
                patch(BYTES, LAST, 'Upload-Offset: "5"'),
                patch(BYTES, "Upload-Complete: true", offset),
                patch(BYTES, LAST, offset, "Content-Length: 7", "Upload-Length: 13"),
            ],
            [*[MalformedHeader] * 5, InconsistentLength],
        )

    def test_types(self) -> None:
        """
        In version 5 bytes to append have any type, the file's say, or none; from 6 on their own.
        """
        fields = (LAST, "Upload-Offset: 0")
        read = Append(0, 0, 0, complete=True)
        self.assertEqual(
            [
                patch(*fields, VERSION + "5"),
                patch(*fields, VERSION + "5", BYTES),
                patch(*fields, VERSION + "6", BYTES),
                patch(*fields, BYTES.replace("partial", "PARTIAL")),
                patch(*fields, VERSION + "5", "Content-Type: text/plain"),
                patch(*fields, VERSION + "6", "Content-Type: text/plain"),
                *[patch(*fields, VERSION + version) for version in ("6", "7", "8", "x")],
                patch(*fields),
            ],
            [*[read] * 5, *[UnsupportedMediaType] * 6],
        )

    def test_accepted(self) -> None:
        """
        Who sends another type is told the right one.
        """
        head = request("/up/a", LAST, method="PATCH")
        refusal = self.assertRaises(UnsupportedMediaType, DRAFT.resume, head)
        self.assertEqual(
            (refusal.status, refusal.headers),
            (415, ((b"Accept-Patch", b"application/partial-upload"),)),
        )

    def test_others(self) -> None:
        """
        HEAD and GET ask, DELETE gives up, and the rest is not known.
        """
        self.assertEqual(
            [patch(method=method) for method in ("HEAD", "GET", "DELETE", "PUT", "POST")],
            [Probe(), Probe(), Cancel(), MethodNotAllowed, MethodNotAllowed],
        )
        head = request("/up/a", method="PUT")
        refusal = self.assertRaises(MethodNotAllowed, DRAFT.resume, head)
        self.assertEqual(refusal.headers, ((b"Allow", b"HEAD, GET, PATCH, DELETE, OPTIONS"),))


class InterimTests(SynchronousTestCase):
    """
    A 104 goes to whoever says a version that is known, and to nobody else.
    """

    STANDING = attrs.evolve(
        Standing.of(RECORD, 5, RECORD.until - 60), location=HERE, most=100, interop=7
    )

    def test_who(self) -> None:
        """
        Versions 5 to 8 may get one, over HTTP/1.1.
        """
        versions = ("4", "5", "6", "7", "8", "9", "?1", '"8"', "8;a=b", "8, 8")
        heads = [request("/up/a", VERSION + version) for version in versions]
        self.assertEqual(
            [informed(head) for head in heads], [None, 5, 6, 7, 8, None, None, None, 8, None]
        )
        self.assertIsNone(informed(request("/up/a")))
        self.assertIsNone(informed(attrs.evolve(heads[4], version=b"HTTP/1.0")))

    def test_what(self) -> None:
        """
        The first tells where the upload is and its limits, the later ones how far it is.
        """
        echo = (b"Upload-Draft-Interop-Version", b"7")
        self.assertEqual(
            [supported(self.STANDING), progress(self.STANDING)],
            [
                (
                    echo,
                    (b"Location", HERE),
                    (b"Upload-Limit", b"max-size=100, min-size=0, max-age=60"),
                ),
                (echo, (b"Upload-Offset", b"5")),
            ],
        )


class AnswerTests(SynchronousTestCase):
    """
    An answer says whether the upload is complete, and where it stands.
    """

    OPEN = attrs.evolve(Standing.of(RECORD, 5, RECORD.until - 60), location=HERE, most=100)
    FINISHED = attrs.evolve(OPEN, offset=12, finished=True)
    LIMIT = (b"Upload-Limit", b"max-size=100, min-size=0, max-age=60")

    def test_answers(self) -> None:
        """
        A step is answered with where the upload stands behind it.
        """
        more = (b"Upload-Offset", b"5"), (b"Upload-Complete", b"?0")
        last = (b"Upload-Offset", b"12"), (b"Upload-Complete", b"?1")
        length, uncached = (b"Upload-Length", b"12"), (b"Cache-Control", b"no-store")
        self.assertEqual(
            [
                DRAFT.answer(step, standing)
                for step in (Create(12), Append(0, 5), Probe(), Cancel())
                for standing in (self.OPEN, self.FINISHED)
            ],
            [
                (201, ((b"Location", HERE), *more, self.LIMIT)),
                (201, ((b"Location", HERE), *last, self.LIMIT)),
                (204, (*more, self.LIMIT)),
                (201, (*last, self.LIMIT)),
                (204, (*more, length, self.LIMIT, uncached)),
                (204, (*last, length, self.LIMIT, uncached)),
                (204, ()),
                (204, ()),
            ],
        )

    def test_refusals(self) -> None:
        """
        A refusal says where to go on, or within which limits.
        """
        here = (b"Upload-Offset", b"5"), (b"Upload-Complete", b"?0")
        self.assertEqual(
            [
                DRAFT.refused(refusal, self.OPEN)
                for refusal in (
                    WrongOffset(5, 7),
                    InconsistentLength(""),
                    TooLarge(""),
                    NotFound(""),
                )
            ],
            [here, here, (self.LIMIT,), ()],
        )
        self.assertEqual(
            DRAFT.refused(TooLarge(""), Standing(now=0, most=100)),
            ((b"Upload-Limit", b"max-size=100, min-size=0"),),
        )

    def test_problems(self) -> None:
        """
        Three refusals have a problem type of the draft's.
        """
        base = "https://iana.org/assignments/http-problem-types#"
        self.assertEqual(
            [
                DRAFT.problem(refusal)
                for refusal in (WrongOffset(5, 7), Completed("Over."), InconsistentLength("No."))
            ],
            [
                {
                    "type": base + "mismatching-upload-offset",
                    "title": "Mismatching Upload Offset",
                    "status": 409,
                    "detail": "The upload goes on at byte 5.",
                    "code": "wrong-offset",
                    "expected-offset": 5,
                    "provided-offset": 7,
                },
                {
                    "type": base + "completed-upload",
                    "title": "Upload Is Completed",
                    "status": 403,
                    "detail": "Over.",
                    "code": "completed",
                },
                {
                    "type": base + "inconsistent-upload-length",
                    "title": "Inconsistent Upload Length Values",
                    "status": 400,
                    "detail": "No.",
                    "code": "inconsistent-length",
                },
            ],
        )
        self.assertIsNone(DRAFT.problem(NotFound("")))
