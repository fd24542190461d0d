"""
Tests for :mod:`hmacfs.cli.bearer`.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.cli.bearer import LONGEST, read
from hmacfs.cli.failures import Failure
from tests.commands import run, write_settings
from tests.process import HMACFS, PATIENCE, ROOT
from tests.script import Scene, Script, answer

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzbG90IjoiYSJ9.8t-_~+/x=="


class ReadTests(SynchronousTestCase):
    """
    A token is read from a file, however it was copied there.
    """

    def setUp(self) -> None:
        """Have a place for a file."""
        self.path = Path(self.mktemp())

    def read(self, text: bytes) -> str:
        self.path.write_bytes(text)
        return read(str(self.path))

    def test_token(self) -> None:
        """
        Alone, or with what stands before it in a request.
        """
        for text in ("{}", "{}\n", " {} \r\nmore\n", "Bearer {}", "authorization:bearer  {}\n"):
            self.assertEqual(self.read(text.format(TOKEN).encode()), f"Bearer {TOKEN}", text)

    def test_none(self) -> None:
        """
        Who has none says none.
        """
        self.assertEqual(read(None), "")

    def test_no_token(self) -> None:
        """
        What could not stand in a request, or is none, is refused, and never repeated.
        """
        for text in (
            b"",
            b"\n",
            b"\xff\xfe",
            b"two words",
            b"Basic YTpi",
            b"a" * (LONGEST + 1) + b"=",
        ):
            failure = self.assertRaises(Failure, self.read, text)
            self.assertEqual(failure.text, f"--bearer-file: {self.path} holds no token.")
        self.path.unlink()
        failure = self.assertRaises(Failure, read, str(self.path))
        self.assertIn("No such file", failure.text)


class CommandTests(SynchronousTestCase):
    """
    Every request has it, and nobody else hears of it.
    """

    def setUp(self) -> None:
        """Have a token, and a file to upload."""
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.token = self.folder / "token"
        self.token.write_text(TOKEN)
        self.file = self.folder / "photo.jpg"
        self.file.write_bytes(b"abc")

    def test_put(self) -> None:
        """
        An upload shows it with each question and each piece.
        """
        script = Script(
            Scene(answer(308)), Scene(cuts=True), Scene(answer(308)), Scene(answer(201))
        )
        url = f"http://127.0.0.1:{script.port}/uploads/a/photo.jpg"
        ran = run("put", str(self.file), "--url", url, "--bearer-file", str(self.token))
        script.stop()
        self.assertEqual((ran.status, ran.out), (0, f"{url}\n"), ran)
        found = [asked.get("Authorization") for asked in script.asked]
        self.assertEqual(found, [(f"Bearer {TOKEN}",)] * 4)
        self.assertNotIn(TOKEN, ran.err)

    def test_get(self) -> None:
        """
        So does a download.
        """
        script = Script(Scene(answer(200, 'ETag: "a"', body=b"abc")))
        path = self.folder / "copy.jpg"
        url = f"http://127.0.0.1:{script.port}/a"
        ran = run("get", url, "-o", str(path), "--bearer-file", str(self.token))
        script.stop()
        self.assertEqual((ran.status, path.read_bytes()), (0, b"abc"), ran)
        self.assertEqual(script.asked[0].get("Authorization"), (f"Bearer {TOKEN}",))

    def test_standard_input(self) -> None:
        """
        It can be pasted: the line ends it.
        """
        script = Script(Scene(answer(200, 'ETag: "a"', body=b"abc")))
        program = [
            *HMACFS,
            "get",
            f"http://127.0.0.1:{script.port}/a",
            "-o",
            "-",
            "--bearer-file",
            "-",
        ]
        child = subprocess.Popen(
            program,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert child.stdin is not None and child.stdout is not None
        with child.stdin as stdin, child.stdout as stdout:
            stdin.write(f"{TOKEN}\n".encode())
            stdin.flush()
            self.assertEqual((stdout.read(), child.wait(PATIENCE)), (b"abc", 0))
        script.stop()
        self.assertEqual(script.asked[0].get("Authorization"), (f"Bearer {TOKEN}",))

    def test_own_slot(self) -> None:
        """
        What the settings sign wants none.
        """
        config = write_settings(self.mktemp(), ListenPort="127.0.0.1:1")
        ran = run("put", "-c", config, str(self.file), "--bearer-file", str(self.token))
        self.assertEqual((ran.status, ran.out), (2, ""))
        self.assertIn("--url", ran.err)
