"""
Tests for :mod:`hmacfs.disk`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from hmacfs.disk import MOST_PIECES, Disk
from hmacfs.interfaces.disk import IDisk
from tests.powercut import PowerCutDisk


class DiskContract:
    """
    What the store relies on, and the disk of the power cuts has to do as well.
    """

    disk: IDisk
    root: int

    def create(self, name: bytes, *pieces: bytes) -> int:
        """
        :return: a new file with *pieces* in it.
        """
        file = self.disk.create(self.root, name, 0o640)
        self.addCleanup(self.disk.close, file)
        if pieces:
            self.disk.write(file, pieces)
        return file

    def folder(self, name: bytes) -> int:
        """
        :return: a new folder.
        """
        self.disk.make_folder(self.root, name, 0o700)
        folder = self.disk.folder(self.root, name)
        self.addCleanup(self.disk.close, folder)
        return folder

    def read(self, folder: int, name: bytes, offset: int = 0, size: int = 99) -> bytes:
        file = self.disk.open(folder, name)
        try:
            return self.disk.read(file, offset, size)
        finally:
            self.disk.close(file)

    def fails(self, number: int, call: Callable[..., object], *args: object) -> None:
        """Check that *call* fails with the error of that number."""
        with self.assertRaises(OSError) as failed:
            call(*args)
        self.assertEqual(errno.errorcode[failed.exception.errno], errno.errorcode[number])

    def test_interface(self) -> None:
        """
        It is what the store knows as a disk.
        """
        self.assertTrue(verifyObject(IDisk, self.disk))

    def test_write_and_read(self) -> None:
        """
        Pieces are written at the end, in their order, and read anywhere.
        """
        file = self.create(b"f", b"ab", b"cd")
        self.assertEqual(self.disk.write(file, [memoryview(b"xef")[1:]]), 2)
        spans = [(0, 9), (1, 4), (6, 1)]
        self.assertEqual(
            [self.read(self.root, b"f", *span) for span in spans], [b"abcdef", b"bcde", b""]
        )

    def test_at_hand(self) -> None:
        """
        Whether bytes are in memory can be asked of all that may be read.
        """
        file = self.create(b"f", b"abcdef")
        for span in [(0, 9), (1, 4), (6, 1)]:
            self.assertIn(self.disk.at_hand(file, *span), [True, False])

    def test_status(self) -> None:
        """
        What is told of an open file is told of its name, and follows its size.
        """
        file = self.create(b"f", b"abc")
        before = self.disk.status(file)
        self.disk.write(file, [b"d"])
        after = self.disk.look(self.root, b"f")
        self.assertEqual((before.kind, before.size, after.size), ("file", 3, 4))
        self.assertEqual(
            (before.same(after), before.same(self.disk.status(self.root))), (True, False)
        )

    def test_missing(self) -> None:
        """
        What is not there is not there.
        """
        disk = self.disk
        for call in (disk.open, disk.look, disk.folder, disk.unlink, disk.remove_folder):
            self.fails(errno.ENOENT, call, self.root, b"f")
        self.fails(errno.ENOENT, disk.link, self.root, b"f", self.root, b"g")
        self.fails(errno.ENOENT, disk.rename, self.root, b"f", self.root, b"g")

    def test_taken(self) -> None:
        """
        Nothing new takes a name that is taken.
        """
        self.create(b"f")
        self.folder(b"a")
        for name in (b"f", b"a"):
            self.fails(errno.EEXIST, self.disk.create, self.root, name, 0o640)
            self.fails(errno.EEXIST, self.disk.make_folder, self.root, name, 0o700)
            self.fails(errno.EEXIST, self.disk.link, self.root, b"f", self.root, name)

    def test_attribute(self) -> None:
        """
        A file bears an attribute, or none, under all its names.
        """
        file = self.create(b"f")
        self.assertIsNone(self.disk.attribute(file))
        self.disk.set_attribute(file, b"x" * 3000)
        self.disk.link(self.root, b"f", self.root, b"g")
        other = self.disk.open(self.root, b"g")
        self.addCleanup(self.disk.close, other)
        self.assertEqual(self.disk.attribute(other), b"x" * 3000)

    def test_link_and_rename(self) -> None:
        """
        A link gives a file one more name, a rename moves one; what had the
        name gives way to a rename.
        """
        folder = self.folder(b"a")
        self.create(b"f", b"f")
        self.create(b"g", b"g")
        self.disk.link(self.root, b"f", folder, b"h")
        self.disk.rename(self.root, b"g", folder, b"h")
        self.disk.unlink(self.root, b"f")
        self.assertEqual(
            (self.disk.names(self.root), self.disk.names(folder), self.read(folder, b"h")),
            ([b"a"], [b"h"], b"g"),
        )

    def test_unlinked(self) -> None:
        """
        Who has a file open reads it still when its name is gone.
        """
        self.create(b"f", b"abc")
        file = self.disk.open(self.root, b"f")
        self.addCleanup(self.disk.close, file)
        self.disk.unlink(self.root, b"f")
        self.assertEqual(self.disk.read(file, 0, 9), b"abc")

    def test_folders(self) -> None:
        """
        A folder is no file, and is removed only while it is empty.
        """
        folder = self.folder(b"a")
        self.create(b"f")
        self.disk.link(self.root, b"f", folder, b"f")
        self.fails(errno.ENOTEMPTY, self.disk.remove_folder, self.root, b"a")
        self.fails(errno.EISDIR, self.disk.unlink, self.root, b"a")
        self.fails(errno.EISDIR, self.disk.rename, self.root, b"f", self.root, b"a")
        self.fails(errno.ENOTDIR, self.disk.remove_folder, self.root, b"f")
        self.fails(errno.ENOTDIR, self.disk.folder, self.root, b"f")
        self.disk.unlink(folder, b"f")
        self.disk.remove_folder(self.root, b"a")
        self.assertEqual(self.disk.names(self.root), [b"f"])

    def test_removed_folder(self) -> None:
        """
        Nothing comes into a folder that was removed while it was open.
        """
        folder = self.folder(b"a")
        self.create(b"f")
        self.disk.remove_folder(self.root, b"a")
        self.fails(errno.ENOENT, self.disk.create, folder, b"g", 0o640)
        self.fails(errno.ENOENT, self.disk.make_folder, folder, b"g", 0o700)
        self.fails(errno.ENOENT, self.disk.link, self.root, b"f", folder, b"g")
        self.fails(errno.ENOENT, self.disk.rename, self.root, b"f", folder, b"g")

    def test_lock(self) -> None:
        """
        A lock is held against everybody until it is closed.
        """
        lock = self.disk.lock(self.root, b"l", True)
        self.assertRaises(BlockingIOError, self.disk.lock, self.root, b"l", False)
        self.disk.close(lock)
        self.disk.close(self.disk.lock(self.root, b"l", False))


class PowerCutDiskTests(DiskContract, SynchronousTestCase):
    """
    What holds on the disk of the power cuts holds on a real one, and the other
    way round.
    """

    def setUp(self) -> None:
        self.disk = PowerCutDisk()
        self.root = self.disk.root("/")


class DiskTests(DiskContract, SynchronousTestCase):
    """
    The disk of this machine, with what else may be found on it.
    """

    def setUp(self) -> None:
        self.disk = Disk()
        self.path = Path(self.mktemp()).absolute()
        self.root = self.disk.root(str(self.path))
        self.addCleanup(os.close, self.root)

    def test_root(self) -> None:
        """
        The folder of the store is made with those above it, and found again.
        """
        path = self.path / "a" / "b"
        for _ in range(2):
            os.close(self.disk.root(str(path)))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o007, 0)

    def test_root_linked(self) -> None:
        """
        The operator may link the folder of the store to where it is.
        """
        (self.path / "there").mkdir()
        (self.path / "here").symlink_to("there")
        os.close(self.disk.root(str(self.path / "here")))

    def test_root_nowhere(self) -> None:
        """
        A file, and a link to nothing, are no folder.
        """
        (self.path / "file").write_bytes(b"")
        (self.path / "link").symlink_to("nowhere")
        for name in ("file", "file/below"):
            self.assertRaises(NotADirectoryError, self.disk.root, str(self.path / name))
        self.assertRaises(FileNotFoundError, self.disk.root, str(self.path / "link"))

    def test_system(self) -> None:
        """
        The file system is called by its name, and by none where none is known.
        """
        folder = self.disk.root("/proc")
        self.addCleanup(os.close, folder)
        self.assertEqual((self.disk.system(folder), self.disk.system(-1)), ("proc", ""))

    def test_at_hand_elsewhere(self) -> None:
        """
        Where the kernel does not tell, all of a file system in memory is, and
        nothing of another.
        """
        for system, expected in [("proc", False), ("tmpfs", True)]:
            disk = Disk()
            disk.system = lambda descriptor, system=system: system
            file = os.open("/proc/version", os.O_RDONLY)
            self.addCleanup(os.close, file)
            found = [disk.at_hand(file, 0, 3) for _ in range(2)]
            self.assertEqual(found, [expected] * 2)

    def test_at_hand_failing(self) -> None:
        """
        What cannot be read fails here too.
        """
        self.fails(errno.EBADF, self.disk.at_hand, -1, 0, 1)

    def test_free(self) -> None:
        """
        There is some room.
        """
        self.assertGreater(self.disk.free(self.root), 0)

    def test_many_pieces(self) -> None:
        """
        As many pieces are written at once as the system takes.
        """
        self.assertEqual(self.disk.write(self.create(b"f"), [b"x"] * MOST_PIECES), MOST_PIECES)

    def test_taken_by_link(self) -> None:
        """
        A link to nothing is something, and is not filled.
        """
        (self.path / "l").symlink_to("nowhere")
        self.fails(errno.EEXIST, self.disk.create, self.root, b"l", 0o640)

    def test_modified(self) -> None:
        """
        The time of the last change is told to the nanosecond.
        """
        self.create(b"f")
        os.utime(self.path / "f", ns=(5, 1_700_000_000_123_456_789))
        self.assertEqual(self.disk.look(self.root, b"f").modified, 1_700_000_000_123_456_789)

    def test_kinds(self) -> None:
        """
        Folders, links and pipes are told apart from files.
        """
        self.disk.make_folder(self.root, b"a", 0o700)
        (self.path / "l").symlink_to("a")
        os.mkfifo(self.path / "p")
        self.assertEqual(
            [self.disk.look(self.root, name).kind for name in (b"a", b"l", b"p")],
            ["folder", "other", "other"],
        )

    def test_no_links(self) -> None:
        """
        Links are opened neither as files nor as folders.
        """
        (self.path / "l").symlink_to(".")
        self.fails(errno.ELOOP, self.disk.open, self.root, b"l")
        self.fails(errno.ENOTDIR, self.disk.folder, self.root, b"l")

    def test_pipe(self) -> None:
        """
        To open a pipe waits for nobody.
        """
        os.mkfifo(self.path / "p")
        pipe = self.disk.open(self.root, b"p")
        self.addCleanup(os.close, pipe)
        self.assertEqual(self.disk.status(pipe).kind, "other")

    def test_no_attributes(self) -> None:
        """
        Where there can be no attribute, that is no file without one.
        """
        folder = self.disk.root("/proc")
        self.addCleanup(os.close, folder)
        self.fails(errno.EOPNOTSUPP, self.disk.attribute, folder)

    def test_link_to_link(self) -> None:
        """
        What a link leads to gets no name by it.
        """
        (self.path / "l").symlink_to("/etc/passwd")
        self.disk.link(self.root, b"l", self.root, b"m")
        self.assertEqual(self.disk.look(self.root, b"m").kind, "other")

    def test_names(self) -> None:
        """
        Names are bytes, whatever they are.
        """
        self.disk.make_folder(self.root, b"\xff", 0o700)
        self.create(b"\xc3\xbc")
        self.assertEqual(sorted(self.disk.names(self.root)), [b"\xc3\xbc", b"\xff"])

    def test_sync(self) -> None:
        """
        Files and folders are synced, or are not where nothing is to be.
        """
        self.disk.sync(self.root)
        self.disk.sync(self.create(b"f"))
        pipe, other = os.pipe()
        self.addCleanup(os.close, pipe)
        self.addCleanup(os.close, other)
        # Which cannot be synced, so that it shows who tries.
        self.assertRaises(OSError, self.disk.sync, pipe)
        Disk(durable=False).sync(pipe)
