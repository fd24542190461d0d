"""
Tests for the type that :mod:`hmacfs.verdict` has a file stored as.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import BadSignature, MalformedHeader, Refusal
from hmacfs.verdict import Verdict
from tests.judged import bearer, put, query


class TypeTests(SynchronousTestCase):
    """
    The type is compared as it was declared; who says nothing may mean the extension's.
    """

    def stored(self, signed: bytes | None, *fields: str) -> str | type[Refusal]:
        """
        The type that is stored for a slot that was signed for *signed*, or
        with ``v`` where that is ``None``.
        """
        which = query("v") if signed is None else query("v2", content_type=signed)
        judged = put(f"/up/a/b.txt{which}", *fields)
        return judged.slot.content_type if isinstance(judged, Verdict) else judged

    def test_declared(self) -> None:
        """
        A declared type is the only one that counts, parameters and case included.
        """
        css = b"text/css; charset=UTF-8"
        self.assertEqual(
            [
                self.stored(css, "Content-Type: text/css; charset=UTF-8"),
                self.stored(css, "Content-Type: text/css; charset=utf-8"),
                self.stored(css, "Content-Type: text/css"),
                self.stored(b"text/plain", "Content-Type: text/css"),
                self.stored(b"application/octet-stream", "Content-Type: text/css"),
                self.stored(None, "Content-Type: text/css;  a=b"),
            ],
            ["text/css; charset=UTF-8", *[BadSignature] * 4, "text/css;  a=b"],
        )

    def test_none(self) -> None:
        """
        Without a type, or with the one that says nothing, the extension's may be meant.
        """
        for fields in [
            [],
            ["Content-Type: application/octet-stream"],
            ["Content-Type: Application/Octet-Stream"],
            ["Content-Type:"],
        ]:
            self.assertEqual(
                [
                    self.stored(b"application/octet-stream", *fields),
                    self.stored(b"text/plain", *fields),
                    self.stored(b"text/plain; charset=utf-8", *fields),
                    self.stored(b"text/css", *fields),
                ],
                [
                    "application/octet-stream",
                    "text/plain",
                    "text/plain; charset=utf-8",
                    BadSignature,
                ],
            )

    def test_unsigned(self) -> None:
        """
        Where no type is signed the declared one is stored, or else the extension's.
        """
        self.assertEqual(
            [
                self.stored(None),
                self.stored(None, "Content-Type:"),
                self.stored(None, "Content-Type: application/octet-stream"),
            ],
            ["text/plain", "text/plain", "application/octet-stream"],
        )

    def test_empty_and_signed(self) -> None:
        """
        A slot that was signed for an empty type is one for none.
        """
        self.assertEqual(
            [self.stored(b"", "Content-Type:"), self.stored(b"")], ["text/plain", BadSignature]
        )

    def test_bounds(self) -> None:
        """
        A type has up to 255 bytes, and stands there once.
        """
        longest = "x/" + "y" * 253
        self.assertEqual(
            [
                self.stored(longest.encode(), f"Content-Type: {longest}"),
                self.stored(None, f"Content-Type: {longest}z"),
                self.stored(None, "Content-Type: x/y", "Content-Type: x/y"),
                put("/up/a/b.txt", bearer(filetype=longest + "z")),
            ],
            [longest, *[MalformedHeader] * 3],
        )

    def test_not_ascii(self) -> None:
        """
        A type that could not be sent again is one that says nothing.
        """
        self.assertEqual(
            self.stored("x/é".encode(), "Content-Type: x/é"), "application/octet-stream"
        )
