"""
What every answer says, and how a refusal looks.

The headers that keep a browser from running what a stranger uploaded stand on
every answer, errors and OPTIONS included, and so do those of CORS: without
them a web client sees "status 0" where we said 403.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from json import dumps
from typing import TYPE_CHECKING

import attrs

from hmacfs.errors import Headers as Fields
from hmacfs.errors import Refusal
from hmacfs.web.answer_fields import AnswerFields

if TYPE_CHECKING:
    from hmacfs.web.request import UploadRequest

SAFETY = (
    (b"Server", b"hmacfs"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Content-Security-Policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
)

# Lists, since "*" means nothing to a browser beside Authorization.  Those of tus
# that are refused are among them, or a page could not read why.
METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_REQUEST_FIELDS = (
    b"Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, "
    b"If-Unmodified-Since, Range, X-Requested-With, X-HTTP-Method-Override, X-Request-ID, "
    b"Content-Digest, Content-Range, Repr-Digest, Want-Content-Digest, Want-Repr-Digest, "
    b"Tus-Resumable, Upload-Checksum, Upload-Complete, Upload-Concat, Upload-Defer-Length, "
    b"Upload-Draft-Interop-Version, Upload-Length, Upload-Limit, Upload-Metadata, Upload-Offset"
)
_EXPOSED = (
    b"Accept-Ranges, Content-Digest, Content-Disposition, Content-Length, Content-Range, "
    b"ETag, Expires, "
    b"Last-Modified, Location, Range, Repr-Digest, Retry-After, WWW-Authenticate, X-Request-ID, "
    b"Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, "
    b"Upload-Complete, Upload-Draft-Interop-Version, Upload-Expires, Upload-Length, "
    b"Upload-Limit, Upload-Metadata, Upload-Offset"
)
_PREFLIGHT_AGE = b"86400"

# What may have been said already of a file that cannot be served after all.
_OF_A_FILE = (
    b"Accept-Ranges",
    b"Content-Disposition",
    b"Content-Range",
    b"ETag",
    b"Expires",
    b"Last-Modified",
    b"Repr-Digest",
)


@attrs.frozen
class Manners:
    """
    The headers that all answers share, made once.

    :ivar origins: the web origins that may read answers, ``"*"`` for any.
    """

    origins: frozenset[bytes]
    _common: AnswerFields
    # Those of nearly every answer: only a browser names an origin.
    _lines: bytes = attrs.field(
        init=False, default=attrs.Factory(lambda self: self._common.lines, takes_self=True)
    )

    @classmethod
    def for_origins(cls, origins: Sequence[str]) -> Manners:
        """
        :param origins: ``CORSOrigins`` of the settings.
        """
        common = AnswerFields.of(SAFETY)
        if "*" in origins:
            common.setRawHeaders(b"Access-Control-Allow-Origin", [b"*"])
            common.setRawHeaders(b"Access-Control-Expose-Headers", [_EXPOSED])
        elif origins:
            common.setRawHeaders(b"Vary", [b"Origin"])
        return cls(frozenset(origin.encode() for origin in origins), common)

    def lines(self, origin: bytes | None) -> bytes:
        """
        :return: the lines of :meth:`headers`.
        """
        return self._lines if origin is None else self.headers(origin).lines

    def headers(self, origin: bytes | None) -> AnswerFields:
        """
        :param origin: the request's ``Origin``, if it has one.
        :return: fresh headers to begin an answer with.
        """
        headers = self._common.copy()
        if origin is not None and b"*" not in self.origins and origin in self.origins:
            headers.setRawHeaders(b"Access-Control-Allow-Origin", [origin])
            headers.setRawHeaders(b"Access-Control-Allow-Credentials", [b"true"])
            headers.setRawHeaders(b"Access-Control-Expose-Headers", [_EXPOSED])
        return headers


def preflight(request: UploadRequest, allowed: bytes, announced: Fields = ()) -> None:
    """
    Answer OPTIONS: what may be done here, by whom, with which fields.

    :param allowed: the value of ``Allow``.
    :param announced: what else is told.
    """
    headers = request.responseHeaders
    request.setResponseCode(204)
    headers.setRawHeaders(b"Allow", [allowed])
    for name, value in announced:
        headers.setRawHeaders(name, [value])
    if headers.hasHeader(b"Access-Control-Allow-Origin"):
        headers.setRawHeaders(b"Access-Control-Allow-Methods", [METHODS])
        headers.setRawHeaders(b"Access-Control-Allow-Headers", [_REQUEST_FIELDS])
        headers.setRawHeaders(b"Access-Control-Max-Age", [_PREFLIGHT_AGE])
    request.finish()


def refuse(request: UploadRequest, refusal: Refusal) -> None:
    """
    Answer *request* with *refusal* and finish it.

    The body says one plain sentence and the stable code, as ``text/plain`` or,
    where ``Accept`` prefers it, as JSON.  It never repeats the target.
    """
    headers = request.responseHeaders
    problem = request.protocol and request.protocol.front.problem(refusal)
    if problem is not None:
        content_type = b"application/problem+json"
        text = dumps(problem)
    elif wants_json(headers_value(request, b"accept")):
        content_type = b"application/json"
        text = dumps({"status": refusal.status, "code": refusal.code, "text": refusal.text})
    else:
        content_type = b"text/plain; charset=utf-8"
        text = f"{refusal.text} ({refusal.code})"
    body = text.encode() + b"\n"
    for name in _OF_A_FILE:
        headers.removeHeader(name)
    # twisted.web has the phrases of RFC 2616, and none for 431.
    request.setResponseCode(refusal.status, _phrase(refusal.status))
    headers.setRawHeaders(b"Content-Type", [content_type])
    headers.setRawHeaders(b"Content-Length", [b"%d" % len(body)])
    # A 404 may be kept by caches (RFC 9111 section 4.2.2), and the upload may come yet.
    headers.setRawHeaders(b"Cache-Control", [b"no-store"])
    told = request.protocol.refused(refusal) if request.protocol is not None else ()
    for name, value in (*told, *refusal.headers):
        headers.setRawHeaders(name, [value])
    request.code_told = refusal.code
    request.write(body)
    request.finish()


def _phrase(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        # 460 is of tus alone.
        return b"Checksum Mismatch"


def tell(request: UploadRequest, status: int, found: object) -> None:
    """
    Answer *request* with *found* as JSON and finish it.
    """
    body = dumps(found).encode() + b"\n"
    request.setResponseCode(status)
    request.responseHeaders.setRawHeaders(b"Content-Type", [b"application/json"])
    request.responseHeaders.setRawHeaders(b"Content-Length", [b"%d" % len(body)])
    request.responseHeaders.setRawHeaders(b"Cache-Control", [b"no-store"])
    request.write(body)
    request.finish()


def done(request: UploadRequest) -> None:
    """
    Answer *request* with 204, if there is somebody to answer.
    """
    if request.channel is not None:
        request.setResponseCode(204)
        request.finish()


def headers_value(request: UploadRequest, name: bytes) -> bytes:
    """
    :param name: in lower case.
    :return: all lines of the request's field *name*, joined; ``b""`` without one.
    """
    return b",".join(request.head.all(name)) if request.head is not None else b""


def wants_json(accept: bytes) -> bool:
    """
    :param accept: the value of ``Accept`` (RFC 9110 section 12.5.1).
    :return: whether JSON is named there, and plain text not before it.
    """
    weights = {b"application/json": 0.0, b"text/plain": 0.0}
    for member in accept.lower().split(b","):
        kind, *parameters = (part.strip() for part in member.split(b";"))
        if kind not in weights:
            continue
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith(b"q="):
                weight = _weight(parameter[2:])
        weights[kind] = max(weights[kind], weight)
    return weights[b"application/json"] > weights[b"text/plain"]


def _weight(value: bytes) -> float:
    """
    :return: a qvalue, from 0 to 1; 0 for what is none.
    """
    digits = value.replace(b".", b"", 1)
    return min(float(value), 1.0) if digits.isdigit() and len(value) <= 5 else 0.0
