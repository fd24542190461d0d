"""
Tests for :mod:`hmacfs.workers.balance` and :mod:`hmacfs.workers.processors`.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.workers.balance import Load, pause, wanted
from hmacfs.workers.processors import usable

ALL = float(len(os.sched_getaffinity(0)))


class WantedTests(SynchronousTestCase):
    """
    There are as many workers as there is work for, within the bounds.
    """

    def wanted(self, *busy: float, lag: float = 0.0, processors: float = 4.0) -> int:
        return wanted([Load(each, lag) for each in busy], 1, 4, processors)

    def test_busy(self) -> None:
        """
        Busy workers get one more, up to the processors that there are.
        """
        self.assertEqual(self.wanted(0.9, 0.8), 3)
        self.assertEqual(self.wanted(0.9, 0.8, processors=2.0), 2)
        self.assertEqual(self.wanted(0.9, 0.9, 0.9, 0.9), 4)

    def test_late(self) -> None:
        """
        Where somebody waits one more is of use, unless nothing is to be done at all.
        """
        self.assertEqual(self.wanted(0.5, lag=0.2), 2)
        self.assertEqual(self.wanted(0.01, lag=0.2), 1)

    def test_idle(self) -> None:
        """
        One that the others do not need goes.
        """
        self.assertEqual(self.wanted(0.1, 0.1, 0.1), 2)
        self.assertEqual(self.wanted(0.3, 0.3), 2)
        self.assertEqual(self.wanted(0.0), 1)

    def test_bounds(self) -> None:
        """
        MinWorkers are there in any case, however few processors there are.
        """
        self.assertEqual(wanted([Load(0.0, 0.0)] * 3, 3, 4, 1.0), 3)
        self.assertEqual(wanted([Load(0.9, 0.0)] * 3, 1, 4, 1.0), 1)

    def test_settled(self) -> None:
        """
        Work that nobody changes leaves the number as it is.
        """
        for count in range(1, 4):
            for share in (0.4, 0.5, 0.7):
                self.assertEqual(self.wanted(*[share] * count), count)


class PauseTests(SynchronousTestCase):
    """
    Who dies again and again comes back ever later.
    """

    def test_growing(self) -> None:
        """
        From a moment to half a minute.
        """
        self.assertEqual(
            [round(pause(deaths, 1), 1) for deaths in (0, 1, 2, 5, 9, 10, 1000)],
            [0.0, 0.1, 0.2, 1.6, 25.6, 30.0, 30.0],
        )

    def test_nobody(self) -> None:
        """
        Where nobody else serves, clients do not wait that long.
        """
        self.assertEqual(pause(1000, 0), 0.5)


class UsableTests(SynchronousTestCase):
    """
    What a control group does not pay for is no processor of ours.
    """

    def root(self, groups: str, **files: str) -> str:
        root = Path(self.mktemp())
        for path, text in {"proc/self/cgroup": groups, **files}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return str(root)

    def test_unbounded(self) -> None:
        """
        Without a bound all that we may run on are ours, and without any word too.
        """
        self.assertEqual(
            usable(self.root("0::/a\n", **{"sys/fs/cgroup/a/cpu.max": "max 1000"})), ALL
        )
        self.assertEqual(usable(str(Path(self.mktemp()))), ALL)

    def test_above(self) -> None:
        """
        The bound of a group holds for those below it.
        """
        root = self.root("0::/a/b/c\n", **{"sys/fs/cgroup/a/cpu.max": "50000 100000\n"})
        self.assertEqual(usable(root), 0.5)

    def test_first_version(self) -> None:
        """
        The former kind of control groups counts as well.
        """
        files = {"cpu.cfs_quota_us": "25000\n", "cpu.cfs_period_us": "100000\n"}
        root = self.root(
            "5:memory:/x\n4:cpu,cpuacct:/a\n",
            **{f"sys/fs/cgroup/cpu/a/{name}": text for name, text in files.items()},
        )
        self.assertEqual(usable(root), 0.25)
