"""
Uploads that break at random points, by each of the four fronts.

The numbers that are promised are ``bench/cuts.py``'s; here are a few of each.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.cutting import Outcome, outcomes
from tests.e2e.files import MEBIBYTE
from tests.process import PATIENCE, ROOT

CUTS = 10
SIZE = 8 * MEBIBYTE


class CutContract:
    """
    The file arrives as it was sent, and no byte that the server said it has
    is sent again.
    """

    FRONT: ClassVar[str]

    def check(self, side: str) -> None:
        """Break :data:`CUTS` uploads, on *side*."""
        # Not self.mktemp(): these files are large.
        folder = Path(tempfile.mkdtemp(prefix="hmacfs-"))
        self.addCleanup(shutil.rmtree, folder)
        found = list(outcomes(folder, self.FRONT, side, SIZE, CUTS, f"{self.FRONT} {side}"))
        self.assertEqual(found, [Outcome()] * CUTS)

    def test_client(self) -> None:
        """
        It goes on where the client's line broke, wherever that was.
        """
        self.check("client")

    def test_server(self) -> None:
        """
        It goes on with another daemon, wherever the first one was killed.
        """
        self.check("server")

    def test_answer(self) -> None:
        """
        It ends well, wherever the answer broke off.
        """
        self.check("answer")


class PutTests(CutContract, SynchronousTestCase):
    """A plain PUT; what goes on with it is a PUT with ``Content-Range``."""

    FRONT = "put"


class RangeTests(CutContract, SynchronousTestCase):
    """PUTs with ``Content-Range``."""

    FRONT = "range"


class TusTests(CutContract, SynchronousTestCase):
    """tus 1.0.0."""

    FRONT = "tus"


class DraftTests(CutContract, SynchronousTestCase):
    """The IETF draft."""

    FRONT = "draft"


class BenchTests(SynchronousTestCase):
    """``bench/cuts.py`` says of each front and side whether it holds."""

    def test_report(self) -> None:
        """
        Each has its line, the status sums them up, and nothing is left behind.
        """
        small = ["--file", "1MiB", "--cuts", "2", "--fronts", "tus", "range"]
        folder = Path(tempfile.mkdtemp(prefix="hmacfs-"))
        self.addCleanup(folder.rmdir)
        ran = subprocess.run(
            [sys.executable, str(ROOT / "bench/cuts.py"), "--folder", str(folder), *small],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(
            re.findall(r"^(\w+): (\w+) .*: 2 of 2, 0 bytes twice: holds$", ran.stdout, re.M),
            [
                (front, side)
                for front in ["tus", "range"]
                for side in ["client", "server", "answer"]
            ],
            ran,
        )
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
