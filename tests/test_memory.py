"""
Tests for :mod:`hmacfs.store.memory`, and what it is built on.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from hmacfs.abilities import IBans
from hmacfs.errors import Banned, NoSpace, NotFound, OverQuota
from hmacfs.store.memory import MemoryStore
from hmacfs.store.memory_files import Keeping
from tests.contracts import ROOM, StoreContract, slot
from tests.expiring_contract import ExpiryContract, QuotaContract, TrashContract
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


class MemoryExpiryTests(KeepingInMemory, ExpiryContract, SynchronousTestCase):
    """
    So it does with what goes by age.
    """


class MemoryTrashTests(KeepingInMemory, TrashContract, SynchronousTestCase):
    """
    So it does with what a sweep took.
    """

    def test_room(self) -> None:
        """
        What rests in the trash takes room until it goes for good.
        """
        for go in (
            lambda item: self.store.purge(self.clock.seconds() + 1, 9),
            lambda item: self.store.discard(item),
        ):
            self.keep(tombstone_ttl=0, **self.keeping)
            self.write(b"1" * 600)
            self.clock.advance(10)
            self.retire()
            self.refused(NoSpace, self.store.begin(slot(size=900)))
            [item] = self.trashed()
            self.successResultOf(go(item))
            self.write(b"2" * 900)

    def test_open(self) -> None:
        """
        Whoever has to know can read it, until it is gone.
        """
        self.write(b"abc")
        self.clock.advance(10)
        self.retire()
        [item] = self.trashed()
        file = self.successResultOf(self.store.open_trashed(item))
        self.assertEqual(self.successResultOf(file.read(0, 9)), b"abc")
        gone = [self.successResultOf(self.store.discard(item)) for _ in range(2)]
        self.assertEqual((gone, self.trashed()), ([True, False], []))
        self.refused(NotFound, self.store.open_trashed(item))


class MemoryBanTests(KeepingInMemory, SynchronousTestCase):
    """
    Bytes can be refused by their digest alone.
    """

    def test_ban(self) -> None:
        """
        They are refused until they are not any more.
        """
        self.assertTrue(verifyObject(IBans, self.store))
        digest = sha256(b"bad").hexdigest()
        new = [self.successResultOf(self.store.ban(digest)) for _ in range(2)]
        self.refused(Banned, self.begin(slot(), b"bad").commit())
        self.assertEqual(
            (new, self.successResultOf(self.store.banned())), ([True, False], [digest])
        )
        known = [self.successResultOf(self.store.unban(digest)) for _ in range(2)]
        self.assertEqual((known, self.successResultOf(self.store.banned())), ([True, False], []))
        self.write(b"bad")


class MemoryQuotaTests(KeepingInMemory, QuotaContract, SynchronousTestCase):
    """
    So it does with what an owner may keep.
    """

    def test_resumed(self) -> None:
        """
        An upload that waited is counted anew when it goes on.
        """
        part = record(length=6, owner="me")
        upload = self.successResultOf(self.store.begin(part.slot, part))
        self.successResultOf(upload.append([b"123"]))
        self.successResultOf(upload.suspend())
        other = self.begin(slot("b", 5, owner="me"))
        self.refused(OverQuota, self.store.resume(part.id))
        self.successResultOf(other.discard())
        self.successResultOf(self.store.resume(part.id))
