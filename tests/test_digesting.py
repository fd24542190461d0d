"""
Tests for :mod:`hmacfs.web.digesting`, and for the digests of downloads.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hmacfs.digests import format_sha256
from hmacfs.interfaces.store import IFile, IStore
from hmacfs.names import StoredName
from hmacfs.web.digesting import AT_ONCE, Digesting
from hmacfs.web.download import SMALL
from hmacfs.web.root import make_site
from tests.serving import ServingCase, name
from tests.wire import Answer, Conversation

WANT = "Want-Repr-Digest: sha-256=10"


def told(data: bytes) -> str:
    """
    :return: the value that tells the SHA-256 of *data*.
    """
    return format_sha256(sha256(data).hexdigest()).decode()


class Slow:
    """
    A store that takes its time.

    :ivar asked: what lets each of its answers go out, by name.
    """

    def __init__(self) -> None:
        self.asked: dict[StoredName, Deferred[str]] = {}

    def digest(self, name: StoredName) -> Deferred[str]:
        assert name not in self.asked, "asked twice"
        self.asked[name] = Deferred()
        return self.asked[name]


@implementer(IStore)
class Plain:
    """
    A store that opens files, and has no other ability.
    """

    def __init__(self, store: Any) -> None:
        self.open: Callable[[StoredName], Deferred[IFile]] = store.open


class DigestingTests(SynchronousTestCase):
    """
    A digest is computed once for all who want it.
    """

    def setUp(self) -> None:
        self.store: Any = Slow()
        self.digesting = Digesting(self.store)

    def test_together(self) -> None:
        """
        All who ask for one file share what is computed.
        """
        asking = [self.digesting.sha256(name("a")) for _ in range(3)]
        self.store.asked.pop(name("a")).callback("00")
        self.assertEqual([self.successResultOf(each) for each in asking], ["00"] * 3)

    def test_again(self) -> None:
        """
        Who asks later asks the store again: the file may be another.
        """
        for _ in range(2):
            asking = self.digesting.sha256(name("a"))
            self.store.asked.pop(name("a")).callback("00")
            self.successResultOf(asking)

    def test_bounded(self) -> None:
        """
        Of many files some wait until others are done.
        """
        asking = [self.digesting.sha256(name(letter)) for letter in "abcd"]
        self.assertEqual(len(self.store.asked), AT_ONCE)
        while self.store.asked:
            self.store.asked.popitem()[1].callback("00")
        self.assertEqual([self.successResultOf(each) for each in asking], ["00"] * 4)

    def test_failing(self) -> None:
        """
        Where it cannot be computed all hear so, and the next file is not held up.
        """
        asking = [self.digesting.sha256(name("a")) for _ in range(2)]
        self.store.asked.pop(name("a")).errback(OSError("unreadable"))
        for each in asking:
            self.failureResultOf(each, OSError)
        self.digesting.sha256(name("a"))
        self.assertIn(name("a"), self.store.asked)


class DownloadTests(ServingCase):
    """
    Who downloads can check what came.
    """

    def setUp(self) -> None:
        super().setUp()
        self.put("a", b"abcdef")

    def ask(self, *fields: str, method: str = "GET") -> Answer:
        return self.client.request(method, "/uploads/a", *fields)

    def slow(self) -> Deferred[None]:
        """
        :return: what lets the store compute a digest.
        """
        digest, gate = self.store.digest, Deferred()
        self.store.digest = lambda name: gate.addCallback(lambda _: digest(name))
        return gate

    def test_wanted(self) -> None:
        """
        Who wants the digest has it computed; from then on everybody is told.
        """
        found = [self.ask(), self.ask(WANT), self.ask()]
        self.assertEqual(
            [answer.headers.get("repr-digest") for answer in found],
            [None, told(b"abcdef"), told(b"abcdef")],
        )
        self.assertEqual(len({answer.headers["etag"] for answer in found}), 1)

    def test_declined(self) -> None:
        """
        Who says that it is not acceptable, or wants another one, makes nobody compute.
        """
        self.slow()
        for value in ("sha-256=0", "sha-512=9", "sha-256=?1", "%"):
            self.assertEqual(self.ask(f"Want-Repr-Digest: {value}").status, 200)

    def test_known_and_declined(self) -> None:
        """
        Nor is who declines it told of one that is known.
        """
        self.ask(WANT)
        self.assertNotIn("repr-digest", self.ask("Want-Repr-Digest: sha-256=0").headers)

    def test_head(self) -> None:
        """
        HEAD tells the same.
        """
        self.assertEqual(self.ask(WANT, method="HEAD").headers["repr-digest"], told(b"abcdef"))

    def test_part(self) -> None:
        """
        With a part of the file comes the digest of all of it.
        """
        answer = self.ask(WANT, "Range: bytes=1-2")
        self.assertEqual(
            (answer.status, answer.body, answer.headers["repr-digest"]),
            (206, b"bc", told(b"abcdef")),
        )

    def test_nothing_sent(self) -> None:
        """
        Where nothing of the file is sent, nothing is computed.
        """
        self.slow()
        etag = self.ask().headers["etag"]
        found = [
            self.ask(WANT, f"If-None-Match: {etag}"),
            self.ask(WANT, 'If-Match: "other"'),
            self.ask(WANT, "Range: bytes=9-"),
        ]
        self.assertEqual([answer.status for answer in found], [304, 412, 416])

    def test_not_said_of_a_page(self) -> None:
        """
        Neither a 304 nor a refusal has the digest of a file.
        """
        etag = self.ask(WANT).headers["etag"]
        for fields in ([f"If-None-Match: {etag}"], ["Range: bytes=9-"]):
            self.assertNotIn("repr-digest", self.ask(*fields).headers)

    def test_replaced(self) -> None:
        """
        A file that is replaced meanwhile is not given the digest of the former.
        """
        self.serve(EnableVersioning=True)
        self.put("a", b"abcdef")
        other = Conversation(self.site)
        found = self.store.files[name("a")]
        self.store.digest = lambda name: self.replacing(other)
        answer = self.ask(WANT)
        self.assertEqual((answer.status, answer.body), (200, b"ABCDEF"))
        self.assertNotIn("repr-digest", answer.headers)
        self.assertNotEqual(self.store.files[name("a")], found)

    def replacing(self, other: Conversation) -> Deferred[str]:
        former, self.client = self.client, other
        self.put("a", b"ABCDEF")
        self.client = former
        return succeed(sha256(b"abcdef").hexdigest())

    def test_vanished(self) -> None:
        """
        A file that goes while it is read is not found.
        """
        self.store.digest = lambda name: self.store.files.clear() or succeed("00")
        self.assertEqual(self.ask(WANT).status, 404)

    def test_client_left(self) -> None:
        """
        What a client wanted that did not wait is known all the same.
        """
        gate = self.slow()
        self.client.send(f"GET /uploads/a HTTP/1.1\r\nHost: x\r\n{WANT}\r\n\r\n".encode())
        self.client.vanish()
        gate.callback(None)
        self.client = Conversation(self.site)
        self.assertEqual(self.ask().headers["repr-digest"], told(b"abcdef"))

    def test_unreadable(self) -> None:
        """
        A file that cannot be read is a fault of ours.
        """
        self.store.digest = lambda name: fail(OSError("unreadable"))
        self.assertEqual(self.ask(WANT).status, 500)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_store_without(self) -> None:
        """
        A store that computes none serves its files without.
        """
        self.site = make_site(Plain(self.store), self.metadata, self.hub, self.settings, self.clock)
        self.client = Conversation(self.site)
        answer = self.ask(WANT)
        self.assertEqual((answer.status, "repr-digest" in answer.headers), (200, False))


class ContentTests(ServingCase):
    """
    ``Content-Digest`` is of what one answer brings.
    """

    WANT = "Want-Content-Digest: sha-256=1"

    def content_digest(self, body: bytes, *fields: str, method: str = "GET") -> str | None:
        self.put("a", body)
        answer = self.client.request(method, "/uploads/a", *fields)
        return answer.headers.get("content-digest")

    def test_part(self) -> None:
        """
        Of a part it is the part's, of all the file's; nothing is a content, too.
        """
        found = [
            self.content_digest(b"abcdef", self.WANT, "Range: bytes=1-2"),
            self.content_digest(b"abcdef", self.WANT),
        ]
        self.assertEqual(found, [told(b"bc"), told(b"abcdef")])
        self.serve()
        self.assertEqual(self.content_digest(b"", self.WANT), told(b""))

    def test_unwanted(self) -> None:
        """
        Who does not ask, or asks for no content, is not told.
        """
        self.assertIsNone(self.content_digest(b"abc"))
        self.assertIsNone(self.content_digest(b"abc", self.WANT, method="HEAD"))

    def test_large(self) -> None:
        """
        Of more than is sent at once there is none.
        """
        self.assertIsNone(self.content_digest(b"x" * (SMALL + 1), self.WANT))
