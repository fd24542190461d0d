"""
The programs that everybody has, curl and wget, with URLs of ``hmacfs sign``.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from twisted.trial.unittest import SynchronousTestCase

from tests.process import PATIENCE, Daemon, run_hmacfs

SIZE = 3_000_000
CONTENT = random.Random("clients").randbytes(SIZE)


class ClientTests(SynchronousTestCase):
    """A signed URL is all that a program needs to upload, a plain one to download."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hmacfs-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.daemon = Daemon(self.folder)
        self.addCleanup(self.daemon.end)
        self.file = self.folder / "film.mp4"

    def upload(self, *options: str) -> str:
        """
        Upload :data:`CONTENT` by curl.

        :param options: those of ``hmacfs sign``.
        :return: the URL to download it from.
        """
        config = ["--config", str(self.daemon.config)]
        put = run_hmacfs("sign", "our/film.mp4", str(SIZE), *options, *config).strip()
        self.file.write_bytes(CONTENT)
        self.run_program("curl", "--fail", "-sS", "-T", "film.mp4", put)
        self.file.unlink()
        return urlsplit(put)._replace(query="").geturl()

    def run_program(self, *arguments: str) -> None:
        """Run a program where the file is."""
        told = subprocess.run(
            arguments,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(told.returncode, 0, f"{arguments}: {told.stderr}\n{self.daemon.output}")

    def check_file(self) -> None:
        """The file is whole: no words about three million bytes where it is not."""
        self.assertTrue(self.file.read_bytes() == CONTENT, "other bytes")

    def test_schemes(self) -> None:
        """
        ``curl -T`` takes a URL of any scheme; the same file again is welcome.
        """
        for scheme in ["v", "v2", "token", "v3"]:
            url = self.upload("--scheme", scheme)
            self.run_program("curl", "--fail", "-sS", "-o", "film.mp4", url)
            self.check_file()

    def test_curl_range(self) -> None:
        """
        ``curl -r`` fetches a part, ``curl -C -`` goes on behind it.
        """
        url = self.upload()
        self.run_program("curl", "--fail", "-sS", "-r", "0-999999", "-o", "film.mp4", url)
        self.assertEqual(self.file.stat().st_size, 1_000_000)
        self.run_program("curl", "--fail", "-sS", "-C", "-", "-o", "film.mp4", url)
        self.check_file()

    def test_wget(self) -> None:
        """
        ``wget -c`` goes on with what it has.
        """
        url = self.upload()
        self.file.write_bytes(CONTENT[:1234])
        self.run_program("wget", "-q", "-c", url)
        self.check_file()
