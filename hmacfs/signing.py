"""
Signatures in the query: which one counts, and what it signs.

Four dialects put an HMAC-SHA-256, in hexadecimal, into the URL:

===========  =======================================  ==============================================
parameter    who sends it                             the message
===========  =======================================  ==============================================
``v``        Prosody mod_http_upload_external,        ``path SP size``
             ejabberd ``external_secret``
``v2``       the former, protocol v2                  ``path NUL size NUL type``
``token``    Metronome                                as ``v2``
``v3``       HMAC File Server, and your programs      ``METHOD LF expires LF /full/url/path``
===========  =======================================  ==============================================

Every dialect has exactly one message, :data:`MESSAGES`.  Of several
credentials in one request the highest counts, :func:`choose`, and when it
fails no other is tried: a server that goes on to weaker formats until one
fits accepts any size in the end.

The query is not a form: ``+`` is a plus sign, and ``v%3D49e9...``, as some
clients send it, is read like ``v=49e9...``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote_to_bytes

import attrs

from hmacfs.errors import BadSignature, MalformedQuery
from hmacfs.values import frozen

DIALECTS = ("v3", "v2", "token", "v")
"""The parameters that carry a signature, the highest first."""

EXPIRING = frozenset({"jwt", "v3"})
"""The dialects whose signatures end by themselves; the others hold for ever."""

# DIGIT up to the year 33658: more would only make numbers that no clock reaches.
_SECONDS = re.compile(rb"[0-9]{1,12}")

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")

_BLOCK = 64
"""Bytes that SHA-256 takes in at once."""

_BEARER = re.compile(rb"bearer(?: |$)", re.IGNORECASE)


@frozen
class Claim:
    """
    What a request says of itself, as far as some dialect signs it.

    :ivar path: the name, decoded, below the prefix, without a leading slash.
    :ivar size: bytes of the whole file.
    :ivar content_type: the media type, as its bytes were sent.
    :ivar delete_secret: the word that Metronome signs for a deletion.
    :ivar method: ``b"PUT"`` for every request of an upload.
    :ivar expires: unix seconds.
    :ivar url_path: the whole path of the URL, decoded, with its leading slash.
    :ivar operation: the query that names an operation, as sent; ``b""`` for none.
    """

    path: bytes = b""
    size: int = 0
    content_type: bytes = b""
    delete_secret: bytes = attrs.field(default=b"", repr=False)
    method: bytes = b"PUT"
    expires: int = 0
    url_path: bytes = b""
    operation: bytes = b""


def _sized(claim: Claim) -> bytes:
    return b"%b %d" % (claim.path, claim.size)


def _typed(claim: Claim) -> bytes:
    return b"%b\0%d\0%b" % (claim.path, claim.size, claim.content_type)


def _deletion(claim: Claim) -> bytes:
    return b"%b\0%b" % (claim.path, claim.delete_secret)


def _timed(claim: Claim) -> bytes:
    mark = b"?" if claim.operation else b""
    return b"%b\n%d\n%b%b%b" % (
        claim.method,
        claim.expires,
        claim.url_path,
        mark,
        claim.operation,
    )


MESSAGES: Mapping[str, Callable[[Claim], bytes]] = MappingProxyType(
    {"v": _sized, "v2": _typed, "token": _typed, "delete": _deletion, "v3": _timed}
)
"""What each dialect signs.  ``delete`` is Metronome's ``DELETE ?token=``."""


def sign(dialect: str, claim: Claim, key: bytes) -> str:
    """
    :param dialect: a key of :data:`MESSAGES`.
    :return: the signature of *claim*, 64 lower-case hexadecimal digits.
    """
    return hmac_sha256(key, MESSAGES[dialect](claim))


def hmac_sha256(key: bytes, message: bytes) -> str:
    """
    As RFC 2104 makes it.

    That of the library looks its hash up each time, which OpenSSL 3 takes five
    times as long for as for the rest (12 us against 2 in a busy process).

    :return: 64 lower-case hexadecimal digits.
    """
    begun = _halves(key)
    inner, outer = begun[0].copy(), begun[1].copy()
    inner.update(message)
    outer.update(inner.digest())
    digits: str = outer.hexdigest()
    return digits


