"""
HTTP/1.1 requests as RFC 9112 writes them, and nothing looser.

A server that reads more than the grammar allows is a server that a proxy
before it reads differently, and the difference is where requests are
smuggled.  So a head is taken whole, up to its empty line, and is either a
:class:`Head` or a refusal; there is no repair.

The body then comes through one of two readers with one method, ``feed``:
:class:`Sized` for a ``Content-Length``, :class:`Chunked` for the chunked
coding.  They give at once what they were fed of the body, and whatever follows
it; nothing of it is kept.

One liberty, because real peers need it: a target may hold every octet but
blanks, control characters and ``#`` (ejabberd sends raw UTF-8).  The empty line
that may stand before a request (RFC 9112 section 2.2) is the channel's to skip.

No call takes more than linear time, whatever was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from ipaddress import IPv6Address

import attrs

from hmacfs.errors import (
    ExpectationFailed,
    HeadTooLarge,
    MalformedRequest,
    TargetTooLong,
    TooLarge,
)
from hmacfs.values import frozen

MAX_LINE = 16 * 1024
"""
Bytes of a request line with its CR LF: a name of 4,096 bytes, all
percent-encoded, and its query.
"""

MAX_HEAD = 32 * 1024
"""Bytes of a whole head, its empty line included."""

MAX_FIELDS = 100

MAX_LENGTH_DIGITS = 18
"""Digits of a ``Content-Length``: so it fits the 63 bits of a file's offset."""

MAX_CHUNK_LINE = 256
"""Bytes of a chunk-size line with its CR LF, extensions included."""

MAX_TRAILERS = 8 * 1024
"""Bytes of all trailers, their empty line included."""

MAX_PIECES = 16
"""
Pieces of a body that one read gives; more are joined.  Whoever stores them
pays for each, and a client may send a chunk for every byte.
"""

# token = 1*tchar (RFC 9110 section 5.6.2)
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# field-line = field-name ":" OWS field-value OWS (RFC 9112 section 5).  No obs-fold, no
# blank before the colon, no control character.  The blanks are no part of the pattern:
# two repetitions that both take them would try every way to share a line of 32 KiB.
_FIELD_LINE = _TOKEN + rb"+:[\t\x20-\x7e\x80-\xff]*+"
_FIELD = re.compile(_FIELD_LINE)
# All those of a head, and its empty line.
_FIELDS = re.compile(rb"(?:" + _FIELD_LINE + rb"\r\n)*+\r\n")
# request-line = method SP request-target SP HTTP-version (RFC 9112 section 3)
_REQUEST_LINE = re.compile(
    rb"(" + _TOKEN + rb") ([\x21\x22\x24-\x7e\x80-\xff]+) (HTTP/[0-9]\.[0-9])"
)
# absolute-form = absolute-URI (RFC 9112 section 3.2.2), of the two schemes served
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?]*)(/[^?]*)?(\?.*)?", re.DOTALL)
# Host = uri-host [ ":" port ] (RFC 9110 section 7.2), a comma left out, since it joins
# two lines, and an empty host, which no http URI has (section 4.2.1)
_HOST = re.compile(
    rb"(?:\[([0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9\-._~!$&'()*+;=]++|%[0-9A-Fa-f]{2})+)(?::[0-9]*)?"
)
# chunk = chunk-size [ chunk-ext ] CRLF (RFC 9112 section 7.1)
_CHUNK_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,16})"
    rb"(?:[ \t]*;[ \t]*" + _TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + _TOKEN + rb"|"
    rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)*'
)


@frozen
class Head:
    """
    The head of one request.

    :ivar method: as sent; methods are case-sensitive.
    :ivar target: the origin form, path and query as sent, also where the
        absolute form came; ``b"*"`` for ``OPTIONS *``.
    :ivar version: ``b"HTTP/1.1"`` or ``b"HTTP/1.0"``: the one to answer with.
    :ivar headers: the fields in their order, names in lower case, values
        without the blanks around them.
    :ivar host: the authority that was asked for, ``b""`` where HTTP/1.0 named none.
    :ivar length: the body's bytes; ``None`` where it is chunked.  0 without a body.
    :ivar sized: whether ``Content-Length`` was there: an absent body differs
        from an empty one where a length is demanded (411).
    :ivar chunked: whether the body comes in the chunked coding.
    :ivar keep_alive: whether the connection may go on behind this request.
    :ivar expects: whether the client waits for ``100 Continue``.
    """

    method: bytes
    target: bytes
    version: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    host: bytes = b""
    length: int | None = 0
    sized: bool = False
    chunked: bool = False
    keep_alive: bool = True
    expects: bool = False
    # A request is asked for a dozen fields, most of which it does not have.
    _joined: dict[bytes, bytes] = attrs.field(
        init=False,
        repr=False,
        eq=False,
        default=attrs.Factory(lambda head: _join(head.headers), takes_self=True),
    )

    @property
    def path(self) -> bytes:
        """The target before its query, as sent."""
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        """What follows the first question mark, as sent; ``b""`` where there is none."""
        return self.target.partition(b"?")[2]

    @property
    def has_body(self) -> bool:
        """Whether bytes of a body follow."""
        return self.chunked or bool(self.length)

    def all(self, name: bytes) -> list[bytes]:
        """
        :param name: in lower case.
        :return: the values of every line of this field, in order.
        """
        if name not in self._joined:
            return []
        return [value for key, value in self.headers if key == name]

    def has_any(self, names: Set[bytes]) -> bool:
        """
        :param names: in lower case.
        :return: whether any of these fields is there.
        """
        return not names.isdisjoint(self._joined)

    def get(self, name: bytes) -> bytes | None:
        """
        :param name: in lower case.
        :return: its value, several lines joined by a comma (RFC 9110 section
            5.3), or ``None``.
        """
        return self._joined.get(name)


