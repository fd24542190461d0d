"""
Tests for :mod:`hmacfs.http1`: the bodies, and how long they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import ExpectationFailed, MalformedRequest, Refusal, TooLarge
from hmacfs.http1 import MAX_CHUNK_LINE, MAX_PIECES, MAX_TRAILERS, Chunked, Sized, parse_head
from tests.heads import HOST, not_malformed, read, write


def drain(reader: Sized | Chunked, parts: Iterable[bytes]) -> tuple[bytes, bytes, bool]:
    """
    Feed *parts*, one after the other.

    :return: the body, what followed it, and whether the body was whole.
    """
    body, rest = b"", b""
    for part in parts:
        pieces, behind = reader.feed(part)
        assert b"" not in pieces
        body += b"".join(pieces)
        rest += behind
    return body, rest, reader.finished


def unchunk(*parts: bytes) -> tuple[bytes, bytes, bool] | type[Refusal]:
    """
    What :func:`drain` gives for the chunked coding, or the kind of refusal.
    """
    try:
        return drain(Chunked(), parts)
    except Refusal as refusal:
        return type(refusal)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """
    *data* in parts, as a network may deliver it.
    """
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def encode(chunks: Sequence[tuple[bytes, bytes]], trailers: Sequence[bytes]) -> bytes:
    """
    The chunked coding, written the plain way.

    :param chunks: bytes, at least one, and the extension behind their size.
    """
    coded = [b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk, extension in chunks]
    return b"".join([*coded, b"0\r\n", *(trailer + b"\r\n" for trailer in trailers), b"\r\n"])


PLACES = st.lists(st.integers(0, 10_000), max_size=8)


class FramingTests(SynchronousTestCase):
    """
    There is one way to read how long a body is, or none.
    """

    def test_body_or_none(self) -> None:
        """
        An empty body is told from an absent one, and neither has bytes.
        """
        for fields, told in [
            ([], (0, False, False, False)),
            ([b"Content-Length: 0"], (0, True, False, False)),
            ([b"Content-Length: 1"], (1, True, False, True)),
            ([b"Transfer-Encoding: Chunked"], (None, False, True, True)),
        ]:
            head = parse_head(write(HOST, *fields))
            self.assertEqual((head.length, head.sized, head.chunked, head.has_body), told)

    def test_length(self) -> None:
        """
        A length is decimal digits.
        """
        for sent, length in [(b"007", 7), (b"\t42 ", 42), (b"9" * 18, 10**18 - 1)]:
            self.assertEqual(parse_head(write(HOST, b"Content-Length:" + sent)).length, length)

    def test_malformed_length(self) -> None:
        """
        Signs, blanks, lists and other digits are refused.
        """
        samples = {
            "none": [b"", b" ", b"a", b'"5"'],
            "signs": [b"+5", b"-5", b"-0"],
            "blanks": [b"5 5", b"5\t5"],
            "lists": [b"5,5", b"5, 6", b"5,", b",5"],
            "other notations": [b"0x5", b"5_0", b"5.0", b"5e1", b"5;q=1"],
            "other digits": [b"\xb2", "\N{ARABIC-INDIC DIGIT FIVE}".encode()],
        }
        self.assertEqual(not_malformed(samples, lambda n: write(HOST, b"Content-Length: " + n)), [])

    def test_too_large(self) -> None:
        """
        A length that no file can have is too large.
        """
        for sent in [b"1" + b"0" * 18, b"9" * 5000]:
            self.assertEqual(read(write(HOST, b"Content-Length: " + sent)), TooLarge)

    def test_contradicting(self) -> None:
        """
        Two lengths, equal or not, and a length beside a coding are refused.
        """
        for fields in [
            [b"Content-Length: 5", b"Content-Length: 5"],
            [b"Content-Length: 5", b"content-length: 6"],
            [b"Content-Length: 5", b"Content-Length:"],
            [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
            [b"Transfer-Encoding: chunked", b"Content-Length: 0"],
            [b"Transfer-Encoding: identity", b"Content-Length: 5"],
            [b"Transfer-Encoding:", b"Content-Length: 5"],
            [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"],
            [b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"],
        ]:
            self.assertEqual((fields, read(write(HOST, *fields))), (fields, MalformedRequest))

    def test_codings(self) -> None:
        """
        Chunked, alone and once, is the only coding, and HTTP/1.0 has none.
        """
        samples = {
            "none": [b"", b","],
            "others": [b"identity", b"gzip", b"gzip, chunked", b"chunked, gzip", b"xchunked"],
            "twice": [b"chunked, chunked", b"chunked,", b", chunked"],
            "disguised": [
                b"chunked;q=1",
                b"chunked\xa0",
                b'"chunked"',
                b"chunked\tx",
                b"chunked\0",
            ],
        }
        field = b"Transfer-Encoding: "
        self.assertEqual(not_malformed(samples, lambda value: write(HOST, field + value)), [])
        head = write(HOST, field + b"chunked", line=b"PUT / HTTP/1.0")
        self.assertEqual(read(head), MalformedRequest)


class ExpectTests(SynchronousTestCase):
    """
    Only a client that waits is invited.
    """

    def test_waiting(self) -> None:
        """
        A client waits where it says so, and has a body, and speaks HTTP/1.1.
        """
        expect, body = b"Expect: 100-continue", b"Content-Length: 1"
        for head, expects in [
            (write(HOST, body), False),
            (write(HOST, expect), False),
            (write(HOST, expect, b"Content-Length: 0"), False),
            (write(HOST, expect, body), True),
            (write(HOST, expect, b"Transfer-Encoding: chunked"), True),
            (write(HOST, expect, body, line=b"PUT / HTTP/1.0"), False),
        ]:
            self.assertEqual((head, parse_head(head).expects), (head, expects))

    def test_other(self) -> None:
        """
        Another expectation cannot be met.
        """
        for value in [b"", b"200-ok", b"100-continue, x", b"100-continue;q=1", b"100 continue"]:
            outcome = read(write(HOST, b"Content-Length: 1", b"Expect: " + value))
            self.assertEqual((value, outcome), (value, ExpectationFailed))


class SizedTests(SynchronousTestCase):
    """
    A body with a length ends where the length says.
    """

    def test_more_to_come(self) -> None:
        """
        Until the last byte is here the body is not whole.
        """
        reader = Sized(10)
        self.assertEqual(
            (reader.feed(b"Hello"), reader.feed(b""), reader.left, reader.finished),
            (([b"Hello"], b""), ([], b""), 5, False),
        )

    def test_empty(self) -> None:
        """
        An empty body is whole at once, and takes nothing.
        """
        self.assertTrue(Sized(0).finished)
        self.assertEqual(drain(Sized(0), [b"GET"]), (b"", b"GET", True))

    @given(st.binary(), st.binary(), PLACES)
    def test_any_cut(self, body: bytes, rest: bytes, places: list[int]) -> None:
        """
        However the bytes arrive, the body and what follows it are the same.
        """
        self.assertEqual(drain(Sized(len(body)), cut(body + rest, places)), (body, rest, True))


class ChunkedTests(SynchronousTestCase):
    """
    A chunked body is read to its last empty line, and not one byte further.
    """

    def test_good(self) -> None:
        """
        Sizes of either case, extensions and trailers are read.
        """
        for coded, body in [
            (b"0\r\n\r\n", b""),
            (b"5\r\nHello\r\n0\r\n\r\n", b"Hello"),
            (b"0000000000000005\r\nHello\r\n000\r\n\r\n", b"Hello"),
            (
                b"a\r\n0123456789\r\nA\r\n\r\n0\r\n\r\n;a\n\r\n0\r\n\r\n",
                b"0123456789\r\n0\r\n\r\n;a\n",
            ),
            (b"1;a\r\nx\r\n0;b\r\n\r\n", b"x"),
            (b"1;a=b;c=d\r\nx\r\n0\r\n\r\n", b"x"),
            (b"1 ; a = b\t;\tc\r\nx\r\n0\r\n\r\n", b"x"),
            (b'1;a="";b=" ;\\"\\\\\t,\xff"\r\nx\r\n0\r\n\r\n', b"x"),
            (b"1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", b"x"),
        ]:
            self.assertEqual((coded, unchunk(coded + b"GET")), (coded, (body, b"GET", True)))

    def test_malformed_size(self) -> None:
        """
        Nothing but a size and well-formed extensions stands before a chunk.
        """
        samples = {
            "no size": [b"\r\n", b"g\r\n", b"\xb2\r\n", b";a\r\n", b"1,1\r\n", b"1_0\r\n"],
            "blanks": [b" 1\r\n", b"1 \r\n", b"1\t\r\n", b"1 1\r\n"],
            "signs and prefixes": [b"+1\r\n", b"-1\r\n", b"-0\r\n", b"0x1\r\n", b"1h\r\n"],
            "over 16 digits": [b"f" * 17 + b"\r\n", b"0" * 16 + b"1\r\n"],
            "line ends": [b"1\n", b"1\r", b"1\r\r\n", b"1;a\n", b"1\0\r\n", b"\n1\r\n", b"1\n\r\n"],
            "no extension": [b"1;\r\n", b"1;a;\r\n", b"1;a=\r\n", b"1;=b\r\n", b"1;a=b=c\r\n"],
            "loose words": [b"1 a\r\n", b"1;a b\r\n", b"1;a=b c\r\n", b"1;a\xe9\r\n", b"1;a\0\r\n"],
            "open quotes": [b'1;a="\r\n', b'1;a=b"\r\n', b'1;a="\\"\r\n', b'1;a="\\\r\n'],
            "quotes": [
                b'1;a="b"c"\r\n',
                b'1;a="b"c\r\n',
                b'1;a="\0"\r\n',
                b'1;a="\\\0"\r\n',
                b'1;"a"\r\n',
            ],
            "line ends in quotes": [b'1;a="\r"\r\n', b'1;a="\n"\r\n', b'1;a="\r\n"\r\n'],
        }
        for why, group in samples.items():
            for size in group:
                outcome = unchunk(size + b"x\r\n0\r\n\r\n")
                self.assertEqual((why, size, outcome), (why, size, MalformedRequest))

    def test_malformed_end(self) -> None:
        """
        A chunk is as long as its size, and its end and the trailers are lines.
        """
        samples = {
            "a longer chunk": [b"1\r\nxy\r\n0\r\n\r\n", b"1\r\nx\r\n\r\n0\r\n\r\n"],
            "no end": [b"1\r\nx0\r\n\r\n", b"1\r\nx1\r\nx\r\n0\r\n\r\n"],
            "another end": [b"1\r\nx\n0\r\n\r\n", b"1\r\nx\r0\r\n\r\n", b"1\r\nx\r\r\n0\r\n\r\n"],
            "the last line": [b"0\r\n\n", b"0\r\n\r\r\n", b"0\r\n\rx\r\n", b"0\r\n \r\n\r\n"],
            "no trailer": [b"0\r\nA\r\n\r\n", b"0\r\nA : b\r\n\r\n", b"0\r\n A: b\r\n\r\n"],
            "control characters": [b"0\r\nA: b\0\r\n\r\n", b"0\r\nA: \x7f\r\n\r\n"],
            "line ends": [b"0\r\nA: b\n\r\n", b"0\r\nA: b\rC: d\r\n\r\n"],
            "folded": [b"0\r\nA: b\r\n c\r\n\r\n"],
        }
        for why, group in samples.items():
            for coded in group:
                self.assertEqual((why, coded, unchunk(coded)), (why, coded, MalformedRequest))

    def test_longest_size_line(self) -> None:
        """
        A size line is read up to its bound, and one byte more is not waited for.
        """
        line = b"1;" + b"a" * (MAX_CHUNK_LINE - len(b"1;\r\n"))
        self.assertEqual(unchunk(line, b"\r", b"\nx"), (b"x", b"", False))
        self.assertEqual(unchunk(line, b"a", b"\r"), MalformedRequest)

    def test_longest_trailers(self) -> None:
        """
        All trailers together are read up to their bound.
        """
        first, frame = b"A: b\r\n", b"C:\r\n\r\n"
        value = b"d" * (MAX_TRAILERS - len(first) - len(frame))
        self.assertEqual(
            unchunk(b"0\r\n", first, b"C:" + value + b"\r", b"\n\r", b"\nGET"), (b"", b"GET", True)
        )
        self.assertEqual(
            unchunk(b"0\r\n", first, b"C:" + value + b"d\r", b"\n\r"), MalformedRequest
        )

    def test_tiny_chunks(self) -> None:
        """
        A chunk for every byte costs little, and nothing to who takes the body.
        """
        self.assertEqual(Chunked().feed(b"1\r\na\r\n" * 50_000), ([b"a" * 50_000], b""))
        few = b"1\r\na\r\n" * MAX_PIECES
        self.assertEqual(Chunked().feed(few), ([b"a"] * MAX_PIECES, b""))


class ChunkedFuzzTests(SynchronousTestCase):
    """
    How the bytes of a chunked body are cut changes nothing.
    """

    EXTENSIONS = (b"", b"", b";a", b' ; b = "\\"\t;"', b";c=d")
    TRAILERS = (b"A: b", b"Digest:", b"c:\t\xff ")
    PARTS = (
        b"1\r\n",
        b"3;a=b\r\n",
        b"0\r\n",
        b"\r\n",
        b"abc",
        b"A: b\r\n",
        b"\r",
        b"\n",
        b";",
        b" ",
    )

    @given(
        st.lists(st.tuples(st.binary(min_size=1), st.sampled_from(EXTENSIONS)), max_size=30),
        st.lists(st.sampled_from(TRAILERS), max_size=3),
        st.binary(),
        PLACES,
    )
    def test_round_trip(
        self,
        chunks: list[tuple[bytes, bytes]],
        trailers: list[bytes],
        rest: bytes,
        places: list[int],
    ) -> None:
        """
        What was encoded comes out, and so does what follows it.
        """
        body = b"".join(chunk for chunk, _ in chunks)
        coded = encode(chunks, trailers) + rest
        self.assertEqual(unchunk(*cut(coded, places)), (body, rest, True))

    @given(st.lists(st.sampled_from(PARTS) | st.binary(max_size=8)).map(b"".join), PLACES)
    @example(b"1" * MAX_CHUNK_LINE, [1, 17])
    @example(b"0\r\n" + b"A: b\r\n" * MAX_TRAILERS, [1, 4, 9])
    def test_any_bytes(self, coded: bytes, places: list[int]) -> None:
        """
        Any bytes are a body or a refusal, in one part as in many.
        """
        self.assertEqual(unchunk(*cut(coded, places)), unchunk(coded))

    @given(st.lists(st.sampled_from(PARTS) | st.binary(max_size=8)).map(b"".join))
    @example(b"1;" + b"a" * MAX_CHUNK_LINE)
    @example(b"0\r\nA: " + b"b" * MAX_TRAILERS)
    def test_memory(self, coded: bytes) -> None:
        """
        No more is kept than the longest line that may still end well.
        """
        reader = Chunked()
        for at in range(len(coded)):
            try:
                reader.feed(coded[at : at + 1])
            except MalformedRequest:
                break
        kept = [value for value in vars(reader).values() if isinstance(value, bytes)]
        self.assertLess(len(b"".join(kept)), MAX_TRAILERS)
