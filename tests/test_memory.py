"""
Tests for :mod:`hmacfs.store.memory`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.interfaces import IStore
from hmacfs.store.memory import MemoryIndex, MemoryStore
from tests.contracts import FREE, IndexContract, StoreCase, StoreContract


class MemoryStoreTests(StoreContract, StoreCase):
    """
    The store that forgets keeps the contract of those that last.
    """

    def make_store(self) -> IStore:
        return MemoryStore(self.clock, FREE)


class MemoryIndexTests(IndexContract, SynchronousTestCase):
    """
    So does the index.
    """

    def setUp(self) -> None:
        self.index = MemoryIndex()
        self.successResultOf(self.index.start())
        self.addCleanup(lambda: self.successResultOf(self.index.stop()))
