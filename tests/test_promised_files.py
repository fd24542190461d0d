"""
Tests for what ``Repr-Digest`` promises of a file that takes several requests.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha512

from tests.resuming import OFFSETS, PARTIAL, TUS, ResumingCase, digest
from tests.serving import signed
from tests.wire import Answer

DRAFT = "Upload-Draft-Interop-Version: 8"


def digest512(data: bytes) -> str:
    """
    :return: a field that says the SHA-512 of the file *data*.
    """
    return f"Repr-Digest: sha-512=:{b64encode(sha512(data).digest()).decode()}:"


class PromisedFileTests(ResumingCase):
    """
    The whole file is held to every ``Repr-Digest`` that a request of its upload had.
    """

    def create(self, front: str, *fields: str) -> str:
        """
        :return: the target of a new upload of six bytes.
        """
        method, said = {
            "tus": ("POST", (TUS,)),
            "draft": ("PUT", (DRAFT, "Upload-Complete: ?0")),
        }[front]
        created = self.ask(method, signed("a", 6), *said, "Upload-Length: 6", *fields)
        self.assertEqual(created.status, 201)
        return self.below(created.headers["location"])

    def append(self, front: str, target: str, offset: int, body: bytes, *fields: str) -> Answer:
        """Three bytes, at the upload's own URL."""
        said = {
            "tus": (TUS, OFFSETS),
            "draft": (DRAFT, PARTIAL, f"Upload-Complete: ?{offset // 3}"),
        }[front]
        at = f"Upload-Offset: {offset}"
        return self.ask("PATCH", target, *said, at, *fields, body=body)

    def ends(self, front: str, first: str, second: str = "", created: str = "") -> list[int]:
        """
        :return: the statuses of two appends with these fields, of the question
            how it stands, and of a GET of the file.
        """
        self.serve()
        target = self.create(front, *filter(None, [created]))
        found = [
            self.append(front, target, 0, b"abc", *filter(None, [first])).status,
            self.append(front, target, 3, b"def", *filter(None, [second])).status,
        ]
        asked = self.ask("HEAD", target, TUS if front == "tus" else DRAFT)
        return [*found, asked.status, self.served("a")[0]]

    def test_kept(self) -> None:
        """
        A promise that is kept changes nothing, whenever it comes.
        """
        right = (digest("Repr-Digest", b"abcdef"), digest512(b"abcdef"))
        for said in right:
            for front, stored in (("tus", 204), ("draft", 201)):
                self.assertEqual(self.ends(front, said), [204, stored, 204, 200])
                self.assertEqual(self.ends(front, "", said), [204, stored, 204, 200])
                self.assertEqual(self.ends(front, *right, said), [204, stored, 204, 200])

    def test_broken(self) -> None:
        """
        One that is not is 400, whenever it came and by which algorithm, and nothing is kept.
        """
        for said in (digest("Repr-Digest", b"abc"), digest512(b"abc")):
            for front in ("tus", "draft"):
                for fields in [(said,), ("", said), ("", "", said)]:
                    found = self.ends(front, *fields)
                    self.assertEqual(found, [204, 400, 404, 404], (front, fields))
                    self.assertEqual(self.store.parts, {})

    def test_contradiction(self) -> None:
        """
        A promise other than before is 400 unread, and what was kept stays to be gone on with.
        """
        for front in ("tus", "draft"):
            self.serve()
            target = self.create(front, digest512(b"abcdef"))
            self.append(front, target, 0, b"abc")
            refused = self.append(front, target, 3, b"def", digest512(b"other"))
            told = (refused.status, refused.code, refused.headers["upload-offset"])
            self.assertEqual(told, (400, "wrong-digest", "3"))
            self.append(front, target, 3, b"def")
            self.assertEqual(self.served("a"), (200, b"abcdef"))

    def test_impossible(self) -> None:
        """
        What no file can hash to is refused before a byte of it is read.
        """
        target = self.create("tus")
        refused = self.append("tus", target, 0, b"abc", "Repr-Digest: sha-512=:YWJj:")
        self.assertEqual((refused.status, refused.code), (400, "wrong-digest"))
        self.assertEqual(self.ask("HEAD", target, TUS).headers["upload-offset"], "0")

    def test_line_broke(self) -> None:
        """
        A promise counts though the request that brought it broke off.
        """
        target = self.create("tus")
        fields = (TUS, OFFSETS, "Upload-Offset: 0", digest512(b"other"))
        self.broken("PATCH", target, *fields, body=b"abc", length=6)
        self.assertEqual(self.append("tus", target, 3, b"def").status, 400)

    def test_plain(self) -> None:
        """
        That of a plain PUT that broke counts for who brings the rest, and its bytes are kept.
        """
        for said, status in ((digest512(b"abcdef"), 201), (digest512(b"other"), 400)):
            self.serve()
            self.broken("PUT", signed("a", 6), said, body=b"abc", length=6)
            rest = self.ask("PUT", signed("a", 6), "Content-Range: bytes 3-5/6", body=b"def")
            self.assertEqual(rest.status, status)

    def test_parts(self) -> None:
        """
        So does that of any part of a Content-Range.
        """
        url = signed("a", 6)
        said = digest512(b"other")
        self.ask("PUT", url, "Content-Range: bytes 0-1/6", body=b"ab")
        self.ask("PUT", url, "Content-Range: bytes 2-3/6", said, body=b"cd")
        last = self.ask("PUT", url, "Content-Range: bytes 4-5/6", body=b"ef")
        self.assertEqual((last.status, last.code, self.store.parts), (400, "wrong-digest", {}))
