"""
Tests for what ``README.rst`` shows.

Run here is what needs nothing but hmacfs and curl.  ``tests/e2e`` backs up and
restores with rsync, and hands the snippets to the servers that they are for;
:mod:`tests.test_bench` runs the benchmark.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import toml
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import loading
from hmacfs.settings import KEYS
from tests.process import SECRET, Child, Daemon, free_port
from tests.readme import TEXT, Block, Shell, blocks

#: Commands that are not run here, by what they begin with.
ELSEWHERE = ("pip install '.[test]'", "rsync ", "python bench/")


class ReadmeTestCase(SynchronousTestCase):
    """
    What the tests below share.
    """

    def setUp(self) -> None:
        """Open a shell in a fresh folder, with free ports and paths."""
        # A socket's path has 107 bytes at most, and trial's own folders are deep.
        self.folder = Path(mkdtemp(prefix="hmacfs-"))
        self.addCleanup(rmtree, self.folder)
        self.ports = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        paths = {path: f"{self.folder}{path}" for path in ("/etc/hmacfs", "/run/hmacfs")}
        for folder in ("etc", "run/hmacfs"):
            (self.folder / folder).mkdir(parents=True)
        self.shell = Shell(
            self.folder,
            {"127.0.0.1:8080": self.ports[0], "127.0.0.1:9090": self.ports[1], **paths},
        )

    def blocks(self, language: str, section: str = "") -> list[Block]:
        """
        :return: the code in *language*, of *section* or of all.
        """
        found = [block for block in blocks() if block.language == language]
        return [block for block in found if section in ("", block.section)]

    def assertRuns(self, text: str) -> str:
        """
        Run commands of the README.

        :return: their standard output.
        """
        ran = self.shell.run(text)
        self.assertEqual(ran.returncode, 0, f"{text}\n{ran.stdout}{ran.stderr}")
        return ran.stdout


class CommandTests(ReadmeTestCase):
    """
    Every command works as it is shown, in its order.
    """

    def setUp(self) -> None:
        """Start the daemon, by the first command of all."""
        super().setUp()
        (self.folder / "config.toml").write_text(
            toml.dumps(
                {"ListenPort": self.ports[0], "MetricsPort": self.ports[1], "Secret": SECRET}
            )
        )
        install = self.blocks("sh")[0].text
        self.assertEqual(install, "pip install . && twistd -n hmacfs\n")
        self.daemon = Child(
            ["sh", "-ec", install], self.folder, self.shell.environment, Daemon.READY
        )
        self.addCleanup(self.daemon.end)

    def test_first_minutes(self) -> None:
        """
        The daemon that was just started can be tried.
        """
        said = self.assertRuns(self.blocks("sh", "The first ten minutes")[1].text)
        self.assertIn("All is well.", said)

    def test_transfers(self) -> None:
        """
        curl uploads what ``hmacfs sign`` signed, downloads it, a part of it, and its rest.
        """
        for block in self.blocks("sh", "Upload and download"):
            self.assertRuns(block.text)
        photo = (self.folder / "photo.jpg").read_bytes()
        self.assertEqual((self.folder / "first.bin").read_bytes(), photo[:100])
        again = self.folder / "hmacfs-data" / "holiday" / "again.jpg"
        self.assertEqual(again.read_bytes(), photo)

    def test_resuming(self) -> None:
        """
        The command line uploads and downloads; curl goes on with an upload that
        broke, without sending a byte twice.
        """
        command_line, curl = self.blocks("sh", "Uploads that go on where they broke")
        said = self.assertRuns(command_line.text)
        self.assertIn("http://127.0.0.1:8080/uploads/holiday/song.ogg", self.shell.shown(said))
        said = self.assertRuns(curl.text)
        self.assertRegex(said, r"\Ait broke\nthe server has bytes=0-[0-9]+\n\Z")
        stored = self.folder / "hmacfs-data" / "holiday" / "film.mp4"
        self.assertEqual(stored.read_bytes(), (self.folder / "film.mp4").read_bytes())

    def test_store(self) -> None:
        """
        The store is looked at, taken from, and looked after.
        """
        looked, taken, kept = self.blocks("sh", "Look after the store")
        self.assertIn("4.9 KiB", self.assertRuns(looked.text))
        self.assertIn("desk/note.bin", self.assertRuns(taken.text))
        self.assertRuns(kept.text)
        self.assertFalse((self.folder / "hmacfs-data" / "desk").exists())

    def test_pages(self) -> None:
        """
        Health, readiness and metrics are where they are said to be.
        """
        (block,) = self.blocks("sh", "To see what it does")
        said = self.assertRuns(block.text)
        self.assertIn('{"status": "ok"}', said)
        self.assertIn("hmacfs_requests_total", said)

    def test_program(self) -> None:
        """
        The program signs what ``hmacfs sign`` signs.
        """
        (block,) = self.blocks("python", "Upload and download")
        names: dict[str, object] = {}
        exec(block.text, names)
        slot = names["slot"]
        assert callable(slot)
        said = self.assertRuns("hmacfs sign 'a b/é.txt' 7")
        self.assertEqual(self.shell.here(slot(SECRET, "a b/é.txt", 7)), said.strip())


class CompletenessTests(ReadmeTestCase):
    """
    Whatever is shown is run, here or where it says above.
    """

    def test_all_commands(self) -> None:
        """
        No command is shown that no test runs.
        """
        sections = {
            "The first ten minutes",
            "Upload and download",
            "Uploads that go on where they broke",
            "To see what it does",
            "Settings",
            "Behind Prosody, ejabberd or Metronome",
            "Behind nginx",
            "Look after the store",
        }
        others = [block for block in self.blocks("sh") if block.section not in sections]
        self.assertEqual(
            [block.text for block in others if not block.text.startswith(ELSEWHERE)], []
        )


class SettingsTests(ReadmeTestCase):
    """
    Every configuration that is shown works as it is shown.
    """

    def test_check(self) -> None:
        """
        With the first one, a secret is made and all is well.
        """
        config = self.shell.here(self.blocks("toml", "Settings")[0].text)
        (self.folder / "etc/hmacfs.toml").write_text(config)
        (block,) = self.blocks("sh", "Settings")
        self.assertIn("all is well", self.assertRuns(block.text))

    def test_configurations(self) -> None:
        """
        The daemon takes each of them, without a warning.
        """
        (self.folder / "etc/hmacfs.secret").write_text(SECRET)
        (self.folder / "etc/hmacfs.secret").chmod(0o600)
        for number, block in enumerate(self.blocks("toml")):
            path = self.folder / f"{number}.toml"
            path.write_text(self.shell.here(block.text))
            self.assertEqual(loading.load(str(path), "/").warnings, (), block.text)

    def test_table(self) -> None:
        """
        The defaults that are shown are those that hold.
        """
        rows = re.findall(r"^``(\w+)``  +(\S+)  ", TEXT, re.M)
        defaults = {key.name: json.dumps(key.default) for key in KEYS}
        defaults["Secret"] = r"\-"
        shown = {name: default.strip("`") for name, default in rows}
        self.assertEqual(shown, {name: defaults[name] for name in shown})
        self.assertEqual(len(rows), 16)


class SnippetTests(ReadmeTestCase):
    """
    What the other servers are told is what ``hmacfs setup`` prints.
    """

    def test_snippets(self) -> None:
        """
        Each command is followed by what it prints.
        """
        config = self.shell.here(self.blocks("toml", "Settings")[0].text)
        (self.folder / "config.toml").write_text(config)
        (self.folder / "etc/hmacfs.secret").write_text(SECRET)
        (self.folder / "etc/hmacfs.secret").chmod(0o600)
        found = blocks()
        commands = 0
        for command, printed in pairwise(found):
            if command.text.startswith("hmacfs setup"):
                said = self.shell.shown(self.assertRuns(command.text))
                self.assertEqual(said.replace(SECRET, "(the secret)"), printed.text)
                commands += 1
        self.assertEqual(commands, 5)


class StoreTests(ReadmeTestCase):
    """
    Another server's store is taken over as it stands.
    """

    def test_taken_over(self) -> None:
        """
        Its files are served under the same path, with the type of their extension.
        """
        folder = self.folder / "upload"
        (folder / "49e9309f").mkdir(parents=True)
        (folder / "49e9309f" / "photo.jpg").write_bytes(b"not really")
        (self.folder / "config.toml").write_text(
            toml.dumps(
                {
                    "ListenPort": self.ports[0],
                    "MetricsEnabled": False,
                    "Secret": SECRET,
                    "StoreDir": str(folder),
                    "UploadSubDir": "upload",
                }
            )
        )
        daemon = Child(
            ["twistd", "-n", "hmacfs"], self.folder, self.shell.environment, Daemon.READY
        )
        self.addCleanup(daemon.end)
        said = self.assertRuns("curl -si http://127.0.0.1:8080/upload/49e9309f/photo.jpg")
        self.assertIn("Content-Type: image/jpeg\n", said.replace("\r", ""))
        self.assertTrue(said.endswith("not really"))
