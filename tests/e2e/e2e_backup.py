"""
rsync, as the README says it, while the daemon serves.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.signing import Claim, sign
from tests.e2e.curl import Answer, Curl
from tests.process import SECRET, Daemon
from tests.readme import Shell, blocks

FORMER, LATTER = b"what it was", b"what it became"


class BackupTests(SynchronousTestCase):
    """A copy that was made by the README's commands is a store like the first."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hmacfs-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.curl = Curl(self.folder)

    def start_daemon(self) -> Daemon:
        """Start one on the store in the test's folder."""
        daemon = Daemon(self.folder, EnableVersioning=True)
        self.addCleanup(daemon.end)
        return daemon

    def put(self, daemon: Daemon, content: bytes) -> Answer:
        """Upload *content* as one and the same file, of a type that its name does not tell."""
        path = self.folder / "content"
        path.write_bytes(content)
        mac = sign("v", Claim(path=b"our/notes", size=len(content)), SECRET.encode())
        url = f"{daemon.url}our/notes?v={mac}"
        return self.curl.put(url, str(path), {"Content-Type": "text/plain"})

    def test_restored(self) -> None:
        """
        Files, former versions and types are all there after the disk is lost.
        """
        daemon = self.start_daemon()
        self.assertEqual([self.put(daemon, each).status for each in (FORMER, LATTER)], [201, 201])
        [commands] = [block for block in blocks() if block.section == "Back up and restore"]
        backup = self.folder / "backup"
        shell = Shell(self.folder, {"/var/lib/hmacfs": str(daemon.store), "/backup": str(backup)})
        backup.mkdir()
        ran = shell.run(commands.text)
        self.assertEqual(ran.returncode, 0, ran.stderr)

        self.assertEqual(daemon.stop(), 0)
        shutil.rmtree(daemon.store)
        copy = ["rsync", "-aX", f"{backup}/hmacfs/", str(daemon.store)]
        subprocess.run(copy, check=True, capture_output=True)

        daemon = self.start_daemon()
        answer = self.curl(f"{daemon.url}our/notes")
        self.assertEqual(
            (answer.status, answer.headers["content-type"], answer.body.read_bytes()),
            (200, "text/plain", LATTER),
        )
        versions = [
            each for each in (daemon.store / ".hmacfs/versions").rglob("*") if each.is_file()
        ]
        self.assertEqual([each.read_bytes() for each in versions], [FORMER])
