"""
Which bytes of a file a ``Range`` asks for (RFC 9110 section 14).

A ``Range`` is a wish and never an error: what is not understood is ignored and
the whole file is sent.  Only a range that is understood and lies outside of
the file is refused.  The other danger is cost: 500 ranges of one byte each
would be answered with 50 kB of part heads, so what overlaps or touches is
merged, and what is still too scattered gets the whole file as well.

All work is linear in the length of the field, sorting aside, and numbers of
any length are compared without being computed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from operator import itemgetter

import attrs

from hmacfs.errors import RangeNotSatisfiable

#: How many separate parts one answer may have.
MOST_PARTS = 16

# int-range = first-pos "-" [ last-pos ] and suffix-range = "-" suffix-length,
# with what is in neither, a lone "-", refused where it is read.
_SPEC = re.compile(rb"([0-9]*+)-([0-9]*+)")

# More digits than this are more than any file has bytes.
_DIGITS = 19


@attrs.frozen
class Span:
    """
    The bytes of a file from *start* to just before *stop*; never none.
    """

    start: int
    stop: int


#: What a body is made of: bytes as they are, and spans of the file.
Piece = bytes | Span


def _clipped(digits: bytes, size: int) -> int:
    """
    :param digits: without leading zeros; none at all is 0.
    :return: the number, or *size* where it is greater.
    """
    return size if len(digits) > _DIGITS else min(int(digits or b"0"), size)


def _merged(bounds: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    """
    Join what overlaps or touches, and keep the order that was asked for
    (RFC 9110 section 15.3.7.2): a reader of PDF wants the end first.

    :param bounds: starts and stops; records are made of the few that are left.
    """
    merged: list[tuple[int, int, int]] = []
    for start, stop, place in sorted((*pair, place) for place, pair in enumerate(bounds)):
        if merged and start <= merged[-1][1]:
            first, end, earlier = merged[-1]
            merged[-1] = first, max(end, stop), min(earlier, place)
        else:
            merged.append((start, stop, place))
    merged.sort(key=itemgetter(2))
    return tuple(Span(start, stop) for start, stop, _ in merged)


def select(value: bytes, size: int) -> tuple[Span, ...]:
    """
    The spans that a ``Range`` of a GET asks for.

    :param value: the field as sent; of several lines, joined, nothing is
        understood.
    :param size: bytes of the file.
    :return: at most :data:`MOST_PARTS` spans that do not touch; none at all
        means that the field is to be ignored.
    :raise RangeNotSatisfiable: the field is understood, and no byte of it is
        in the file; the refusal tells the size.
    """
    unit, _, ranges = value.partition(b"=")
    if unit.lower() != b"bytes":
        return ()
    bounds = []
    understood = False
    for element in ranges.split(b","):
        element = element.strip(b" \t")
        if not element:
            continue
        match = _SPEC.fullmatch(element)
        if match is None or element == b"-":
            return ()
        understood = True
        first, last = match[1].lstrip(b"0"), match[2].lstrip(b"0")
        if not match[1]:
            start, stop = size - _clipped(last, size), size
        elif not match[2]:
            start, stop = _clipped(first, size), size
        elif (len(first), first) > (len(last), last):
            return ()
        else:
            start, stop = _clipped(first, size), min(_clipped(last, size) + 1, size)
        if start < stop:
            bounds.append((start, stop))
    if understood and not bounds:
        raise RangeNotSatisfiable(
            "No requested range lies within the file.",
            [(b"Content-Range", b"bytes */%d" % size)],
        )
    spans = _merged(bounds)
    return spans if len(spans) <= MOST_PARTS else ()


def content_range(span: Span, size: int) -> bytes:
    """
    :return: the ``Content-Range`` of *span* in a file of *size* bytes.
    """
    return b"bytes %d-%d/%d" % (span.start, span.stop - 1, size)


def total(pieces: Iterable[Piece]) -> int:
    """
    :return: how many bytes *pieces* are.
    """
    return sum(
        piece.stop - piece.start if isinstance(piece, Span) else len(piece) for piece in pieces
    )


def multipart(
    spans: Iterable[Span], size: int, content_type: bytes, boundary: bytes
) -> tuple[Piece, ...]:
    """
    Lay out the answer to several ranges, as ``multipart/byteranges`` (RFC 9110
    section 14.6).

    :param spans: as :func:`select` returned them.
    :param size: bytes of the file.
    :param content_type: of the file, safe for a header.
    :param boundary: what no uploader can have foreseen and put into a file.
    """
    pieces: list[Piece] = []
    for span in spans:
        pieces += (
            b"%s--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n"
            % (b"\r\n" if pieces else b"", boundary, content_type, content_range(span, size)),
            span,
        )
    pieces.append(b"\r\n--%s--\r\n" % boundary)
    return tuple(pieces)
