"""
Tests for :mod:`hmacfs.store.company`, :mod:`hmacfs.store.chief`,
:mod:`hmacfs.store.member` and :mod:`hmacfs.store.salvage`: a store keeps its
promises, however many processes share it.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import Banned, Deleted, NoSpace, NotFound, OverQuota
from hmacfs.names import recall
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from hmacfs.uploads import Slot
from tests.company import Joined
from tests.contracts import StoreContract
from tests.on_disk import FaultyDisk
from tests.resuming_contract import EXPIRY, ROOM, ResumingContract, record
from tests.test_resumption import SmallDisk

NAME = recall(b"a/f.txt")


class CompanyCase:
    """
    A chief and two members.
    """

    attributes = True
    policy: Any = {}

    def make_disk(self) -> Any:
        return FaultyDisk(attributes=self.attributes)

    def make_store(self, clock: Clock) -> Any:
        self.disk = self.make_disk()
        self.index = MemoryIndex()
        root = os.path.abspath(self.mktemp())
        # By descriptors: trial itself cannot remove a path that is so long.
        self.addCleanup(shutil.rmtree, root)
        policy = Policy(upload_expiry=EXPIRY, **self.policy)
        joined = Joined(self.disk, root, self.index, clock, policy)
        self.addCleanup(os.close, joined.commons.file)
        return joined


class StoreTests(CompanyCase, StoreContract, SynchronousTestCase):
    """
    A member keeps every promise of a store.
    """


class DegradedTests(StoreTests):
    """
    Also where its file system has no attributes.
    """

    attributes = False

    def test_faults(self) -> None:
        """
        Each member tells what is wrong with the file system.
        """
        self.assertEqual(self.store.faults(), self.store.chief.faults())
        self.assertEqual(len(self.store.faults()), 1)


class ResumingTests(CompanyCase, ResumingContract, SynchronousTestCase):
    """
    A member keeps every promise of a store whose uploads go on.
    """

    def make_disk(self) -> Any:
        return SmallDisk()


class TogetherCase(CompanyCase, SynchronousTestCase):
    """
    A company at work.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.start()

    def start(self, **policy: Any) -> None:
        self.policy = policy
        self.store = self.make_store(self.clock)
        self.successResultOf(self.store.start())
        self.addCleanup(lambda: self.successResultOf(self.store.stop()))
        self.one, self.two = self.store.members

    def begin(self, store: Any, name: str = "a/f.txt", size: int = 3, **fields: Any) -> Any:
        slot = Slot(recall(name.encode()), size, "text/plain", size, **fields)
        return self.successResultOf(store.begin(slot))

    def put(self, store: Any, name: str = "a/f.txt", data: bytes = b"abc", **fields: Any) -> Any:
        upload = self.begin(store, name, len(data), **fields)
        self.successResultOf(upload.append([data]))
        return self.successResultOf(upload.commit())

    def all(self) -> list[Any]:
        return [self.store.chief, *self.store.members]


