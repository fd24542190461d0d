"""
Tests for :mod:`hmacfs.store.held`.
"""

from __future__ import annotations

import os
import time
from math import ceil
from pathlib import Path

import attrs
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from hmacfs.disk import Disk
from hmacfs.errors import Forbidden, NotFound
from hmacfs.interfaces.store import IFile, IHasDescriptor, IHeld
from hmacfs.records import ATTRIBUTE, FileRecord
from hmacfs.retention import Retention
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.held import ALONE, MOST, SMALL, HeldFile
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from tests.inline import Inline
from tests.keeping_contract import NAME
from tests.serving import name
from tests.test_files import ColdDisk
from tests.test_keeping import KeepingOnDisk


class CountingDisk(Disk):
    """
    :ivar opens: how often a file was opened.
    """

    opens = 0

    def open(self, folder: int, name: bytes) -> int:
        self.opens += 1
        return super().open(folder, name)


class HeldTests(SynchronousTestCase):
    """
    A small file that nobody has changed is opened once; whatever is done to it
    by anybody is seen at once.
    """

    def setUp(self) -> None:
        self.start(CountingDisk())

    def start(self, disk: Disk) -> None:
        self.disk = disk
        self.root = Path(self.mktemp()).absolute()
        self.clock = Clock()
        self.store = FilesystemStore(
            disk, str(self.root), MemoryIndex(), self.clock, Inline(), Policy()
        )
        self.successResultOf(self.store.start())
        self.addCleanup(self.store.stop)
        (self.root / "a").mkdir()
        self.path = self.root / "a" / "b.txt"
        self.write(b"first")

    def write(self, content: bytes) -> None:
        """Write in place, and let it be for as long as it takes."""
        self.path.write_bytes(content)
        self.later()

    def later(self) -> None:
        self.clock.advance(os.stat(self.path).st_ctime + ALONE + 1 - self.clock.seconds())

    def read(self, text: str = "a/b.txt") -> bytes:
        file = self.successResultOf(self.store.open(name(text)))
        content = self.successResultOf(file.read(0, file.record.size))
        file.close()
        return content

    def test_interface(self) -> None:
        """
        It is a file like any other, with its content.
        """
        self.assertTrue(verifyObject(IHeld, HeldFile(FileRecord(1, "", 0, ""), b"x")))

    def test_once(self) -> None:
        """
        It is opened once, and the same file is given to all.
        """
        opens = self.disk.opens
        found = [self.successResultOf(self.store.open(name("a/b.txt"))) for _ in range(3)]
        self.assertEqual((found[1:], found[0].content), (found[:1] * 2, b"first"))
        self.assertEqual(self.disk.opens - opens, 1)

    def test_part(self) -> None:
        """
        Any part of it may be read.
        """
        file = self.successResultOf(self.store.open(name("a/b.txt")))
        self.assertEqual(self.successResultOf(file.read(1, 3)), b"irs")

    def test_empty(self) -> None:
        """
        An empty file is one too.
        """
        self.write(b"")
        self.assertEqual([self.read(), self.read()], [b"", b""])

    def test_too_fresh(self) -> None:
        """
        What has changed just now may change again in the same moment, and is not held.
        """
        self.path.write_bytes(b"fresh")
        self.clock.advance(os.stat(self.path).st_ctime + ALONE - 0.1 - self.clock.seconds())
        opens = self.disk.opens
        self.assertEqual([self.read(), self.read()], [b"fresh"] * 2)
        self.assertEqual(self.disk.opens - opens, 2)

    def test_written(self) -> None:
        """
        Other bytes, be they as many, are seen.
        """
        self.read()
        self.path.write_bytes(b"other")
        self.assertEqual(self.read(), b"other")

    def test_written_as_before(self) -> None:
        """
        So they are where the time of writing was set back.
        """
        self.read()
        before = os.stat(self.path)
        self.path.write_bytes(b"other")
        os.utime(self.path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.assertEqual(self.read(), b"other")

    def test_replaced(self) -> None:
        """
        A file that takes its place is seen, and the name of a link is not followed.
        """
        self.read()
        other = self.root / "other"
        other.write_bytes(b"other")
        os.replace(other, self.path)
        self.assertEqual(self.read(), b"other")
        self.later()
        self.read()
        self.path.rename(self.root / "moved")
        self.path.symlink_to(self.root / "moved")
        self.failureResultOf(self.store.open(name("a/b.txt")), NotFound)

    def test_removed(self) -> None:
        """
        A file that is removed is gone, and so is one whose folder is, or that
        a folder has taken the place of.
        """
        self.read()
        self.path.unlink()
        self.failureResultOf(self.store.open(name("a/b.txt")), NotFound)
        self.write(b"again")
        self.read()
        self.path.unlink()
        self.path.mkdir()
        self.failureResultOf(self.store.open(name("a/b.txt")), Forbidden)
        self.path.rmdir()
        self.path.parent.rmdir()
        self.failureResultOf(self.store.open(name("a/b.txt")), NotFound)

    def test_labelled(self) -> None:
        """
        What its label says is seen as soon as it says so.
        """
        self.read()
        now = int(self.clock.seconds())
        label = b'{"type":"image/png","size":5,"commit":"c","stored":%d,"expires":%d}'
        os.setxattr(self.path, ATTRIBUTE, label % (now, now + 10))
        found = self.successResultOf(self.store.open(name("a/b.txt")))
        self.assertEqual(found.record.content_type, "image/png")

    def test_expires(self) -> None:
        """
        What is held expires in its time.
        """
        self.test_labelled()
        self.clock.advance(3)
        self.read()
        self.clock.advance(7)
        self.failureResultOf(self.store.open(name("a/b.txt")), NotFound)

    def test_large(self) -> None:
        """
        A large file is opened each time.
        """
        self.write(bytes(SMALL + 1))
        file = self.successResultOf(self.store.open(name("a/b.txt")))
        self.addCleanup(file.close)
        self.assertTrue(IHasDescriptor.providedBy(file))

    def test_bounded(self) -> None:
        """
        No more is held than may be: who came first goes first, and who is asked
        for stays.
        """
        count = MOST // SMALL
        for number in range(count):
            self.path = self.root / str(number)
            self.path.write_bytes(bytes(SMALL))
        self.later()
        self.read("0")
        self.read("1")
        for number in range(2, count):
            self.read("0")
            self.read(str(number))
        opens = self.disk.opens
        self.read("0")
        self.read(str(count - 1))
        self.assertEqual(self.disk.opens - opens, 0)
        self.read("1")
        self.assertEqual(self.disk.opens - opens, 1)

    def test_cold(self) -> None:
        """
        What the disk has to be waited for is left to a thread.
        """
        self.start(ColdDisk())
        file = self.successResultOf(self.store.open(name("a/b.txt")))
        self.assertTrue(IHasDescriptor.providedBy(file))
        self.assertEqual(self.successResultOf(file.read(0, 9)), b"first")
        file.close()

    def test_nothing_open(self) -> None:
        """
        No file is held open.
        """
        self.read()
        links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        targets = [os.readlink(link) for link in links if os.path.islink(link)]
        self.assertNotIn(str(self.path), targets)


class KeepingTests(KeepingOnDisk, SynchronousTestCase):
    """
    Whatever the store itself does to a file that is held, the next who asks is
    told of.
    """

    def make_store(self, clock: Clock) -> FilesystemStore:
        # As late as it is for the file system.
        clock.advance(time.time() - clock.seconds())
        return super().make_store(clock)

    def hold(self, data: bytes) -> IFile:
        """
        Have a file that is held.
        """
        self.write(data)
        return self.held()

    def held(self, path: str = "a/f.txt") -> IFile:
        """
        Let the file be for as long as it takes, and hold it.
        """
        self.clock.advance(ALONE + 1)
        file = self.open(path)
        self.assertIs(self.open(path), file)
        return file

    def test_replaced(self) -> None:
        """
        It is replaced.
        """
        self.hold(b"old")
        self.write(b"new")
        self.assertEqual(self.get(), b"new")

    def test_restored(self) -> None:
        """
        A version takes its place, and it takes that of the version.
        """
        old = self.hold(b"old").record
        new = self.hold(b"new").record
        for expected in ((b"old", old), (b"new", new)):
            [version] = self.listed()
            self.successResultOf(self.store.restore(NAME, version.id))
            self.assertEqual((self.get(), self.held().record), expected)

    def test_removed(self) -> None:
        """
        It is removed, and its name buried; then it takes another file.
        """
        self.hold(b"old")
        self.successResultOf(self.store.remove(NAME))
        self.not_found()
        self.successResultOf(self.store.forget(NAME))
        self.write(b"new")
        self.assertEqual(self.get(), b"new")

    def test_taken_down(self) -> None:
        """
        It is taken down, and its bytes are banned.
        """
        self.hold(b"old")
        self.successResultOf(self.store.take_down(NAME, ban=True))
        self.not_found()

    def test_expired(self) -> None:
        """
        Its time is over, by the rules of now, and it is swept.
        """
        self.keep(retention=Retention((), 20))
        record = self.hold(b"old").record
        self.assertEqual(record.expires, ceil(record.stored + 20))
        self.clock.advance(20)
        self.not_found()
        self.retire()
        self.not_found()

    def test_undone(self) -> None:
        """
        It comes back out of the trash, with another term.
        """
        self.keep(retention=Retention((), 20))
        before = self.hold(b"old").record
        self.clock.advance(20)
        self.retire()
        [item] = self.trashed()
        self.assertTrue(self.successResultOf(self.store.undo(item)))
        after = self.open().record
        self.assertEqual(self.get(), b"old")
        self.assertEqual(after.expires, int(self.clock.seconds() + 20))
        self.assertEqual(attrs.evolve(after, expires=before.expires), before)

    def test_digested(self) -> None:
        """
        Its digest is known from now on.
        """
        self.hold(b"old")
        digest = self.successResultOf(self.store.digest(NAME))
        self.assertEqual(self.open().record.sha256, digest)

    def test_other_rules(self) -> None:
        """
        Where other rules hold behind a restart, they hold for it.
        """
        self.hold(b"old")
        self.successResultOf(self.store.stop())
        self.store = self.another_store(retention=Retention((), 1, grace=10))
        self.successResultOf(self.store.start())
        self.held()
        self.clock.advance(8)
        self.not_found()


class DegradedTests(KeepingOnDisk, SynchronousTestCase):
    """
    Without attributes nothing is held: what the index knows leaves no mark.
    """

    attributes = False

    def test_not_held(self) -> None:
        """
        It is opened each time.
        """
        self.write(b"old")
        self.clock.advance(time.time() + ALONE + 1 - self.clock.seconds())
        self.assertIsNot(self.open(), self.open())
