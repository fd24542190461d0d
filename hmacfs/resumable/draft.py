"""
The IETF's resumable uploads (draft-ietf-httpbis-resumable-upload).

A PUT or POST to the URL that was signed becomes resumable by
``Upload-Complete``; HEAD, PATCH and DELETE at the upload's own URL go on.

The interop versions 5 to 8, which are the drafts since -03, are one code path:
what an earlier one demands in an answer a later one allows.  They differ in
three places.  Only from 6 on bytes to append have a type of their own; only
from 7 on an upload that has its whole length may still be incomplete; and a
client hears a 104 only when it says a version that is known here.  A field of
another type than it should have is ignored, as the draft says, so that
``Upload-Complete: yes`` makes a plain PUT.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from hmacfs import fields
from hmacfs.digests import promised, promised_whole
from hmacfs.errors import (
    Headers,
    InconsistentLength,
    MalformedHeader,
    MethodNotAllowed,
    UnknownLength,
    UnsupportedMediaType,
)
from hmacfs.http1 import Head
from hmacfs.resumable.steps import (
    PARTIAL,
    Answer,
    Append,
    Cancel,
    Create,
    Front,
    Probe,
    Standing,
    Step,
    bounded,
    file_type,
    media_type,
    write,
)

VERSIONS = range(5, 9)
"""The interop versions that are spoken."""

_UNTYPED = 5
"""
The one whose bytes to append have no type of their own: URLSession says that
of the file again, tus-js-client none.
"""

_ENDING_BY_LENGTH = range(5, 7)
"""
Those with which the last byte completes an upload even where ``?0`` is said.
tus-js-client under Node says it with an empty file, with the last piece of one
that is sent in pieces, and with the rest of one that broke, and asks no more:
the file would never be there.  Later versions say that the length alone ends
nothing.
"""


def is_draft(head: Head) -> bool:
    """
    :return: whether the request speaks the draft.

    A PUT that names a version and no completeness is a plain one: so does
    iOS 17, whose version 3 has another field in its place.
    """
    if fields.boolean(head.get(b"upload-complete")) is not None:
        return True
    return head.method not in (b"PUT", b"POST") and _version(head) is not None


def informed(head: Head) -> int | None:
    """
    :return: the version to echo in a 104, where this request may get one;
        ``None`` where it must not.
    """
    version = _version(head)
    return version if version in VERSIONS and head.version != b"HTTP/1.0" else None


def supported(standing: Standing) -> Headers:
    """
    :return: the fields of the 104 that tells that an upload was created.
    """
    return write((b"Upload-Draft-Interop-Version", b"Location", b"Upload-Limit"), standing)


def progress(standing: Standing) -> Headers:
    """
    :return: the fields of a 104 that tells how far it is: never ``Location``,
        which an append must not repeat.
    """
    return write((b"Upload-Draft-Interop-Version", b"Upload-Offset"), standing)


def _version(head: Head) -> int | None:
    return fields.natural(head.get(b"upload-draft-interop-version"))


def _ends(head: Head, complete: bool) -> bool | None:
    """
    :return: as of :attr:`hmacfs.resumable.steps.Create.complete`.
    """
    return None if not complete and _version(head) in _ENDING_BY_LENGTH else complete


def _length(head: Head, offset: int, complete: bool) -> int | None:
    """
    The length of the whole file, which may be said twice.

    :raise InconsistentLength: it is, and not alike.
    """
    said = fields.natural(head.get(b"upload-length"))
    # The end of a chunked body is not known yet, and that of none is here.
    ending = offset + head.length if complete and head.length is not None else None
    if said is not None and ending is not None and said != ending:
        raise InconsistentLength("Upload-Length and the end of the content are not the same.")
    return ending if said is None else said


def _create(head: Head) -> Create:
    complete = fields.boolean(head.get(b"upload-complete"))
    if complete is None:
        raise MalformedHeader("Upload-Complete is ?1 or ?0.")
    length = _length(head, 0, complete)
    if length is None:
        raise UnknownLength("Upload-Length is missing, and Content-Length does not tell it.")
    return Create(
        length=bounded(head, length),
        content_type=file_type(head),
        complete=_ends(head, complete),
        promised=promised_whole(head.get(b"repr-digest")),
        digests=promised("Content-Digest", head.get(b"content-digest")),
    )


def _patch(head: Head) -> Append:
    if media_type(head) != PARTIAL and _version(head) != _UNTYPED:
        raise UnsupportedMediaType(
            f"Bytes of an upload have the type {PARTIAL.decode()}.", [(b"Accept-Patch", PARTIAL)]
        )
    complete = fields.boolean(head.get(b"upload-complete"))
    offset = fields.natural(head.get(b"upload-offset"))
    if complete is None or offset is None:
        raise MalformedHeader("Upload-Offset and Upload-Complete say where bytes belong.")
    return Append(
        offset=offset,
        size=head.length,
        length=_length(head, offset, complete),
        complete=_ends(head, complete),
        promised=promised_whole(head.get(b"repr-digest")),
        digests=promised("Content-Digest", head.get(b"content-digest")),
    )


_CREATING: Mapping[bytes, Callable[[Head], Step]] = MappingProxyType(
    {b"PUT": _create, b"POST": _create}
)

_RESUMING: Mapping[bytes, Callable[[Head], Step]] = MappingProxyType(
    {
        b"HEAD": lambda _: Probe(),
        b"GET": lambda _: Probe(),
        b"PATCH": _patch,
        b"DELETE": lambda _: Cancel(),
    }
)


def _read(head: Head, readers: Mapping[bytes, Callable[[Head], Step]]) -> Step:
    reader = readers.get(head.method)
    if reader is None:
        raise MethodNotAllowed(
            "There is no such method here.", [(b"Allow", b", ".join((*readers, b"OPTIONS")))]
        )
    return reader(head)


# tus-js-client, in its modes of the draft, reads Upload-Offset from every 2xx
# to a PATCH and Location from every 2xx to a POST; version 6 wants Upload-Limit.
_CREATED = Answer(201, (b"Location", b"Upload-Offset", b"Upload-Complete", b"Upload-Limit"))
_APPENDED = (b"Upload-Offset", b"Upload-Complete", b"Upload-Limit")
_PROBED = Answer(
    204,
    (b"Upload-Offset", b"Upload-Complete", b"Upload-Length", b"Upload-Limit", b"Cache-Control"),
)

DRAFT = Front(
    name="draft",
    create=lambda head: _read(head, _CREATING),
    resume=lambda head: _read(head, _RESUMING),
    answers=MappingProxyType(
        {
            (Create, False): _CREATED,
            (Create, True): _CREATED,
            (Append, False): Answer(204, _APPENDED),
            (Append, True): Answer(201, _APPENDED),
            (Probe, False): _PROBED,
            (Probe, True): _PROBED,
            (Cancel, False): Answer(204),
            (Cancel, True): Answer(204),
        }
    ),
    refusals=MappingProxyType(
        {
            "wrong-offset": (b"Upload-Offset", b"Upload-Complete"),
            "completed": (b"Upload-Offset", b"Upload-Complete"),
            "inconsistent-length": (b"Upload-Offset", b"Upload-Complete"),
            "wrong-digest": (b"Upload-Offset", b"Upload-Complete"),
            "too-large": (b"Upload-Limit",),
        }
    ),
    options=(b"Accept-Patch", b"Upload-Limit"),
    problems=MappingProxyType(
        {
            "wrong-offset": ("mismatching-upload-offset", "Mismatching Upload Offset"),
            "completed": ("completed-upload", "Upload Is Completed"),
            "inconsistent-length": (
                "inconsistent-upload-length",
                "Inconsistent Upload Length Values",
            ),
        }
    ),
)