class TogetherTests(TogetherCase):
    """
    What one process knows, all know.
    """

    def test_index(self) -> None:
        """
        Files of all members are listed, soon.
        """
        self.put(self.one, "a")
        self.put(self.two, "b")
        self.successResultOf(self.store.chief.settled())
        self.assertEqual(self.index.totals().files.count, 2)
        self.assertEqual(os.listdir(self.store.chief.opened.area.parts), [])

    def test_older_row(self) -> None:
        """
        Of two who tell of one name the one who stored later is believed.
        """
        self.put(self.one)
        self.clock.advance(0.01)
        self.put(self.two, data=b"defg", overwrite=True)
        for member in (self.two, self.one):
            self.successResultOf(member.opened.backlog.flush())
        row = self.successResultOf(self.store.chief.opened.find(NAME))
        self.assertEqual(row.size, 4)

    def test_suspended(self) -> None:
        """
        An upload that waits at one member goes on at another, and then waits nowhere.
        """
        told = record(length=6)
        upload = self.successResultOf(self.one.begin(told.slot, told))
        self.successResultOf(upload.append([b"abc"]))
        self.assertEqual(self.two.waiting(NAME), [])
        self.successResultOf(upload.suspend())
        self.assertEqual([each.waiting(NAME) for each in self.all()], [[told.id]] * 3)
        upload = self.successResultOf(self.two.resume(told.id))
        self.assertEqual([each.waiting(NAME) for each in self.all()], [[]] * 3)
        self.successResultOf(upload.append([b"def"]))
        self.assertEqual(self.successResultOf(upload.commit()).size, 6)

    def test_newcomer(self) -> None:
        """
        Who comes later knows what waits.
        """
        told = record()
        upload = self.successResultOf(self.one.begin(told.slot, told))
        self.successResultOf(upload.suspend())
        self.successResultOf(self.store.join())
        self.assertEqual(self.store.members[2].waiting(NAME), [told.id])

    def test_removed(self) -> None:
        """
        What one member removes is gone and buried for all, a row on its way included.
        """
        self.put(self.one)
        self.successResultOf(self.two.remove(NAME))
        self.failureResultOf(self.one.open(NAME), NotFound)
        self.failureResultOf(self.one.begin(Slot(NAME, 3, "text/plain")), Deleted)
        self.successResultOf(self.store.chief.settled())
        self.assertEqual(self.index.totals().files.count, 0)

    def test_restored(self) -> None:
        """
        A version that one member restores is the file for all.
        """
        self.put(self.one)
        self.clock.advance(1)
        self.put(self.one, data=b"defg", overwrite=True)
        (version,) = self.successResultOf(self.two.versions(NAME))
        self.assertEqual(self.successResultOf(self.two.restore(NAME, version.id)).size, 3)
        self.successResultOf(self.store.chief.settled())
        row = self.successResultOf(self.store.chief.opened.find(NAME))
        self.assertEqual(row.size, 3)

    def test_taken_down(self) -> None:
        """
        An upload that a member receives is cut when its name is taken down, and
        the bytes that were banned are refused by all.
        """
        self.put(self.one)
        upload = self.begin(self.two, overwrite=True)
        self.successResultOf(self.store.chief.take_down(NAME, True))
        self.failureResultOf(upload.append([b"abc"]), Deleted)
        self.successResultOf(upload.discard())
        upload = self.begin(self.two, "b")
        self.successResultOf(upload.append([b"abc"]))
        self.failureResultOf(upload.commit(), Banned)

    def test_space(self) -> None:
        """
        Room that one member has promised is nobody else's, until it is written or let go.
        """
        upload = self.begin(self.one, "a", ROOM - 10)
        self.failureResultOf(self.two.begin(Slot(NAME, 11, "text/plain")), NoSpace)
        self.successResultOf(upload.discard())
        self.begin(self.two, "b", 11)

    def test_quota(self) -> None:
        """
        What an owner may keep is counted over all, before and behind its rows.
        """
        self.successResultOf(self.store.stop())
        self.start(owner_quota=10)
        more = Slot(recall(b"c"), 5, "text/plain", owner="me")
        upload = self.begin(self.one, "a", 6, owner="me")
        self.failureResultOf(self.two.begin(more), OverQuota)
        self.successResultOf(upload.append([b"abcdef"]))
        self.successResultOf(upload.commit())
        self.failureResultOf(self.two.begin(more), OverQuota)
        self.successResultOf(self.one.opened.backlog.flush())
        self.failureResultOf(self.two.begin(more), OverQuota)
        self.put(self.two, "b", b"abcd", owner="me")
        self.assertEqual(self.store.chief.opened.quota.promised, {"me": 4})


class SalvageTests(TogetherCase):
    """
    What a member leaves that dies goes on, and what it finished is listed.
    """

    def die(self) -> list[str]:
        """
        Let the first member be no more, as a killed process is: its descriptors
        are closed, and it says nothing.

        :return: the uploads that it had finished.
        """
        return self.successResultOf(self.store.services[0].ended())

    def test_under_way(self) -> None:
        """
        An upload under way waits; one of another member is let be.
        """
        told, other = record(1), record(2, name="b")
        upload = self.successResultOf(self.one.begin(told.slot, told))
        self.successResultOf(upload.append([b"abc"]))
        self.successResultOf(self.two.begin(other.slot, other))
        self.drop_lock(told.id)
        self.assertEqual(self.die(), [])
        self.assertEqual(
            [each.waiting(NAME) for each in (self.store.chief, self.two)], [[told.id]] * 2
        )
        self.assertEqual(self.two.waiting(recall(b"b")), [])
        again = self.successResultOf(self.two.resume(told.id))
        self.assertEqual(again.offset, 3)

    def test_finished(self) -> None:
        """
        A file whose row was still to be written is listed.
        """
        told = record(length=3)
        upload = self.successResultOf(self.one.begin(told.slot, told))
        self.successResultOf(upload.append([b"abc"]))
        self.successResultOf(upload.commit())
        self.assertEqual(self.index.totals().files.count, 0)
        self.assertEqual(self.die(), [told.id])
        self.assertEqual(self.index.totals().files.count, 1)
        self.assertEqual(os.listdir(self.store.chief.opened.area.parts), [])

    def test_shares(self) -> None:
        """
        What it had promised to owners is free again.
        """
        self.successResultOf(self.store.stop())
        self.start(owner_quota=10)
        self.begin(self.one, "a", 6, owner="me")
        self.die()
        self.begin(self.two, "b", 6, owner="me")

    def drop_lock(self, id: str) -> None:
        """Close the descriptor by which the part *id* is locked."""
        parts = self.store.chief.opened.area.parts
        inode = os.stat(id, dir_fd=parts).st_ino
        for each in map(int, os.listdir("/proc/self/fd")):
            try:
                found = os.fstat(each)
            except OSError:
                continue
            if found.st_ino == inode:
                os.close(each)
