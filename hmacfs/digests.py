"""
What the bytes of an upload were promised to hash to.

``Content-Digest`` (RFC 9530) is of the content of one message, ``Repr-Digest``
of the whole file, tus' ``Upload-Checksum`` of the content again.  All become a
:class:`Digest`, to be held against what came; nothing here hashes.

An algorithm that is not known is ignored in the fields of RFC 9530, as it says,
and refused in ``Upload-Checksum``, as tus says.  MD5 and SHA-1 promise nothing
any longer and are not known; SHA-1 is in tus alone, which demands it.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hmac import compare_digest
from types import MappingProxyType

import attrs

from hmacfs.errors import ChecksumMismatch, MalformedHeader, Refusal, WrongDigest
from hmacfs.fields import dictionary

ALGORITHMS: Mapping[str, str] = MappingProxyType({"sha-256": "sha256", "sha-512": "sha512"})
"""Those of RFC 9530 that are known, and how :mod:`hashlib` calls them."""

LENGTHS: Mapping[str, int] = MappingProxyType({"sha256": 32, "sha512": 64})
"""Bytes that their digests have."""

CHECKSUMS = ("sha1", "sha256")
"""Those of tus, which calls them as :mod:`hashlib` does."""

# Upload-Checksum = algorithm SP base64 (tus 1.0.0, Checksum)
_CHECKSUM = re.compile(rb"([!-~]+) +([A-Za-z0-9+/]++={0,2})")


@attrs.frozen
class Digest:
    """
    One digest as it was promised.

    :ivar field: where it stands, ``"Content-Digest"`` say.
    :ivar algorithm: as :mod:`hashlib` calls it.
    :ivar value: of whatever length was sent; a wrong one matches nothing.
    """

    field: str
    algorithm: str
    value: bytes

    def check(self, found: bytes) -> None:
        """
        :param found: the digest of what came.
        :raise WrongDigest: it is another one; nothing of what came may be kept.
        :raise ChecksumMismatch: the same, of an ``Upload-Checksum``.
        """
        if not compare_digest(self.value, found):
            raise _MISMATCHES.get(self.field, WrongDigest)(
                f"What came has another digest than {self.field} says."
            )


_MISMATCHES: Mapping[str, type[Refusal]] = MappingProxyType({"Upload-Checksum": ChecksumMismatch})


def promised(field: str, value: bytes | None) -> tuple[Digest, ...]:
    """
    Read a ``Content-Digest`` or a ``Repr-Digest``.

    :param field: which of them.
    :param value: as sent, or ``None``.
    :return: what is promised by the algorithms that are known; all of it must hold.
    """
    members = dictionary(value)
    return tuple(
        Digest(field, algorithm, expected)
        for key, algorithm in ALGORITHMS.items()
        if isinstance(expected := members.get(key), bytes)
    )


def promised_whole(value: bytes | None) -> tuple[Digest, ...]:
    """
    Read a ``Repr-Digest``, which is of a whole file: it is remembered with the
    record of an upload until all of it is here.

    :param value: as sent, or ``None``.
    :return: as of :func:`promised`.
    :raise WrongDigest: one has another length than it can have, so that no
        file will ever match.
    """
    found = promised("Repr-Digest", value)
    if any(len(digest.value) != LENGTHS[digest.algorithm] for digest in found):
        raise WrongDigest("A digest in Repr-Digest has another length than its algorithm makes.")
    return found


def wanted(value: bytes | None) -> bool | None:
    """
    :param value: a ``Want-Repr-Digest`` or ``Want-Content-Digest`` as sent, or ``None``.
    :return: whether it wants a SHA-256, the one that files carry (RFC 9530
        section 4: from 1 to 10; 0 is "not acceptable"); ``None`` where it says
        nothing of that.
    """
    weight = dictionary(value).get("sha-256")
    if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= 10:
        return None
    return weight > 0


def format_sha256(digest: str) -> bytes:
    """
    :param digest: hexadecimal.
    :return: the value of a ``Repr-Digest`` or a ``Content-Digest``.
    """
    return b"sha-256=:%b:" % b64encode(bytes.fromhex(digest))


def checksum(value: bytes) -> Digest:
    """
    Read an ``Upload-Checksum``.

    :param value: as sent.
    :raise MalformedHeader: the algorithm is not one of :data:`CHECKSUMS`, or
        what follows it is no base64.
    """
    found = _CHECKSUM.fullmatch(value)
    if found is None:
        raise MalformedHeader("Upload-Checksum is an algorithm and a checksum in base64.")
    algorithm = found[1].decode()
    if algorithm not in CHECKSUMS:
        raise MalformedHeader(f"Upload-Checksum may be made by {' or '.join(CHECKSUMS)} here.")
    try:
        return Digest("Upload-Checksum", algorithm, b64decode(found[2], validate=True))
    except binascii.Error:
        raise MalformedHeader("The checksum in Upload-Checksum is no base64.") from None
