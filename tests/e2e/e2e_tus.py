"""
tuspy and aiotus, as they come from PyPI.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.files import MEBIBYTE, File
from tests.e2e.ways import FILM, Course, Direct, Proxied, whole
from tests.readme import blocks

CLIENT = [sys.executable, str(Path(__file__).with_name("tus_clients.py"))]


class TusContract:
    """What every tus client in Python can rely on, whatever the way."""

    def upload(self, client: str, file: File, **more: Any) -> None:
        """
        Let *client* upload *file*.

        :param more: as ``tus_clients.py`` says.
        """
        self.run_client(CLIENT, self.job(client, file, **more))

    def job(self, client: str, file: File, **more: Any) -> dict[str, Any]:
        """
        :return: what ``tus_clients.py`` is to read.
        """
        return {
            "client": client,
            "path": self.write(file),
            "endpoint": self.slot(file),
            "metadata": {"filename": file.name, "filetype": file.content_type},
            **more,
        }

    def test_tuspy(self) -> None:
        """
        tuspy uploads a file, whose type is in its metadata.
        """
        self.upload("tuspy", FILM)
        self.assertEqual(self.course(FILM), Course(["POST", "PATCH"], [201, 204], whole(FILM)))

    def test_tuspy_cut(self) -> None:
        """
        tuspy goes on where its line broke.
        """
        self.cut()
        self.upload("tuspy", FILM)
        self.assertEqual(
            self.course(FILM),
            Course(["POST", "PATCH", "HEAD", "PATCH"], [201, 204, 204], whole(FILM)),
        )

    def test_tuspy_killed(self) -> None:
        """
        A tuspy that was killed goes on at its next start.
        """
        job = self.job("tuspy", FILM, storage=str(self.folder / "uploads.json"))
        self.run_killed(CLIENT, job)
        self.assertEqual(
            self.course(FILM),
            Course(["POST", "PATCH", "HEAD", "PATCH"], [201, 204, 204], whole(FILM)),
        )

    def test_tuspy_checksums(self) -> None:
        """
        With a checksum for each request, what came of a broken one does not count.
        """
        self.cut()
        self.upload("tuspy", FILM, chunk=MEBIBYTE, checksum=True)
        self.assertEqual(
            self.course(FILM),
            Course(
                ["POST", *["PATCH"] * 3, "HEAD", *["PATCH"] * 6],
                [201, *[204] * 9],
                whole(FILM),
            ),
        )

    def test_tuspy_plain(self) -> None:
        """
        Without metadata, of which tuspy sends an empty field, a file is just bytes.
        """
        file = File("plain.bin", MEBIBYTE)
        self.upload("tuspy", file, metadata=None)
        self.assertEqual(self.course(file), Course(["POST", "PATCH"], [201, 204], whole(file)))

    def test_tuspy_empty(self) -> None:
        """
        An empty file is there with the answer to its creation.
        """
        file = File("empty.txt", 0, "text/plain")
        self.upload("tuspy", file)
        self.assertEqual(self.course(file), Course(["POST"], [201], whole(file)))

    def test_tuspy_typed(self) -> None:
        """
        Where a type is signed, it is the one in the metadata.
        """
        self.upload("tuspy", FILM, endpoint=self.slot(FILM, "v2"))
        self.assertEqual(self.course(FILM), Course(["POST", "PATCH"], [201, 204], whole(FILM)))

    def test_tuspy_bearer(self) -> None:
        """
        A token in a header opens the slot, at every request.
        """
        file = File("0815/film.mp4", MEBIBYTE, "video/mp4")
        headers = {"Authorization": self.token(file)}
        self.upload("tuspy", file, endpoint=f"{self.url}0815/film.mp4", headers=headers)
        self.assertEqual(self.course(file), Course(["POST", "PATCH"], [201, 204], whole(file)))

    def test_tuspy_readme(self) -> None:
        """
        What README.rst shows uploads, and goes on where the line broke.
        """
        (block,) = [block for block in blocks() if "import TusClient" in block.text]
        script = self.folder / "readme.py"
        start = """
            import json, sys
            job = json.load(open(sys.argv[1]))
            upload(job["slot"], job["path"])
        """
        script.write_text(block.text + textwrap.dedent(start))
        self.cut()
        job = {"path": self.write(FILM), "slot": self.slot(FILM)}
        self.run_client([sys.executable, str(script)], job)
        self.assertEqual(
            self.course(FILM),
            Course(["POST", "PATCH", "HEAD", "PATCH"], [201, 204, 204], whole(FILM)),
        )

    def test_aiotus(self) -> None:
        """
        aiotus uploads a file by requests of 4 MiB, and reads its metadata back.
        """
        self.upload("aiotus", FILM)
        self.assertEqual(
            self.course(FILM),
            Course(["POST", "HEAD", "PATCH", "PATCH", "HEAD"], [201, *[204] * 4], whole(FILM)),
        )

    def test_aiotus_cut(self) -> None:
        """
        aiotus goes on where its line broke.
        """
        self.cut()
        self.upload("aiotus", FILM)
        self.assertEqual(
            self.course(FILM),
            Course(
                ["POST", "HEAD", "PATCH", "HEAD", "PATCH", "PATCH", "HEAD"],
                [201, *[204] * 5],
                whole(FILM),
            ),
        )


class DirectTests(TusContract, Direct, SynchronousTestCase):
    """On a TCP port of hmacfs."""


class ProxiedTests(TusContract, Proxied, SynchronousTestCase):
    """Through nginx, over TLS."""
