"""
Tests for :mod:`hmacfs.care.owners`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.care.owners import FEW, Owners
from hmacfs.records import Row
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.tables import files


class OwnersTests(SynchronousTestCase):
    """
    A quota that bounds nobody is told.
    """

    def warnings(self, count: int, owners: int, quota: int = 1, of: str = "path") -> int:
        """
        :return: how many there are of *count* files of so many *owners*.
        """
        index = MemoryIndex()
        rows = [Row(f"{n}", "a/b", 1, 1.0, owner=f"{n % owners}") for n in range(count)]
        self.successResultOf(index.run(files.write, rows))
        told: list[object] = []
        globalLogPublisher.addObserver(told.append)
        try:
            self.successResultOf(Deferred.fromCoroutine(Owners(index, quota, of).warn()))
        finally:
            globalLogPublisher.removeObserver(told.append)
        return len(told)

    def test_own(self) -> None:
        """
        Where nearly every file has an owner of its own, and there is a quota.
        """
        self.assertEqual(self.warnings(FEW, FEW), 1)
        self.assertEqual(self.warnings(FEW, FEW, quota=0), 0)
        self.assertEqual(self.warnings(FEW, FEW, of="jwt"), 0)

    def test_shared(self) -> None:
        """
        Not where owners keep several files, nor where it is too early to tell.
        """
        self.assertEqual(self.warnings(FEW, FEW // 2), 0)
        self.assertEqual(self.warnings(FEW - 1, FEW - 1), 0)

    def test_unknown(self) -> None:
        """
        Where nobody can tell, the daemon starts all the same.
        """
        index = MemoryIndex()
        index.close()
        self.successResultOf(Deferred.fromCoroutine(Owners(index, 1, "path").warn()))
        self.assertEqual(len(self.flushLoggedErrors(AssertionError)), 1)
