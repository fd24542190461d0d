"""
Tests for :mod:`hmacfs.cli.put`: what is asked of which server.

How an upload goes on is shown in :mod:`tests.test_cli_sending`, and with a real
daemon in :mod:`tests.test_cli_resuming`.
"""

from __future__ import annotations

import os
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tests.commands import Ran, run, write_settings
from tests.script import Asked, Scene, Script, answer

SCENES = (Scene(answer(308)), Scene(answer(201)))


class PutTests(SynchronousTestCase):
    """
    ``hmacfs put`` signs by the settings, or takes a slot that is signed.
    """

    def setUp(self) -> None:
        """Have a file to upload."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.file = self.folder / "photo.jpg"
        self.file.write_bytes(b"abc")

    def put(self, *arguments: str, **settings: object) -> tuple[Ran, Asked]:
        """
        Upload to a server that takes it; ``{base}`` is where it is.

        :return: what the command says, and what it sent at last.
        """
        script = Script(*SCENES)
        base = f"http://127.0.0.1:{script.port}"
        config = write_settings(
            self.mktemp(), **{"ListenPort": base.removeprefix("http://"), **settings}
        )
        ran = run("put", "-c", config, *[text.format(base=base) for text in arguments])
        script.stop()
        self.assertEqual((ran.status, script.unplayed), (0, []), ran)
        return attrs.evolve(ran, out=ran.out.replace(base, "{base}")), script.asked[-1]

    def assertRefused(self, status: int, word: str, *arguments: str, **settings: object) -> None:
        """
        Check that nobody is asked, and why.
        """
        config = write_settings(self.mktemp(), ListenPort="127.0.0.1:1", **settings)
        ran = run("put", "-c", config, *arguments)
        self.assertEqual((ran.status, ran.out, ran.err.count("Traceback")), (status, "", 0))
        self.assertIn(word, ran.err)

    def test_own_name(self) -> None:
        """
        Without a name the file keeps its own, and its type follows from that.
        """
        ran, asked = self.put(str(self.file))
        mac = "375f4974cb191a5c351df982b4fa6915a3dc9a26f32b4fc84883472423b28230"
        self.assertEqual(ran.out, "{base}/uploads/photo.jpg\n")
        self.assertRegex(ran.err, r"\Auploaded photo\.jpg, 3 B, in [0-9.]+ s\n\Z")
        self.assertRegex(asked.target, r"\A/uploads/photo\.jpg\?v=[0-9a-f]{64}\Z")
        self.assertEqual(asked.get("Content-Type"), ("image/jpeg",))
        _, asked = self.put(str(self.file), "--name", "a/photo.jpg")
        self.assertEqual(asked.target, f"/uploads/a/photo.jpg?v={mac}")

    def test_name(self) -> None:
        """
        A name is encoded in the URL, and tells the type.
        """
        ran, asked = self.put(str(self.file), "--name", "a b/é.txt", UploadSubDir="up/load")
        self.assertEqual(ran.out, "{base}/up/load/a%20b/%C3%A9.txt\n")
        self.assertEqual(asked.get("Content-Type"), ("text/plain",))
        _, asked = self.put(str(self.file), "--type", "text/x-own")
        self.assertEqual(asked.get("Content-Type"), ("text/x-own",))

    def test_schemes(self) -> None:
        """
        It signs as ``hmacfs sign`` does.
        """
        schemes = {
            "v2": ["--scheme", "v2"],
            "token": ["--scheme", "token"],
            "v3": ["--expires", "1h"],
        }
        for scheme, arguments in schemes.items():
            _, asked = self.put(str(self.file), *arguments)
            self.assertTrue(asked.target.startswith(f"/uploads/photo.jpg?{scheme}="))

    def test_slot(self) -> None:
        """
        A slot is taken as it is, and its last part is what the file is fetched by.
        """
        ran, asked = self.put(str(self.file), "--url", "{base}/x/y%2f.png?v=1&w=%2b")
        self.assertEqual((ran.out, asked.target), ("{base}/x/y%2f.png\n", "/x/y%2f.png?v=1&w=%2b"))
        self.assertEqual(asked.get("Content-Type"), ("image/png",))

    def test_public(self) -> None:
        """
        The file's URL is the one that clients use; the upload goes the shortest way.
        """
        ran, _ = self.put(str(self.file), PublicURL="https://files.example.org")
        self.assertEqual(ran.out, "https://files.example.org/uploads/photo.jpg\n")

    def test_elsewhere(self) -> None:
        """
        Where the settings tell no way from this machine, it goes that of clients.
        """
        script = Script(*SCENES)
        base = f"http://127.0.0.1:{script.port}"
        config = write_settings(
            self.mktemp(), ListenPort="systemd:domain=INET:index=0", PublicURL=base
        )
        ran = run("put", "-c", config, str(self.file))
        script.stop()
        self.assertEqual((ran.status, ran.out), (0, f"{base}/uploads/photo.jpg\n"))

    def test_signed_downloads(self) -> None:
        """
        Where downloads are signed, the URL is a signed one.
        """
        ran, _ = self.put(str(self.file), DownloadAuth="signed")
        self.assertRegex(ran.out, r"\A\{base\}/uploads/photo\.jpg\?v3=[0-9a-f]{64}&expires=\d+\n\Z")

    def test_no_file(self) -> None:
        """
        What is no file cannot be uploaded, and a pipe is not waited for.
        """
        os.mkfifo(self.folder / "pipe")
        self.assertRefused(1, "No such file", str(self.folder / "missing"))
        self.assertRefused(1, "Is a directory", str(self.folder))
        self.assertRefused(1, "no regular file", str(self.folder / "pipe"))

    def test_wrong_call(self) -> None:
        """
        What makes no sense together is told of with status 2.
        """
        file = str(self.file)
        self.assertRefused(2, "not allowed with", file, "--url", "http://h/a", "--name", "a")
        self.assertRefused(2, "signed already", file, "--url", "http://h/a", "--scheme", "v2")
        self.assertRefused(2, "signed already", file, "--url", "http://h/a", "--expires", "1h")
        self.assertRefused(2, "never ends", file, "--scheme", "v", "--expires", "1h")
        self.assertRefused(2, "NAME", file, "--name", "../a")
        self.assertRefused(2, "Write a URL", file, "--url", "h/a")

    def test_too_large(self) -> None:
        """
        A file that the daemon would refuse is not sent.
        """
        self.assertRefused(1, "MaxUploadSize", str(self.file), MaxUploadSize=2)
