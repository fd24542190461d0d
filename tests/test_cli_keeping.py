"""
Tests for the commands that keep a store, with a daemon and without one.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import toml
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.store.area import open_area
from tests.commands import Ran, run
from tests.process import HMACFS, PATIENCE, ROOT, SECRET, Child, Daemon


class KeepingTestCase(SynchronousTestCase):
    """
    A test case whose commands have a store; see the two below.

    :ivar config: the configuration.
    :ivar store: where it is.
    """

    config: Path
    store: Path

    def hmacfs(self, *arguments: str) -> Ran:
        return run(arguments[0], "-c", str(self.config), *arguments[1:])

    def keep(self, name: str, data: bytes) -> None:
        """Put a file there as another program would, and let the index know."""
        path = self.store / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_700_000_000, 1_700_000_000))

    def fill(self) -> None:
        """Have three files."""
        self.keep("a/x.txt", b"1")
        self.keep("a/y.txt", b"22")
        self.keep("b", b"333")
        assert self.hmacfs("fsck", "--repair").status == 0

    def lines(self, *arguments: str) -> list[dict[str, object]]:
        """
        :return: what a command tells a program.
        """
        ran = self.hmacfs(*arguments, "--json")
        assert ran.status == 0, ran
        return [json.loads(line) for line in ran.out.splitlines()]


class AloneTests(KeepingTestCase):
    """
    Where none runs, the store is opened for what is asked for, and closed again.
    """

    def setUp(self) -> None:
        """Have a store that a daemon could take over."""
        folder = Path(self.mktemp()).absolute()
        self.store = folder / "store"
        self.store.mkdir(parents=True)
        # By descriptors: trial itself cannot remove a path that is so long.
        self.addCleanup(rmtree, folder)
        self.config = folder / "hmacfs.toml"
        self.config.write_text(toml.dumps({"Secret": SECRET, "StoreDir": str(self.store)}))
        self.config.chmod(0o600)

    def test_ls(self) -> None:
        """
        Files are listed for people.
        """
        self.fill()
        self.assertEqual(
            self.hmacfs("ls", "a/"),
            Ran(
                0,
                "      size  stored (UTC)         expires (UTC)        name\n"
                "       1 B  2023-11-14 22:13:20  -                    a/x.txt\n"
                "       2 B  2023-11-14 22:13:20  -                    a/y.txt\n",
                "2 files, 3 B\n",
            ),
        )

    def test_ls_json(self) -> None:
        """
        Files are listed for programs.
        """
        self.fill()
        told = {"size": 3, "stored": "2023-11-14T22:13:20.000Z", "expires": None}
        more = {"type": "application/octet-stream", "sha256": None, "owner": None}
        self.assertEqual(self.lines("ls", "b"), [{"name": "b", **told, **more}])

    def test_stat(self) -> None:
        """
        The exit status of stat says whether a file is served.
        """
        self.fill()
        there, nothing = self.hmacfs("stat", "a/x.txt"), self.hmacfs("stat", "c")
        self.assertEqual((there.status, nothing.status, there.err), (0, 1, ""))
        self.assertIn("size      1 B (1 byte)\ntype      text/plain", there.out)
        self.assertIn("nothing is kept", nothing.out)
        self.assertEqual([each["state"] for each in self.lines("stat", "b")], ["served"])

    def test_odd_name(self) -> None:
        """
        A file that no upload could have made can be looked at and taken down.
        """
        self.keep("a?versions", b"1")
        self.assertEqual(self.hmacfs("stat", "a?versions").status, 0)
        self.assertEqual([each["name"] for each in self.lines("rm", "a?versions")], ["a?versions"])

    def test_rm(self) -> None:
        """
        What is taken down is told line by line, and its name takes no upload.
        """
        self.fill()
        ran = self.hmacfs("rm", "a/x.txt")
        self.assertEqual((ran.status, ran.err), (0, "1 item, 1 B, went\n"))
        self.assertEqual(ran.out.splitlines()[1].split(), ["file", "1", "B", "-", "a/x.txt"])
        self.assertFalse((self.store / "a/x.txt").exists())
        self.assertIn("deleted", self.hmacfs("stat", "a/x.txt").out)
        forgotten = [self.hmacfs("rm", "--forget", "a/x.txt").status for _ in range(2)]
        self.assertEqual(forgotten, [0, 1])

    def test_rm_nothing(self) -> None:
        """
        Who takes down what is not there is told what that did.
        """
        ran = self.hmacfs("rm", "c")
        buried = "0 items, 0 B, went\nc takes no upload from now on; hmacfs rm --forget lets it.\n"
        self.assertEqual((ran, self.hmacfs("rm", "--forget", "c").status), (Ran(0, "", buried), 0))

    def test_digest(self) -> None:
        """
        Bytes are found by a digest that nobody had computed, banned, and let in again.
        """
        self.fill()
        digest = sha256(b"22").hexdigest()
        went = self.lines("rm", "--sha256", digest.upper(), "--ban")
        self.assertEqual(went, [{"kind": "file", "name": "a/y.txt", "version": None, "size": 2}])
        self.assertEqual(self.lines("bans"), [{"sha256": digest}])
        lifted = [self.hmacfs("bans", "--lift", digest) for _ in range(2)]
        self.assertEqual([ran.status for ran in lifted], [0, 1])
        self.assertEqual(lifted[0].err, "These bytes may come again.\n")
        self.assertEqual(self.hmacfs("bans"), Ran(0, "", "0 digests refused\n"))

    def test_gc(self) -> None:
        """
        Where nothing has to go, that is said.
        """
        self.assertEqual(self.hmacfs("gc"), Ran(0, "", "There is nothing to remove.\n"))

    def test_undo_nothing(self) -> None:
        """
        Where nothing comes back, the exit status says so.
        """
        ran = self.hmacfs("undo", "a")
        self.assertEqual((ran.status, self.hmacfs("undo").status), (1, 0))
        self.assertIn("Nothing of it rests in the trash.", ran.err)

    def test_fsck(self) -> None:
        """
        The exit status of fsck says whether something is wrong.
        """
        self.fill()
        (self.store / "b").unlink()
        wrong = [self.hmacfs("fsck"), self.hmacfs("fsck", "--repair"), self.hmacfs("fsck")]
        self.assertEqual([ran.status for ran in wrong], [1, 0, 0])
        self.assertEqual(
            wrong[0].out.splitlines()[1:],
            [
                "no file         file      -                               b",
                "                The index lists it, and it is not there.",
            ],
        )

    def test_reindex(self) -> None:
        """
        A store of another program is taken in.
        """
        self.keep("a", b"1")
        self.assertEqual(self.hmacfs("reindex"), Ran(0, "", "The index lists 1 file.\n"))
        self.assertEqual([each["name"] for each in self.lines("ls")], ["a"])

    def test_wrong_arguments(self) -> None:
        """
        What cannot be asked for ends with status 2, and changes nothing.
        """
        for arguments in (
            ["rm"],
            ["rm", "a", "--owner", "b"],
            ["rm", "--sha256", "12"],
            ["rm", "--forget", "a", "--ban"],
            ["rm", "../a"],
            ["stat"],
            ["undo", "a", "--all"],
            ["undo", "--since", "soon"],
            ["gc", "--dry-run", "--confirm"],
        ):
            self.assertEqual(self.hmacfs(*arguments).status, 2, arguments)

    def test_locked(self) -> None:
        """
        A store that somebody has, who answers nothing, is left alone.
        """
        self.fill()
        disk = Disk()
        area = open_area(disk, str(self.store), False)
        self.addCleanup(area.close, disk)
        ran = self.hmacfs("ls")
        self.assertEqual((ran.status, ran.out), (1, ""))
        self.assertRegex(ran.err, f"in use by another daemon, process +{os.getpid()}\\. No daemon")

    def test_stale_socket(self) -> None:
        """
        The socket of a daemon that died is no daemon.
        """
        self.fill()
        former = os.getcwd()
        self.addCleanup(os.chdir, former)
        os.chdir(self.store / ".hmacfs" / "run")
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind("control")
        os.chdir(former)
        self.assertEqual(self.hmacfs("ls").status, 0)

    def test_no_store(self) -> None:
        """
        A store that is not there is not made.
        """
        self.store.rmdir()
        ran = self.hmacfs("ls")
        self.assertEqual((ran.status, self.store.exists()), (1, False))
        self.assertIn("no store", ran.err)

    def test_other_user(self) -> None:
        """
        Root leaves nothing in a store that the user of the daemon could not open.
        """
        self.fill()
        self.patch(os, "geteuid", lambda: os.getuid() + 1)
        ran = self.hmacfs("ls")
        self.assertEqual((ran.status, ran.out), (1, ""))
        self.assertIn(f"belongs to user {os.getuid()}", ran.err)

    def test_warnings(self) -> None:
        """
        What a daemon would warn of is said.
        """
        self.fill()
        (self.store / ".hmacfs" / "index.sqlite").write_bytes(b"x" * 8192)
        ran = self.hmacfs("ls")
        self.assertIn("the index is damaged", ran.err)

    def test_interrupted(self) -> None:
        """
        An interrupted command closes the store, and its status says so.
        """
        self.fill()
        (self.store / "large").write_bytes(b"")
        os.truncate(self.store / "large", 2**36)
        self.hmacfs("fsck", "--repair")
        command = [*HMACFS, "rm", "-c", str(self.config), "--sha256", "0" * 64]
        child = Child(command, self.store, {"PYTHONPATH": str(ROOT)})
        self.addCleanup(child.end)
        control = self.store / ".hmacfs" / "index.sqlite-wal"
        while not control.exists():
            os.sched_yield()
        child.signal(signal.SIGINT)
        self.assertEqual((child.wait(), child.output), (130, ""))
        self.assertFalse(control.exists())


class DaemonTests(KeepingTestCase):
    """
    Where a daemon runs, it does what is asked for.
    """

    def setUp(self) -> None:
        """Have one."""
        self.folder = Path(mkdtemp(prefix="hmacfs-"))
        self.addCleanup(rmtree, self.folder)
        self.daemon = Daemon(self.folder, EnableVersioning=True, MaxVersions=1)
        self.addCleanup(self.daemon.end)
        self.config, self.store = self.daemon.config, self.daemon.store

    def test_same(self) -> None:
        """
        Each command says what it says when the daemon has ended.
        """
        self.fill()
        commands = [
            ["ls"],
            ["ls", "--json", "a/"],
            ["stat", "b"],
            ["stat", "c"],
            ["versions", "c"],
            ["bans"],
            ["undo"],
            ["undo", "b"],
            ["gc"],
            ["gc", "--dry-run"],
            ["rm", "b", "--dry-run"],
            ["rm", "--owner", "romeo@example.net"],
            ["reindex"],
            ["fsck"],
        ]
        said = [self.hmacfs(*command) for command in commands]
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual([self.hmacfs(*command) for command in commands], said)

    def test_versions(self) -> None:
        """
        What a file was is listed; what is over the bound goes, and does not come back
        where nobody would see it.
        """
        for size in range(3):
            (self.folder / "a").write_bytes(b"1" * size)
            self.hmacfs("put", str(self.folder / "a"))
        self.assertEqual([each["size"] for each in self.lines("versions", "a")], [1])
        (went,) = self.lines("gc")
        self.assertEqual(
            (went["kind"], went["why"], went["count"]), ("version", "over the bound", 1)
        )
        (trashed,) = self.lines("undo")
        ran = self.hmacfs("undo", "--all")
        self.assertIn("a stays: As many newer versions are kept as MaxVersions", ran.err)
        self.assertEqual((ran.status, self.lines("undo")), (1, [trashed]))

    def test_audit(self) -> None:
        """
        The log of the daemon says who took down what.
        """
        self.fill()
        self.hmacfs("rm", "b", "--ban")
        line = self.daemon.wait_for("took down").string
        self.assertIn(f"warn  user {os.getuid()} took down the file b, 3 bytes", line)

    def test_terminal(self) -> None:
        """
        On a terminal rm asks first; a no changes nothing.
        """
        self.fill()
        answers = [self.answer(text) for text in (b"\n", b"n\n", b"y\n")]
        self.assertEqual([status for status, _ in answers], [1, 1, 0])
        self.assertIn("1 item, 3 B, would go for good. Go on? [y/N]", answers[0][1])
        self.assertEqual(self.hmacfs("stat", "b").status, 1)

    def answer(self, text: bytes) -> tuple[int, str]:
        """
        :return: the exit status of ``hmacfs rm b`` on a terminal, and what it said.
        """
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "wb", buffering=0) as keyboard, os.fdopen(theirs) as terminal:
            keyboard.write(text)
            ran = subprocess.run(
                [*HMACFS, "rm", "-c", str(self.config), "b"],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=terminal,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
        return ran.returncode, ran.stderr
