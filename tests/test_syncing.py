"""
Tests for :mod:`hmacfs.syncing`.
"""

from __future__ import annotations

import errno
import os
from threading import Event, Thread

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.syncing import Syncing

PATIENCE = 30


class SyncingTests(SynchronousTestCase):
    """
    Who waits for the same waits for one call, which began behind him.
    """

    def setUp(self) -> None:
        self.syncing = Syncing()
        self.calls: list[str] = []
        self.began, self.gate = Event(), Event()
        self.failed: list[BaseException] = []
        self.threads: list[Thread] = []

    def slow(self) -> None:
        """The first call, which takes its time."""
        self.calls.append("slow")
        self.began.set()
        self.gate.wait(PATIENCE)

    def quick(self) -> None:
        self.calls.append("quick")

    def begin(self, sync: object, key: str = "a") -> None:
        """Ask in a thread of its own."""

        def ask() -> None:
            try:
                self.syncing.share(key, sync)
            except OSError as error:
                self.failed.append(error)

        self.threads.append(Thread(target=ask))
        self.threads[-1].start()

    def line(self, members: int) -> None:
        """Wait until so many are in line."""
        with self.syncing._changed:
            while self.syncing._lines["a"].members < members:
                self.syncing._changed.wait(0.001)

    def end(self) -> None:
        self.gate.set()
        for thread in self.threads:
            thread.join(PATIENCE)

    def test_alone(self) -> None:
        """
        Who is alone syncs at once, each time.
        """
        self.syncing.share("a", self.quick)
        self.syncing.share("a", self.quick)
        self.assertEqual((self.calls, self.syncing._lines), (["quick"] * 2, {}))

    def test_shared(self) -> None:
        """
        Those who come while it is synced wait, and share one more call.
        """
        self.begin(self.slow)
        self.began.wait(PATIENCE)
        for _ in range(5):
            self.begin(self.quick)
        self.line(6)
        self.assertEqual(self.calls, ["slow"])
        self.end()
        self.assertEqual((self.calls, self.syncing._lines), (["slow", "quick"], {}))

    def test_others(self) -> None:
        """
        Nobody waits for something else.
        """
        self.begin(self.slow)
        self.began.wait(PATIENCE)
        self.syncing.share("b", self.quick)
        self.assertEqual(self.calls, ["slow", "quick"])
        self.end()

    def test_failed(self) -> None:
        """
        What fails, fails for all whom it was for, and for nobody else.
        """

        def fail() -> None:
            self.calls.append("failed")
            raise OSError(errno.EIO, "broken")

        self.begin(self.slow)
        self.began.wait(PATIENCE)
        for _ in range(3):
            self.begin(fail)
        self.line(4)
        self.end()
        self.assertEqual([each.errno for each in self.failed], [errno.EIO] * 3)
        self.assertEqual((self.calls, self.syncing._lines), (["slow", "failed"], {}))
        self.syncing.share("a", self.quick)

    def test_disk(self) -> None:
        """
        A folder of the disk is synced like that, if anything is.
        """
        folder = os.open(".", os.O_RDONLY)
        self.addCleanup(os.close, folder)
        for durable in (True, False):
            disk = Disk(durable)
            disk.sync = self.calls.append
            disk.sync_names(folder)
        self.assertEqual(self.calls, [folder])
