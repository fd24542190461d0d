"""
Tests for :mod:`hmacfs.cli`: what all commands have in common.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hmacfs import __version__
from hmacfs.cli import COMMANDS
from tests.commands import Ran, run, write_settings


class CommandTests(SynchronousTestCase):
    """
    Every command reads the settings as the daemon does and says plainly what is wrong.
    """

    def test_version(self) -> None:
        """
        It says which hmacfs it is.
        """
        self.assertEqual(run("--version"), Ran(0, f"hmacfs {__version__}\n", ""))

    def test_help(self) -> None:
        """
        Help names the daemon and every command.
        """
        ran = run("--help")
        words = ("twistd -n hmacfs", "./config.toml", *COMMANDS)
        self.assertEqual(
            (ran.status, [word for word in words if word not in ran.out], ran.err), (0, [], "")
        )

    def test_unknown(self) -> None:
        """
        A command that is none ends with status 2, as does none at all.
        """
        self.assertEqual((run("upload").status, run().status), (2, 2))

    def test_problems(self) -> None:
        """
        All that is wrong with the settings is listed, and the status is 1.
        """
        path = write_settings(self.mktemp(), ListenPort="nowhere", UploadDir="x")
        ran = run("sign", "a.txt", "1", "--config", path)
        keys = [line.split(":")[0].strip() for line in ran.err.splitlines()]
        self.assertEqual(
            (ran.status, ran.out, keys),
            (1, "", ["hmacfs", "UploadDir", "ListenPort"]),
        )

    def test_without_settings(self) -> None:
        """
        Whoever was given a URL needs no settings.
        """
        for arguments in (["get", "ftp://x/"], ["put", "/dev/null", "--url", "x"]):
            ran = run(*arguments, "-c", "/nonexistent/hmacfs.toml")
            self.assertEqual(ran.out, "")
            self.assertNotIn("/nonexistent", ran.err)

    def test_missing_configuration(self) -> None:
        """
        A configuration that was named and is not there is a problem.
        """
        ran = run("try", "-c", "/nonexistent/hmacfs.toml")
        self.assertEqual((ran.status, ran.out), (1, ""))
        self.assertIn("/nonexistent/hmacfs.toml", ran.err)


class WithoutConfigurationTests(SynchronousTestCase):
    """
    Without a configuration the commands use the secret that the daemon made.
    """

    def setUp(self) -> None:
        """Work in an empty folder, and go back."""
        folder = Path(self.mktemp())
        folder.mkdir()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder)

    def test_no_secret_yet(self) -> None:
        """
        Before the daemon's first start they say so, and make nothing.
        """
        ran = run("sign", "a.txt", "1")
        self.assertEqual((ran.status, ran.out, list(Path().iterdir())), (1, "", []))
        self.assertIn("twistd -n hmacfs", ran.err)

    def test_secret(self) -> None:
        """
        After it they sign for where the daemon listens by default.
        """
        private = Path("hmacfs-data/.hmacfs")
        private.mkdir(parents=True, mode=0o700)
        (private / "secret").write_text("5" * 64 + "\n")
        ran = run("sign", "a.txt", "1")
        self.assertEqual((ran.status, ran.err), (0, "http://127.0.0.1:8080/uploads/a.txt\n"))
