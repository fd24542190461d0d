"""
Tests for :mod:`hmacfs.web.deletion`: a DELETE of a file, over the wire.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail

from hmacfs.errors import NotStored
from hmacfs.events import AccessRefused, FileRemoved
from hmacfs.signing import Claim, sign
from tests.serving import NOW, SECRET, ServingCase, name, signed, timed
from tests.wire import Answer, Conversation

WORD = "the word of deletions"


def worded(path: str, word: str = WORD, key: str = SECRET) -> str:
    """
    :return: the target of a DELETE that is signed as Metronome does.
    """
    mac = sign("delete", Claim(path=path.encode(), delete_secret=word.encode()), key.encode())
    return f"/uploads/{name(path).url}?token={mac}"


class DeletionCase(ServingCase):
    """
    A site with a file ``a/b.txt``.
    """

    def setUp(self) -> None:
        self.serve()
        self.fill()

    def serve(self, **keys: Any) -> None:
        super().serve(**{"DeleteSecret": WORD, **keys})

    def fill(self) -> None:
        self.put("a/b.txt", b"abc")

    def ask(self, method: str, target: str, *fields: str, body: bytes = b"") -> Answer:
        """One request on a connection of its own."""
        self.client = Conversation(self.site)
        return self.client.request(method, target, *fields, body=body)

    def served(self) -> int:
        return self.ask("GET", "/uploads/a/b.txt").status


class DeletionTests(DeletionCase):
    """
    A file that is deleted is gone for good.
    """

    def test_delete(self) -> None:
        """
        It is not found any more, and its name takes no other.
        """
        answer = self.ask("DELETE", timed("DELETE", "a/b.txt"), "Origin: https://web.example")
        self.assertEqual(
            (answer.status, answer.body, answer.headers["access-control-allow-origin"]),
            (204, b"", "*"),
        )
        put = self.ask("PUT", signed("a/b.txt", 3), body=b"abc")
        self.assertEqual((self.served(), put.status, put.code), (404, 410, "deleted"))
        [event] = self.told(FileRemoved)
        self.assertEqual((event.name, event.size, event.at), ("a/b.txt", 3, NOW))

    def test_metronome(self) -> None:
        """
        Metronome's token deletes, and as often as it is sent.
        """
        found = [self.ask("DELETE", worded("a/b.txt")).status for _ in range(2)]
        self.assertEqual((found, self.served()), ([204, 404], 404))

    def test_versions(self) -> None:
        """
        The versions go with it.
        """
        self.serve(EnableVersioning=True)
        self.fill()
        self.put("a/b.txt", b"defg")
        listed = timed("GET", "a/b.txt", operation="versions")
        before = self.ask("GET", listed).status
        self.ask("DELETE", timed("DELETE", "a/b.txt"))
        self.assertEqual((before, self.ask("GET", listed).status), (200, 404))
        self.assertEqual((self.store.past, self.store.written), ({}, 0))

    def test_tombstone_ends(self) -> None:
        """
        The name takes files again behind ``TombstoneTTL``, and at once where
        there are no tombstones.
        """
        for ttl, statuses in [("1h", [410, 201]), ("0", [201, 201])]:
            self.serve(TombstoneTTL=ttl)
            self.fill()
            self.ask("DELETE", timed("DELETE", "a/b.txt"))
            found = []
            for _ in range(2):
                found.append(self.ask("PUT", signed("a/b.txt", 3), body=b"abc").status)
                self.clock.advance(3600)
            self.assertEqual(found, statuses)

    def test_nothing(self) -> None:
        """
        What is not there is 404, and its name still takes a file; a folder is 403.
        """
        found = [
            self.ask("DELETE", timed("DELETE", path)).status for path in ("none", "a/b.txt/c", "a")
        ]
        put = self.ask("PUT", signed("none", 1), body=b"x").status
        self.assertEqual((found, put, self.told(FileRemoved)), ([404, 404, 403], 201, []))

    def test_preconditions(self) -> None:
        """
        A client may want it deleted in one state only.
        """
        etag = self.ask("HEAD", "/uploads/a/b.txt").headers["etag"]
        target = timed("DELETE", "a/b.txt")
        found = [
            self.ask("DELETE", target, field).status
            for field in [
                'If-Match: "x"',
                f"If-Match: W/{etag}",
                "If-Unmodified-Since: Mon, 13 Nov 2023 22:13:20 GMT",
                f"If-None-Match: {etag}",
                "If-None-Match: *",
            ]
        ]
        served = self.served()
        last = self.ask("DELETE", target, f"If-Match: {etag}", 'If-None-Match: "x"').status
        self.assertEqual((found, served, last), ([412] * 5, 200, 204))
        self.assertEqual(self.ask("DELETE", target, "If-Match: *").status, 404)

    def test_expired(self) -> None:
        """
        So is what has expired, swept or not.
        """
        self.serve(FileTTL="1h")
        self.fill()
        self.clock.advance(3600)
        target = timed("DELETE", "a/b.txt", NOW + 9999)
        self.assertEqual(self.ask("DELETE", target).status, 404)

    def test_body(self) -> None:
        """
        A body means nothing: it is not read, and its connection ends.
        """
        target = timed("DELETE", "a/b.txt")
        answer = self.ask("DELETE", target, body=b"GET /uploads/a/b.txt HTTP/1.1\r\n\r\n")
        self.assertEqual((answer.status, answer.headers["connection"]), (204, "close"))
        self.assertEqual(self.client.statuses(), [204])

    def test_while_read(self) -> None:
        """
        Who reads it already reads it to its end.
        """
        data = bytes(200_000)
        self.put("large", data)
        reader = Conversation(self.site)
        reader.transport.blocked = True
        reader.send(b"GET /uploads/large HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(self.ask("DELETE", timed("DELETE", "large")).status, 204)
        reader.transport.unblock()
        self.clock.pump([0.1] * 8)
        self.assertEqual(reader.answers()[-1].body, data)

    def test_failure(self) -> None:
        """
        What the disk did not do is not acknowledged.
        """
        self.store.remove = lambda name: fail(NotStored("The disk did not remove it."))
        answer = self.ask("DELETE", timed("DELETE", "a/b.txt"))
        self.assertEqual((answer.status, self.told(FileRemoved)), (500, []))

    def test_client_left(self) -> None:
        """
        It is done, also where nobody waits for the answer; who stops the
        daemon waits for it.
        """
        waiting: Deferred[None] = Deferred()
        remove = self.store.remove
        self.store.remove = lambda name: waiting.addCallback(lambda _: remove(name))
        self.client.send(
            f"DELETE {timed('DELETE', 'a/b.txt')} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        )
        self.client.vanish()
        drained = self.site.drain()
        self.assertNoResult(drained)
        waiting.callback(None)
        self.successResultOf(drained)
        self.assertEqual((len(self.told(FileRemoved)), self.store.files), (1, {}))


class RefusalTests(DeletionCase):
    """
    Nothing is deleted without a signature for it.
    """

    def refused(self, *targets: str) -> list[int]:
        """
        :return: the statuses; the file is there behind each of them.
        """
        found = []
        for target in targets:
            found.append(self.ask("DELETE", target).status)
            self.assertEqual(self.served(), 200, target)
        return found

    def test_none(self) -> None:
        """
        Who has the URL of the file, or what uploaded it, cannot delete it.
        """
        bearer = self.ask("DELETE", "/uploads/a/b.txt", "Authorization: Bearer x")
        targets = ["/uploads/a/b.txt", "/uploads/a/b.txt?", signed("a/b.txt", 3)]
        self.assertEqual((self.refused(*targets), bearer.status), ([403] * 3, 403))

    def test_other(self) -> None:
        """
        A signature for another method, name, word or secret fits nothing else.
        """
        upload = sign(
            "token",
            Claim(path=b"a/b.txt", size=3, content_type=b"text/plain"),
            SECRET.encode(),
        )
        found = self.refused(
            timed("GET", "a/b.txt"),
            timed("PUT", "a/b.txt"),
            timed("DELETE", "a/c").replace("a/c", "a/b.txt"),
            timed("DELETE", "a/b.txt").replace("/b", "/%62").replace("v3=", "v3=0"),
            timed("DELETE", "a/b.txt", operation="version=1").replace("version=1&", ""),
            worded("a/c").replace("a/c", "a/b.txt"),
            worded("a/b.txt", word="another"),
            worded("a/b.txt", word=""),
            worded("a/b.txt", key="x" * 32),
            f"/uploads/a/b.txt?token={upload}",
        )
        self.assertEqual(found, [403] * 10)
        self.assertEqual(len(self.told(AccessRefused)), 10)
        self.assertNotIn(WORD, "".join(event.hint for event in self.told(AccessRefused)))

    def test_expired(self) -> None:
        """
        A ``v3`` ends at its time.
        """
        self.assertEqual(self.refused(timed("DELETE", "a/b.txt", NOW)), [410])

    def test_operations(self) -> None:
        """
        What asks for something about a version never deletes the file, however
        it is spelled and whatever signs it.
        """
        operations = [
            "version=1",
            "version=",
            "version",
            "%76ersion=1",
            "version%3D1",
            "versions",
            "restore=1",
            "a=b",
        ]
        found = self.refused(
            *(timed("DELETE", "a/b.txt", operation=each) for each in operations),
            *(worded("a/b.txt") + f"&{each}" for each in operations[:-1]),
        )
        self.assertEqual(
            found, [404, 400, 400, 400, 400, 405, 405, 400, 403, 400, 400, 400, 400, 405, 405]
        )

    def test_twice(self) -> None:
        """
        A signature that stands there twice is none, nor are two of which the
        stronger is wrong.
        """
        mac = worded("a/b.txt").partition("?")[2]
        found = self.refused(
            f"/uploads/a/b.txt?{mac}&{mac}",
            f"{worded('a/b.txt')}&v3={'0' * 64}&expires={NOW + 9}",
            f"{worded('a/b.txt')}&v2={'0' * 64}",
        )
        self.assertEqual(found, [400, 403, 403])

    def test_names(self) -> None:
        """
        Only what could be a file can be deleted.
        """
        targets = {
            "/": 403,
            "/uploads": 403,
            "/uploads/": 403,
            "/uploads/a/": 403,
            "/uploads/a/../a/b.txt": 400,
            "/uploads/a%2fb.txt": 400,
            "/uploads/.hmacfs/secret": 404,
            "/uploads/a/b.txt%3Fversions": 403,
            "/health": 405,
        }
        found = {target: self.ask("DELETE", target).status for target in targets}
        self.assertEqual((found, self.served()), (targets, 200))

    def test_no_word(self) -> None:
        """
        Without ``DeleteSecret`` no token deletes, an empty word neither; who
        runs it is told why.
        """
        self.serve(DeleteSecret="")
        self.fill()
        found = self.refused(worded("a/b.txt"), worded("a/b.txt", word=""))
        self.assertEqual(found, [403, 403])
        self.assertEqual(
            {event.hint for event in self.told(AccessRefused)}, {"there is no DeleteSecret"}
        )

    def test_signed_downloads(self) -> None:
        """
        It is the same where downloads are signed: no signature does both.
        """
        self.serve(DownloadAuth="signed")
        self.fill()
        read, delete = timed("GET", "a/b.txt"), timed("DELETE", "a/b.txt")
        asked = [
            ("DELETE", read),
            ("GET", delete),
            ("GET", read),
            ("DELETE", delete),
            ("GET", read),
        ]
        self.assertEqual([self.ask(*each).status for each in asked], [403, 403, 200, 204, 404])
