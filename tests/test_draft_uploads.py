"""
Tests for uploads by the IETF's draft, over the wire.
"""

from __future__ import annotations

from json import loads

from hmacfs.events import UploadCompleted
from tests.resuming import CHUNKED, PARTIAL, ResumingCase, chunks, head
from tests.serving import NOW, signed
from tests.wire import PEER, UNIX_PEER, Answer, Conversation


class DraftTests(ResumingCase):
    """
    The IETF's resumable uploads.
    """

    def test_one_request(self) -> None:
        """
        A PUT that is complete is a PUT, and resumable.
        """
        answer = self.ask(
            "PUT",
            signed("a", 3),
            "Upload-Complete: ?1",
            "Upload-Draft-Interop-Version: 6",
            body=b"abc",
        )
        self.assertEqual([a.status for a in self.client.answers()], [104, 201])
        informed = self.client.answers()[0].headers
        self.assertEqual(informed["upload-draft-interop-version"], "6")
        self.below(informed["location"])
        self.assertEqual(
            (answer.headers["upload-complete"], self.served("a")), ("?1", (200, b"abc"))
        )

    def test_whole_way(self) -> None:
        """
        Created unfinished, appended to, asked about, finished.
        """
        created = self.ask(
            "POST", signed("a", 6), "Upload-Complete: ?0", "Upload-Length: 6", body=b"abc"
        )
        target = self.below(created.headers["location"])
        asked = self.ask("HEAD", target)
        last = self.ask(
            "PATCH", target, PARTIAL, "Upload-Offset: 3", "Upload-Complete: ?1", body=b"def"
        )
        self.assertEqual([a.status for a in (created, asked, last)], [201, 204, 201])
        self.assertEqual(
            [a.headers["upload-complete"] for a in (created, asked, last)], ["?0", "?0", "?1"]
        )
        self.assertEqual(
            [a.headers["upload-offset"] for a in (created, asked, last)], ["3", "3", "6"]
        )
        self.assertEqual(self.served("a"), (200, b"abcdef"))

    def test_empty_end(self) -> None:
        """
        All bytes are there, and an empty request says that it is the end.
        """
        created = self.ask(
            "PUT", signed("a", 3), "Upload-Complete: ?0", "Upload-Length: 3", body=b"abc"
        )
        target = self.below(created.headers["location"])
        during = self.ask("HEAD", target).headers["upload-complete"], self.served("a")[0]
        last = self.ask("PATCH", target, PARTIAL, "Upload-Offset: 3", "Upload-Complete: ?1")
        self.assertEqual((during, last.status, self.served("a")), (("?0", 404), 201, (200, b"abc")))

    def test_wrong_offset(self) -> None:
        """
        A problem says which offset was expected.
        """
        created = self.ask(
            "PUT", signed("a", 6), "Upload-Complete: ?0", "Upload-Length: 6", body=b"abc"
        )
        target = self.below(created.headers["location"])
        answer = self.ask(
            "PATCH", target, PARTIAL, "Upload-Offset: 1", "Upload-Complete: ?0", body=b"b"
        )
        self.assertEqual((answer.status, answer.headers["upload-offset"]), (409, "3"))
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        told = loads(answer.body)
        self.assertEqual((told["expected-offset"], told["provided-offset"]), (3, 1))
        self.assertTrue(told["type"].endswith("#mismatching-upload-offset"))

    def test_too_long(self) -> None:
        """
        More than the length makes the upload invalid.
        """
        created = self.ask(
            "PUT", signed("a", 3), "Upload-Complete: ?0", "Upload-Length: 3", body=b"ab"
        )
        target = self.below(created.headers["location"])
        answer = self.ask(
            "PATCH", target, PARTIAL, "Upload-Offset: 2", "Upload-Complete: ?0", body=b"cd"
        )
        self.assertEqual((answer.status, self.ask("HEAD", target).status), (413, 410))

    def test_unknown_length(self) -> None:
        """
        Where a size is signed, it must be said.
        """
        answer = self.ask("PUT", signed("a", 6), "Upload-Complete: ?0", body=b"abc")
        self.assertEqual((answer.status, answer.code), (400, "unknown-length"))

    def test_informed(self) -> None:
        """
        A 104 goes to who says a version that is known, and to no proxy.
        """
        found = []
        for name, peer, version in (("a", PEER, 3), ("b", UNIX_PEER, 6), ("c", PEER, 8)):
            client = Conversation(self.site, peer)
            client.request(
                "PUT",
                signed(name, 3),
                "Upload-Complete: ?1",
                f"Upload-Draft-Interop-Version: {version}",
                body=b"abc",
            )
            found.append(client.statuses())
        self.assertEqual(found, [[201], [201], [104, 201]])

    def test_events(self) -> None:
        """
        An upload in two requests is completed once.
        """
        created = self.ask(
            "PUT", signed("a", 6), "Upload-Complete: ?0", "Upload-Length: 6", body=b"abc"
        )
        target = self.below(created.headers["location"])
        self.ask("PATCH", target, PARTIAL, "Upload-Offset: 3", "Upload-Complete: ?1", body=b"def")
        self.assertEqual([event.at for event in self.told(UploadCompleted)], [NOW])

    def begun(self, body: bytes, length: int) -> str:
        """
        :return: the target of an upload that *body* began.
        """
        created = self.ask(
            "PUT",
            signed("a", length),
            "Upload-Complete: ?0",
            f"Upload-Length: {length}",
            body=body,
        )
        return self.below(created.headers["location"])

    def chunked(self, target: str, complete: str, *pieces: bytes) -> Answer:
        """
        :return: the answer to an append whose end alone tells its length.
        """
        client = Conversation(self.site)
        fields = (PARTIAL, "Upload-Offset: 2", f"Upload-Complete: {complete}", CHUNKED)
        client.send(head("PATCH", target, *fields) + chunks(*pieces))
        return client.answers()[-1]

    def test_too_long_when_counted(self) -> None:
        """
        The upload is invalid also where only the end tells.
        """
        target = self.begun(b"ab", 4)
        answer = self.chunked(target, "?0", b"c", b"de")
        self.assertEqual((answer.status, self.ask("HEAD", target).status), (413, 410))

    def test_too_short_when_counted(self) -> None:
        """
        What is said to be the end and is not is not kept.
        """
        target = self.begun(b"ab", 4)
        answer = self.chunked(target, "?1", b"c")
        asked = self.ask("HEAD", target)
        self.assertEqual((answer.status, asked.headers["upload-offset"]), (400, "2"))
        self.assertTrue(loads(answer.body)["type"].endswith("#inconsistent-upload-length"))

    def test_cancelled(self) -> None:
        """
        An upload that is given up is gone, and so is an invalid one.
        """
        target = self.begun(b"ab", 4)
        found = [self.ask("DELETE", target).status, self.ask("HEAD", target).status]
        target = self.begun(b"ab", 4)
        self.chunked(target, "?0", b"cde")
        found += [self.ask("DELETE", target).status, self.ask("HEAD", target).status]
        self.assertEqual(found, [204, 404, 204, 404])

    def test_completed(self) -> None:
        """
        What is appended to a finished upload is a problem of its own.
        """
        target = self.begun(b"ab", 4)
        self.chunked(target, "?1", b"cd")
        answer = self.chunked(target, "?1", b"cd")
        self.assertEqual((answer.status, answer.headers["upload-offset"]), (403, "4"))
        self.assertTrue(loads(answer.body)["type"].endswith("#completed-upload"))

    def test_taken(self) -> None:
        """
        No upload that is not complete begins where a file is.
        """
        self.put("a", b"abc")
        answer = self.ask(
            "PUT", signed("a", 3), "Upload-Complete: ?0", "Upload-Length: 3", body=b"abc"
        )
        self.assertEqual((answer.status, answer.code), (409, "exists"))

    def test_broken(self) -> None:
        """
        A PUT that breaks goes on at the URL that its 104 told.
        """
        client = Conversation(self.site)
        fields = ("Upload-Complete: ?1", "Upload-Draft-Interop-Version: 6", "Content-Length: 6")
        client.send(head("PUT", signed("a", 6), *fields) + b"abc")
        client.vanish()
        target = self.below(client.answers()[0].headers["location"])
        asked = self.ask("HEAD", target)
        last = self.ask(
            "PATCH", target, PARTIAL, "Upload-Offset: 3", "Upload-Complete: ?1", body=b"def"
        )
        self.assertEqual((asked.headers["upload-offset"], last.status), ("3", 201))
        self.assertEqual(self.served("a"), (200, b"abcdef"))

    def test_expected(self) -> None:
        """
        A client that waits to be invited hears of the upload first.
        """
        client = Conversation(self.site)
        fields = ("Upload-Draft-Interop-Version: 8", "Expect: 100-continue", "Content-Length: 3")
        client.send(head("PUT", signed("a", 3), "Upload-Complete: ?1", *fields))
        refused = Conversation(self.site)
        refused.send(head("PUT", signed("a", 4), "Upload-Complete: ?1", *fields))
        self.assertEqual((client.statuses(), refused.statuses()), ([104, 100], [403]))
