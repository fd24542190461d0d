"""
Tests for :mod:`hmacfs.resumable.steps` and :mod:`hmacfs.resumable.fronts`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import (
    InconsistentLength,
    Locked,
    MalformedHeader,
    Refusal,
    TooLarge,
    TwoProtocols,
    WrongOffset,
)
from hmacfs.http1 import Head
from hmacfs.resumable.content_range import RANGE
from hmacfs.resumable.draft import DRAFT
from hmacfs.resumable.fronts import MARKS, announce, front_of
from hmacfs.resumable.steps import Append, Front, Probe, Standing, Step, check, natural, write
from hmacfs.resumable.tus import TUS
from tests.judged import request
from tests.test_uploads import RECORD

TUS_MARK = "Tus-Resumable: 1.0.0"
TUS_BYTES = "Content-Type: application/offset+octet-stream"
DRAFT_MARK = "Upload-Complete: ?1"
VERSION = "Upload-Draft-Interop-Version: 6"
PART = "Content-Range: bytes 0-1/2"


def outcome(read: Callable[[Head], Step], method: str, *fields: str) -> Step | type[Refusal]:
    """
    What a request is read as.
    """
    try:
        return read(request("/up/a", *fields, method=method))
    except Refusal as refusal:
        return type(refusal)


def checked(step: Append | Probe, offset: int) -> type[Refusal] | None:
    """
    What *step* is refused with by the upload of 12 bytes, if it is.
    """
    try:
        check(step, RECORD, offset)
    except Refusal as refusal:
        return type(refusal)
    return None


def spoken(method: str, *fields: str) -> Front | type[Refusal] | None:
    """
    Which protocol a request speaks.
    """
    try:
        return front_of(request("/up/a", *fields, method=method))
    except Refusal as refusal:
        return type(refusal)


class MarksTests(SynchronousTestCase):
    """
    A PUT without the marks of a protocol is plain.
    """

    def test_marks(self) -> None:
        """
        Each mark lets a PUT speak a protocol, and no other field does.
        """
        said = {
            b"content-range": "bytes 0-2/6",
            b"tus-resumable": "1.0.0",
            b"upload-complete": "?0",
        }
        self.assertEqual(said.keys(), MARKS)
        for mark, value in said.items():
            self.assertIsInstance(spoken("PUT", f"{mark.decode()}: {value}"), Front)
        others = (
            "Upload-Offset: 3",
            "Upload-Length: 6",
            "Upload-Metadata: filename YQ==",
            "Upload-Draft-Interop-Version: 6",
            "Upload-Incomplete: ?1",
            "Content-Type: application/offset+octet-stream",
            "Content-Type: application/partial-upload",
        )
        self.assertEqual([spoken("PUT", other) for other in others], [None] * len(others))


class CheckTests(SynchronousTestCase):
    """
    A step is held against what stands, and the offset is told first.
    """

    def test_fits(self) -> None:
        """
        What begins where the upload ends, and stays in its length, may go on.
        """
        for step, offset in [
            (Append(5, 7), 5),
            (Append(5, 0), 5),
            (Append(12, 0, 12), 12),
            (Append(0, None, 12), 0),
            (Probe(12), 5),
            (Probe(), 5),
        ]:
            self.assertIsNone(checked(step, offset))

    def test_does_not_fit(self) -> None:
        """
        Another offset, a byte too many, and another length are told in this order.
        """
        self.assertEqual(
            [
                checked(Append(4, 99, 99), 5),
                checked(Append(6, 1), 5),
                checked(Append(0, 1), 5),
                checked(Append(5, 8, 13), 5),
                checked(Append(5, 7, 13), 5),
                checked(Append(5, None, 11), 5),
                checked(Probe(13), 5),
            ],
            [WrongOffset, WrongOffset, WrongOffset, TooLarge, *[InconsistentLength] * 3],
        )

    def test_numbers(self) -> None:
        """
        A number of bytes is decimal, and one that a file could have.
        """
        self.assertEqual([natural(each, "X") for each in (b"0", b"007")], [0, 7])
        for value in (b"", b"-1", b"+1", b"1.0", b"1, 1", b"\xb2", b" 1"):
            self.assertRaises(MalformedHeader, natural, value, "X")
        self.assertRaises(TooLarge, natural, b"1" * 19, "X")

    @given(st.binary())
    def test_any_number(self, value: bytes) -> None:
        """
        Any bytes are a number or refused.
        """
        with contextlib.suppress(Refusal):
            self.assertGreaterEqual(natural(value, "X"), 0)


class WriteTests(SynchronousTestCase):
    """
    An answer tells what is known, and leaves out what is not.
    """

    NAMES = (
        b"Accept-Patch",
        b"Cache-Control",
        b"Location",
        b"Range",
        b"Tus-Max-Size",
        b"Upload-Complete",
        b"Upload-Draft-Interop-Version",
        b"Upload-Expires",
        b"Upload-Length",
        b"Upload-Limit",
        b"Upload-Metadata",
        b"Upload-Offset",
    )

    def test_all(self) -> None:
        """
        Every field of an upload under way.
        """
        record = attrs.evolve(RECORD, metadata="filename YQ==")
        standing = attrs.evolve(
            Standing.of(record, 5, record.until - 60.5),
            location=b"https://a.example/up/.hmacfs/uploads/1?v=2",
            most=100,
            interop=8,
        )
        self.assertEqual(
            write(self.NAMES, standing),
            (
                (b"Accept-Patch", b"application/partial-upload, application/offset+octet-stream"),
                (b"Cache-Control", b"no-store"),
                (b"Location", b"https://a.example/up/.hmacfs/uploads/1?v=2"),
                (b"Range", b"bytes=0-4"),
                (b"Tus-Max-Size", b"100"),
                (b"Upload-Complete", b"?0"),
                (b"Upload-Draft-Interop-Version", b"8"),
                (b"Upload-Expires", b"Wed, 15 Nov 2023 22:13:20 GMT"),
                (b"Upload-Length", b"12"),
                (b"Upload-Limit", b"max-size=100, min-size=0, max-age=60"),
                (b"Upload-Metadata", b"filename YQ=="),
                (b"Upload-Offset", b"5"),
            ),
        )

    def test_nothing_known(self) -> None:
        """
        Without an upload there is little to say.
        """
        self.assertEqual(
            write(self.NAMES[1:], Standing(now=0)),
            (
                (b"Cache-Control", b"no-store"),
                (b"Upload-Complete", b"?0"),
                (b"Upload-Limit", b"min-size=0"),
            ),
        )

    def test_ends(self) -> None:
        """
        Of no bytes there is no range; a finished upload does not expire, nor before now.
        """
        fields = (b"Range", b"Upload-Offset", b"Upload-Expires", b"Upload-Complete")
        finished = Standing.of(attrs.evolve(RECORD, state="finished"), 12, 0)
        self.assertEqual(
            [write(fields, Standing.of(RECORD, 0, 0))[:1], write(fields, finished)],
            [
                ((b"Upload-Offset", b"0"),),
                (
                    (b"Range", b"bytes=0-11"),
                    (b"Upload-Offset", b"12"),
                    (b"Upload-Complete", b"?1"),
                ),
            ],
        )
        late = Standing.of(RECORD, 0, RECORD.until + 5)
        self.assertEqual(
            write((b"Upload-Limit",), late), ((b"Upload-Limit", b"min-size=0, max-age=0"),)
        )


class FrontTests(SynchronousTestCase):
    """
    A request speaks one protocol, or none.
    """

    def test_each(self) -> None:
        """
        Each is told by its marks.
        """
        self.assertEqual(
            [
                spoken("POST", TUS_MARK),
                spoken("HEAD", "Tus-Resumable: 0.2"),
                spoken("POST", TUS_BYTES),
                spoken("PATCH", TUS_BYTES + "; x=y"),
                spoken("PUT", DRAFT_MARK),
                spoken("POST", "Upload-Complete: ?0;x", VERSION),
                spoken("HEAD", VERSION),
                spoken("DELETE", VERSION),
                spoken("PUT", PART),
                spoken("PUT", "Content-Range: nonsense"),
                spoken("PUT", PART, TUS_BYTES),
                spoken("PUT", DRAFT_MARK, TUS_BYTES),
            ],
            [*[TUS] * 4, *[DRAFT] * 4, *[RANGE] * 3, DRAFT],
        )

    def test_none(self) -> None:
        """
        What is no mark leaves a request what it is.

        iOS 17 says version 3 and ``Upload-Incomplete`` on what is else a plain PUT.
        """
        for method, fields in [
            ("PUT", ()),
            ("HEAD", ()),
            ("PUT", ("Upload-Draft-Interop-Version: 3", "Upload-Incomplete: ?0")),
            ("PUT", ("Upload-Complete: yes", VERSION)),
            ("PUT", ("Upload-Complete: ?1, ?1",)),
            ("PUT", (TUS_BYTES,)),
            ("HEAD", ("Upload-Draft-Interop-Version: six",)),
            ("POST", (PART,)),
            ("PATCH", (PART,)),
        ]:
            self.assertEqual((fields, spoken(method, *fields)), (fields, None))

    def test_two(self) -> None:
        """
        Two at once contradict each other.
        """
        self.assertEqual(
            [
                spoken("POST", TUS_MARK, DRAFT_MARK),
                spoken("PATCH", TUS_BYTES, DRAFT_MARK),
                spoken("HEAD", TUS_MARK, VERSION),
                spoken("PUT", TUS_MARK, PART),
                spoken("PUT", DRAFT_MARK, PART),
                spoken("PUT", DRAFT_MARK, PART, TUS_MARK),
            ],
            [TwoProtocols] * 6,
        )

    def test_options(self) -> None:
        """
        OPTIONS tells of all of them, with the bound where there is one.
        """
        standing = Standing(now=5.5, until=65, most=100)
        told = (
            (b"Tus-Resumable", b"1.0.0"),
            (b"Tus-Version", b"1.0.0"),
            (
                b"Tus-Extension",
                b"creation,creation-with-upload,checksum,termination,expiration",
            ),
            (b"Tus-Checksum-Algorithm", b"sha1,sha256"),
        )
        accepted = (b"Accept-Patch", b"application/partial-upload, application/offset+octet-stream")
        self.assertEqual(
            [announce(standing), announce(Standing(now=0))],
            [
                (
                    *told,
                    (b"Tus-Max-Size", b"100"),
                    accepted,
                    (b"Upload-Limit", b"max-size=100, min-size=0, max-age=59"),
                ),
                (*told, accepted, (b"Upload-Limit", b"min-size=0")),
            ],
        )

    def test_locked(self) -> None:
        """
        Whoever meets an older request that does not let go may try again soon.
        """
        refusal = Locked()
        self.assertEqual(
            (refusal.status, refusal.code, refusal.headers),
            (423, "locked", ((b"Retry-After", b"1"),)),
        )

    @given(
        st.sampled_from([b"PUT", b"POST", b"HEAD", b"GET", b"PATCH", b"DELETE"]),
        st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        b"tus-resumable",
                        b"upload-complete",
                        b"upload-offset",
                        b"upload-length",
                        b"upload-metadata",
                        b"upload-checksum",
                        b"upload-draft-interop-version",
                        b"content-range",
                        b"content-type",
                        b"repr-digest",
                        b"x-http-method-override",
                    ]
                ),
                st.binary()
                | st.sampled_from(
                    [
                        b"1.0.0",
                        b"?1",
                        b"?0",
                        b"5",
                        b"12",
                        b"PATCH",
                        b"application/partial-upload",
                        b"application/offset+octet-stream",
                        b"bytes 0-11/12",
                        b"bytes */*",
                    ]
                ),
            )
        ),
        st.sampled_from([(None, False), (0, False), (12, True)]),
    )
    def test_any_head(
        self,
        method: bytes,
        fields: list[tuple[bytes, bytes]],
        framing: tuple[int | None, bool],
    ) -> None:
        """
        Any head is a step of some protocol, plain, or refused.
        """
        length, sized = framing
        head = Head(
            method, b"/", b"HTTP/1.1", tuple(fields), b"", length, sized, chunked=length is None
        )
        try:
            front = front_of(head)
            for read in (front.create, front.resume) if front else ():
                self.assertIsInstance(read(head), Step)
        except Refusal as refusal:
            self.assertIn(refusal.status, (400, 405, 411, 412, 413, 415))
