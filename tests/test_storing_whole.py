"""
Tests for :mod:`hmacfs.store.whole`, and for what every store promises that takes
a small file with one call.
"""

from __future__ import annotations

import errno
import os
from hashlib import sha256
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from hmacfs.abilities import IStoresWhole
from hmacfs.errors import Banned, Deleted, NoSpace, NotAFolder, NotStored
from hmacfs.interfaces.store import IStore
from hmacfs.names import recall
from hmacfs.records import MAXIMUM, FileRecord
from hmacfs.store.backlog import DELAY
from hmacfs.store.memory import MemoryStore
from hmacfs.store.memory_files import Keeping
from hmacfs.store.tables import files
from hmacfs.uploads import Slot
from tests.contracts import ROOM, StoreContract, WithStore, slot
from tests.expiring_contract import ExpiryContract, QuotaContract, TrashContract
from tests.keeping_contract import RemovalContract, VersionsContract
from tests.on_disk import OnDisk
from tests.test_keeping import KeepingOnDisk


class AtOnce(WithStore):
    """
    What is put is put with one call, wherever the store takes it so.
    """

    def stored(self, wanted: Slot, data: bytes = b"abc") -> Deferred[FileRecord | None]:
        """
        :return: fires with what became of it, on the spot or later.
        """
        now: Deferred[FileRecord | None] = maybeDeferred(self.store.store_now, wanted, data)
        return now.addCallback(lambda record: record or self.store.store(wanted, data))

    def put(self, wanted: Slot, data: bytes) -> FileRecord:
        record = self.successResultOf(self.stored(wanted, data))
        return super().put(wanted, data) if record is None else record


class WholeContract(AtOnce):
    """
    What is stored with one call is stored as by any other way.
    """

    def store_it(self, wanted: Slot, data: bytes = b"abc") -> FileRecord | None:
        return self.successResultOf(self.stored(wanted, data))

    def left(self) -> int:
        free: int = self.successResultOf(self.store.figures()).free
        return free

    def test_interface(self) -> None:
        """
        It says what it can.
        """
        verifyObject(IStoresWhole, self.store)

    def test_stored(self) -> None:
        """
        It is there at once, as it was told.
        """
        record = self.store_it(slot(owner="me", expires=2**40))
        self.assertEqual((self.open().record, self.get()), (record, b"abc"))

    def test_as_ever(self) -> None:
        """
        What is told of it is what is told of any other, but for its tag.
        """
        [one, other] = self.put(slot("a"), b"abc"), WithStore.put(self, slot("b"), b"abc")
        self.assertNotEqual(one.etag, other.etag)
        self.assertEqual(
            (one.size, one.content_type, one.stored, one.sha256, one.expires, one.owner),
            (other.size, other.content_type, other.stored, None, None, None),
        )

    def test_now(self) -> None:
        """
        What can be stored at once is; of all else nothing is done at once.
        """
        record = self.store.store_now(slot(), b"abc") or self.store_it(slot())
        self.assertEqual((self.open().record, self.get()), (record, b"abc"))
        self.assertEqual(self.store.store_now(slot(), b"def"), None)
        self.assertEqual(self.store.store_now(slot("b", size=2), b"abc"), None)
        self.assertEqual(self.get(), b"abc")

    def test_taken(self) -> None:
        """
        A name that is taken is left to a beginning, which knows what to say.
        """
        self.put(slot(), b"abc")
        self.assertEqual(self.store_it(slot(), b"def"), None)
        self.assertEqual(self.get(), b"abc")

    def test_waiting(self) -> None:
        """
        So is one that something waits for, which has to go.
        """
        self.successResultOf(self.begin(slot(), b"a").suspend())
        self.assertEqual(self.store_it(slot()), None)
        self.not_found()

    def test_other_length(self) -> None:
        """
        So is what is not as long as it was said to be.
        """
        for size in (2, 4, None):
            self.assertEqual(self.store_it(slot(size=size)), None)

    def test_no_room(self) -> None:
        """
        So is what does not fit; and what does takes its room.
        """
        self.assertEqual(self.store_it(slot(size=ROOM + 1), b"x" * (ROOM + 1)), None)
        self.assertEqual(self.left(), ROOM)


