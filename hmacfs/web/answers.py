"""
What is said of a stored file: status, headers, and which bytes follow.

:func:`answer` decides, from the request's fields and the file's record alone;
:mod:`hmacfs.web.download` opens, says and sends.
"""

from __future__ import annotations

from secrets import token_hex

import attrs

from hmacfs.conditions import Get, Validators, format_date, range_holds, wanted
from hmacfs.config import Settings
from hmacfs.digests import format_sha256
from hmacfs.digests import wanted as wanted_digest
from hmacfs.errors import Headers
from hmacfs.media import disposition, safe_type
from hmacfs.ranges import Piece, Span, content_range, multipart, select, total
from hmacfs.records import FileRecord

YEAR = 31_536_000
"""Seconds; what caches take for ever."""

LAST_DATE = 253_402_300_799
"""The last second of the year 9999, behind which HTTP has no date."""


@attrs.frozen
class Terms:
    """
    What the settings say about downloads.

    :ivar chunk_size: bytes to read at once.
    :ivar ranges: whether a ``Range`` is heeded.
    :ivar versioned: whether a name may hold other bytes tomorrow.
    :ivar private: whether only those who sign may read.
    """

    chunk_size: int = 1024 * 1024
    ranges: bool = True
    versioned: bool = False
    private: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Terms:
        """Read them out of *settings*, once for all requests."""
        return cls(
            chunk_size=settings.chunk_size,
            ranges=settings.resumable_downloads_enabled,
            versioned=settings.enable_versioning,
            private=settings.download_auth == "signed",
        )


@attrs.frozen
class Answer:
    """
    What a file is answered with.

    :ivar pieces: what the body of a GET is made of; HEAD leaves it out.
    """

    status: int
    headers: Headers
    pieces: tuple[Piece, ...] = ()


def answer(
    method: bytes, get: Get, record: FileRecord, filename: bytes, now: float, terms: Terms
) -> Answer:
    """
    Decide on a GET or HEAD of a file that is there.

    :param get: the request's fields.
    :param filename: the last segment of the name.
    :param now: unix seconds of the answer's ``Date``.
    :raise PreconditionFailed: the client wants another state of the file only.
    :raise RangeNotSatisfiable: it wants bytes that the file does not have.
    """
    validators = validators_of(record, now)
    [tag, *digest] = identity(record, get)
    headers = [tag, (b"Cache-Control", _cache_control(record, int(now), terms))]
    if record.expires is not None:
        headers.append((b"Expires", format_date(min(record.expires, LAST_DATE))))
    if not wanted(get, validators, now):
        return Answer(304, headers)

    spans: tuple[Span, ...] = ()
    if terms.ranges:
        headers.append((b"Accept-Ranges", b"bytes"))
        # RFC 9110 section 14.2: of any other method, HEAD too, a Range is ignored.
        value = get(b"range") if method == b"GET" else None
        if value is not None and range_holds(get, validators, now):
            spans = select(value, record.size)
    content_type = safe_type(record.content_type)
    status, about, pieces = _body(spans, record.size, content_type.encode())
    headers += about
    headers += (
        (b"Content-Length", b"%d" % total(pieces)),
        (b"Content-Disposition", disposition(content_type, filename)),
        (b"Last-Modified", format_date(validators.modified)),
        *digest,
    )
    return Answer(status, headers, pieces)


def validators_of(record: FileRecord, now: float) -> Validators:
    """
    :param now: unix seconds of the answer's ``Date``.
    :return: what tells the file from what had its name before.
    """
    # RFC 9110 section 8.8.2.1: what comes from the future was changed just now.
    # An mtime may also lie before all dates that HTTP knows.
    return Validators(record.etag.encode(), int(max(0, min(record.stored, now))))


def identity(record: FileRecord, get: Get) -> list[tuple[bytes, bytes]]:
    """
    :param get: the request's fields.
    :return: the ``ETag`` of the file, and its ``Repr-Digest`` where that is
        known: it costs nothing then, so that only who declines it goes without.
    """
    told = [(b"ETag", b'"%s"' % record.etag.encode())]
    if record.sha256 is not None and wanted_digest(get(b"want-repr-digest")) is not False:
        told.append((b"Repr-Digest", format_sha256(record.sha256)))
    return told


def _cache_control(record: FileRecord, now: int, terms: Terms) -> bytes:
    """
    Where a name holds one file for ever, nobody need ask again before it
    expires.  With versions every use asks, which costs a 304.
    """
    scope = b"private" if terms.private else b"public"
    if terms.versioned:
        return scope + b", no-cache"
    age = YEAR if record.expires is None else max(0, min(YEAR, record.expires - now))
    return b"%s, max-age=%d, immutable" % (scope, age)


def _body(
    spans: tuple[Span, ...], size: int, content_type: bytes
) -> tuple[int, Headers, tuple[Piece, ...]]:
    """
    :param spans: none for the whole file.
    :return: the status, the headers that are about the body, and its pieces.
    """
    if len(spans) == 1:
        about = [(b"Content-Type", content_type), (b"Content-Range", content_range(spans[0], size))]
        return 206, about, spans
    if spans:
        boundary = token_hex(12).encode()
        pieces = multipart(spans, size, content_type, boundary)
        # Parts that cost more than they spare are not worth being parts.
        if total(pieces) <= size:
            return 206, [(b"Content-Type", b"multipart/byteranges; boundary=" + boundary)], pieces
    return 200, [(b"Content-Type", content_type)], (Span(0, size),) if size else ()
