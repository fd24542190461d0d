"""
Tests for :mod:`bench.processes`.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from bench import processes


class ProcessTests(SynchronousTestCase):
    """
    The kernel tells what a process took.
    """

    def test_fields(self) -> None:
        """
        The name of a process may hold blanks and brackets.
        """
        self.assertEqual(processes.fields("12 (a) b) S 1 12 34 0 -1\n"), [1, 12, 34, 0, -1])

    def test_memory(self) -> None:
        """
        This process has some memory, and never had less at its peak.
        """
        now, most = (processes.memory(os.getpid(), field) for field in ("VmRSS", "VmHWM"))
        self.assertTrue(0 < now <= most)

    def test_session(self) -> None:
        """
        A session has its processes and no others.
        """
        self.assertIn(os.getpid(), [pid for pid, _ in processes.session(os.getsid(0))])
        self.assertEqual(list(processes.session(-1)), [])
