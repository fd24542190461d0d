"""
Tests for :mod:`hmacfs.cli.get`: what is written where.

How a download goes on is shown in :mod:`tests.test_cli_fetching`, and with a
real daemon in :mod:`tests.test_cli_resuming`.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.commands import Ran, run
from tests.script import Scene, Script, answer

FILE = Scene(answer(200, 'ETag: "a"', body=b"abc"))


class GetTests(SynchronousTestCase):
    """
    ``hmacfs get`` writes one file, where it was told to or where it is safe.
    """

    def setUp(self) -> None:
        """Work in an empty folder, and go back."""
        folder = Path(self.mktemp())
        folder.mkdir()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder)

    def get(self, path: str, *arguments: str) -> Ran:
        """
        Download from a server that has one file.
        """
        script = Script(FILE)
        try:
            return run("get", f"http://127.0.0.1:{script.port}{path}", *arguments)
        finally:
            script.stop()
            self.asked = script.asked

    def assertHere(self, **files: bytes) -> None:
        """
        Check what is in the folder; an underscore stands for a dot.
        """
        found = {path.name.replace(".", "_"): path.read_bytes() for path in Path().iterdir()}
        self.assertEqual(found, files)

    def test_name(self) -> None:
        """
        The end of the URL's path names the file.
        """
        ran = self.get("/uploads/x%20y/a.txt?v3=1&expires=/b")
        self.assertEqual((ran.status, ran.out), (0, ""))
        self.assertRegex(ran.err, r"\Adownloaded a\.txt, 3 B, in [0-9.]+ s\n\Z")
        self.assertEqual(self.asked[0].target, "/uploads/x%20y/a.txt?v3=1&expires=/b")
        self.assertHere(a_txt=b"abc")

    def test_unsafe_names(self) -> None:
        """
        A name that could be another path, or would not be seen, is not taken.
        """
        for path in (
            "", "/", "/a/", "/a/..", "/.", "/.bashrc", "/%2e%2e", "/..%2fa", "/%2fetc%2fpasswd",
            "/a%2fb", "/a%00b", "/a%0ab", "/a%1b%5b2Jb", "/%ff", "/a%e2%80%aeb", "/" + "a" * 250,
        ):  # fmt: skip
            ran = self.get(path)
            self.assertEqual((path, ran.status, ran.out, self.asked), (path, 2, "", []))
            self.assertIn("-o", ran.err)
        self.assertHere()

    def test_taken(self) -> None:
        """
        What is there is not replaced, unless that is said.
        """
        Path("a").write_bytes(b"former")
        ran = self.get("/u/a")
        self.assertEqual((ran.status, self.asked), (1, []))
        self.assertIn("-o a replaces it", ran.err)
        self.assertHere(a=b"former")
        self.assertEqual(self.get("/u/a", "-o", "a").status, 0)
        self.assertHere(a=b"abc")

    def test_output(self) -> None:
        """
        It goes to the file that is named, whatever the URL says.
        """
        Path("b").mkdir()
        self.assertEqual(self.get("/u/..", "--output", "b/c.txt").status, 0)
        self.assertEqual(Path("b/c.txt").read_bytes(), b"abc")

    def test_no_room(self) -> None:
        """
        A disk that takes no more is told of, and no file is there.
        """
        ran = self.get("/u/a", "-o", "missing/a")
        self.assertEqual(ran.status, 1)
        self.assertIn("missing/a.part: No such file or directory.", ran.err)
        self.assertHere()

    def test_wrong_url(self) -> None:
        """
        What is no URL is a wrong call.
        """
        ran = run("get", "a.txt")
        self.assertEqual((ran.status, ran.out), (2, ""))
        self.assertIn("Write a URL", ran.err)
