"""
Tests for :mod:`hmacfs.store.reserve`.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.store.reserve import NAME, SIZE, Reserve


class Small(Disk):
    """
    A disk with only so many bytes.
    """

    left = 2 * SIZE

    def free(self, folder: int) -> int:
        return self.left


class ReserveTests(SynchronousTestCase):
    """
    There is room where it is needed, and none is taken from others.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.path.mkdir()
        self.disk = Small()
        self.reserve = Reserve(self.disk, str(self.path))

    def sizes(self) -> list[int]:
        """
        :return: those of the files in the folder.
        """
        return [os.stat(entry).st_size for entry in os.scandir(self.path)]

    def test_held(self) -> None:
        """
        It is held until it is let go, by whichever process.
        """
        for _ in range(2):
            self.reserve.hold()
            self.assertEqual((self.sizes(), self.reserve.wanted), ([SIZE], False))
        other = Reserve(self.disk, str(self.path))
        self.assertEqual([other.let_go(), other.let_go()], [True, False])
        self.assertEqual((self.sizes(), other.wanted), ([], True))

    def test_no_room(self) -> None:
        """
        It waits until there is room for others as well.
        """
        self.disk.left = 2 * SIZE - 1
        self.reserve.hold()
        self.assertEqual((self.sizes(), self.reserve.wanted), ([], True))

    def test_unfinished(self) -> None:
        """
        One that was not finished is made anew.
        """
        (self.path / os.fsdecode(NAME)).write_bytes(b"x")
        self.reserve.hold()
        self.assertEqual(self.sizes(), [SIZE])

    def test_failure(self) -> None:
        """
        Where it cannot be made that is said once, and nothing is left of it.
        """

        class Failing(Disk):
            def sync(self, descriptor: int) -> None:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

        reserve = Reserve(Failing(), str(self.path))
        reserve.hold()
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertEqual((self.sizes(), reserve.wanted), ([], False))
