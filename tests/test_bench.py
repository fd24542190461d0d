"""
Tests for the benchmarks, in small.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from bench.figures import Figure
from bench.keeping import unbounded
from tests.process import PATIENCE, ROOT


class BenchTests(SynchronousTestCase):
    """
    A benchmark says of each promise whether it holds.
    """

    def promised(self, script: str, *small: str) -> list[tuple[str, ...]]:
        """
        Run *script* with the options *small*.

        :return: the name, the unit and the bound of each promise.
        """
        with TemporaryDirectory(prefix="hmacfs-") as folder:
            ran = subprocess.run(
                [sys.executable, str(ROOT / "bench" / script), "--folder", folder, *small],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            self.assertEqual(os.listdir(folder), [])
        told = re.findall(
            r"^(.*?)  .*?[0-9.]+ (.+), (at \w+ [0-9.]+): (holds|DOES)", ran.stdout, re.M
        )
        # A busy machine may break a promise; the script may not break its own.
        kept = all(holds == "holds" for *_, holds in told)
        self.assertEqual((ran.returncode, ran.stderr), (0 if kept else 1, ""))
        return [(name, unit, bound) for name, unit, bound, _ in told]

    def test_promises(self) -> None:
        """
        Every promise has its line, the status sums them up, and nothing is left behind.
        """
        self.assertEqual(
            self.promised("promises.py", "--file=8MiB", "--beside=8MiB", "--clients=4"),
            [
                ("memory, idle", "MB", "at most 65"),
                ("upload of 8 MiB, peak over idle", "MB", "at most 40"),
                ("download of 8 MiB, peak over idle", "MB", "at most 40"),
                ("/health beside 4 slow clients and 8 MiB, p99", "ms", "at most 50"),
            ],
        )

    def test_resuming(self) -> None:
        """
        Likewise of uploads that go on.
        """
        sizes = ["--file=2MiB", "--rounds=1", "--heads=50"]
        troubles = ["--uploads=8", "--beat=300ms", "--stall=1s"]
        self.assertEqual(
            self.promised("resuming.py", *sizes, *troubles),
            [
                *(
                    (
                        f"in two requests by {front}, over a plain PUT",
                        "of its speed",
                        "at least 0.9",
                    )
                    for front in ("Content-Range", "tus", "the IETF's draft")
                ),
                ("HEAD of an upload, p50 of 50", "ms", "at most 2"),
                ("complete beside Redis killed, stalled 1s, restarted", "uploads", "at least 8"),
                ("slowest request of uploads", "ms", "at most 300"),
                ("slowest request of uploads that nobody knows", "ms", "at most 300"),
                ("records that differ in Redis and SQLite", "records", "at most 0"),
            ],
        )

    def test_keeping(self) -> None:
        """
        Likewise of what is kept and goes.
        """
        swept = [
            (f"sweep of 20 out of {count} files, {what}", unit, bound)
            for count in (500, 1000)
            for what, unit, bound in (
                ("processor time", "s", "at most 3"),
                ("/health p99", "ms", "at most 50"),
            )
        ]
        self.assertEqual(
            self.promised(
                "keeping.py", "--files=1000", "--fewer=500", "--expired=20", "--due-in=3s"
            ),
            [
                *swept,
                ("crawl of 1000 files, listed behind it", "files", "at least 1000"),
                ("crawl of 1000 files, peak over idle", "MB", "at most 100"),
                ("crawl of 1000 files, longest stall", "ms", "at most 50"),
            ],
        )

    def test_untimed(self) -> None:
        """
        A bound of a time can be left out, no other.
        """
        figures = [Figure("a", 2, "s", 1), Figure("b", 2, "ms", 1), Figure("c", 2, "MB", 1)]
        judged = [unbounded(figure).holds for figure in figures]
        self.assertEqual(judged, [True, True, False])
