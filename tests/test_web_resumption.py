"""
Tests for :mod:`hmacfs.web.resumption`: the URL of an upload.
"""

from __future__ import annotations

from tests.resuming import OFFSETS, TUS, ResumingCase
from tests.serving import signed
from tests.wire import UNIX_PEER, Conversation


class UrlTests(ResumingCase):
    """
    Each upload has a URL below the prefix, where nothing else is.
    """

    def setUp(self) -> None:
        super().setUp()
        self.location = self.create()
        self.target = self.below(self.location)

    def create(self, *fields: str) -> str:
        answer = self.ask("POST", signed("a", 3), TUS, "Upload-Length: 3", *fields)
        return answer.headers["location"]

    def status(self, method: str, target: str, *fields: str) -> int:
        return self.ask(method, target, *fields).status

    def test_methods(self) -> None:
        """
        It is asked and given up; what is not known lists what is.
        """
        for method in ("GET", "HEAD"):
            self.assertEqual(self.status(method, self.target, TUS), 204)
        answer = self.ask("PUT", self.target)
        self.assertEqual(
            (answer.status, answer.headers["allow"]), (405, "DELETE, GET, HEAD, OPTIONS, PATCH")
        )
        self.assertEqual(self.status("POST", self.target, TUS), 405)
        self.assertEqual(self.status("DELETE", self.target, TUS), 204)

    def test_override(self) -> None:
        """
        A POST means what it says to mean.
        """
        found = [
            self.status("POST", self.target, TUS, f"X-HTTP-Method-Override: {method}")
            for method in ("HEAD", "DELETE", "HEAD", "BREW")
        ]
        self.assertEqual(found, [204, 204, 404, 405])

    def test_never_a_file(self) -> None:
        """
        While it is under way it is never read: GET has no content.
        """
        fields = (TUS, OFFSETS, "Upload-Offset: 0")
        self.ask("PATCH", self.target, *fields, body=b"ab")
        answer = self.ask("GET", self.target, TUS)
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(answer.headers["cache-control"], "no-store")

    def test_beside(self) -> None:
        """
        What is beside it is no upload and no file.
        """
        path, _, query = self.target.partition("?")
        folder = path.rpartition("/")[0]
        found = [
            self.status("HEAD", f"{target}?{query}", TUS)
            for target in (folder, f"{folder}/", f"{path}/", f"{path}/x", "/uploads/.hmacfs")
        ]
        self.assertEqual(found, [404] * 5)

    def test_proxied(self) -> None:
        """
        It is told as the client of a trusted proxy sees it, and of no other.
        """
        target = signed("b", 3)
        fields = (
            TUS,
            "Upload-Length: 3",
            "X-Forwarded-Proto: https",
            "X-Forwarded-Host: b.example",
        )
        found = [
            Conversation(self.site, peer).request("POST", target, *fields).headers["location"]
            for peer in (UNIX_PEER, self.client.transport.getPeer())
        ]
        self.assertEqual(
            [location.partition("/uploads/")[0] for location in found],
            ["https://b.example", "http://x"],
        )

    def test_prefix(self) -> None:
        """
        Every segment of the prefix stands before it.
        """
        self.serve(UploadSubDir="files/x")
        target = signed("a", 3, prefix="/files/x/")
        answer = self.ask("POST", target, TUS, "Upload-Length: 3")
        location = answer.headers["location"]
        self.assertTrue(location.startswith("http://x/files/x/.hmacfs/uploads/"))
        self.assertEqual(self.status("HEAD", location.removeprefix("http://x"), TUS), 204)

    def test_switched_off(self) -> None:
        """
        Where nothing is resumed there is no such URL.
        """
        self.serve(ResumableUploadsEnabled=False)
        self.assertEqual(self.status("HEAD", self.target, TUS), 404)
