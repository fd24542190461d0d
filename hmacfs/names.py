"""
From the path of a URL to the name of a file, and nothing else on the way.

A signature does not make a name safe: Prosody signs ``..``, line breaks and a
literal ``%2f``, ejabberd signs ``..``, and twisted.web cleans no path.  So a
path is made safe here, once, and everything below takes a :class:`StoredName`
where it could have taken bytes.  A StoredName is safe because it exists: its
constructor refuses every other kind, whoever calls it.

* The path is split at its slashes first and then decoded, once: a slash that
  appears only by decoding (``%2f``) is refused, and the text ``%2f`` (sent as
  ``%252f``) is as ordinary as a backslash.
* ``+`` is a plus sign.  Raw UTF-8 and percent escapes of either case are the
  same name.
* Nothing is repaired.  A name that would have to be changed is refused, since
  the file would not be found under the URL that was handed out.

Behind this stands :func:`jailed`, which stores call on what they are about to
open: a second wall that shares no code with the first.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

import attrs

from hmacfs.errors import Forbidden, MalformedName, NotFound

RESERVED = b".hmacfs"
"""The store's private area: no name begins with it."""

LONGEST_SEGMENT = 255
"""Bytes of a segment: the ``NAME_MAX`` of every Linux file system in use."""

LONGEST = 4096
"""Bytes of a whole name."""

# pct-encoded = "%" HEXDIG HEXDIG                        (RFC 3986 section 2.1)
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")

# C0, DEL and C1: the category Cc of Unicode, as a whole.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def _check(name: StoredName, _attribute: object, segments: tuple[bytes, ...]) -> None:
    """
    Refuse *segments* unless they can be the name of a file.

    Of what they are joined to, all can be asked at once: a slash is no part of
    another character in UTF-8, so that the whole is UTF-8 where each segment is.

    :raise MalformedName: they cannot.
    :raise NotFound: they lie in the private area of the store.
    """
    if not segments or b"" in segments:
        raise MalformedName("The path has an empty segment.")
    if b"." in segments or b".." in segments:
        raise MalformedName("The path has a segment '.' or '..'.")
    path = name.path
    if path.count(b"/") >= len(segments):
        raise MalformedName("The path has an encoded slash.")
    if max(map(len, segments)) > LONGEST_SEGMENT:
        raise MalformedName(f"A segment of the path is over {LONGEST_SEGMENT} bytes long.")
    try:
        text = path.decode()
    except UnicodeDecodeError:
        raise MalformedName("The path is not UTF-8.") from None
    if _CONTROL.search(text):
        raise MalformedName("The path has a control character.")
    if len(path) > LONGEST:
        raise MalformedName(f"The path is over {LONGEST} bytes long.")
    if segments[0] == RESERVED:
        raise NotFound("Nothing is kept under this name.")


@attrs.frozen
class StoredName:
    """
    The name of a file below the URL prefix, which is its path in the store.

    :ivar segments: the decoded segments, at least one.
    :ivar path: these joined by slashes: what ``v``, ``v2`` and ``token`` sign.
    :ivar text: the same, as text.
    :raise MalformedName: made of segments that can be no name.
    :raise NotFound: made of segments in the store's private area.
    """

    segments: tuple[bytes, ...] = attrs.field(validator=_check)
    path: bytes = attrs.field(init=False, eq=False, repr=False)
    text: str = attrs.field(init=False, eq=False, repr=False)

    # Made once: each upload asks for them a dozen times.

    @path.default
    def _path(self) -> bytes:
        return b"/".join(self.segments)

    @text.default
    def _text(self) -> str:
        # Behind this the validator tells what is no UTF-8.
        return self.path.decode(errors="replace")

    @property
    def url(self) -> str:
        """The same, percent-encoded, to stand in a URL below the prefix."""
        return quote(self.path, safe="/")


@lru_cache(maxsize=512)
def parse(path: bytes, prefix: tuple[bytes, ...]) -> StoredName:
    """
    Read the name out of the path of a request; those that are asked for again
    and again are remembered.

    :param path: the path of the request target as it was sent, without its
        query: ``b"/uploads/a%20b.txt"``.
    :param prefix: the segments before every name, as :func:`split_prefix`
        gives them.
    :raise MalformedName: the path can be no name: 400.
    :raise Forbidden: it is the root, the prefix, or ends in a slash and so
        means a folder: 403 for every method.
    :raise NotFound: it lies outside of the prefix, or in the private area.
    """
    if not path.startswith(b"/"):
        raise MalformedName("The path does not begin with a slash.")
    segments = tuple(path[1:].split(b"/"))
    if b"%" in path:
        if _BROKEN_ESCAPE.search(path):
            raise MalformedName("The path has a broken percent escape.")
        segments = tuple(map(unquote_to_bytes, segments))
    folder = segments[-1] == b""
    if folder:
        segments = segments[:-1]
    if segments == prefix[: len(segments)]:
        raise Forbidden("Folders are not served.")
    if segments[: len(prefix)] != prefix:
        raise NotFound("Nothing is kept under this name.")
    name = StoredName(segments[len(prefix) :])
    if folder:
        raise Forbidden("Folders are not served.")
    return name


def recall(path: bytes) -> StoredName:
    """
    Make a name again of what :attr:`StoredName.path` gave, as a part or a
    row of the index kept it; or of a file's path in another server's store.

    :raise MalformedName: it can be no name.
    :raise NotFound: it lies in the private area.
    """
    return StoredName(tuple(path.split(b"/")))


def split_prefix(prefix: str) -> tuple[bytes, ...]:
    """
    :param prefix: ``UploadSubDir``, decoded, without slashes at its ends;
        ``""`` where names begin at the root.
    :return: its segments, to compare with those of a path.
    """
    return tuple(prefix.encode().split(b"/")) if prefix else ()


def jailed(segments: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """
    Vouch that *segments*, opened one below the other, stay below the folder
    they start in.

    The second wall: no request gets here with other segments, so what it
    raises is a fault of ours and becomes a 500.

    :return: *segments*, as they are.
    :raise ValueError: they would lead out of the folder.
    """
    for segment in segments:
        if segment.strip(b".") == b"" and len(segment) < 3:
            raise ValueError("a segment is empty, '.' or '..'")
        if not {0x2F, 0x00}.isdisjoint(segment):
            raise ValueError("a segment holds a slash or NUL")
    if not segments:
        raise ValueError("there is no segment")
    return segments
