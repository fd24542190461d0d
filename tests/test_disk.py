"""
Tests for :mod:`hmacfs.disk`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from tests.powercut import PowerCutDisk


class DiskTests(SynchronousTestCase):
    """
    A call is a system call, below a descriptor, and follows no link.
    """

    def setUp(self) -> None:
        self.disk = self.make_disk()
        self.root = self.disk.root(self.make_root())
        self.addCleanup(self.disk.close, self.root)

    def make_disk(self) -> Disk:
        return Disk()

    def make_root(self) -> str:
        return os.path.join(os.path.abspath(self.mktemp()), "made")

    def create(self, name: bytes, data: bytes = b"abc") -> int:
        file = self.disk.create(self.root, name, 0o600)
        self.addCleanup(self.disk.close, file)
        self.assertEqual(self.disk.write(file, [data]), len(data))
        return file

    def refused(self, code: int, call: Callable[..., object], *args: object) -> None:
        error = self.assertRaises(OSError, call, *args)
        self.assertEqual(errno.errorcode[error.errno or 0], errno.errorcode[code])

    def test_written(self) -> None:
        """
        What is written is read, and counted.
        """
        file = self.create(b"a")
        self.disk.write(file, [b"de", b"f"])
        reader = self.disk.open(self.root, b"a")
        self.addCleanup(self.disk.close, reader)
        self.assertEqual(
            [self.disk.read(reader, *span) for span in [(0, 10), (4, 1), (6, 5)]],
            [b"abcdef", b"e", b""],
        )
        self.assertEqual(self.disk.status(file).size, 6)

    def test_attribute(self) -> None:
        """
        The attribute goes with the file, whatever its name.
        """
        file = self.create(b"a")
        before = self.disk.attribute(file)
        self.disk.set_attribute(file, b"label")
        self.disk.link(self.root, b"a", self.root, b"b")
        self.disk.unlink(self.root, b"a")
        other = self.disk.open(self.root, b"b")
        self.addCleanup(self.disk.close, other)
        self.assertEqual((before, self.disk.attribute(other)), (None, b"label"))

    def test_taken(self) -> None:
        """
        Neither a new file nor a link takes a name that is taken.
        """
        self.create(b"a")
        self.create(b"b")
        self.refused(errno.EEXIST, self.disk.create, self.root, b"a", 0o600)
        self.refused(errno.EEXIST, self.disk.link, self.root, b"a", self.root, b"b")
        self.refused(errno.EEXIST, self.disk.make_folder, self.root, b"a", 0o700)

    def test_renamed(self) -> None:
        """
        A rename takes the place of what stands there.
        """
        file = self.create(b"a")
        self.create(b"b", b"other")
        self.disk.rename(self.root, b"a", self.root, b"b")
        self.assertTrue(self.disk.look(self.root, b"b").same(self.disk.status(file)))
        self.assertEqual(self.disk.names(self.root), [b"b"])

    def test_folders(self) -> None:
        """
        A folder that is not empty is not removed, and a file is none.
        """
        self.create(b"a")
        self.disk.make_folder(self.root, b"f", 0o700)
        folder = self.disk.folder(self.root, b"f")
        self.disk.link(self.root, b"a", folder, b"a")
        self.refused(errno.ENOTEMPTY, self.disk.remove_folder, self.root, b"f")
        self.disk.unlink(folder, b"a")
        self.disk.close(folder)
        self.disk.remove_folder(self.root, b"f")
        self.refused(errno.ENOENT, self.disk.folder, self.root, b"f")
        self.refused(errno.ENOTDIR, self.disk.folder, self.root, b"a")
        self.assertEqual(self.disk.look(self.root, b"a").kind, "file")

    def test_missing(self) -> None:
        """
        What is not there is not there.
        """
        for call in (self.disk.open, self.disk.look, self.disk.unlink, self.disk.remove_folder):
            self.refused(errno.ENOENT, call, self.root, b"a")

    def test_lock(self) -> None:
        """
        A lock is held until its descriptor is closed.
        """
        held = self.disk.lock(self.root, b"lock", False)
        self.assertRaises(BlockingIOError, self.disk.lock, self.root, b"lock", False)
        self.disk.close(held)
        self.disk.close(self.disk.lock(self.root, b"lock", True))


class PowerCutDiskTests(DiskTests):
    """
    The disk of the power cuts answers as the real one does.
    """

    def make_disk(self) -> Disk:
        disk: Disk = PowerCutDisk()
        return disk

    def make_root(self) -> str:
        return "/"


class RealDiskTests(SynchronousTestCase):
    """
    What only a real disk shows.
    """

    def setUp(self) -> None:
        self.disk = Disk()
        self.path = os.path.abspath(self.mktemp())
        self.root = self.disk.root(self.path)
        self.addCleanup(self.disk.close, self.root)

    def test_links(self) -> None:
        """
        No link is followed.
        """
        os.symlink("/etc", os.path.join(self.path, "link"))
        for call in (self.disk.open, self.disk.folder):
            error = self.assertRaises(OSError, call, self.root, b"link")
            self.assertIn(error.errno, (errno.ELOOP, errno.ENOTDIR))
        self.assertEqual(self.disk.look(self.root, b"link").kind, "other")

    def test_system(self) -> None:
        """
        The file system is told by its type; of what has none, nothing is.
        """
        with open("/proc/mounts") as mounts:
            known = {line.split()[2] for line in mounts}
        self.assertIn(self.disk.system(self.root), known)
        self.assertEqual(self.disk.system(-1), "")

    def test_free(self) -> None:
        """
        There is some room left.
        """
        self.assertGreater(self.disk.free(self.root), 0)