def _join(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """
    :return: each field by its name, as :meth:`Head.get` gives it.
    """
    once = dict(headers)
    if len(once) == len(headers):
        return once
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        joined[name] = value if name not in joined else joined[name] + b", " + value
    return joined


def head_end(data: bytes) -> int:
    """
    Find where a head ends.

    :param data: what has come in so far, from the first byte of the head.
    :return: the index behind its empty line, or -1 where more must come.
    :raise MalformedRequest: a bare CR or LF: no more bytes could mend it.
    :raise TargetTooLong: the request line is past :data:`MAX_LINE`.
    :raise HeadTooLarge: the head is past :data:`MAX_HEAD`.
    """
    end = data.find(b"\r\n\r\n")
    seen = data if end < 0 else data[:end]
    lines = seen.count(b"\r\n")
    crs = seen.count(b"\r")
    if end < 0 and seen.endswith(b"\r"):
        crs -= 1  # its LF may be the next byte
    if crs != lines or seen.count(b"\n") != lines:
        raise MalformedRequest("A line of the head does not end with CR LF.")
    # Bounds count the line ends in, so that no cut of the bytes changes the answer.
    size = len(data) if end < 0 else end + 4
    if size >= MAX_LINE and data.find(b"\r\n", 0, MAX_LINE) < 0:
        raise TargetTooLong("The request line is too long.")
    if size > MAX_HEAD:
        raise HeadTooLarge("The header fields are too large.")
    return end if end < 0 else size


def parse_head(data: bytes) -> Head:
    """
    Read a whole head.

    :param data: from the request line to its empty line, as :func:`head_end`
        found it.
    :raise MalformedRequest: it breaks the grammar, or contradicts itself.
    :raise HeadTooLarge: more than :data:`MAX_FIELDS` fields.
    :raise TooLarge: a length that no machine could hold.
    :raise ExpectationFailed: ``Expect`` names something else than ``100-continue``.
    """
    line, *lines = data.removesuffix(b"\r\n\r\n").split(b"\r\n")
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise MalformedRequest("The request line is malformed.")
    method, target, version = found.groups()
    if not version.startswith(b"HTTP/1."):
        raise MalformedRequest("This server speaks HTTP/1.1.")
    if version != b"HTTP/1.0":
        # RFC 9110 section 2.5: a later minor version is read as the one we know.
        version = b"HTTP/1.1"
    if len(lines) > MAX_FIELDS:
        raise HeadTooLarge("There are too many header fields.")
    if _FIELDS.fullmatch(data, len(line) + 2) is None:
        raise MalformedRequest("A header field is malformed.")
    parted = [each.partition(b":") for each in lines]
    headers = tuple([(name.lower(), value.strip(b" \t")) for name, _, value in parted])
    names = dict(headers)

    def values(name: bytes) -> list[bytes]:
        if name not in names:
            return []
        if len(names) == len(headers):
            return [names[name]]
        return [value for key, value in headers if key == name]

    target, authority = _origin(method, target)
    host = _host(version, values(b"host"), authority)
    length, sized, chunked = _framing(
        version, values(b"content-length"), values(b"transfer-encoding")
    )
    options = [] if b"connection" not in names else _options(values(b"connection"))
    expectations = values(b"expect")
    if expectations and [value.lower() for value in expectations] != [b"100-continue"]:
        raise ExpectationFailed("The only expectation that is met here is 100-continue.")
    return Head(
        method=method,
        target=target,
        version=version,
        headers=headers,
        host=host,
        length=length,
        sized=sized,
        chunked=chunked,
        keep_alive=version == b"HTTP/1.1" and b"close" not in options,
        # RFC 9110 section 10.1.1: ignored in HTTP/1.0, and where no body follows.
        expects=bool(expectations) and version == b"HTTP/1.1" and (chunked or bool(length)),
    )


def _options(values: Iterable[bytes]) -> list[bytes]:
    """
    :param values: of ``Connection`` (RFC 9110 section 7.6.1).
    """
    return [option.strip(b" \t") for option in b",".join(values).lower().split(b",")]


def _origin(method: bytes, target: bytes) -> tuple[bytes, bytes | None]:
    """
    Bring *target* into the origin form.

    :return: the target, and the authority that the absolute form named.
    """
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return target, None
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        raise MalformedRequest("The request target is malformed.")
    authority, path, query = found.groups(default=b"")
    return (path or b"/") + query, authority


def _host(version: bytes, hosts: Sequence[bytes], authority: bytes | None) -> bytes:
    """
    RFC 9112 section 3.2: one well-formed ``Host``, and in its place the
    authority of the absolute form, where that came.
    """
    if len(hosts) > 1 or (not hosts and version == b"HTTP/1.1"):
        raise MalformedRequest("A request names its Host exactly once.")
    for host in [*hosts, *([] if authority is None else [authority])]:
        found = _HOST.fullmatch(host)
        if found is None or not (found[1] is None or _is_ipv6(found[1])):
            raise MalformedRequest("The Host is malformed.")
    return authority if authority is not None else b"".join(hosts)


def _is_ipv6(literal: bytes) -> bool:
    """Whether *literal* is what may stand between the brackets of a host."""
    try:
        IPv6Address(literal.decode("ascii"))
    except ValueError:
        return False
    return True


def _framing(
    version: bytes, lengths: Sequence[bytes], codings: Sequence[bytes]
) -> tuple[int | None, bool, bool]:
    """
    RFC 9112 section 6: how long the body is.

    :return: (length, whether it was said, whether the body is chunked).
    """
    if codings:
        if lengths:
            raise MalformedRequest("Content-Length and Transfer-Encoding exclude each other.")
        if version != b"HTTP/1.1" or [coding.lower() for coding in codings] != [b"chunked"]:
            raise MalformedRequest("The only transfer coding that is read here is chunked.")
        return None, False, True
    if not lengths:
        return 0, False, False
    if len(lengths) > 1 or not lengths[0].isdigit():
        raise MalformedRequest("Content-Length is one decimal number.")
    if len(lengths[0]) > MAX_LENGTH_DIGITS:
        raise TooLarge("Content-Length has more digits than the size of any file.")
    return int(lengths[0]), True, False


class Sized:
    """
    The reader of a body with a ``Content-Length``.

    :ivar left: how many bytes of it are still to come.
    :ivar finished: whether its last byte has come.
    """

    def __init__(self, length: int) -> None:
        self.left = length
        self.finished = length == 0

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """
        :return: the pieces of the body within *data*, none of them empty, and
            what follows the body.
        """
        body, rest = data[: self.left], data[self.left :]
        self.skip(len(body))
        return [body] if body else [], rest

    def skip(self, size: int) -> None:
        """
        :param size: bytes of the body that came another way.
        """
        self.left -= size
        self.finished = not self.left


class Chunked:
    """
    The reader of the chunked coding (RFC 9112 section 7.1).

    Extensions and trailers are read strictly and dropped.

    :ivar finished: whether the empty line behind the last chunk has come.
    """

    def __init__(self) -> None:
        self.finished = False
        self._left = 0
        # The beginning of a line whose end is still to come.
        self._line = b""
        self._behind_chunk = False
        # Bytes of the trailers so far; None until the last chunk.
        self._trailers: int | None = None

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """
        :return: the pieces of the body within *data*, none of them empty, and
            what follows the body.
        :raise MalformedRequest: the coding is broken; the connection is of no
            more use.
        """
        pieces: list[bytes] = []
        # An index, since cutting off what was read would copy the rest for
        # every chunk, and chunks of one byte would take quadratic time.
        at = 0
        while at < len(data) and not self.finished:
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                pieces.append(piece)
            else:
                at = self._read_line(data, at)
        if len(pieces) > MAX_PIECES:
            pieces = [b"".join(pieces)]
        return pieces, data[at:]

    def _read_line(self, data: bytes, at: int) -> int:
        """
        Read the line that goes on at *at*, or keep what there is of it.

        :return: the index behind what was taken.
        """
        if self._behind_chunk:
            bound = 2
        elif self._trailers is None:
            bound = MAX_CHUNK_LINE
        else:
            bound = MAX_TRAILERS - self._trailers
        room = bound - len(self._line)
        end = data.find(b"\n", at, at + room) + 1
        if not end:
            if len(data) - at >= room:
                raise MalformedRequest("The chunked body is malformed.")
            self._line += data[at:]
            return len(data)
        line, self._line = self._line + data[at:end], b""
        if not line.endswith(b"\r\n"):
            raise MalformedRequest("A line of the chunked body does not end with CR LF.")
        self._take_line(line[:-2])
        return end

    def _take_line(self, line: bytes) -> None:
        """What *line* means depends on what stood before it."""
        if self._behind_chunk:
            # Its bound leaves room for nothing but the CR LF.
            self._behind_chunk = False
        elif self._trailers is None:
            found = _CHUNK_LINE.fullmatch(line)
            if found is None:
                raise MalformedRequest("A chunk size is malformed.")
            self._left = int(found[1], 16)
            if self._left:
                self._behind_chunk = True
            else:
                self._trailers = 0
        elif line:
            if _FIELD.fullmatch(line) is None:
                raise MalformedRequest("A trailer is malformed.")
            self._trailers += len(line) + 2
        else:
            self.finished = True
