"""
A ``twistd`` whose disk is slow: a program for :mod:`tests.test_process`.

The disk of the daemon is replaced at the one place where it gets one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from twisted.scripts.twistd import run

from hmacfs.disk import Disk
from hmacfs.store import opening

RATE = 16 * 2**20  # bytes a second


class SlowDisk(Disk):
    """
    A disk that takes its time to write.
    """

    def write(self, file: int, pieces: Sequence[bytes | memoryview]) -> int:
        written = super().write(file, pieces)
        time.sleep(written / RATE)
        return written


if __name__ == "__main__":
    opening.Disk = SlowDisk
    run()
