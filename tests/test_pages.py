"""
Tests for :mod:`hmacfs.web.pages`.
"""

from __future__ import annotations

from json import loads

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.web.pages import Manners, wants_json
from hmacfs.web.site import UploadSite
from tests.resuming import OFFSETS, PARTIAL, TUS, ResumingCase
from tests.serving import signed
from tests.taker import LIMITS, Case
from tests.wire import Answer, Conversation

SAFE = {
    "server": "hmacfs",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}


class RefusalTests(Case):
    """
    A refusal says one sentence and a code, and nothing of the request.
    """

    def refused(self, *fields: str) -> Answer:
        return self.client.request("GET", "/files?secret-target", *fields)

    def test_text(self) -> None:
        """
        It is plain text.
        """
        answer = self.refused()
        self.assertEqual(
            (answer.status, answer.headers["content-type"], answer.body),
            (404, "text/plain; charset=utf-8", b"Nothing. (not-found)\n"),
        )

    def test_phrase(self) -> None:
        """
        Its status line says what its number means, also where that is a young one.
        """
        self.client.send(b"GET /files HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n")
        line, _, _ = self.client.transport.written.partition(b"\r\n")
        self.assertEqual(line, b"HTTP/1.1 431 Request Header Fields Too Large")

    def test_json(self) -> None:
        """
        It is JSON for who asks for that.
        """
        answer = self.refused("Accept: application/json")
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(
            loads(answer.body), {"status": 404, "code": "not-found", "text": "Nothing."}
        )

    def test_uncached(self) -> None:
        """
        A cache does not keep it: the upload may come yet.
        """
        self.assertEqual(self.refused().headers["cache-control"], "no-store")

    def test_safe(self) -> None:
        """
        It carries the safety headers and those of CORS.
        """
        headers = self.refused().headers
        self.assertEqual({name: headers[name] for name in SAFE}, SAFE)
        self.assertEqual(headers["access-control-allow-origin"], "*")

    def test_head(self) -> None:
        """
        HEAD of what is not there has the same headers and no body.
        """
        answer = self.client.request("HEAD", "/files?secret-target")
        self.assertEqual((answer.status, answer.body), (404, b""))

    def test_method(self) -> None:
        """
        A method that is not known is 405, and the answer lists what is.
        """
        answer = self.client.request("BREW", "/files")
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, HEAD"))


class ProblemTests(ResumingCase):
    """
    Where a protocol has a problem for a refusal (RFC 9457), that is the answer.
    """

    def setUp(self) -> None:
        super().setUp()
        fields = ("Upload-Complete: ?0", "Upload-Length: 6")
        created = self.ask("PUT", signed("a", 6), *fields, body=b"abc")
        self.target = self.below(created.headers["location"])

    def refused(self, offset: int, *fields: str) -> Answer:
        said = (f"Upload-Offset: {offset}", "Upload-Complete: ?0")
        return self.ask("PATCH", self.target, *said, *fields, body=b"d")

    def test_problem(self) -> None:
        """
        It has a type that programs know, and all that they need to go on.
        """
        answer = self.refused(1, PARTIAL)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        self.assertEqual(
            loads(answer.body),
            {
                "type": "https://iana.org/assignments/http-problem-types#mismatching-upload-offset",
                "title": "Mismatching Upload Offset",
                "status": 409,
                "detail": "The upload goes on at byte 3.",
                "code": "wrong-offset",
                "expected-offset": 3,
                "provided-offset": 1,
            },
        )

    def test_accept(self) -> None:
        """
        Whatever the client accepts: it has said which protocol it speaks.
        """
        answer = self.refused(1, PARTIAL, "Accept: text/plain")
        self.assertEqual(answer.headers["content-type"], "application/problem+json")

    def test_none(self) -> None:
        """
        A refusal that the protocol has no problem for is as any other.
        """
        answer = self.refused(3, "Content-Type: text/plain")
        self.assertEqual(
            (answer.status, answer.headers["content-type"], answer.headers["accept-patch"]),
            (415, "text/plain; charset=utf-8", "application/partial-upload"),
        )

    def test_checksum(self) -> None:
        """
        The status that tus has of its own has a phrase.
        """
        created = self.ask("POST", signed("b", 3), TUS, "Upload-Length: 3")
        fields = (TUS, OFFSETS, "Upload-Offset: 0", "Upload-Checksum: sha1 AAAA")
        self.ask("PATCH", self.below(created.headers["location"]), *fields, body=b"abc")
        line, _, _ = self.client.transport.written.partition(b"\r\n")
        self.assertEqual(line, b"HTTP/1.1 460 Checksum Mismatch")


class OriginTests(Case):
    """
    A list of origins is answered one by one, and never with ``*``.
    """

    def ask(self, origin: str) -> dict[str, str]:
        manners = Manners.for_origins(["https://a.example"])
        site = UploadSite(self.site.resource, self.hub, self.clock, manners, LIMITS, "feed")
        answer = Conversation(site).request("GET", "/files", f"Origin: {origin}")
        return {
            name: value
            for name, value in answer.headers.items()
            if name in ("vary", "access-control-allow-origin", "access-control-allow-credentials")
        }

    def test_listed(self) -> None:
        """
        An origin on the list may read the answer.
        """
        self.assertEqual(
            self.ask("https://a.example"),
            {
                "vary": "Origin",
                "access-control-allow-origin": "https://a.example",
                "access-control-allow-credentials": "true",
            },
        )

    def test_unlisted(self) -> None:
        """
        Another one may not.
        """
        self.assertEqual(self.ask("https://b.example"), {"vary": "Origin"})

    def test_none(self) -> None:
        """
        An empty list opens nothing to a web page, and says nothing of it.
        """
        manners = Manners.for_origins([])
        site = UploadSite(self.site.resource, self.hub, self.clock, manners, LIMITS, "feed")
        answer = Conversation(site).request("OPTIONS", "*", "Origin: https://a.example")
        self.assertEqual(answer.status, 204)
        self.assertEqual([name for name in answer.headers if name.startswith("access")], [])


class AcceptTests(SynchronousTestCase):
    """
    JSON goes to who prefers it to text.
    """

    def test_table(self) -> None:
        """
        Weights count, wildcards do not.
        """
        cases = {
            b"": False,
            b"*/*": False,
            b"application/json": True,
            b"Application/JSON": True,
            b"text/html, application/json;q=0.5": True,
            b"text/plain, application/json": False,
            b"text/plain;q=0.3, application/json;q=0.4": True,
            b"application/json;q=0": False,
            b"application/json;q=junk": False,
            b"application/json ; charset=x ; q=1.000": True,
        }
        self.assertEqual({accept: wants_json(accept) for accept in cases}, cases)

    @given(st.binary(max_size=100))
    def test_anything(self, accept: bytes) -> None:
        """
        Any bytes are an answer.
        """
        self.assertIn(wants_json(accept), (True, False))
