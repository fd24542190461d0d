"""
Tests for :mod:`hmacfs.store.area`, by way of the store.
"""

from __future__ import annotations

import errno
import os

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import StoreProblem
from hmacfs.store.memory_index import MemoryIndex
from tests.on_disk import FaultyDisk, OnDisk


class StartTests(OnDisk, SynchronousTestCase):
    """
    A store that cannot be used is refused at the start, in a sentence.
    """

    def setUp(self) -> None:
        super().setUp()
        self.successResultOf(self.store.stop())

    def problem(self, **policy: object) -> str:
        """
        :return: why the store does not start, its path left out.
        """
        failure = self.failureResultOf(self.another_store(**policy).start(), StoreProblem)
        return str(failure.value).replace(str(self.path), "STORE")

    def test_folder_missing(self) -> None:
        """
        A folder that is missing is made, with those above it.
        """
        self.path /= "x/y"
        store = self.another_store()
        self.successResultOf(store.start())
        self.successResultOf(store.stop())
        self.assertEqual(self.below(), {".hmacfs"})

    def test_no_folder(self) -> None:
        """
        A store is a folder.
        """
        self.path /= "f"
        self.path.write_bytes(b"")
        self.assertEqual(self.problem(), "The store 'STORE' cannot be used: Not a directory.")

    def test_private_area_linked(self) -> None:
        """
        The private area is no link to somewhere else.
        """
        (self.path / ".hmacfs").rename(self.path / "moved")
        (self.path / ".hmacfs").symlink_to("moved")
        self.assertEqual(self.problem(), "The store 'STORE' cannot be used: Not a directory.")

    def test_in_use(self) -> None:
        """
        A store is one daemon's, and the other one is named.
        """
        store = self.another_store()
        self.successResultOf(store.start())
        self.assertEqual(
            self.problem(),
            f"The store 'STORE' is in use by another daemon, process {os.getpid()}.",
        )
        self.successResultOf(store.stop())
        self.successResultOf(store.start())
        self.successResultOf(store.stop())

    def test_network(self) -> None:
        """
        A network file system is taken only where the operator insists.
        """
        for kind in ("nfs4", "cifs", "fuse.sshfs"):
            self.disk.kind = kind
            self.assertIn(f"({kind})", self.problem())
            self.assertIn("AllowNetworkStore", self.problem())
        store = self.another_store(network=True)
        self.successResultOf(store.start())
        (fault,) = store.faults()
        self.assertIn("(fuse.sshfs)", fault)
        self.successResultOf(store.stop())

    def test_no_links(self) -> None:
        """
        A file system without hard links is refused.
        """
        self.disk.troubles["link"] = errno.EPERM
        self.assertIn("without hard links", self.problem())

    def test_broken_at_start(self) -> None:
        """
        A disk that cannot be synced is refused, and the next start is free to try.
        """
        self.disk.troubles["sync"] = errno.EIO
        self.assertEqual(self.problem(), "The store 'STORE' cannot be used: Input/output error.")
        store = self.another_store()
        self.successResultOf(store.start())
        self.successResultOf(store.stop())

    def test_index_problem(self) -> None:
        """
        Where the index does not start the store does not, and lets go of all.
        """
        before = os.listdir("/proc/self/fd")

        class Broken(MemoryIndex):
            def start(self) -> Deferred[None]:
                raise StoreProblem("The index is broken.")

        self.index = Broken()
        self.assertEqual(self.problem(), "The index is broken.")
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_stop_unstarted(self) -> None:
        """
        A store that never started stops without a word.
        """
        self.assertIsNone(self.successResultOf(self.another_store().stop()))

    def test_unforeseen_file(self) -> None:
        """
        What is in the private area and not ours stays.
        """
        (self.path / ".hmacfs" / "secret").write_bytes(b"x")
        store = self.another_store()
        self.successResultOf(store.start())
        self.successResultOf(store.stop())
        self.assertIn("secret", self.below(".hmacfs"))

    def test_two_file_systems(self) -> None:
        """
        The private area is on the file system of the files.
        """
        private = (self.path / ".hmacfs" / "parts").stat().st_ino
        status = self.disk.status

        class Split(FaultyDisk):
            def status(self, descriptor: int):  # type: ignore[no-untyped-def]

                found = status(descriptor)
                return attrs.evolve(found, device=1) if found.inode == private else found

        self.disk = Split()
        self.assertIn("two file systems", self.problem())
