"""
Tests for :mod:`hmacfs.store.files`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.records import FileRecord
from hmacfs.store.files import StoredFile
from tests.inline import Inline


class Waiting(Inline):
    """
    Threads that do what they are asked for later.
    """

    def __init__(self) -> None:
        self.jobs: list[Deferred[Any]] = []

    def run(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        job: Deferred[Any] = Deferred()
        self.jobs.append(job)
        return job.addCallback(lambda _: function(*args))


class ColdDisk(Disk):
    """
    A disk that has nothing in memory.

    :ivar fault: what goes wrong when it is asked.
    """

    fault: OSError | None = None

    def at_hand(self, file: int, offset: int, size: int) -> bool:
        if self.fault is not None:
            raise self.fault
        return False


class WarmDisk(Disk):
    """One that has everything in memory."""

    def at_hand(self, file: int, offset: int, size: int) -> bool:
        return True


class StoredFileTests(SynchronousTestCase):
    """
    What is in memory is read at once, and all else by a thread, below which a
    descriptor is not closed.
    """

    def open(self, disk: Disk) -> StoredFile:
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(b"abc")
        self.threads = Waiting()
        record = FileRecord(3, "", 0, "")
        stored = StoredFile(os.open(path, os.O_RDONLY), record, disk, self.threads)
        self.addCleanup(stored.close)
        return stored

    def work(self) -> None:
        """Let the threads do what they are asked for."""
        for job in self.threads.jobs:
            job.callback(None)

    def test_in_memory(self) -> None:
        """
        No thread is wanted for what is there.
        """
        stored = self.open(WarmDisk())
        self.assertEqual(self.successResultOf(stored.read(0, 3)), b"abc")
        self.assertEqual((stored.fetch(0, 3), self.threads.jobs), (None, []))

    def test_on_disk(self) -> None:
        """
        A thread waits for what is not.
        """
        read = self.open(ColdDisk()).read(1, 3)
        self.assertNoResult(read)
        self.work()
        self.assertEqual(self.successResultOf(read), b"bc")

    def test_fetch(self) -> None:
        """
        It fetches what is to be sent as well.
        """
        fetching = self.open(ColdDisk()).fetch(1, 2)
        assert fetching is not None
        self.assertNoResult(fetching)
        self.work()
        self.assertIs(self.successResultOf(fetching), None)

    def test_failing(self) -> None:
        """
        A disk that fails at once fails as one that fails later.
        """
        disk = ColdDisk()
        disk.fault = OSError("no disk")
        stored = self.open(disk)
        self.failureResultOf(stored.read(0, 3), OSError)
        fetching = stored.fetch(0, 3)
        assert fetching is not None
        self.failureResultOf(fetching, OSError)

    def test_closed_while_read(self) -> None:
        """
        Who is reading, or fetching, when the file is closed does so to his end.
        """
        stored = self.open(ColdDisk())
        reads = [stored.read(0, 3), stored.read(1, 3), stored.fetch(0, 3)]
        stored.close()
        self.work()
        self.assertEqual([self.successResultOf(read) for read in reads], [b"abc", b"bc", None])
        self.assertRaises(OSError, os.fstat, stored.fileno())