class MemoryTests(WholeContract, SynchronousTestCase):
    """
    In memory.
    """

    def make_store(self, clock: Clock) -> IStore:
        return MemoryStore(clock, ROOM, keeping=Keeping())

    def test_room(self) -> None:
        """
        What is kept takes its room.
        """
        self.store_it(slot())
        self.assertEqual(self.left(), ROOM - 3)


class Waiting:
    """
    Threads that do nothing before they are let.
    """

    def __init__(self, threads: Any) -> None:
        self.threads = threads
        self.gate: Deferred[None] = Deferred()

    def run(self, function: Any, *args: Any) -> Deferred[Any]:
        return self.gate.addCallback(lambda _: self.threads.run(function, *args))


class DiskTests(OnDisk, WholeContract, SynchronousTestCase):
    """
    On the disk, where it survives a power cut.
    """

    durable = True

    def another_store(self, **policy: object) -> Any:
        return super().another_store(**{"durable": self.durable, **policy})

    def again(self, **policy: Any) -> None:
        """Have the store started again, with another policy."""
        self.successResultOf(self.store.stop())
        self.store = self.another_store(**policy)
        self.successResultOf(self.store.start())

    @property
    def opened(self) -> Any:
        return self.store._opened

    def listed(self) -> list[str]:
        """
        :return: the names that the index has.
        """
        rows = self.successResultOf(self.index.run(files.page, "", 10))
        return [row.name for row in rows]

    def wait(self) -> Waiting:
        """Hold up what is done in threads."""
        waiting = Waiting(self.opened.syncs)
        self.opened.syncs = waiting
        # A disk that is not to be waited for.
        self.opened.pace.run = lambda *given: self.fail("on the spot")
        self.opened.pace._until = 2**40
        return waiting

    def test_row(self) -> None:
        """
        Its row is written behind the answer, and then the part goes.
        """
        record = self.store_it(slot(owner="me"))
        assert record is not None
        self.assertEqual((len(self.parts()), self.listed()), (1, []))
        self.clock.advance(DELAY)
        self.assertEqual((self.parts(), self.listed()), (set(), ["a/f.txt"]))

    def test_too_large(self) -> None:
        """
        What is not small is left to a beginning.
        """
        self.disk.room = 2**20
        size = self.store.most + 1
        self.assertEqual(self.store_it(slot(size=size), b"x" * size), None)

    def test_long_label(self) -> None:
        """
        So is what has more to be said of it than an attribute takes.
        """
        self.assertEqual(self.store_it(slot(owner="x" * MAXIMUM)), None)

    def test_banned(self) -> None:
        """
        So is everything as long as some bytes are banned, since they have to be
        known then.
        """
        self.successResultOf(self.store.ban("0" * 64))
        self.assertEqual(self.store_it(slot()), None)

    def test_quota(self) -> None:
        """
        So is what an owner may have too much of.
        """
        self.again(owner_quota=100)
        self.assertEqual(self.store_it(slot(owner="me")), None)
        self.assertNotEqual(self.store_it(slot()), None)

    def test_buried(self) -> None:
        """
        A name that was deleted takes it as little as any other.
        """
        self.put(slot(), b"abc")
        self.successResultOf(self.store.remove(recall(b"a/f.txt")))
        self.refused(Deleted, self.stored(slot()))
        self.assertEqual(self.parts(), set())

    def test_maybe_buried(self) -> None:
        """
        One that only may have been is asked about, and free.
        """
        self.opened.refusing.add("a/f.txt")
        self.assertNotEqual(self.store_it(slot()), None)

    def test_folder(self) -> None:
        """
        A name that is a folder, or below a file, is refused.
        """
        self.put(slot("a/b"), b"abc")
        for path in ("a", "a/b/c"):
            self.refused(NotAFolder, self.stored(slot(path)))

    def test_locked(self) -> None:
        """
        Where somebody has the lock of the name it is waited for, in a thread.
        """
        held = self.opened.locks.take
        asked: list[bool] = []

        def busy(name: Any, wait: bool = True) -> Any:
            asked.append(wait)
            if not wait:
                raise BlockingIOError
            return held(name, wait)

        self.opened.locks.take = busy
        self.assertNotEqual(self.store_it(slot()), None)
        self.assertEqual((asked.pop(), any(asked)), (True, False))
        self.clock.advance(DELAY)
        self.assertEqual(self.parts(), set())

    def test_full(self) -> None:
        """
        A disk that turns out to be full is told of, and nothing is left.
        """
        for call in ("create", "write", "set_attribute", "link"):
            self.disk.lasting = {call: errno.ENOSPC}
            self.refused(NoSpace, self.stored(slot()))
            self.assertEqual((self.parts(), self.below("a"), self.left()), (set(), set(), ROOM))

    def test_broken(self) -> None:
        """
        So is one that is broken.
        """
        self.disk.lasting["link"] = errno.EIO
        self.refused(NotStored, self.stored(slot()))
        self.assertEqual((self.parts(), self.left()), (set(), ROOM))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_in_threads(self) -> None:
        """
        While it is on its way in a thread its room is not promised to others.
        """
        waiting = self.wait()
        stored = self.stored(slot())
        self.assertEqual((self.left(), self.parts()), (ROOM - 3, set()))
        waiting.gate.callback(None)
        self.assertEqual((self.successResultOf(stored).size, self.left()), (3, ROOM))
        self.assertEqual((self.opened.writing, self.opened.unmade), ({}, {}))

    def test_taken_meanwhile(self) -> None:
        """
        One that comes to its name later than another leaves it to a beginning.
        """
        waiting = self.wait()
        stored = self.stored(slot())
        self.opened.syncs = waiting.threads
        WithStore.put(self, slot(), b"def")
        self.clock.advance(DELAY)
        waiting.gate.callback(None)
        self.assertEqual((self.successResultOf(stored), self.parts()), (None, set()))

    def test_banned_meanwhile(self) -> None:
        """
        One whose bytes are banned while it is on its way is no file.
        """
        waiting = self.wait()
        stored = self.stored(slot())
        self.successResultOf(self.store.ban(sha256(b"abc").hexdigest()))
        waiting.gate.callback(None)
        self.refused(Banned, stored)
        self.assertEqual((self.parts(), self.below("a"), self.left()), (set(), set(), ROOM))

    def test_others_banned(self) -> None:
        """
        Others that are banned meanwhile do not keep it from being one.
        """
        waiting = self.wait()
        stored = self.stored(slot())
        self.successResultOf(self.store.ban("0" * 64))
        waiting.gate.callback(None)
        self.assertEqual(self.successResultOf(stored).size, 3)

    def test_taken_down(self) -> None:
        """
        One that is taken down while it is on its way is no file.
        """
        waiting = self.wait()
        stored = self.stored(slot())
        self.successResultOf(self.store.take_down(recall(b"a/f.txt")))
        waiting.gate.callback(None)
        self.refused(Deleted, stored)
        self.assertEqual((self.parts(), self.opened.cut), (set(), set()))


