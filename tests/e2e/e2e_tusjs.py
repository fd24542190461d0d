"""
tus-js-client, as it comes from npm, under Node.js.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.files import MEBIBYTE, File
from tests.e2e.ways import FILM, Course, Direct, Proxied, whole
from tests.readme import blocks

HERE = Path(__file__).with_name("js")
MODULES = HERE / "node_modules"
CLIENT = ["node", str(HERE / "upload.js")]


class TusJsContract:
    """What tus-js-client can rely on, whatever its protocol and the way."""

    # The protocol, as tus-js-client calls it.
    PROTOCOL: ClassVar = "tus-v1"
    # The status that tells of the last byte.
    END: ClassVar = 204

    def upload(self, file: File, **options: Any) -> None:
        """
        Upload *file*.

        :param options: those of tus-js-client.
        """
        self.run_client(CLIENT, self.job(file, **options))

    def job(self, file: File, **options: Any) -> dict[str, Any]:
        """
        :return: what ``upload.js`` is to read.
        """
        usual = {
            "endpoint": self.slot(file),
            "protocol": self.PROTOCOL,
            "metadata": {"filename": file.name, "filetype": file.content_type},
        }
        return {"path": self.write(file), "options": {**usual, **options}}

    def check(self, requests: list[str], answers: list[int], file: File = FILM) -> None:
        """
        The upload of *file* went like this, and the file is whole.
        """
        self.assertEqual(self.course(file), Course(requests, answers, whole(file)))

    def test_whole(self) -> None:
        """
        A file is created, and then comes in one piece.
        """
        self.upload(FILM)
        self.check(["POST", "PATCH"], [201, self.END])

    def test_chunks(self) -> None:
        """
        A file comes in pieces, the last one smaller than the others.
        """
        self.upload(FILM, chunkSize=3 * MEBIBYTE)
        self.check(["POST", *["PATCH"] * 3], [201, 204, 204, self.END])

    def test_creation_with_content(self) -> None:
        """
        A file comes with the request that creates it.
        """
        self.upload(FILM, uploadDataDuringCreation=True)
        self.check(["POST"], [201])

    def test_empty(self) -> None:
        """
        An empty file is there with the answer to its creation.
        """
        file = File("empty.txt", 0, "text/plain")
        self.upload(file)
        self.check(["POST"], [201], file)

    def test_cut(self) -> None:
        """
        A broken line is not the end: it goes on where it broke.
        """
        self.cut()
        self.upload(FILM)
        self.check(["POST", "PATCH", "HEAD", "PATCH"], [201, 204, self.END])

    def test_cut_rudely(self) -> None:
        """
        Nor is a line that was reset, with some bytes still on it.
        """
        self.cut(rudely=True)
        self.upload(FILM)
        self.check(["POST", "PATCH", "HEAD", "PATCH"], [201, 204, self.END])

    def test_killed(self) -> None:
        """
        A client that was killed goes on at its next start.
        """
        self.run_killed(CLIENT, {**self.job(FILM), "storage": str(self.folder / "uploads.json")})
        self.check(["POST", "PATCH", "HEAD", "PATCH"], [201, 204, self.END])

    def test_forgotten(self) -> None:
        """
        A client may let the server forget an upload, and the file stays.
        """
        self.run_client(CLIENT, {**self.job(FILM), "forget": True})
        self.check(["POST", "PATCH", "DELETE"], [201, self.END, 204])


class TusContract(TusJsContract):
    """tus 1.0.0, which is what it speaks unless told otherwise."""

    def test_readme(self) -> None:
        """
        What README.rst shows uploads, and goes on where the line broke.
        """
        (block,) = [block for block in blocks() if block.language == "js"]
        (self.folder / "node_modules").symlink_to(MODULES)
        script = self.folder / "readme.mjs"
        start = """
            import { createReadStream, readFileSync } from "node:fs";
            const { path, slot } = JSON.parse(readFileSync(process.argv[2], "utf8"));
            upload(createReadStream(path), slot);
        """
        script.write_text(block.text + start)
        self.cut()
        job = {"path": self.write(FILM), "slot": self.slot(FILM)}
        self.assertIn("stored\n", self.run_client(["node", str(script)], job))
        requests = [request.split()[0] for request in self.ledger.requests]
        self.assertEqual(requests, ["POST", "PATCH", "HEAD", "PATCH"])
        self.assertEqual(self.course(FILM).served[2], FILM.sha256)

    def test_override(self) -> None:
        """
        Where PATCH is not to be had, a POST stands for it.
        """
        self.cut()
        self.upload(FILM, overridePatchMethod=True)
        self.check(["POST", "POST", "HEAD", "POST"], [201, 204, 204])


class DraftContract(TusJsContract):
    """
    The IETF draft.  It tells the file's type in no way: the name does.
    """

    END = 201


class Draft03Contract(DraftContract):
    """Its interop version 5."""

    PROTOCOL = "ietf-draft-03"


class Draft05Contract(DraftContract):
    """Its interop version 6."""

    PROTOCOL = "ietf-draft-05"


class TusDirectTests(TusContract, Direct, SynchronousTestCase):
    """On a TCP port of hmacfs."""


class TusProxiedTests(TusContract, Proxied, SynchronousTestCase):
    """Through nginx, over TLS."""


class Draft03DirectTests(Draft03Contract, Direct, SynchronousTestCase):
    """On a TCP port of hmacfs."""


class Draft03ProxiedTests(Draft03Contract, Proxied, SynchronousTestCase):
    """Through nginx, over TLS."""


class Draft05DirectTests(Draft05Contract, Direct, SynchronousTestCase):
    """On a TCP port of hmacfs."""


class Draft05ProxiedTests(Draft05Contract, Proxied, SynchronousTestCase):
    """Through nginx, over TLS."""
