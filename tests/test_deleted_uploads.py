"""
Uploads to names that were deleted, by every protocol.
"""

from __future__ import annotations

from json import loads

from hmacfs.events import UploadCompleted, UploadFailed
from tests.resuming import OFFSETS, PARTIAL, TUS, ResumingCase, head
from tests.serving import name, signed, timed
from tests.wire import Answer, Conversation


class DeletedCase(ResumingCase):
    """
    A name ``a`` that was deleted, maybe while an upload to it went on.
    """

    def bury(self) -> None:
        """Let it be deleted."""
        self.store.tombstones[name("a")] = self.clock.seconds() + 999

    def nothing(self) -> None:
        """Check that nothing is left of any upload, and no file is there."""
        self.assertEqual((self.store.parts, self.store.writing, self.store.files), ({}, {}, {}))
        self.assertEqual(self.told(UploadCompleted), [])

    def gone(self, *answers: Answer) -> None:
        """Check that *answers* say so."""
        self.assertEqual([each.status for each in answers], [410] * len(answers))
        for each in answers:
            self.assertIn(b"deleted", each.body)
            self.assertEqual(each.headers["access-control-allow-origin"], "*")


class BegunTests(DeletedCase):
    """
    None begins: the body is not even invited.
    """

    def test_fronts(self) -> None:
        """
        It is 410 by a PUT, by tus, by the draft and by ``Content-Range``.
        """
        self.bury()
        target = signed("a", 6)
        self.gone(
            self.ask("PUT", target, body=b"abcdef"),
            self.ask("PUT", timed("PUT", "a"), body=b"abcdef"),
            self.ask("POST", target, TUS, "Upload-Length: 6"),
            self.ask("POST", target, TUS, OFFSETS, "Upload-Length: 6", body=b"abcdef"),
            self.ask("POST", target, "Upload-Complete: ?0", "Upload-Length: 6", body=b"abc"),
            self.ask("PUT", target, "Upload-Complete: ?1", body=b"abcdef"),
            self.ask("PUT", target, "Content-Range: bytes 0-2/6", body=b"abc"),
            self.ask("PUT", target, "Content-Range: bytes */6"),
        )
        self.nothing()

    def test_not_invited(self) -> None:
        """
        A client that waits to be asked for its body hears 410, and no 100.
        """
        self.bury()
        client = Conversation(self.site)
        client.send(head("PUT", signed("a", 6), "Content-Length: 6", "Expect: 100-continue"))
        self.assertEqual(client.statuses(), [410])