class FastTests(DiskTests):
    """
    On the disk, where nothing is synced: on the spot.
    """

    durable = False

    def test_on_the_spot(self) -> None:
        """
        No thread is asked while the disk is quick.
        """
        self.opened.syncs = None
        self.assertNotEqual(self.store.store_now(slot(), b"abc"), None)

    def test_refused_now(self) -> None:
        """
        What may not be stored is refused there.
        """
        self.put(slot("a"), b"abc")
        self.assertRaises(NotAFolder, self.store.store_now, slot("a/b"), b"abc")
        self.disk.lasting["link"] = errno.ENOSPC
        self.assertRaises(NoSpace, self.store.store_now, slot("b"), b"abc")
        self.assertEqual(len(self.parts()), 1)

    def test_banned_now(self) -> None:
        """
        Where bytes are banned while it gets its name, it is asked which, in a
        thread.
        """
        link = self.disk.link

        def late(*args: Any) -> None:
            link(*args)
            self.successResultOf(self.store.ban("0" * 64))

        self.disk.link = late
        self.assertEqual(self.store.store_now(slot(), b"abc"), None)
        self.assertEqual((self.parts(), self.below("a")), (set(), set()))

    def test_folder_goes(self) -> None:
        """
        Where its folder goes before it is in there, it is made again.
        """
        link = self.disk.link

        def late(*args: Any) -> None:
            self.disk.link = link
            (self.path / "a").rmdir()
            link(*args)

        self.disk.link = late
        self.assertNotEqual(self.store.store_now(slot(), b"abc"), None)
        self.assertEqual(self.get(), b"abc")

    def test_piecewise(self) -> None:
        """
        What the disk takes a byte at a time is there all the same.
        """
        self.disk.at_once = 1
        self.assertNotEqual(self.store.store_now(slot(), b"abc"), None)
        self.assertEqual(self.get(), b"abc")

    def test_descriptors(self) -> None:
        """
        Whatever becomes of it, no file stays open.
        """
        before = len(os.listdir("/proc/self/fd"))
        self.store.store_now(slot(), b"abc")
        self.store.store_now(slot(), b"abc")
        for call in ("create", "set_attribute", "write", "link"):
            self.disk.lasting = {call: errno.ENOSPC}
            self.assertRaises(NoSpace, self.store.store_now, slot("b"), b"abc")
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_not_now(self) -> None:
        """
        Nothing is done there where somebody is at the name, it may be buried, or
        the disk is slow.
        """
        self.opened.refusing.add("a/f.txt")
        self.assertEqual(self.store.store_now(slot(), b"abc"), None)
        self.opened.pace._until = 2**40
        self.assertEqual(self.store.store_now(slot("b"), b"abc"), None)
        self.assertEqual((self.parts(), self.below("a"), self.below("b")), (set(), set(), set()))


