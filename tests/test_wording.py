"""
Tests for :mod:`hmacfs.web.wording`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import MalformedRequest
from hmacfs.http1 import parse_head
from hmacfs.web.wording import AGENT_LENGTH, ASKED, LONGEST, MOST, Wordings


def head(*fields: bytes, line: bytes = b"GET /a/b%20c HTTP/1.1") -> bytes:
    """
    :return: a head with *fields* beside its ``Host``.
    """
    return b"\r\n".join([line, b"Host: x", *fields, b"", b""])


class WordingTests(SynchronousTestCase):
    """
    A head in words that anybody may use is read once.
    """

    def setUp(self) -> None:
        self.wordings = Wordings()

    def kept(self, data: bytes) -> bool:
        """
        :return: whether *data* is found again, as the same.
        """
        found = self.wordings.read(data)
        again = self.wordings.find(bytes(bytearray(data)))
        self.assertIn(again, (None, found))
        kept = again is found
        self.assertIs(self.wordings.read(data) is found, kept)
        return kept

    def same(self, one: bytes, other: bytes) -> bool:
        """
        :return: whether two heads ask the same.
        """
        questions = [self.wordings.read(data).question for data in (one, other)]
        return questions[0] is not None and questions[0] is questions[1]

    def test_once(self) -> None:
        """
        GET and HEAD are kept, with what the events say of them.
        """
        self.assertTrue(self.kept(head(line=b"HEAD /a HTTP/1.1")))
        data = head(b"User-Agent: one", b"User-Agent: \xfftwo")
        self.assertTrue(self.kept(data))
        found = self.wordings.read(data)
        self.assertEqual(found.head, parse_head(data))
        told = (found.method, found.path, found.agent)
        self.assertEqual(told, ("GET", "/a/b%20c", "one,\\xfftwo"))

    def test_agent(self) -> None:
        """
        A long name of a client is cut.
        """
        found = self.wordings.read(head(b"User-Agent: " + b"x" * 300))
        self.assertEqual(found.agent, "x" * AGENT_LENGTH)

    def test_personal(self) -> None:
        """
        What may hold a secret is not kept, however it is written.
        """
        personal = [
            head(b"Authorization: Bearer x"),
            head(b"AUTHORIZATION: x"),
            head(b"Cookie: x"),
            head(b"Proxy-Authorization: x"),
            head(line=b"GET /a?v=x HTTP/1.1"),
            head(line=b"GET /a? HTTP/1.1"),
            head(line=b"GET http://x/a?v=x HTTP/1.1"),
        ]
        self.assertEqual([self.kept(data) for data in personal], [False] * len(personal))
        self.assertFalse(any(self.same(data, data) for data in personal if b"Cookie" not in data))

    def test_uncommon(self) -> None:
        """
        Nor is what does not go on as most requests do.
        """
        uncommon = [
            head(line=b"PUT /a HTTP/1.1"),
            head(line=b"OPTIONS /a HTTP/1.1"),
            head(line=b"get /a HTTP/1.1"),
            head(line=b"GET /a HTTP/1.0"),
            head(b"Connection: close"),
            head(b"Content-Length: 1"),
            head(b"Transfer-Encoding: chunked"),
            head(b"X: " + b"x" * LONGEST),
        ]
        self.assertEqual([self.kept(data) for data in uncommon], [False] * len(uncommon))
        self.assertFalse(any(self.same(data, data) for data in uncommon[:-1]))

    def test_question(self) -> None:
        """
        The same is asked in other words, as long as they have nothing to do with
        the answer.
        """
        for field in (b"User-Agent: x", b"X-Request-ID: 1", b"Cookie: a=b", b"Accept: */*"):
            self.assertTrue(self.same(head(), head(field)))
        self.assertTrue(self.same(head(b"Range: bytes=0-1"), head(b"range:  bytes=0-1 ")))

    def test_other_question(self) -> None:
        """
        Another method, target, host, or field that the answer depends on, asks
        something else.
        """
        others = [
            head(line=b"HEAD /a/b%20c HTTP/1.1"),
            head(line=b"GET /a/b%20d HTTP/1.1"),
            head().replace(b"Host: x", b"Host: y"),
            *[head(name + b": 1") for name in ASKED],
            *[head(name + b": 2") for name in ASKED],
            *[head(name + b": 1", name + b": 2") for name in ASKED],
        ]
        questions = {self.wordings.read(data).question for data in [head(), *others]}
        self.assertEqual(len(questions), 1 + len(others))

    def test_refused(self) -> None:
        """
        What is refused is refused each time.
        """
        for _ in range(2):
            self.assertRaises(MalformedRequest, self.wordings.read, head(b"Host: y"))

    def test_bounded(self) -> None:
        """
        So many are kept and no more: who came first goes first.
        """
        heads = [head(line=b"GET /%d HTTP/1.1" % number) for number in range(MOST + 2)]
        first = self.wordings.read(heads[0]).question
        for data in heads:
            self.wordings.read(data)
        kept = [self.wordings.find(data) is not None for data in heads]
        self.assertEqual(kept, [False] * 2 + [True] * MOST)
        last = self.wordings.read(heads[-1]).question
        long = b"X: " + b"x" * LONGEST + b"\r\n\r\n"
        again = [self.wordings.read(heads[place][:-2] + long).question for place in (-1, 0)]
        self.assertIs(again[0], last)
        self.assertIsNot(again[1], first)

    def test_each_site(self) -> None:
        """
        What one site has read another has not.
        """
        self.wordings.read(head())
        self.assertIsNone(Wordings().find(head()))

    @given(st.lists(st.sampled_from([b"A: 1", b"A: 2", b"a: 1", b"Range: bytes=0-1"]), max_size=3))
    def test_all_of_it(self, fields: list[bytes]) -> None:
        """
        No head is ever taken for another.
        """
        data = head(*fields)
        self.assertEqual(self.wordings.read(data).head, parse_head(data))
