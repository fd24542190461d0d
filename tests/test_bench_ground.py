"""
Tests for :mod:`bench.ground`.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bench.ground import filesystem, slot
from tests.calling import signed


class GroundTests(SynchronousTestCase):
    """
    Slots are signed as hmacfs wants them, and a disk is told from memory.
    """

    def test_slot(self) -> None:
        """
        A slot is what any program signs.
        """
        self.assertEqual(slot("up-1-2", 3), signed("up-1-2", 3))

    def test_filesystem(self) -> None:
        """
        The last mount that a folder is below counts.
        """
        mounts = (
            "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
            "25 22 0:23 / /dev/shm rw - tmpfs tmpfs rw,size=1024k\n"
            "26 22 0:24 / /dev/shmall rw - xfs /dev/vdb rw\n"
        )
        folders = ["/dev/shm", "/dev/shm/a/b", "/dev/shmall", "/dev/shmoo"]
        kinds = [filesystem(Path(folder), mounts) for folder in folders]
        self.assertEqual(kinds, ["tmpfs", "tmpfs", "xfs", "ext4"])
