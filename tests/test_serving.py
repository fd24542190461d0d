"""
Tests for :mod:`hmacfs.store.serving`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.errors import Forbidden, NotFound
from hmacfs.interfaces.store import IHasDescriptor, IHeld
from hmacfs.names import StoredName
from hmacfs.records import ATTRIBUTE
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.held import SMALL
from hmacfs.store.labels import Label, encode
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from tests.inline import Inline
from tests.on_disk import FaultyDisk
from tests.serving import name


class ServingCase(SynchronousTestCase):
    """
    A store with a folder in it.
    """

    disk: Callable[[], Disk] = Disk

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.root = Path(self.mktemp()).absolute()
        disk = type(self).disk()
        self.store = FilesystemStore(
            disk, str(self.root), MemoryIndex(), self.clock, Inline(), Policy()
        )
        self.successResultOf(self.store.start())
        self.addCleanup(self.store.stop)
        (self.root / "a").mkdir()

    def write(self, text: str, content: bytes, expires: int | None = None) -> None:
        """Put a file there as an upload leaves it."""
        path = self.root / text
        path.write_bytes(content)
        label = Label("text/plain", len(content), commit="c", stored=1.0, expires=expires)
        os.setxattr(path, ATTRIBUTE, encode(label))


class OnTheSpotTests(ServingCase):
    """
    A file that says itself what it is is there at once, held before or not.
    """

    def test_small(self) -> None:
        """
        A small one with all that is in it, for all that its label says.
        """
        self.write("a/b", b"small")
        file = self.store.held(name("a/b"))
        self.assertTrue(IHeld.providedBy(file))
        self.assertEqual((file.content, file.record.content_type), (b"small", "text/plain"))
        self.assertEqual(file.record, self.successResultOf(self.store.open(name("a/b"))).record)

    def test_large(self) -> None:
        """
        A large one is open, and its reader's to close.
        """
        self.write("a/b", bytes(SMALL + 1))
        before = len(os.listdir("/proc/self/fd"))
        file = self.store.held(name("a/b"))
        self.assertTrue(IHasDescriptor.providedBy(file))
        self.assertEqual(self.successResultOf(file.read(SMALL, 9)), b"\0")
        file.close()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_changed(self) -> None:
        """
        One that was written to by somebody else is not what its label says.
        """
        self.write("a/b", b"small")
        (self.root / "a" / "b").write_bytes(b"longer")
        record = self.store.held(name("a/b")).record
        self.assertEqual((record.size, record.content_type), (6, "application/octet-stream"))

    def test_not_there(self) -> None:
        """
        What is not there, is no file or is over is not given, and nothing of it
        stays open; who opens it hears why.
        """
        self.write("a/old", b"old", expires=999)
        os.symlink("/etc/passwd", self.root / "a" / "link")
        os.symlink("/etc", self.root / "way")
        os.mkfifo(self.root / "a" / "pipe")
        before = len(os.listdir("/proc/self/fd"))
        wanted: list[tuple[StoredName, type[Exception]]] = [
            (name("a"), Forbidden),
            *((name(text), NotFound) for text in ("a/old", "a/no", "no/no", "a/pipe")),
            *((name(text), NotFound) for text in ("a/link", "way/passwd")),
        ]
        for each, why in wanted:
            self.assertIsNone(self.store.held(each), each)
            self.failureResultOf(self.store.open(each), why)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


class DegradedTests(ServingCase):
    """
    Where the index has to be asked nothing is given on the spot.
    """

    disk = partial(FaultyDisk, attributes=False)

    def test_asked(self) -> None:
        """
        The file is there for who opens it.
        """
        (self.root / "a" / "b").write_bytes(b"here")
        self.assertIsNone(self.store.held(name("a/b")))
        self.assertEqual(self.successResultOf(self.store.open(name("a/b"))).content, b"here")
