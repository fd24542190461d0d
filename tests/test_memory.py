"""
Tests for :mod:`hmacfs.store.memory`, and what it is built on.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import OverQuota
from hmacfs.store.memory import MemoryStore
from hmacfs.store.memory_files import Keeping
from tests.contracts import ROOM, StoreContract, slot
from tests.keeping_contract import RemovalContract, VersionsContract, WithKeeping
from tests.resuming_contract import record


class MemoryStoreTests(StoreContract, SynchronousTestCase):
    """
    The store that forgets keeps the contract while it lasts.
    """

    def make_store(self, clock: Clock) -> MemoryStore:
        return MemoryStore(clock, ROOM)


class KeepingInMemory(WithKeeping):
    """
    A test case that has a store in memory with a policy of its own.
    """

    def make_keeping(self, clock: Clock, **keeping: Any) -> MemoryStore:
        return MemoryStore(clock, ROOM, keeping=Keeping(**keeping))


class MemoryVersionsTests(KeepingInMemory, VersionsContract, SynchronousTestCase):
    """
    So it does with versions.
    """


class MemoryRemovalTests(KeepingInMemory, RemovalContract, SynchronousTestCase):
    """
    So it does with what is removed.
    """

    def test_room(self) -> None:
        """
        What is gone for good takes no room.
        """
        for go in (self.remove, lambda: self.store.take_down(slot().name)):
            self.keep(tombstone_ttl=0)
            self.write(b"1" * 400)
            self.write(b"2" * 400)
            go()
            self.write(b"3" * 900)


class MemoryQuotaTests(KeepingInMemory, SynchronousTestCase):
    """
    An owner keeps no more than he may, uploads under way counted.
    """

    keeping = {"owner_quota": 10}

    def wanted(self, path: str, size: int | None, owner: str = "a@x") -> Any:
        return slot(path, size, owner=owner, overwrite=True)

    def test_bound(self) -> None:
        """
        The last byte fits and no other; versions count, and others do not.
        """
        self.write(b"1234", owner="a@x")
        self.write(b"5678", owner="a@x")
        self.refused(OverQuota, self.store.begin(self.wanted("b", 3)))
        self.put(self.wanted("b", 2), b"12")
        self.put(self.wanted("c", 10, "b@x"), bytes(10))
        self.put(slot("d", 20), bytes(20))

    def test_under_way(self) -> None:
        """
        What is promised to one upload is not there for another, until it is over.
        """
        upload = self.begin(self.wanted("a", 6))
        self.refused(OverQuota, self.store.begin(self.wanted("b", 5)))
        self.successResultOf(upload.discard())
        self.begin(self.wanted("b", 5))

    def test_unknown_size(self) -> None:
        """
        An upload whose end nobody knows is refused when it gets there.
        """
        upload = self.begin(self.wanted("a", None), b"12345")
        self.refused(OverQuota, upload.append([b"678901"]))
        self.assertEqual(self.successResultOf(upload.append([b"67890"])), 10)

    def test_resumed(self) -> None:
        """
        An upload that waited is counted anew when it goes on.
        """
        part = record(length=6, owner="a@x")
        upload = self.successResultOf(self.store.begin(part.slot, part))
        self.successResultOf(upload.append([b"123"]))
        self.successResultOf(upload.suspend())
        other = self.begin(self.wanted("b", 5))
        self.refused(OverQuota, self.store.resume(part.id))
        self.successResultOf(other.discard())
        self.successResultOf(self.store.resume(part.id))
