"""
Tests for :mod:`hmacfs.store.company`, :mod:`hmacfs.store.chief` and
:mod:`hmacfs.store.member`: a store keeps its promises, however many processes
share it.
"""

from __future__ import annotations

import errno
import os
import time
from hashlib import sha256
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import Banned, Deleted, NoSpace, NotFound, OverQuota
from hmacfs.names import recall
from hmacfs.store.backlog import RETRY
from hmacfs.store.held import ALONE
from hmacfs.store.resumption import Resumption
from hmacfs.store.tables import files
from hmacfs.uploads import Slot
from tests.company import CompanyCase, TogetherCase
from tests.contracts import StoreContract
from tests.resuming_contract import ROOM, ResumingContract, record
from tests.test_resumption import SmallDisk

NAME, OTHER = recall(b"a/f.txt"), recall(b"b")


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

    def test_no_chief(self) -> None:
        """
        Where there is no chief any more an upload is suspended all the same.
        """
        told = record(length=6)
        upload = self.successResultOf(self.one.begin(told.slot, told))
        self.successResultOf(upload.append([b"abc"]))
        with self.without_chief(self.one):
            self.successResultOf(upload.suspend())
        self.assertEqual(self.one.waiting(NAME), [told.id])
        self.assertEqual(self.label(told.id).name, "a/f.txt")

    def test_no_chief_for_rows(self) -> None:
        """
        So are the rows that it would have written left to the next start, which is nothing new.
        """
        self.put(self.one)
        with self.without_chief(self.one):
            self.successResultOf(self.one.opened.backlog.flush())
        self.assertEqual(self.store.commons.concerned([NAME.path]), set())
        self.assertEqual(len(os.listdir(self.store.chief.opened.area.parts)), 1)

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

    def test_removed_beside_a_silent_one(self) -> None:
        """
        A removal waits for those alone that may have something of the name, and for them.
        """
        self.start(tombstone_ttl=0)
        self.put(self.one)
        self.put(self.two, "b")
        self.successResultOf(self.two.opened.backlog.flush())
        answer: Deferred[None] = Deferred()
        self.store._all.sides[1] = lambda *asked: answer
        self.successResultOf(self.one.remove(NAME))
        self.put(self.two, "b", b"defg", overwrite=True)
        removed = self.one.remove(OTHER)
        self.assertNoResult(removed)
        answer.callback(None)
        self.successResultOf(removed)

    def test_no_row_behind(self) -> None:
        """
        Of what is removed no row and no part comes behind, however its row was to be written.
        """
        self.start(tombstone_ttl=0)
        self.put(self.one)
        full = [OSError(errno.ENOSPC, "full")] * 2
        run, self.index.run = self.index.run, lambda *args: fail(full.pop())
        for member in (self.one, self.one):
            self.successResultOf(member.opened.backlog.flush())
        self.index.run = run
        self.put(self.one, data=b"defg", overwrite=True)
        self.successResultOf(self.two.remove(NAME))
        self.clock.advance(RETRY)
        self.assertEqual(self.index.totals().files.count, 0)
        self.assertEqual(os.listdir(self.store.chief.opened.area.parts), [])
        concerned = self.store.commons.concerned([NAME.path])
        self.assertEqual((full, concerned), ([], set()))

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

    def test_stored_meanwhile(self) -> None:
        """
        Where a member stores a file while the chief restores another one, or
        removes it without a tombstone, the index says what is there then.
        """
        self.successResultOf(self.store.stop())
        self.start(tombstone_ttl=0)
        self.put(self.one)
        self.clock.advance(1)
        self.put(self.one, data=b"defg", overwrite=True)
        self.clock.advance(1)
        (version,) = self.successResultOf(self.two.versions(NAME))
        restore, remove = self.store.chief.restore, self.store.chief.remove

        def restored(name: Any, id: str) -> Any:
            self.put(self.two, data=b"hijkl", overwrite=True)
            return restore(name, id)

        def removed(name: Any) -> Any:
            return remove(name).addCallback(stored_again)

        def stored_again(record: Any) -> Any:
            self.put(self.two, data=b"mnopqr")
            self.two.opened.backlog.discard([NAME.text])
            return record

        self.store.chief.restore, self.store.chief.remove = restored, removed
        self.successResultOf(self.one.restore(NAME, version.id))
        self.clock.advance(1)
        self.assertEqual(self.successResultOf(self.store.chief.opened.find(NAME)).size, 3)
        self.successResultOf(self.one.remove(NAME))
        self.clock.advance(1)
        self.assertEqual(self.successResultOf(self.store.chief.opened.find(NAME)).size, 6)

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

    def test_banned_before(self) -> None:
        """
        Who comes later refuses what was banned before, and takes all else.
        """
        self.put(self.one)
        self.successResultOf(self.store.chief.take_down(NAME, True))
        self.successResultOf(self.store.join())
        late = self.store.members[-1]
        slot = Slot(OTHER, 3, "text/plain", 3)
        self.assertIsNone(self.successResultOf(late.store(slot, b"abc")))
        upload = self.begin(late, "b")
        self.successResultOf(upload.append([b"abc"]))
        self.failureResultOf(upload.commit(), Banned)
        self.put(late, "b", b"def")

    def test_banned_while_stored(self) -> None:
        """
        What was banned since it was looked at is no file of a member either.
        """
        banned = sha256(b"abc").hexdigest()
        link = self.disk.link

        def late(*args: Any) -> None:
            link(*args)
            self.disk.link = link
            self.successResultOf(self.store.chief.ban(banned))

        self.disk.link = late
        slot = Slot(NAME, 3, "text/plain", 3)
        self.failureResultOf(self.one.store(slot, b"abc"), Banned)
        self.failureResultOf(self.two.open(NAME), NotFound)

    def test_taken_down_before_it_is_made(self) -> None:
        """
        An upload whose part is still to be made is not made behind a take-down.
        """
        self.put(self.one)
        coming = Slot(NAME, 3, "text/plain", 3, overwrite=True)
        upload = self.successResultOf(self.two.begin(coming, soon=True))
        other = self.successResultOf(self.two.begin(attrs.evolve(coming, name=OTHER), soon=True))
        self.successResultOf(self.store.chief.take_down(NAME, False))
        self.failureResultOf(upload.append([b"abc"]), Deleted)
        self.successResultOf(upload.discard())
        self.successResultOf(other.commit(pieces=[b"abc"]))
        self.assertEqual(os.listdir(self.store.chief.opened.area.parts), [other._part.id.decode()])

    def test_distrusted(self) -> None:
        """
        Who goes on with what another one suspended has no byte that was not trusted.
        """
        told = record(length=6)
        upload = self.successResultOf(self.one.begin(told.slot, told))
        self.successResultOf(upload.append([b"ab"]))
        upload.distrust()
        self.successResultOf(upload.append([b"xyz"]))
        self.successResultOf(upload.suspend())
        again = self.successResultOf(self.two.resume(told.id))
        self.assertEqual(again.offset, 2)
        self.successResultOf(again.append([b"cdef"]))
        self.successResultOf(again.commit())
        file = self.successResultOf(self.one.open(NAME))
        self.addCleanup(file.close)
        self.assertEqual(self.successResultOf(file.read(0, 9)), b"abcdef")

    def test_held(self) -> None:
        """
        A small file that a member holds is served by it as others left it, at once.
        """
        self.clock.advance(time.time() + 2 * ALONE - self.clock.seconds())
        self.put(self.one)
        first = [self.successResultOf(self.two.open(NAME)) for _ in range(2)]
        self.assertEqual((first[0], first[0].content), (first[1], b"abc"))
        self.put(self.one, data=b"xyz", overwrite=True)
        self.assertEqual(self.successResultOf(self.two.open(NAME)).content, b"xyz")
        (version,) = self.successResultOf(self.one.versions(NAME))
        self.successResultOf(self.one.restore(NAME, version.id))
        self.assertEqual(self.successResultOf(self.two.open(NAME)).content, b"abc")
        self.successResultOf(self.one.remove(NAME))
        self.failureResultOf(self.two.open(NAME), NotFound)

    def test_settled_by_the_chief(self) -> None:
        """
        What waits is synced when the chief stops, and not by each member that
        goes: another one may be going on with it.
        """
        told = record(length=6)
        upload = self.successResultOf(self.one.begin(told.slot, told))
        self.successResultOf(upload.append([b"abc"]))
        self.successResultOf(upload.suspend())
        self.store._all.sides.pop()
        self.successResultOf(self.store.members.pop().stop())
        self.assertIsNone(self.label(told.id).synced)
        parts = self.store.chief.opened.parts
        self.successResultOf(Resumption(self.store.chief.opened).settle())
        self.assertEqual(parts.size(told.id.encode()), self.label(told.id).synced)

    def test_index_asked(self) -> None:
        """
        A member notes and insists by its chief, as it asks.
        """
        self.put(self.one)
        self.successResultOf(self.store.chief.settled())
        index = self.two.opened.index
        found = [
            self.successResultOf(ask(files.find, "a/f.txt"))
            for ask in (index.run, index.note, index.insist)
        ]
        self.assertEqual(found, found[:1] * 3)
        self.assertEqual(found[0].size, 3)

    def test_no_room_for_rows(self) -> None:
        """
        Rows that find no room wait where they are, and what their owner may
        keep is counted with them.
        """
        self.successResultOf(self.store.stop())
        self.start(owner_quota=10)
        self.put(self.one, "a", b"abcdef", owner="me")
        full = [OSError(errno.ENOSPC, "full")]
        run, self.index.run = self.index.run, lambda *args: fail(full.pop())
        self.successResultOf(self.one.opened.backlog.flush())
        self.index.run = run
        promised = self.store.chief.opened.quota.promised
        self.assertEqual((full, promised), ([], {"me": 6}))
        self.failureResultOf(
            self.two.begin(Slot(OTHER, 5, "text/plain", owner="me")),
            OverQuota,
        )
        self.clock.advance(RETRY)
        self.assertEqual((promised, self.index.totals().files.count), ({}, 1))

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
