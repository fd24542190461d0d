"""
Tests for :mod:`hmacfs.store.familiar`.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.errors import NotFound
from hmacfs.interfaces.store import IHasDescriptor
from hmacfs.records import ATTRIBUTE
from hmacfs.store.familiar import MOST
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.held import ALONE, SMALL
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from tests.inline import Inline
from tests.serving import name

SIZE = SMALL + 1


class CountingDisk(Disk):
    """
    :ivar reads: how often a label was read.
    """

    reads = 0

    def attribute(self, file: int) -> bytes | None:
        self.reads += 1
        return super().attribute(file)


class FamiliarTests(SynchronousTestCase):
    """
    The label of a large file that nobody has changed is read once; whatever is
    done to the file by anybody is seen at once.
    """

    def setUp(self) -> None:
        self.disk = CountingDisk()
        self.root = Path(self.mktemp()).absolute()
        self.clock = Clock()
        self.store = FilesystemStore(
            self.disk, str(self.root), MemoryIndex(), self.clock, Inline(), Policy()
        )
        self.successResultOf(self.store.start())
        self.addCleanup(self.store.stop)
        (self.root / "a").mkdir()
        self.path = self.root / "a" / "b.bin"
        self.write(b"1")

    def write(self, byte: bytes) -> None:
        """Write in place, and let it be for as long as it takes."""
        self.path.write_bytes(byte * SIZE)
        self.later()

    def later(self) -> None:
        self.clock.advance(os.stat(self.path).st_ctime + ALONE + 1 - self.clock.seconds())

    def read(self, text: str = "a/b.bin") -> bytes:
        file = self.successResultOf(self.store.open(name(text)))
        self.assertTrue(IHasDescriptor.providedBy(file))
        content = self.successResultOf(file.read(0, 1))
        file.close()
        return content

    def reads(self, text: str = "a/b.bin") -> int:
        """
        :return: how many labels are read for three requests.
        """
        before = self.disk.reads
        for _ in range(3):
            self.read(text)
        return self.disk.reads - before

    def test_once(self) -> None:
        """
        It is opened for each, and its record is the same.
        """
        self.assertEqual((self.reads(), self.reads()), (1, 0))
        one, two = self.store.held(name("a/b.bin")), self.store.held(name("a/b.bin"))
        self.assertIs(one.record, two.record)
        self.assertNotEqual(one.fileno(), two.fileno())
        one.close()
        two.close()

    def test_too_fresh(self) -> None:
        """
        What has changed just now may change again in the same moment.
        """
        self.path.write_bytes(b"2" * SIZE)
        self.clock.advance(os.stat(self.path).st_ctime + ALONE - 0.1 - self.clock.seconds())
        self.assertEqual(self.reads(), 3)

    def test_changed(self) -> None:
        """
        Other bytes, another label and another file are seen.
        """
        self.read()
        self.path.write_bytes(b"2" * SIZE)
        self.assertEqual(self.read(), b"2")
        self.later()
        self.read()
        label = b'{"type":"image/png","size":%d,"commit":"c","stored":%d}'
        os.setxattr(self.path, ATTRIBUTE, label % (SIZE, int(self.clock.seconds())))
        file = self.successResultOf(self.store.open(name("a/b.bin")))
        file.close()
        self.assertEqual(file.record.content_type, "image/png")
        self.later()
        self.read()
        other = self.root / "other"
        other.write_bytes(b"3" * SIZE)
        os.replace(other, self.path)
        self.assertEqual(self.read(), b"3")

    def test_linked(self) -> None:
        """
        No link is followed, neither to the file nor on the way to another one.
        """
        self.read()
        self.path.rename(self.root / "moved")
        self.path.symlink_to(self.root / "moved")
        self.failureResultOf(self.store.open(name("a/b.bin")), NotFound)
        self.path.unlink()
        (self.root / "moved").rename(self.path)
        self.later()
        self.read()
        elsewhere = Path(self.mktemp()).absolute()
        elsewhere.mkdir()
        (elsewhere / "b.bin").write_bytes(b"9" * SIZE)
        self.path.parent.rename(self.root / "c")
        (self.root / "a").symlink_to(elsewhere)
        self.failureResultOf(self.store.open(name("a/b.bin")), NotFound)

    def test_removed(self) -> None:
        """
        A file that is removed is gone, and one that is no file is none.
        """
        self.read()
        self.path.unlink()
        self.failureResultOf(self.store.open(name("a/b.bin")), NotFound)
        self.write(b"2")
        self.read()
        self.path.unlink()
        os.mkfifo(self.path)
        self.failureResultOf(self.store.open(name("a/b.bin")), NotFound)

    def test_expires(self) -> None:
        """
        It expires in its time, and is closed then.
        """
        now = int(self.clock.seconds())
        label = b'{"type":"image/png","size":%d,"commit":"c","stored":%d,"expires":%d}'
        os.setxattr(self.path, ATTRIBUTE, label % (SIZE, now, now + 10))
        self.clock.advance(3)
        self.read()
        before = len(os.listdir("/proc/self/fd"))
        self.clock.advance(7)
        self.failureResultOf(self.store.open(name("a/b.bin")), NotFound)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_bounded(self) -> None:
        """
        No more are known than may be: who came first goes first, and who is
        asked for stays.
        """
        self.path.rename(self.root / "0")
        for number in range(1, MOST + 1):
            os.link(self.root / "0", self.root / str(number))
        self.path = self.root / "0"
        self.later()
        for number in range(MOST):
            self.read(str(number))
        self.read("0")
        self.read(str(MOST))
        self.assertEqual((self.reads("0"), self.reads(str(MOST)), self.reads("1")), (0, 0, 1))

    def test_nothing_open(self) -> None:
        """
        No file is held open.
        """
        self.read()
        links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        targets = [os.readlink(link) for link in links if os.path.islink(link)]
        self.assertNotIn(str(self.path), targets)
