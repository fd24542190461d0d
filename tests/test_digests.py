"""
Tests for :mod:`hmacfs.digests`.
"""

from __future__ import annotations

import contextlib
import hashlib
from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.digests import (
    Digest,
    checksum,
    format_sha256,
    promised,
    promised_whole,
    wanted,
)
from hmacfs.errors import ChecksumMismatch, MalformedHeader, WrongDigest

DATA = b"hello world"
SHA1 = hashlib.sha1(DATA).digest()
SHA256 = hashlib.sha256(DATA).digest()
SHA512 = hashlib.sha512(DATA).digest()


def sequence(data: bytes) -> bytes:
    """
    *data* as a byte sequence of a structured field.
    """
    return b":%b:" % b64encode(data)


class PromisedTests(SynchronousTestCase):
    """
    A digest in a request is a promise, by the algorithms that still promise something.
    """

    def test_known(self) -> None:
        """
        Each known algorithm has its digest, and the others are passed over.
        """
        field = b"md5=%b, sha-512=%b, sha-256=%b;q, unixsum=7" % tuple(
            map(sequence, (b"1", SHA512, SHA256))
        )
        self.assertEqual(
            promised("Content-Digest", field),
            (
                Digest("Content-Digest", "sha256", SHA256),
                Digest("Content-Digest", "sha512", SHA512),
            ),
        )
        self.assertEqual(
            promised_whole(field),
            (Digest("Repr-Digest", "sha256", SHA256), Digest("Repr-Digest", "sha512", SHA512)),
        )

    def test_none(self) -> None:
        """
        What is absent, malformed, of another type or of another algorithm promises nothing.
        """
        for field in [
            None,
            b"",
            b"sha-256=abc",
            b"sha-256=%b" % b64encode(SHA256),
            b"SHA-256=%b" % sequence(SHA256),
            b"sha-256=%b," % sequence(SHA256),
            b"sha=%b" % sequence(SHA1),
        ]:
            self.assertEqual(
                (field, promised("Content-Digest", field), promised_whole(field)),
                (field, (), ()),
            )

    def test_impossible(self) -> None:
        """
        A digest that no file can have is refused before the file is sent.
        """
        for algorithm, value in [(b"256", b"short"), (b"512", SHA256)]:
            field = b"sha-%b=%b" % (algorithm, sequence(value))
            self.assertRaises(WrongDigest, promised_whole, field)
        field = b"sha-256=%b" % sequence(b"short")
        (digest,) = promised("Content-Digest", field)
        self.assertRaises(WrongDigest, digest.check, SHA256)

    def test_check(self) -> None:
        """
        A promise is kept or not; how that is told is its field's to say.
        """
        Digest("Content-Digest", "sha256", SHA256).check(SHA256)
        refusal = self.assertRaises(
            WrongDigest, Digest("Repr-Digest", "sha256", SHA256).check, bytes(32)
        )
        self.assertEqual(
            (refusal.status, refusal.text),
            (400, "What came has another digest than Repr-Digest says."),
        )
        refusal = self.assertRaises(
            ChecksumMismatch, Digest("Upload-Checksum", "sha1", SHA1).check, bytes(20)
        )
        self.assertEqual(refusal.status, 460)

    @given(st.binary())
    def test_any(self, field: bytes) -> None:
        """
        Any bytes promise something or nothing.
        """
        self.assertIsInstance(promised("Content-Digest", field), tuple)
        wanted(field)


class WantedTests(SynchronousTestCase):
    """
    Whoever wants a SHA-256 says so with a weight.
    """

    def test_weights(self) -> None:
        """
        From 1 to 10 it is wanted; 0 is not acceptable, and the rest says nothing.
        """
        fields = [b"sha-256=1", b"md5=10, sha-256=10;x", b"sha-256=0"]
        self.assertEqual([wanted(field) for field in fields], [True, True, False])
        fields = [
            b"sha-256=-1",
            b"sha-256=11",
            b"sha-256",
            b"sha-256=:YQ==:",
            b"sha-512=3",
            b"=",
            b"",
        ]
        self.assertEqual([wanted(field) for field in fields], [None] * 7)
        self.assertIsNone(wanted(None))

    def test_format(self) -> None:
        """
        A digest is told as it is read.
        """
        told = format_sha256(SHA256.hex())
        self.assertEqual(told, b"sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:")
        self.assertEqual(promised_whole(told), (Digest("Repr-Digest", "sha256", SHA256),))


class ChecksumTests(SynchronousTestCase):
    """
    tus promises the content of one request by an Upload-Checksum.
    """

    def test_algorithms(self) -> None:
        """
        It is made by SHA-1 or SHA-256.
        """
        self.assertEqual(
            [
                checksum(b"sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="),
                checksum(b"sha256 " + b64encode(SHA256)),
                checksum(b"sha1 YQ=="),
            ],
            [
                Digest("Upload-Checksum", "sha1", SHA1),
                Digest("Upload-Checksum", "sha256", SHA256),
                Digest("Upload-Checksum", "sha1", b"a"),
            ],
        )

    def test_malformed(self) -> None:
        """
        Another algorithm, and what is no base64, is refused.
        """
        for value in [
            b"",
            b"sha1",
            b"sha1 ",
            b"md5 YQ==",
            b"SHA1 YQ==",
            b"sha-256 YQ==",
            b"sha1 YQ",
            b"sha1 Y-==",
            b"sha1 YQ==,",
            b"sha1 YQ==, sha1 YQ==",
            b"sha1 \xff",
        ]:
            self.assertRaises(MalformedHeader, checksum, value)

    @given(st.binary() | st.binary().map(lambda rest: b"sha1 " + rest))
    def test_any(self, value: bytes) -> None:
        """
        Any bytes are a checksum or refused.
        """
        with contextlib.suppress(MalformedHeader):
            self.assertIsInstance(checksum(value), Digest)