class MeanwhileTests(DeletedCase):
    """
    One that went on when its name was deleted is over.
    """

    def test_put(self) -> None:
        """
        A PUT whose body was on its way is 410 at its end.
        """
        client = Conversation(self.site)
        client.send(head("PUT", signed("a", 6), "Content-Length: 6") + b"abc")
        self.bury()
        client.send(b"def")
        self.gone(*client.answers())
        self.assertEqual([event.reason for event in self.told(UploadFailed)], ["deleted"])
        self.nothing()

    def test_tus(self) -> None:
        """
        tus hears 410 whatever it asks next, and then that there is no upload.
        """
        for method, *fields in [("HEAD",), ("PATCH", OFFSETS, "Upload-Offset: 3")]:
            self.serve()
            made = self.ask("POST", signed("a", 6), TUS, OFFSETS, "Upload-Length: 6", body=b"abc")
            target = self.below(made.headers["location"])
            self.bury()
            body = b"def" if fields else b""
            answers = [self.ask(method, target, TUS, *fields, body=body) for _ in range(2)]
            self.assertEqual([each.status for each in answers], [410, 404])
            self.assertEqual(
                [each.headers["tus-resumable"] for each in answers], ["1.0.0", "1.0.0"]
            )
            self.assertNotIn("upload-offset", answers[0].headers)
            self.nothing()
            self.assertEqual(self.metadata.records, {})

    def test_tus_last_bytes(self) -> None:
        """
        It hears so too where the last bytes were on their way.
        """
        made = self.ask("POST", signed("a", 6), TUS, "Upload-Length: 6")
        target = self.below(made.headers["location"])
        client = Conversation(self.site)
        client.send(
            head("PATCH", target, TUS, OFFSETS, "Upload-Offset: 0", "Content-Length: 6") + b"abc"
        )
        self.bury()
        client.send(b"def")
        self.gone(*client.answers())
        self.nothing()
        self.assertEqual(self.ask("HEAD", target, TUS).status, 404)

    def test_cancel(self) -> None:
        """
        It may be given up, as ever.
        """
        made = self.ask("POST", signed("a", 6), TUS, "Upload-Length: 6")
        self.bury()
        target = self.below(made.headers["location"])
        self.assertEqual(self.ask("DELETE", target, TUS).status, 204)
        self.nothing()

    def test_draft(self) -> None:
        """
        So does the draft.
        """
        made = self.ask(
            "POST", signed("a", 6), "Upload-Complete: ?0", "Upload-Length: 6", body=b"abc"
        )
        target = self.below(made.headers["location"])
        self.bury()
        patch = ("PATCH", target, PARTIAL, "Upload-Offset: 3", "Upload-Complete: ?1")
        answers = [self.ask(*patch, body=b"def") for _ in range(2)]
        self.assertEqual([each.status for each in answers], [410, 404])
        self.assertNotIn("upload-complete", answers[0].headers)
        self.nothing()

    def test_content_range(self) -> None:
        """
        And who sends part by part to the URL that was signed.
        """
        target = signed("a", 6)
        for fields, body in [
            (["Content-Range: bytes 3-5/6"], b"def"),
            (["Content-Range: bytes */6"], b""),
        ]:
            self.serve()
            first = self.ask("PUT", target, "Content-Range: bytes 0-2/6", body=b"abc")
            self.bury()
            answers = [self.ask("PUT", target, *fields, body=body)]
            self.assertEqual(first.status, 308)
            self.gone(*answers)
            self.nothing()

    def test_taken_down(self) -> None:
        """
        An upload that is taken down under way is cut off with its next bytes.
        """
        client = Conversation(self.site)
        client.send(head("PUT", signed("a", 6), "Content-Length: 6") + b"abc")
        [gone] = self.successResultOf(self.store.take_down(name("a")))
        client.send(b"d")
        self.gone(*client.answers())
        self.assertEqual((gone.kind, gone.size), ("part", 3))
        self.nothing()

    def test_banned(self) -> None:
        """
        Bytes that are banned are 403, under whatever name, and not kept.
        """
        self.put("b", b"bad")
        self.successResultOf(self.store.take_down(name("b"), ban=True))
        made = self.ask("POST", signed("c", 3), TUS, OFFSETS, "Upload-Length: 3", body=b"bad")
        put = self.ask("PUT", signed("d", 3), "Accept: application/json", body=b"bad")
        self.assertEqual((made.status, put.status, loads(put.body)["code"]), (403, 403, "banned"))
        self.assertEqual((self.store.parts, self.store.files), ({}, {}))
        self.assertEqual(self.metadata.records, {})


class QuotaTests(DeletedCase):
    """
    An owner who keeps all that he may hears so by every protocol.
    """

    def setUp(self) -> None:
        self.serve(OwnerFrom="path", OwnerQuota="10")
        self.put("me/kept", b"12345678")

    def test_fronts(self) -> None:
        """
        413 with the figures, before the body is invited; others are not kept out.
        """
        target = signed("me/a", 3)
        answers = [
            self.ask("PUT", target, body=b"abc"),
            self.ask("PUT", timed("PUT", "me/a"), body=b"abc"),
            self.ask("POST", target, TUS, "Upload-Length: 3"),
            self.ask("POST", target, "Upload-Complete: ?0", "Upload-Length: 3", body=b"a"),
            self.ask("PUT", target, "Content-Range: bytes 0-0/3", body=b"a"),
        ]
        self.assertEqual([each.status for each in answers], [413] * 5)
        for each in answers:
            self.assertEqual(each.code, "over-quota")
            self.assertIn(b" 8 ", each.body)
            self.assertIn(b" 10 ", each.body)
        self.assertEqual((self.store.parts, self.metadata.records), ({}, {}))
        self.assertEqual(self.ask("PUT", signed("you/a", 3), body=b"abc").status, 201)
        self.assertEqual(self.ask("PUT", signed("me/a", 2), body=b"ab").status, 201)

    def test_chunked(self) -> None:
        """
        A body whose length nobody knows is cut off where it is too much.
        """
        client = Conversation(self.site)
        client.send(head("PUT", timed("PUT", "me/a"), "Transfer-Encoding: chunked"))
        client.send(b"3\r\nabc\r\n")
        self.assertEqual(
            [(each.status, each.code) for each in client.answers()], [(413, "over-quota")]
        )
        self.assertEqual(self.store.parts, {})

    def test_resumed(self) -> None:
        """
        An upload that waited goes on when there is room again.
        """
        self.broken("PUT", signed("me/a", 2), body=b"a", length=2)
        other = Conversation(self.site)
        other.send(head("PUT", signed("me/b", 2), "Content-Length: 2") + b"x")
        rest = ("PUT", signed("me/a", 2), "Content-Range: bytes 1-1/2")
        first = self.ask(*rest, body=b"b")
        other.vanish()
        second = self.ask(*rest, body=b"b")
        self.assertEqual((first.status, first.code, second.status), (413, "over-quota", 201))
        self.assertEqual(self.served("me/a"), (200, b"ab"))
