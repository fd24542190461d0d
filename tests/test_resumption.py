"""
Tests for :mod:`hmacfs.store.resumption`, on several disks.

What a power cut leaves of an upload is tried in ``tests/test_resuming_cuts.py``.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Sequence

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.errors import Locked, NoSpace, NotFound, NotStored
from hmacfs.interfaces.disk import IDisk
from hmacfs.interfaces.store import IStore, IUpload
from hmacfs.names import recall
from hmacfs.records import ATTRIBUTE
from hmacfs.store.backlog import DELAY
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory import MemoryStore
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from tests.inline import Inline
from tests.resuming_contract import EXPIRY, ROOM, WHOLE, ResumingContract, record

LONG = record(name="/".join(["x" * 255] * 15), metadata="k " + "A" * 2000, owner="o" * 200)


class MemoryTests(ResumingContract, SynchronousTestCase):
    """
    The store that forgets keeps the contract.
    """

    def make_store(self, clock: Clock) -> IStore:
        return MemoryStore(clock, ROOM, EXPIRY)


class FilesystemCase(ResumingContract):
    """
    A store of files on some disk.
    """

    policy = Policy(upload_expiry=EXPIRY)

    def make_disk(self) -> IDisk:
        raise NotImplementedError

    def make_store(self, clock: Clock) -> IStore:
        self.root = os.path.abspath(self.mktemp())
        self.disk = self.make_disk()
        self.index = MemoryIndex()
        return self.another()

    def another(self, policy: Policy | None = None) -> FilesystemStore:
        """
        :return: a store of the same files.
        """
        return FilesystemStore(
            self.disk, self.root, self.index, self.clock, Inline(), policy or self.policy
        )

    def restart(self, policy: Policy | None = None) -> None:
        """Let the store come up again, as the disk has it."""
        self.successResultOf(self.store.stop())
        self.store = self.another(policy)
        self.successResultOf(self.store.start())

    def die(self, upload: IUpload) -> None:
        """
        Let a store come up on what is on the disk while *upload* is under way.
        """
        before, self.root = self.root, os.path.abspath(self.mktemp())
        shutil.copytree(before, self.root)
        self.addCleanup(self.store.stop)
        self.addCleanup(upload.discard)
        self.store = self.another()
        self.successResultOf(self.store.start())


class RestartTests:
    """
    A start finds all that waits.
    """

    def test_restarted(self) -> None:
        """
        What was suspended goes on behind it, with all that was told of it.
        """
        # The name of the longest is longer than a path may be, so trial could
        # not remove it.
        self.addCleanup(shutil.rmtree, self.root)
        for told in (WHOLE, LONG):
            self.suspend(told, b"ab")
            self.restart()
            waits = (self.recorded(told), list(self.store.unfinished()))
            self.assertEqual(waits, ((told, 2), [told]))
            upload = self.resume(told)
            self.successResultOf(upload.append([b"cdef"]))
            stored = self.successResultOf(upload.commit())
            self.assertEqual((stored.size, stored.owner), (6, told.owner))
            self.restart()
            self.assertEqual(list(self.store.unfinished()), [])

    def test_died(self) -> None:
        """
        Of what came with a digest nothing is left where the daemon dies before
        it is trusted.
        """
        for told in (WHOLE, LONG):
            upload = self.begin(told, b"ab")
            upload.distrust()
            for piece in (b"x", b"yz"):
                self.successResultOf(upload.append([piece]))
            self.die(upload)
            self.assertEqual(self.recorded(told), (told, 2))
            self.successResultOf(self.resume(told).suspend())
            self.restart()
            self.assertEqual(self.recorded(told), (told, 2))
            self.successResultOf(self.store.drop(told.id))

    def test_unsound(self) -> None:
        """
        A record that somebody spoilt on the disk is none.
        """
        self.suspend(record(front="nonsense"), b"ab")
        self.restart()
        self.failureResultOf(self.store.resume(record().id), NotFound)


class SmallDisk(Disk):
    """
    The disk of this machine, with :data:`ROOM` bytes for parts and files.

    :ivar failing: what its syncs fail with.
    """

    failing: OSError | None = None

    def free(self, folder: int) -> int:
        used = {}
        for at, _, names, here in os.fwalk(".", dir_fd=folder):
            for name in names:
                if not at.endswith(("run", "locks")) and not name.endswith(".label"):
                    found = os.stat(name, dir_fd=here)
                    used[found.st_ino] = found.st_size
        return ROOM - sum(used.values())

    def sync(self, descriptor: int) -> None:
        if self.failing is not None:
            raise self.failing


class FilesystemTests(RestartTests, FilesystemCase, SynchronousTestCase):
    """
    A store of files keeps the contract, on the disk of this machine.
    """

    def make_disk(self) -> IDisk:
        return SmallDisk()

    def parts(self) -> list[str]:
        return os.listdir(os.path.join(self.root, ".hmacfs", "parts"))

    def attribute(self) -> dict[str, object]:
        told: dict[str, object] = json.loads(os.getxattr(self.file(), ATTRIBUTE))
        return told

    def part(self, number: int) -> str:
        return os.path.join(self.root, ".hmacfs", "parts", record(number).id)

    def label(self, number: int) -> dict[str, object]:
        told: dict[str, object] = json.loads(os.getxattr(self.part(number), ATTRIBUTE))
        return told

    def file(self) -> str:
        return os.path.join(self.root, "a", "f.txt")

    def test_named(self) -> None:
        """
        The part has the id of its upload.
        """
        self.suspend(record(), b"ab")
        self.assertEqual(self.parts(), [record().id])

    def test_beside(self) -> None:
        """
        What the attribute has no room for stands beside the part, and goes with it.
        """
        self.suspend(LONG, b"ab")
        before = sorted(self.parts())
        self.successResultOf(self.store.drop(LONG.id))
        self.assertEqual((before, self.parts()), ([LONG.id, LONG.id + ".label"], []))

    def test_another_process(self) -> None:
        """
        A part that another process writes to is locked.
        """
        self.suspend(record(), b"ab")
        other = Disk()
        folder = other.root(os.path.join(self.root, ".hmacfs", "parts"))
        self.addCleanup(other.close, folder)
        held = other.reopen(folder, record().id.encode())
        other.claim(held)
        self.failureResultOf(self.store.resume(record().id), Locked)
        other.close(held)
        self.assertEqual(self.resume(record()).offset, 2)

    def test_removed(self) -> None:
        """
        A part that the operator removed is not there.
        """
        self.suspend(record(), b"ab")
        os.unlink(os.path.join(self.root, ".hmacfs", "parts", record().id))
        self.assertEqual(self.recorded(record()), None)
        self.failureResultOf(self.store.resume(record().id), NotFound)
        self.assertEqual(list(self.store.unfinished()), [])

    def test_removed_meanwhile(self) -> None:
        """
        Nor is one that another process dropped before it was locked.
        """
        self.suspend(record(), b"ab")
        real = self.disk.claim

        def claim(file: int) -> None:
            os.unlink(os.path.join(self.root, ".hmacfs", "parts", record().id))
            real(file)

        self.disk.claim = claim
        self.failureResultOf(self.store.resume(record().id), NotFound)
        self.assertEqual(list(self.store.unfinished()), [])

    def test_metadata_ends(self) -> None:
        """
        The file does not carry what only its upload needed and may be long.
        """
        self.successResultOf(self.begin(WHOLE, b"abcdef").commit())
        self.assertNotIn("metadata", self.attribute())

    def test_label_fails(self) -> None:
        """
        What a disk did not keep is not kept: the client begins anew.
        """
        upload = self.begin(record(), b"ab")
        self.clock.advance(1)

        def failing(file: int, value: bytes) -> None:
            raise OSError(errno.EIO, "")

        self.disk.set_attribute = failing
        self.failureResultOf(upload.suspend(), NotStored)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.successResultOf(upload.discard())
        told = (self.parts(), self.recorded(record()), list(self.store.unfinished()))
        self.assertEqual(told, ([], None, []))

    def test_label_fails_before(self) -> None:
        """
        Where it cannot be said that bytes do not count yet, none is written.
        """
        upload = self.begin(record(), b"ab")
        upload.distrust()
        real = self.disk.set_attribute

        def failing(file: int, value: bytes) -> None:
            self.disk.set_attribute = real
            raise OSError(errno.ENOSPC, "")

        self.disk.set_attribute = failing
        self.failureResultOf(upload.append([b"cd"]), NoSpace)
        self.successResultOf(upload.suspend())
        self.assertEqual(self.recorded(record()), (record(), 2))

    def test_synced(self) -> None:
        """
        The end of the store alone syncs what is suspended, and once.
        """
        syncs = []
        self.disk.sync = syncs.append
        self.suspend(record(), b"ab")
        self.successResultOf(self.resume(record()).suspend())
        before = len(syncs)
        self.restart()
        stopped = len(syncs)
        del syncs[:]
        self.restart()
        self.assertEqual((before, stopped > len(syncs)), (0, True))

    def test_sync_fails(self) -> None:
        """
        What is not kept then is not kept at all.
        """
        self.suspend(record(), b"ab")
        self.disk.failing = OSError(errno.EIO, "")
        self.successResultOf(self.store.stop())
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertEqual(self.parts(), [])

    def test_gone(self) -> None:
        """
        What somebody removed, or writes to, or cannot be read holds up no end.
        """
        for number in range(1, 5):
            self.suspend(record(number), b"ab")
        parts = os.path.join(self.root, ".hmacfs", "parts")
        os.unlink(os.path.join(parts, record(1).id))
        other = Disk()
        folder = other.root(parts)
        self.addCleanup(other.close, folder)
        held = other.reopen(folder, record(2).id.encode())
        self.addCleanup(other.close, held)
        other.claim(held)
        real = self.disk.reopen

        def reopen(folder: int, name: bytes) -> int:
            if name == record(3).id.encode():
                raise OSError(errno.EIO, "")
            return real(folder, name)

        self.disk.reopen = reopen
        self.successResultOf(self.store.stop())
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        kept = [self.label(number).get("synced") for number in (2, 3, 4)]
        self.assertEqual(kept, [None, None, 2])

    def test_other_process_died(self) -> None:
        """
        Who goes on with what a process left that died forgets what was not trusted.
        """
        self.suspend(record(), b"abxy")
        told = {**self.label(1), "trusted": 2}
        os.setxattr(self.part(1), ATTRIBUTE, json.dumps(told).encode())
        self.assertEqual(self.resume(record()).offset, 2)
        self.assertNotIn("trusted", self.label(1))

    def test_sync_fails_in_the_middle(self) -> None:
        """
        Nor is it while bytes come.
        """
        self.restart(Policy(upload_expiry=EXPIRY, sync_every=4))
        upload = self.begin(record(), b"ab")
        self.disk.failing = OSError(errno.EIO, "")
        self.failureResultOf(upload.append([b"cd"]), NotStored)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.successResultOf(upload.suspend())
        self.assertEqual((self.parts(), self.recorded(record())), ([], None))
        self.assertEqual(self.successResultOf(self.store.figures()).free, ROOM)

    def test_full(self) -> None:
        """
        A disk that is full in the middle keeps what fitted, to go on with.
        """
        upload = self.begin(record())
        real = self.disk.write

        def full(file: int, pieces: Sequence[bytes | memoryview]) -> int:
            self.disk.write = fuller
            return real(file, [pieces[0][:2]])

        def fuller(file: int, pieces: Sequence[bytes | memoryview]) -> int:
            raise OSError(errno.ENOSPC, "")

        self.disk.write = full
        self.failureResultOf(upload.append([b"abcdef"]), NoSpace)
        self.successResultOf(upload.suspend())
        self.assertEqual(self.recorded(record()), (record(), 2))

    def test_digest_row(self) -> None:
        """
        The digest of a file stands in its label and in the index.
        """
        self.successResultOf(self.begin(record(), b"abcdef").commit())
        sha256 = self.successResultOf(self.store.digest(recall(b"a/f.txt")))
        self.clock.advance(DELAY)
        self.assertEqual(
            (self.attribute()["sha256"], self.index.rows["a/f.txt"].sha256), (sha256, sha256)
        )

    def test_digest_replaced(self) -> None:
        """
        The digest of a file that was replaced meanwhile is not that of the new one.
        """
        told = record(overwrite=True)
        self.successResultOf(self.begin(told, b"abcdef").commit())
        newer = self.begin(record(2, overwrite=True), b"ABCDEF")
        self.clock.advance(1)
        real = self.disk.read

        def read(file: int, offset: int, size: int) -> bytes:
            self.disk.read = real
            self.successResultOf(newer.commit())
            return real(file, offset, size)

        self.disk.read = read
        self.successResultOf(self.store.digest(recall(b"a/f.txt")))
        self.clock.advance(DELAY)
        self.assertEqual(self.index.rows["a/f.txt"].sha256, None)
        self.assertNotIn("sha256", self.attribute())

    def test_digest_foreign(self) -> None:
        """
        A file of another server is left as it is.
        """
        os.mkdir(os.path.dirname(self.file()))
        with open(self.file(), "wb") as file:
            file.write(b"abc")
        found = {self.successResultOf(self.store.digest(recall(b"a/f.txt"))) for _ in range(2)}
        self.assertEqual((len(found), os.listxattr(self.file())), (1, []))


class NoAttributes(SmallDisk):
    """
    A disk that keeps none.
    """

    def set_attribute(self, file: int, value: bytes) -> None:
        raise OSError(errno.EOPNOTSUPP, "")

    def attribute(self, file: int) -> bytes | None:
        raise OSError(errno.EOPNOTSUPP, "")


class DegradedTests(RestartTests, FilesystemCase, SynchronousTestCase):
    """
    So does one without attributes.
    """

    def make_disk(self) -> IDisk:
        return NoAttributes()
