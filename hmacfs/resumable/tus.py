"""
tus 1.0.0 (https://tus.io/protocols/resumable-upload): its core, and creation,
creation-with-upload, checksum, termination and expiration.

A POST to the URL that was signed begins an upload; HEAD, PATCH and DELETE at
its own URL go on.  The POST's ``Content-Type`` is that of the bytes in it; the
file's is the ``filetype`` in the metadata, as tus-js-client and Uppy write it.

Not offered: a deferred length, since a size is signed; concatenation, since
its parts would be bound by no signature; checksums in trailers.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from types import MappingProxyType

from hmacfs import digests
from hmacfs.digests import CHECKSUMS, Digest
from hmacfs.errors import (
    MalformedHeader,
    MethodNotAllowed,
    UnknownLength,
    UnsupportedMediaType,
    UnsupportedVersion,
)
from hmacfs.http1 import Head
from hmacfs.resumable.steps import (
    OFFSET_STREAM,
    Answer,
    Append,
    Cancel,
    Create,
    Front,
    Probe,
    Step,
    bounded,
    media_type,
    natural,
)
from hmacfs.uploads import LONGEST_METADATA

VERSION = b"1.0.0"

EXTENSIONS = (b"creation", b"creation-with-upload", b"checksum", b"termination", b"expiration")

# Upload-Metadata = pair *( "," pair ), pair = key [ SP base64 ] (Creation); blanks
# around a comma come of lines that a proxy joined.
_PAIR = re.compile(rb"[ \t]*+([!-+\--~]++)(?: ([A-Za-z0-9+/]*+={0,2}))?[ \t]*+")


def is_tus(head: Head) -> bool:
    """
    :return: whether the request speaks tus: it says so, or brings bytes of
        tus' own type.  A PUT of such bytes is not of tus, which has none.
    """
    return head.get(b"tus-resumable") is not None or (
        head.method in (b"POST", b"PATCH") and media_type(head) == OFFSET_STREAM
    )


_BRINGING = (b"PATCH", b"POST")
"""The methods whose content is read; that of any other is dropped."""


def method(head: Head) -> bytes:
    """
    :return: the method that counts, which ``X-HTTP-Method-Override`` names
        where the client cannot send it.
    """
    return head.get(b"x-http-method-override") or head.method


def metadata(value: bytes) -> Mapping[bytes, bytes]:
    """
    Read an ``Upload-Metadata``.

    :param value: as sent; an empty one is sent by tuspy, and has no pairs.
    :return: the values by their keys.
    :raise MalformedHeader: it breaks the grammar, or has more bytes than are kept.
    """
    if len(value) > LONGEST_METADATA:
        raise MalformedHeader(f"Upload-Metadata is over {LONGEST_METADATA} bytes long.")
    pairs: dict[bytes, bytes] = {}
    for element in value.split(b",") if value else ():
        found = _PAIR.fullmatch(element)
        if found is None:
            raise MalformedHeader("Upload-Metadata is a list of keys, each with a base64 value.")
        if found[1] in pairs:
            raise MalformedHeader("Upload-Metadata has a key twice.")
        try:
            pairs[found[1]] = b64decode(found[2] or b"", validate=True)
        except binascii.Error:
            raise MalformedHeader("A value in Upload-Metadata is no base64.") from None
    return pairs


def _check_version(head: Head) -> None:
    if head.get(b"tus-resumable") != VERSION:
        raise UnsupportedVersion("The version of tus here is 1.0.0.", [(b"Tus-Version", VERSION)])


def _length(head: Head) -> int:
    if head.get(b"upload-concat") is not None:
        raise MalformedHeader("Uploads are not put together here: no Upload-Concat.")
    if head.get(b"upload-defer-length") is not None:
        raise UnknownLength("An upload is begun with its whole length: no Upload-Defer-Length.")
    said = head.get(b"upload-length")
    if said is None:
        raise UnknownLength("Upload-Length is missing.")
    return bounded(head, natural(said, "Upload-Length"))


def _digests(head: Head) -> tuple[Digest, ...]:
    found = digests.promised("Content-Digest", head.get(b"content-digest"))
    said = head.get(b"upload-checksum")
    return found if said is None else (*found, digests.checksum(said))


def _check_type(head: Head) -> None:
    if media_type(head) != OFFSET_STREAM:
        raise UnsupportedMediaType(
            f"Bytes of an upload have the type {OFFSET_STREAM.decode()} in tus.",
            [(b"Accept-Patch", OFFSET_STREAM)],
        )


def _post(head: Head) -> Create:
    if head.has_body:
        _check_type(head)
    said = head.get(b"upload-metadata") or b""
    return Create(
        length=_length(head),
        content_type=metadata(said).get(b"filetype"),
        metadata=said.decode(),
        promised=digests.promised_whole(head.get(b"repr-digest")),
        digests=_digests(head),
    )


def _patch(head: Head) -> Append:
    if head.method not in _BRINGING:
        raise MethodNotAllowed(
            "Bytes of an upload are brought by PATCH, or by a POST that stands for it.",
            [(b"Allow", b"PATCH, POST")],
        )
    _check_type(head)
    said = head.get(b"upload-length")
    return Append(
        offset=natural(head.get(b"upload-offset") or b"", "Upload-Offset"),
        size=head.length,
        length=None if said is None else natural(said, "Upload-Length"),
        promised=digests.promised_whole(head.get(b"repr-digest")),
        digests=_digests(head),
    )


_CREATING: Mapping[bytes, Callable[[Head], Step]] = MappingProxyType({b"POST": _post})

_RESUMING: Mapping[bytes, Callable[[Head], Step]] = MappingProxyType(
    {
        b"HEAD": lambda _: Probe(),
        b"GET": lambda _: Probe(),
        b"PATCH": _patch,
        b"DELETE": lambda _: Cancel(),
    }
)


def _read(head: Head, readers: Mapping[bytes, Callable[[Head], Step]]) -> Step:
    _check_version(head)
    reader = readers.get(method(head))
    if reader is None:
        raise MethodNotAllowed(
            "tus has no such method here.", [(b"Allow", b", ".join((*readers, b"OPTIONS")))]
        )
    return reader(head)


_CREATED = Answer(201, (b"Location", b"Upload-Offset", b"Upload-Expires"))
_APPENDED = Answer(204, (b"Upload-Offset", b"Upload-Expires"))
_PROBED = Answer(
    204,
    (b"Upload-Offset", b"Upload-Length", b"Upload-Metadata", b"Upload-Expires", b"Cache-Control"),
)

TUS = Front(
    name="tus",
    create=lambda head: _read(head, _CREATING),
    resume=lambda head: _read(head, _RESUMING),
    answers=MappingProxyType(
        {
            (Create, False): _CREATED,
            (Create, True): _CREATED,
            (Append, False): _APPENDED,
            (Append, True): _APPENDED,
            (Probe, False): _PROBED,
            (Probe, True): _PROBED,
            (Cancel, False): Answer(204),
            (Cancel, True): Answer(204),
        }
    ),
    refusals=MappingProxyType(
        {
            "wrong-offset": (b"Upload-Offset",),
            "too-large": (b"Upload-Offset",),
            "checksum-mismatch": (b"Upload-Offset",),
            "wrong-digest": (b"Upload-Offset",),
        }
    ),
    options=(b"Tus-Max-Size",),
    always=((b"Tus-Resumable", VERSION),),
)

ANNOUNCED = (
    (b"Tus-Version", VERSION),
    (b"Tus-Extension", b",".join(EXTENSIONS)),
    (b"Tus-Checksum-Algorithm", ",".join(CHECKSUMS).encode()),
)
"""What ``OPTIONS`` says of tus, whatever the settings."""