@lru_cache(maxsize=16)
def _halves(key: bytes) -> tuple[Any, Any]:
    """
    :return: the two hashes of HMAC, which have taken in *key*.
    """
    block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    inner, outer = (sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))
    return inner, outer


def verify(dialect: str, mac: bytes, claims: Sequence[Claim], keys: Iterable[bytes]) -> Claim:
    """
    Find what *mac* signs.

    Every claim is tried with every key, also behind the one that fits, so
    that the time it takes says nothing of which it was.

    :param dialect: a key of :data:`MESSAGES`.
    :param mac: the signature as sent, hexadecimal digits of either case.
    :param claims: what it may sign; one, unless the dialect leaves the client
        a choice.
    :param keys: every secret now in force, the newest first; two are in
        force while a secret is being rotated.
    :return: the first of *claims* that it signs.
    :raise BadSignature: when it signs none of them.  The message names the
        dialect and never the expected value.
    """
    given = mac.lower()
    signed = [
        claim
        for key in keys
        for claim in claims
        if compare_digest(sign(dialect, claim, key).encode(), given)
    ]
    if not signed:
        raise BadSignature(f"The {dialect!r} signature does not match this request.")
    return signed[0]


@frozen
class Credential:
    """
    The one credential of a request that counts.

    :ivar dialect: one of :data:`DIALECTS`, or ``"jwt"``.
    :ivar proof: the signature as sent; for ``jwt`` the value of the
        ``Authorization`` header.
    :ivar expires: until when a ``v3`` holds, unix seconds; else 0.
    :ivar operation: what a ``v3`` signs of the query, as sent: ``b"version=7"``.
    """

    dialect: str
    proof: bytes = attrs.field(repr=False)
    expires: int = 0
    operation: bytes = b""


def choose(query: bytes, authorization: bytes | None) -> Credential | None:
    """
    Pick the highest credential: a bearer token, which binds most, then the
    query's ``v3``, ``v2``, ``token``, ``v``.

    Another scheme than Bearer is somebody else's (a proxy's Basic, say) as
    long as the query is signed, and a wrong credential where it is not.

    :param query: the query of the request target as sent.
    :param authorization: the value of that header, or ``None``.
    :return: ``None`` where the request carries no credential at all.
    :raise MalformedQuery: a percent escape is broken, a signing parameter
        stands there twice, or ``v3`` without a usable ``expires``.
    """
    signed, operation = _read(query)
    dialect = next((name for parameter, name in _PARAMETERS if parameter in signed), None)
    if authorization is not None and (dialect is None or _BEARER.match(authorization)):
        return Credential("jwt", authorization)
    if dialect is None:
        return None
    proof = signed[dialect.encode()]
    if dialect != "v3":
        return Credential(dialect, proof)
    expires = signed.get(b"expires", b"")
    if _SECONDS.fullmatch(expires) is None:
        raise MalformedQuery("A 'v3' signature wants 'expires' in unix seconds beside it.")
    return Credential(dialect, proof, int(expires), operation)


def unsigned(query: bytes) -> bytes:
    """
    What of *query* signs nothing, as sent and in its order: where it is not
    empty, it names an operation.

    :raise MalformedQuery: as :func:`choose`.
    """
    return _read(query)[1]


_PARAMETERS = tuple((dialect.encode(), dialect) for dialect in DIALECTS)
_SIGNING = frozenset({*(parameter for parameter, _ in _PARAMETERS), b"expires"})


def _read(query: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """
    Part the parameters that sign from those that name an operation.

    The operation stays as it was sent, in its order: decoded, ``a=1%26b=2``
    and ``a=1&b=2`` would be one message.
    """
    escaped = b"%" in query
    if escaped and _BROKEN_ESCAPE.search(query):
        raise MalformedQuery("The query has a broken percent escape.")
    signed: dict[bytes, bytes] = {}
    operation = []
    for piece in filter(None, query.split(b"&")):
        # Decoded before it is parted: that is what reads "v%3D49e9...".
        name, _, value = (unquote_to_bytes(piece) if escaped else piece).partition(b"=")
        if name not in _SIGNING:
            operation.append(piece)
        elif name in signed:
            raise MalformedQuery("A parameter of the signature stands in the query twice.")
        else:
            signed[name] = value
    return signed, b"&".join(operation)
