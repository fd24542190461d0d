"""
Tests for :mod:`hmacfs.store.memory`.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.memory import MemoryIndex, MemoryStore
from tests.contracts import ROOM, IndexContract, StoreContract


class MemoryStoreTests(StoreContract, SynchronousTestCase):
    """
    The store that forgets keeps the contract while it lasts.
    """

    def make_store(self, clock: Clock) -> MemoryStore:
        return MemoryStore(clock, ROOM)


class MemoryIndexTests(IndexContract, SynchronousTestCase):
    """
    So does the index.
    """

    def make_index(self) -> MemoryIndex:
        return MemoryIndex()
