"""
Tests for :mod:`hmacfs.web.wording`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import MalformedRequest
from hmacfs.http1 import parse_head
from hmacfs.web.wording import AGENT_LENGTH, LONGEST, MOST, Wordings


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
        self.assertIs(self.wordings.read(data) is found, found.kept)
        self.assertIn(again, (None, found))
        return again is found

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
        for data in heads:
            self.wordings.read(data)
        kept = [self.wordings.find(data) is not None for data in heads]
        self.assertEqual(kept, [False] * 2 + [True] * MOST)

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
