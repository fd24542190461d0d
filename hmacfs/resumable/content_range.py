"""
The PUT with ``Content-Range`` (RFC 9110 section 14.5), as ``curl -C`` sends it.

The upload has no URL of its own: each request is a PUT to the one that was
signed.  ``bytes 10-19/30`` brings these bytes, the first of an upload or the
next; ``bytes */30`` and ``bytes */*`` bring none and ask, as Google's clients
do.  While bytes are missing the answer is 308 with ``Range``, and never with
``Location``: a 308 is a redirect, and a client that follows it would turn in
circles.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import NoReturn

from hmacfs.digests import promised, promised_whole
from hmacfs.errors import (
    InconsistentLength,
    LengthRequired,
    MalformedHeader,
    MethodNotAllowed,
    UnknownLength,
)
from hmacfs.http1 import Head
from hmacfs.resumable.steps import Answer, Append, Front, Probe, Step, file_type, natural

# Content-Range = range-unit SP ( first-pos "-" last-pos / "*" ) "/" ( complete-length / "*" )
_CONTENT_RANGE = re.compile(rb"(?i:bytes) (?:([0-9]++)-([0-9]++)|\*)/([0-9]++|\*)")

_NAME = "Content-Range"


def is_content_range(head: Head) -> bool:
    """
    :return: whether the request puts a part of a file.  With every other
        method the field is to be ignored (RFC 9110 section 14.4).
    """
    return head.method == b"PUT" and head.get(b"content-range") is not None


def _read(head: Head) -> Step:
    found = _CONTENT_RANGE.fullmatch(head.get(b"content-range") or b"")
    if found is None:
        raise MalformedHeader("Content-Range is 'bytes', a first and a last byte, and a total.")
    first, last, total = found.groups()
    length = None if total == b"*" else natural(total, _NAME)
    if first is None:
        if head.has_body:
            raise InconsistentLength("A Content-Range that asks comes without content.")
        return Probe(length, file_type(head))
    if length is None:
        raise UnknownLength("A part of a file wants the total in its Content-Range.")
    start, stop = natural(first, _NAME), natural(last, _NAME) + 1
    if not start < stop <= length:
        raise MalformedHeader("The bytes of the Content-Range do not lie within its total.")
    if not head.sized:
        raise LengthRequired("A part of a file is sent with its Content-Length.")
    if head.length != stop - start:
        raise InconsistentLength("Content-Range and Content-Length are not of the same bytes.")
    return Append(
        offset=start,
        size=head.length,
        length=length,
        digests=promised("Content-Digest", head.get(b"content-digest")),
        content_type=file_type(head),
        promised=promised_whole(head.get(b"repr-digest")),
    )


def _nowhere(_head: Head) -> NoReturn:
    raise MethodNotAllowed(
        "A part of a file is PUT to the URL that was signed.",
        [(b"Allow", b"HEAD, GET, PATCH, DELETE, OPTIONS")],
    )


RANGE = Front(
    name="range",
    create=_read,
    resume=_nowhere,
    answers=MappingProxyType(
        {
            (Append, False): Answer(308, (b"Range", b"Cache-Control")),
            (Append, True): Answer(201),
            (Probe, False): Answer(308, (b"Range", b"Cache-Control")),
            (Probe, True): Answer(200, (b"Cache-Control",)),
        }
    ),
    refusals=MappingProxyType({"wrong-offset": (b"Range",), "too-large": (b"Range",)}),
)
