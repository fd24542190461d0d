"""
Which bytes a Range asks for, and how several of them are laid out.
"""

from __future__ import annotations

from email import message_from_bytes

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import RangeNotSatisfiable
from hmacfs.ranges import MOST_PARTS, Span, content_range, multipart, select, total

sizes = st.integers(0, 60)
numbers = st.none() | st.integers(0, 70)


@st.composite
def elements(draw: st.DrawFn) -> tuple[int | None, int | None]:
    """One element of a range set, of any numbers at all, never both missing."""
    first, last = draw(numbers), draw(numbers)
    return (0, None) if first is None and last is None else (first, last)


def shown(first: int | None, last: int | None) -> bytes:
    return b"%s-%s" % tuple(b"" if n is None else b"%d" % n for n in (first, last))


def oracle(wanted: list[tuple[int | None, int | None]], size: int) -> set[int] | None:
    """
    The bytes that *wanted* names, one by one; ``None`` where it is malformed.
    """
    chosen: set[int] = set()
    for first, last in wanted:
        if first is None:
            assert last is not None
            chosen |= set(range(max(0, size - last), size))
        elif last is None:
            chosen |= set(range(first, size))
        elif last < first:
            return None
        else:
            chosen |= set(range(first, min(last + 1, size)))
    return chosen


class SelectTests(SynchronousTestCase):
    """
    What is understood is served, what is not is ignored, what lies outside is refused.
    """

    def check(self, value: bytes, *spans: tuple[int, int], size: int = 1000) -> None:
        self.assertEqual(select(value, size), tuple(Span(*span) for span in spans), value)

    def test_single(self) -> None:
        """
        One range is the bytes from the first to the last, both counted.
        """
        self.check(b"bytes=0-0", (0, 1))
        self.check(b"bytes=10-19", (10, 20))
        self.check(b"bytes=10-", (10, 1000))
        self.check(b"bytes=-10", (990, 1000))
        self.check(b"bytes=0-", (0, 1000))

    def test_clipped(self) -> None:
        """
        A range that goes on behind the end stops at the end.
        """
        self.check(b"bytes=990-1000", (990, 1000))
        self.check(b"bytes=-1001", (0, 1000))
        for digits in [20, 4301, 100_000]:
            self.check(b"bytes=990-" + b"9" * digits, (990, 1000))
            self.check(b"bytes=-" + b"9" * digits, (0, 1000))
        self.check(b"bytes=" + b"0" * 9000 + b"5-" + b"0" * 9000 + b"6", (5, 7))

    def test_loose(self) -> None:
        """
        Empty elements, blanks around commas and any case of the unit are legal.
        """
        self.check(b"ByTeS=0-1", (0, 2))
        self.check(b"bytes=,0-1", (0, 2))
        self.check(b"bytes=0-1,", (0, 2))
        self.check(b"bytes= , 0-1 ,\t, 5-6 ,", (0, 2), (5, 7))

    def test_ignored(self) -> None:
        """
        What is not understood is ignored, and the whole file is sent.
        """
        for value in [
            b"",
            b"bytes",
            b"bytes=",
            b"bytes=,, ,",
            b"bytes=-",
            b"bytes=5",
            b"bytes=a-b",
            b"bytes=5-4",
            b"bytes=0-1,5-4",
            b"bytes=0-1;2-3",
            b"bytes=0-1 2-3",
            b"bytes=0 -1",
            b"bytes=+0-1",
            b"bytes=0-1, bytes=2-3",
            b"bytes=--1",
            b"bytes=0--1",
            b"bytes=1-2-3",
            b"bytes=0x1-2",
            b"bytes=1_0-20",
            b"bytes=\xd9\xa1-",
            b"bytes =0-1",
            b"items=0-1",
            b"0-1",
            b"bytes=" + b"9" * 30 + b"-" + b"9" * 29,
        ]:
            self.check(value)

    def test_outside(self) -> None:
        """
        Where every range lies outside, the refusal tells the size.
        """
        for value in [
            b"bytes=1000-",
            b"bytes=1000-2000",
            b"bytes=-0",
            b"bytes=-0,1000-",
            b"bytes=" + b"9" * 5000 + b"-",
        ]:
            refusal = self.assertRaises(RangeNotSatisfiable, select, value, 1000)
            self.assertEqual(refusal.headers, ((b"Content-Range", b"bytes */1000"),), value)

    def test_partly_outside(self) -> None:
        """
        A range that lies outside does not spoil the one that does not.
        """
        self.check(b"bytes=2000-3000,5-6,-0", (5, 7))

    def test_empty_file(self) -> None:
        """
        An empty file has no range at all.
        """
        for value in [b"bytes=0-", b"bytes=0-0", b"bytes=-1"]:
            refusal = self.assertRaises(RangeNotSatisfiable, select, value, 0)
            self.assertEqual(refusal.headers, ((b"Content-Range", b"bytes */0"),), value)

    def test_order(self) -> None:
        """
        Several ranges come in the order that they were asked for.
        """
        self.check(b"bytes=-10,0-9,500-509", (990, 1000), (0, 10), (500, 510))

    def test_merged(self) -> None:
        """
        Ranges that overlap or touch are one, in the place of the first of them.
        """
        self.check(b"bytes=10-19,15-29", (10, 30))
        self.check(b"bytes=10-19,20-29", (10, 30))
        self.check(b"bytes=0-999,5-6", (0, 1000))
        self.check(b"bytes=20-29,100-,10-19,0-0", (10, 30), (100, 1000), (0, 1))

    def test_scattered(self) -> None:
        """
        As many parts as are bearable are served; one more, and it is the whole file.
        """
        many = [b"%d-%d" % (n, n) for n in range(0, 2 * MOST_PARTS, 2)]
        self.assertEqual(len(select(b"bytes=" + b",".join(many), 1000)), MOST_PARTS)
        self.check(b"bytes=999-," + b",".join(many))

    def test_many(self) -> None:
        """
        Ranges without number that touch are one range in the end.
        """
        touching = b",".join(b"%d-%d" % (n, n) for n in range(999, -1, -1))
        self.check(b"bytes=" + touching, (0, 1000))
        self.check(b"bytes=" + b"," * 16_384)

    @given(st.lists(elements(), min_size=1, max_size=8), sizes)
    def test_oracle(self, wanted: list[tuple[int | None, int | None]], size: int) -> None:
        """
        The spans hold the bytes that were asked for, each once, and no others.
        """
        value = b"bytes=" + b", ".join(shown(*element) for element in wanted)
        chosen = oracle(wanted, size)
        if chosen is None:
            self.check(value, size=size)
        elif not chosen:
            self.assertRaises(RangeNotSatisfiable, select, value, size)
        else:
            spans = select(value, size)
            served = [n for span in spans for n in range(span.start, span.stop)]
            self.assertEqual(sorted(served), sorted(chosen))

    @given(st.binary() | st.text("0123456789-, \t").map(lambda t: b"bytes=" + t.encode()), sizes)
    def test_any_bytes(self, value: bytes, size: int) -> None:
        """
        No field at all yields a span that is not in the file.
        """
        try:
            spans = select(value, size)
        except RangeNotSatisfiable:
            return
        self.assertLessEqual(len(spans), MOST_PARTS)
        for span in spans:
            self.assertTrue(0 <= span.start < span.stop <= size, span)


