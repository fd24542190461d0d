"""
Tests for :mod:`hmacfs.http1`: heads.  For bodies see ``test_http1_bodies``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import h11
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import HeadTooLarge, MalformedRequest, Refusal, TargetTooLong
from hmacfs.http1 import MAX_FIELDS, MAX_HEAD, MAX_LINE, Head, head_end, parse_head
from tests.heads import HOST, not_malformed, read, write


class HeadTests(SynchronousTestCase):
    """
    A head is read into plain values.
    """

    def test_upload(self) -> None:
        """
        Everything that the server needs to know of a PUT is there.
        """
        self.assertEqual(
            read(
                b"PUT /uploads/a%20b.txt?v=1&x=? HTTP/1.1\r\n"
                b"Host:files.example:8080\r\n"
                b"CONTENT-LENGTH: \t12 \r\n"
                b"X-Empty:\r\n"
                b"Expect: 100-Continue\r\n"
                b"\r\nHello"
            ),
            Head(
                method=b"PUT",
                target=b"/uploads/a%20b.txt?v=1&x=?",
                version=b"HTTP/1.1",
                headers=(
                    (b"host", b"files.example:8080"),
                    (b"content-length", b"12"),
                    (b"x-empty", b""),
                    (b"expect", b"100-Continue"),
                ),
                host=b"files.example:8080",
                length=12,
                sized=True,
                chunked=False,
                keep_alive=True,
                expects=True,
            ),
        )

    def test_views(self) -> None:
        """
        The target has a path and a query, and lines of one field are one list.
        """
        head = parse_head(write(HOST, b"A: 1", b"B: 2", b"a: 3, 4", line=b"GET /x?y?z HTTP/1.1"))
        self.assertEqual(
            (head.path, head.query, head.all(b"a"), head.get(b"a"), head.all(b"c"), head.get(b"c")),
            (b"/x", b"y?z", [b"1", b"3, 4"], b"1, 3, 4", [], None),
        )


class HeadEndTests(SynchronousTestCase):
    """
    A head ends with its empty line, and every line of it with CR LF.
    """

    def test_end(self) -> None:
        """
        The head is found before whatever follows it, which is not looked at.
        """
        head = write(HOST)
        self.assertEqual(head_end(head), len(head))
        self.assertEqual(head_end(head + b"\n\r\0" + b"x" * MAX_HEAD + head), len(head))

    def test_more_to_come(self) -> None:
        """
        A head that is cut anywhere is waited for.
        """
        head = write(HOST, b"Accept: */*")
        self.assertEqual({head_end(head[:size]) for size in range(len(head))}, {-1})

    def test_bare(self) -> None:
        """
        A bare CR or LF is refused as soon as it is seen.
        """
        samples = {
            "at the start": [b"\n", b"\rG", b"\r\r", b"\n\n", b"\n\r\n"],
            "a bare LF": [b"GET / HTTP/1.1\n", b"GET /\nx", b"GET / HTTP/1.1\r\nHost: a\nX"],
            "a bare CR": [b"GET / HTTP/1.1\rHost", b"GET /\rx", b"GET / HTTP/1.1\r\nHost: a\rX"],
            "one too many": [b"GET / HTTP/1.1\r\r\n", b"GET / HTTP/1.1\r\n\n", b"G\n\r", b"G\r\r"],
            "in a whole head": [write(b"Host: a\nX: b"), write(b"Host: a\rX: b"), write(b"\n")],
        }
        self.assertEqual(not_malformed(samples, bytes), [])

    def test_longest_line(self) -> None:
        """
        A request line of 16 KiB is taken, and one byte more is not waited for.
        """
        frame = len(b"GET / HTTP/1.1\r\n")
        longest = b"GET /" + b"x" * (MAX_LINE - frame) + b" HTTP/1.1\r\n"
        self.assertEqual([read(longest), read(longest[:-1]), read(longest[:-2])], [None] * 3)
        self.assertEqual(read(b"x" + longest), TargetTooLong)
        self.assertEqual(read(b"x" * MAX_LINE), TargetTooLong)

    def test_largest_head(self) -> None:
        """
        A head of 32 KiB is taken, however it is cut, and one byte more is not.
        """
        largest = write(HOST, b"X: " + b"x" * (MAX_HEAD - len(write(HOST, b"X: "))))
        self.assertEqual(head_end(largest), MAX_HEAD)
        self.assertEqual([head_end(largest[:-left]) for left in (1, 2, 3, 4)], [-1] * 4)
        self.assertEqual(read(b"x" + largest), HeadTooLarge)
        self.assertEqual(read(b"GET / HTTP/1.1\r\n" + b"x" * MAX_HEAD), HeadTooLarge)


class RequestLineTests(SynchronousTestCase):
    """
    A request line is three words with one space between them.
    """

    def test_good(self) -> None:
        """
        Any method, and a target of any visible octets, are taken as sent.
        """
        for method, target in [
            (b"GET", b"/"),
            (b"get", b"/a/../%2e//b?c&%zz"),
            (b"!#$%&'*+-.^_`|~09", b'/\\|{}^`"<>[]'),
            (b"PUT", "/uploads/été".encode()),
            (b"OPTIONS", b"*"),
        ]:
            head = parse_head(write(HOST, line=method + b" " + target + b" HTTP/1.1"))
            self.assertEqual((head.method, head.target), (method, target))

    def test_versions(self) -> None:
        """
        HTTP/1.0 is known, and every later 1.x is answered as 1.1.
        """
        for sent, version in [(b"1.0", b"1.0"), (b"1.1", b"1.1"), (b"1.2", b"1.1")]:
            head = parse_head(write(HOST, line=b"GET / HTTP/" + sent))
            self.assertEqual(head.version, b"HTTP/" + version)

    def test_malformed(self) -> None:
        """
        Anything more, less or other is refused.
        """
        samples = {
            "a word is missing": [b"", b"GET", b"GET /", b" / HTTP/1.1", b"GET  HTTP/1.1"],
            "one word too many": [b"GET /a b HTTP/1.1", b"GET / HTTP/1.1 x"],
            "blanks": [b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET / HTTP/1.1 "],
            "tabs": [b"GET\t/ HTTP/1.1", b"GET /\t HTTP/1.1", b"GET /\tHTTP/1.1"],
            "folded": [b" GET / HTTP/1.1", b"GET /\r\n HTTP/1.1"],
            "control characters": [b"GET /\0 HTTP/1.1", b"GET /\x7f HTTP/1.1", b"GET / HTTP/1.1\0"],
            "no token": [b"GE:T / HTTP/1.1", b"G\xc9T / HTTP/1.1", b"(GET) / HTTP/1.1"],
            "no version": [b"GET / http/1.1", b"GET / HTTPS/1.1", b"GET / HTTP/1", b"GET / HTTP/"],
            "no digits": [b"GET / HTTP/+1.1", b"GET / HTTP/1,1", b"GET / HTTP/1.x"],
            "too many digits": [b"GET / HTTP/1.10", b"GET / HTTP/01.1", b"GET / HTTP/11"],
            "another version": [b"GET / HTTP/0.9", b"GET / HTTP/2.0", b"PRI * HTTP/2.0"],
        }
        self.assertEqual(not_malformed(samples, lambda line: write(HOST, line=line)), [])

    def test_empty_line(self) -> None:
        """
        An empty line where the request line should stand is no head.
        """
        self.assertEqual([read(b"\r\n" + write(HOST)), read(b"\r\n\r\n")], [MalformedRequest] * 2)


class TargetTests(SynchronousTestCase):
    """
    Whatever form a target has, a path and a query come out of it.
    """

    def test_absolute(self) -> None:
        """
        The absolute form names the host itself, and the Host field is not heeded.
        """
        for target, host, origin in [
            (b"http://b.example/x?y", b"b.example", b"/x?y"),
            (b"HTTPS://b.example:8443/x", b"b.example:8443", b"/x"),
            (b"http://b.example", b"b.example", b"/"),
            (b"http://b.example?", b"b.example", b"/?"),
            (b"http://b.example?y=/z", b"b.example", b"/?y=/z"),
            (b"http://[::1]:80/x?http://c/", b"[::1]:80", b"/x?http://c/"),
            (b"http://a.example//x", b"a.example", b"//x"),
        ]:
            head = parse_head(write(HOST, line=b"GET " + target + b" HTTP/1.1"))
            self.assertEqual((head.host, head.target), (host, origin))

    def test_absolute_without_host(self) -> None:
        """
        The absolute form does not stand in for the Host that HTTP/1.1 wants.
        """
        self.assertEqual(read(write(line=b"GET http://a/ HTTP/1.1")), MalformedRequest)
        self.assertEqual(parse_head(write(line=b"GET http://a/ HTTP/1.0")).host, b"a")

    def test_malformed(self) -> None:
        """
        Other schemes, user names, fragments and the forms of proxies are refused.
        """
        samples = {
            "no slash": [b"x", b"?x", b"a.example/x", b"http:/x"],
            "for OPTIONS alone": [b"*"],
            "for CONNECT alone": [b"a.example:80"],
            "another scheme": [b"ftp://a/", b"file:///etc/passwd", b"ws://a/", b"xhttp://a/"],
            "no host": [b"http://", b"http:///x", b"http://?x", b"http://:80/"],
            "a user name": [b"http://me@a/", b"http://me:pw@a/", b"http://a.example@b/"],
            "no authority": [b"http://a:port/", b"http://a,b/", b"http://a\\b/", b"http://[::1/"],
            "raw octets in the host": [b"http://\xe9.example/"],
            "a fragment": [b"/x#y", b"/#", b"http://a/#y", b"http://a#y"],
        }
        for method in (b"GET ", b"CONNECT "):
            self.assertEqual(
                not_malformed(
                    samples,
                    lambda target, method=method: write(HOST, line=method + target + b" HTTP/1.1"),
                ),
                [],
            )
        more = {"no asterisk form": [b"**", b"*?x", b"*/", b"/*#"]}
        self.assertEqual(
            not_malformed(
                more, lambda target: write(HOST, line=b"OPTIONS " + target + b" HTTP/1.1")
            ),
            [],
        )


class HostTests(SynchronousTestCase):
    """
    A request names its host exactly once, and so that all read it alike.
    """

    LINES = (b"GET / HTTP/1.1", b"GET / HTTP/1.0", b"GET http://a/ HTTP/1.1")

    def test_good(self) -> None:
        """
        Names, addresses and ports are taken as they are sent.
        """
        names = [b"a", b"A.Example.:80", b"under_score:", b"xn--t-fga", b"t%C3%A9", b"(a;b=c)"]
        addresses = [b"192.0.2.1:80", b"[::1]", b"[2001:DB8::1]:8080", b"[::ffff:192.0.2.1]"]
        for host in names + addresses:
            self.assertEqual(parse_head(write(b"host: \t" + host + b" ")).host, host)

    def test_malformed(self) -> None:
        """
        An empty, joined or impossible Host is refused, beside the absolute form too.
        """
        samples = {
            "empty": [b"", b":80"],
            "two joined": [b"a,b", b"a.example, a.example", b"a,", b",a"],
            "blanks": [b"a b", b"a\tb", b"a: 80", b"a :80"],
            "more than a host": [b"a/b", b"http://a", b"me@a", b"a?b", b"a#b", b"a\\b"],
            "no port": [b"a:b", b"a:80:80", b"a:-1", b"a:+1", b"a:8O"],
            "no escape": [b"a%", b"a%zz", b"a%2"],
            "raw octets": [b"a\xe9", b"\xff"],
            "brackets": [b"::1", b"[]", b"[::1", b"::1]", b"[::1]x", b"[[::1]]", b"[a]", b"a[::1]"],
            "no IPv6": [b"[::1::]", b"[:::]", b"[...]", b"[1.2.3.4]", b"[12345::]", b"[1:2]"],
            "not here": [b"[fe80::1%25eth0]", b"[v1.x]"],
        }
        for line in self.LINES:
            self.assertEqual(
                not_malformed(samples, lambda host, line=line: write(b"Host: " + host, line=line)),
                [],
            )

    def test_missing(self) -> None:
        """
        HTTP/1.1 wants a Host; HTTP/1.0 does not.
        """
        self.assertEqual(read(write()), MalformedRequest)
        self.assertEqual(parse_head(write(line=b"GET / HTTP/1.0")).host, b"")

    def test_twice(self) -> None:
        """
        Two are refused, the same ones too.
        """
        for line in self.LINES:
            for second in [HOST, b"hOST: b", b"Host:"]:
                self.assertEqual(read(write(HOST, second, line=line)), MalformedRequest)


class FieldTests(SynchronousTestCase):
    """
    A field is a name, a colon, and a value without control characters.
    """

    def test_good(self) -> None:
        """
        Names have the characters of a token; values lose the blanks around them.
        """
        for line, field in [
            (b"!#$%&'*+-.^_`|~09aZ: x", (b"!#$%&'*+-.^_`|~09az", b"x")),
            (b"A:b:c", (b"a", b"b:c")),
            (b"A: \t b \t c\t ", (b"a", b"b \t c")),
            (b"A: \t ", (b"a", b"")),
            (b"A: \xc3\xa9\xff\x80", (b"a", b"\xc3\xa9\xff\x80")),
        ]:
            self.assertEqual(parse_head(write(HOST, line)).headers[1], field)

    def test_malformed(self) -> None:
        """
        Blanks in names, folded lines and control characters are refused.
        """
        samples = {
            "no name": [b"A", b": x", b" : x", b" "],
            "blanks in the name": [b"A : x", b"A\t: x", b" A: x", b"\tA: x", b"A B: x"],
            "no token": [b"A\0: x", b"(A): x", b"A\xe9: x", b'"A": x', b"A/B: x"],
            "control characters": [b"A: x\0", b"A: \x01", b"A: \x0b", b"A: \x1b[2J", b"A: \x7f"],
            "folded": [b"A: x\r\n folded", b"A: x\r\n\tfolded", b"A: x\r\n ", b"A:\r\n x"],
            "slow to refuse": [b"A:" + b" " * (MAX_HEAD // 2) + b"\0"],
        }
        self.assertEqual(not_malformed(samples, lambda line: write(HOST, line)), [])
        self.assertEqual(not_malformed(samples, lambda line: write(line, HOST)), [])

    def test_too_many(self) -> None:
        """
        A hundred fields are read and one more is not.
        """
        fields = [HOST, *[b"A: b"] * (MAX_FIELDS - 1)]
        self.assertEqual(len(parse_head(write(*fields)).headers), MAX_FIELDS)
        self.assertEqual(read(write(*fields, b"A: b")), HeadTooLarge)


class ConnectionTests(SynchronousTestCase):
    """
    A connection goes on unless somebody says otherwise.
    """

    def test_keep_alive(self) -> None:
        """
        HTTP/1.1 goes on, unless any line of Connection lists "close".
        """
        for fields, alive in [
            ([], True),
            ([b"Connection: keep-alive"], True),
            ([b"Connection:"], True),
            ([b"Connection: closed, not-close"], True),
            ([b"Connection: close"], False),
            ([b"connection: CLOSE"], False),
            ([b"Connection: TE ,\tClose\t, x"], False),
            ([b"Connection: TE", b"Connection: x, close", b"Connection: keep-alive"], False),
        ]:
            self.assertEqual((fields, parse_head(write(HOST, *fields)).keep_alive), (fields, alive))

    def test_http_1_0(self) -> None:
        """
        HTTP/1.0 ends with its answer.
        """
        for fields in [[], [b"Connection: keep-alive"]]:
            self.assertFalse(parse_head(write(*fields, line=b"GET / HTTP/1.0")).keep_alive)


LINES = [
    *(b"GET / HTTP/1.1", b"PUT /a%20b?v=1 HTTP/1.1", b"HEAD / HTTP/1.0", b"POST / HTTP/1.2"),
    *(b"PUT http://b.example/c?d HTTP/1.1", b"GET https://b?d HTTP/1.0", b"OPTIONS * HTTP/1.1"),
]
FIELDS = [
    *(b"Content-Length: 0", b"Content-Length: 12", b"Transfer-Encoding: chunked"),
    *(b"Connection: close", b"Connection: keep-alive, TE", b"Expect: 100-continue"),
    *(b"Accept: */*", b"X: \xc3\xa9 \t y ", b"X:"),
]
INSERTED = [b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b",", b"\0", b"\x7f", b"5", b"-", b"#", b"X"]


def build(line: bytes, fields: Sequence[bytes], inserted: Sequence[tuple[int, bytes]]) -> bytes:
    """
    A head, and then something in it that may not belong there.
    """
    data = write(HOST, *fields, line=line)
    for place, piece in inserted:
        at = place % len(data)
        data = data[:at] + piece + data[at:]
    return data


HEADS = st.builds(
    build,
    st.sampled_from(LINES),
    st.lists(st.sampled_from(FIELDS), max_size=4),
    st.lists(st.tuples(st.integers(0, 1000), st.sampled_from(INSERTED)), max_size=2),
)


class FuzzTests(SynchronousTestCase):
    """
    Any bytes are a head, a refusal, or the beginning of either.
    """

    @given(st.binary() | HEADS | st.tuples(HEADS, st.binary()).map(b"".join))
    def test_any_cut(self, data: bytes) -> None:
        """
        Bytes that come one by one are waited for, and then mean one thing.
        """
        outcomes = [read(data[:size]) for size in range(len(data) + 1)]
        waited = outcomes.count(None)
        said = len(outcomes) - waited
        self.assertEqual(outcomes, [None] * waited + [outcomes[-1]] * said)

    @given(HEADS)
    def test_parse_alone(self, data: bytes) -> None:
        """
        No line end that should not be there gets past the parser either.
        """
        try:
            head = parse_head(data)
        except Refusal:
            return
        self.assertEqual(read(data), head)

    @given(st.lists(st.binary(max_size=8).map(lambda rest: b"x:" + rest) | st.binary(max_size=8)))
    def test_each_line(self, lines: list[bytes]) -> None:
        """
        The lines of a head are well-formed where each of them is.
        """
        data = write(HOST, *lines)
        if data.index(b"\r\n\r\n") < len(data) - 4:
            # It ends before, and nothing behind that is looked at.
            return
        alone = [read(write(HOST, line)) is not MalformedRequest for line in lines]
        self.assertEqual(read(data) is not MalformedRequest, all(alone))

    @given(HEADS)
    def test_agreement(self, data: bytes) -> None:
        """
        Every head that is taken here is taken by h11 too, for the same request.
        """
        head = read(data)
        if not isinstance(head, Head):
            return
        peer = h11.Connection(h11.SERVER)
        peer.receive_data(data[: head_end(data)])
        request = peer.next_event()
        waiting = peer.they_are_waiting_for_100_continue
        peer.receive_data((b"0\r\n\r\n" if head.chunked else b"x" * (head.length or 0)) + b"rest")
        while not isinstance(event := peer.next_event(), h11.EndOfMessage):
            self.assertIsInstance(event, h11.Data)
        path = re.sub(rb"^https?://[^/?]*", b"", request.target)
        self.assertEqual(
            Head(
                method=request.method,
                target=path if path.startswith((b"/", b"*")) else b"/" + path,
                version=b"HTTP/1.0" if request.http_version == b"1.0" else b"HTTP/1.1",
                headers=tuple(request.headers),
                host=head.host,
                length=head.length,
                sized=any(name == b"content-length" for name, _ in request.headers),
                chunked=head.chunked,
                keep_alive=peer.their_state is h11.DONE,
                expects=waiting and head.has_body,
            ),
            head,
        )
        # Both saw the body end at the same byte.
        self.assertEqual(peer.trailing_data, (b"rest", False))
