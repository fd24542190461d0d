"""
A daemon that is killed while it overwrites, restores, sweeps, undoes, deletes
and takes down.

``bench/kills.py`` does the same more often.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.killing import Killing
from tests.process import PATIENCE, ROOT

KILLS = 10


class KillTests(SynchronousTestCase):
    """
    Whenever it dies, each name has its old bytes or its new ones, and what was
    acknowledged holds.
    """

    workers = 1
    supervisor = True

    def test_kills(self) -> None:
        """
        What was uploaded is there, what was deleted is not served, and a check
        finds nothing that the start has not mended.
        """
        folder = Path(tempfile.mkdtemp(prefix="hmacfs-"))
        self.addCleanup(shutil.rmtree, folder)
        killing = Killing(folder, "kills", self.workers, self.supervisor)
        self.addCleanup(killing.end)
        wrong = [text for outcome in killing.outcomes(KILLS) for text in outcome.wrong]
        self.assertEqual(wrong, [])
        self.assertEqual(killing.unlike(), [])


class WorkersKillTests(KillTests):
    """
    So it is where the supervisor of several workers dies.
    """

    workers = 2


class WorkerDiesTests(WorkersKillTests):
    """
    So it is where one of the workers dies, and the others go on.
    """

    supervisor = False


class BenchTests(SynchronousTestCase):
    """``bench/kills.py`` says whether it holds."""

    def test_report(self) -> None:
        """
        Its last line says so, and nothing is left behind.
        """
        folder = Path(tempfile.mkdtemp(prefix="hmacfs-"))
        self.addCleanup(folder.rmdir)
        ran = subprocess.run(
            [sys.executable, str(ROOT / "bench/kills.py"), "--folder", str(folder), "--kills", "2"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(ran.stdout.splitlines()[-1:], ["2 kills: holds"], ran)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
