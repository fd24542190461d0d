"""
Tests for ``bench/promises.py``, in small.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from tests.process import PATIENCE, ROOT


class PromisesTests(SynchronousTestCase):
    """
    The benchmark says of each promise whether it holds.
    """

    def test_report(self) -> None:
        """
        Every promise has its line, the status sums them up, and nothing is left behind.
        """
        small = ["--file", "8MiB", "--beside", "8MiB", "--clients", "4"]
        with TemporaryDirectory(prefix="hmacfs-") as folder:
            ran = subprocess.run(
                [sys.executable, str(ROOT / "bench/promises.py"), "--folder", folder, *small],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            self.assertEqual(os.listdir(folder), [])
        promised = re.findall(
            r"^(.*?)  .* (\w+), at most ([0-9.]+): (holds|DOES)", ran.stdout, re.M
        )
        self.assertEqual(
            [(name, unit, bound) for name, unit, bound, _ in promised],
            [
                ("memory, idle", "MB", "65"),
                ("upload of 8 MiB, peak over idle", "MB", "40"),
                ("download of 8 MiB, peak over idle", "MB", "40"),
                ("/health beside 4 slow clients and 8 MiB, p99", "ms", "50"),
            ],
            ran,
        )
        # A busy machine may break a promise; the script may not break its own.
        kept = all(holds == "holds" for *_, holds in promised)
        self.assertEqual((ran.returncode, ran.stderr), (0 if kept else 1, ""))
