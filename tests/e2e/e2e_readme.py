"""
What ``README.rst`` shows and needs more than curl: a backup with rsync.
"""

from __future__ import annotations

import os
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from tests.commands import run
from tests.process import Daemon
from tests.readme import Shell, blocks


class BackupTests(SynchronousTestCase):
    """
    A store that is copied as the README says serves the same elsewhere.
    """

    def setUp(self) -> None:
        """Serve from a store below a folder that poses as ``/``."""
        self.folder = Path(mkdtemp(prefix="hmacfs-"))
        self.addCleanup(rmtree, self.folder)
        self.store = self.folder / "var/lib/hmacfs"
        self.backup = self.folder / "backup/hmacfs"
        for path in (self.store.parent, self.backup.parent):
            path.mkdir(parents=True)
        self.shell = Shell(
            self.folder, {"/var/lib/hmacfs": str(self.store), "/backup/hmacfs": str(self.backup)}
        )

    def serve(self, store: Path) -> Daemon:
        """
        :return: a daemon that keeps former versions.
        """
        daemon = Daemon(self.folder, StoreDir=str(store), EnableVersioning=True)
        self.addCleanup(daemon.end)
        return daemon

    def upload(self, daemon: Daemon, content: str, content_type: str) -> None:
        """
        Upload with curl.
        """
        (self.folder / "notes").write_text(content)
        put = run("sign", "-c", str(daemon.config), "a/notes", str(len(content))).out.strip()
        sent = self.shell.run(f"curl -sf -T notes -H 'Content-Type: {content_type}' '{put}'")
        self.assertEqual(sent.returncode, 0, sent)

    def test_backup(self) -> None:
        """
        The files, their types and their former versions are in it; what is begun anew is not.
        """
        daemon = self.serve(self.store)
        self.upload(daemon, "first", "text/plain")
        self.upload(daemon, "again", "audio/ogg")
        (block,) = [block for block in blocks() if block.section == "Back up and restore"]
        copied = self.shell.run(block.text)
        self.assertEqual((copied.returncode, copied.stderr), (0, ""))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(
            sorted(os.listdir(self.backup / ".hmacfs")), ["versions"], "no secret of its own"
        )
        (version,) = (self.backup / ".hmacfs/versions/a/notes").iterdir()
        self.assertEqual(version.read_text(), "first")

        restored = self.serve(self.backup)
        served = self.shell.run(f"curl -sfi {restored.url}a/notes").stdout
        self.assertIn("Content-Type: audio/ogg", served)
        self.assertTrue(served.endswith("again"))