class NoAttributesTests(OnDisk, AtOnce, SynchronousTestCase):
    """
    Where the file system keeps no attributes all is left to a beginning.
    """

    attributes = False

    def test_stored(self) -> None:
        self.assertEqual(self.successResultOf(self.stored(slot())), None)


class NothingSynced:
    """
    Nothing is: it is stored on the spot.
    """

    def another_store(self, **policy: object) -> Any:
        return super().another_store(**{"durable": False, **policy})


class StoreTests(OnDisk, AtOnce, StoreContract, SynchronousTestCase):
    """A store keeps its promises for what comes like this."""


class FastStoreTests(NothingSynced, StoreTests):
    """Also on the spot."""


class VersionsTests(AtOnce, KeepingOnDisk, VersionsContract, SynchronousTestCase):
    """So it does for versions of it."""


class RemovalTests(AtOnce, KeepingOnDisk, RemovalContract, SynchronousTestCase):
    """So it does for what of it is removed."""


class FastRemovalTests(NothingSynced, RemovalTests):
    """Also on the spot."""


class ExpiryTests(AtOnce, KeepingOnDisk, ExpiryContract, SynchronousTestCase):
    """So it does for what of it expires."""


class TrashTests(AtOnce, KeepingOnDisk, TrashContract, SynchronousTestCase):
    """So it does for what of it comes back."""


class QuotaTests(AtOnce, KeepingOnDisk, QuotaContract, SynchronousTestCase):
    """So it does for what of it is counted."""