class MultipartTests(SynchronousTestCase):
    """
    Several ranges are one body of parts, each with its own head.
    """

    def test_content_range(self) -> None:
        """
        Content-Range tells the first and the last byte, and the size.
        """
        self.assertEqual(content_range(Span(0, 1), 10), b"bytes 0-0/10")

    def test_layout(self) -> None:
        """
        The pieces are part heads and spans by turns, and a closing line.
        """
        body = multipart([Span(8, 10), Span(0, 1)], 10, b"text/plain", b"zzz")
        self.assertEqual(
            body,
            (
                b"--zzz\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n",
                Span(8, 10),
                b"\r\n--zzz\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/10\r\n\r\n",
                Span(0, 1),
                b"\r\n--zzz--\r\n",
            ),
        )

    # Visible characters only: the parser has views of its own on line ends.
    @given(st.lists(st.integers(33, 126), min_size=20, max_size=60).map(bytes), st.data())
    def test_parsed(self, content: bytes, data: st.DataObject) -> None:
        """
        A MIME parser finds in the body exactly the bytes of each span.
        """
        places = data.draw(st.lists(st.integers(0, 19), min_size=2, max_size=2, unique=True))
        spans = [Span(n, n + 1) for n in places]
        body = multipart(spans, len(content), b"application/octet-stream", b"q" * 24)
        raw = b"".join(
            content[piece.start : piece.stop] if isinstance(piece, Span) else piece
            for piece in body
        )
        self.assertEqual(len(raw), total(body))
        parts = message_from_bytes(
            b"Content-Type: multipart/byteranges; boundary=%s\r\n\r\n%s" % (b"q" * 24, raw)
        ).get_payload()
        self.assertEqual(
            [(part["Content-Range"], part.get_payload(decode=True)) for part in parts],
            [
                (content_range(span, len(content)).decode(), content[span.start : span.stop])
                for span in spans
            ],
        )
