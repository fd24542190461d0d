"""
Tests for :mod:`hmacfs.systemd`.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.systemd import notify


class NotifyTests(SynchronousTestCase):
    """
    Whoever supervises the daemon hears how it is.
    """

    def heard(self, bound: str, told: str) -> bytes:
        """
        :return: what a supervisor hears that is bound to *bound* and has told
            *told* to the daemon.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.bind(bound)
            supervisor.settimeout(10)
            notify("READY=1", told)
            return supervisor.recv(100)

    def test_path(self) -> None:
        """
        A socket in the file system is written to.
        """
        folder = Path(mkdtemp())
        self.addCleanup(folder.rmdir)
        path = str(folder / "notify")
        self.addCleanup(os.unlink, path)
        self.assertEqual(self.heard(path, path), b"READY=1")

    def test_abstract(self) -> None:
        """
        A socket with an abstract name is written to.
        """
        name = f"hmacfs-test-{os.getpid()}"
        self.assertEqual(self.heard(f"\0{name}", f"@{name}"), b"READY=1")

    def test_nobody(self) -> None:
        """
        Without a supervisor nobody is told.
        """
        self.assertIsNone(notify("READY=1", ""))
