"""
Tests for :mod:`hmacfs.store.filesystem`, on the disk of this machine.

What a crash leaves is tried in ``tests/test_powercut.py``.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
from collections.abc import Sequence

from hmacfs.disk import Disk
from hmacfs.errors import Exists, MalformedName, NoSpace, NotAFolder, NotFound, StoreProblem
from hmacfs.interfaces import IStore
from hmacfs.names import recall
from hmacfs.records import ATTRIBUTE
from hmacfs.store.backlog import DELAY
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory import MemoryIndex
from hmacfs.store.opened import Policy
from tests.contracts import FREE, NOW, TYPE, StoreCase, StoreContract, row
from tests.inline import Inline

EXPIRY = 1000


class SmallDisk(Disk):
    """
    A disk with :data:`tests.contracts.FREE` bytes, some of them in use.

    :ivar attributes: whether it keeps attributes.
    :ivar kind: what file system it says it is.
    """

    attributes = True
    kind = ""

    def free(self, folder: int) -> int:
        used = {}
        for _, _, names, here in os.fwalk(".", dir_fd=folder):
            for name in names:
                found = os.stat(name, dir_fd=here, follow_symlinks=False)
                used[found.st_ino] = found.st_size
        # The lock of the daemon has 11 bytes.
        return FREE + 11 - sum(used.values())

    def system(self, folder: int) -> str:
        return self.kind or super().system(folder)

    def set_attribute(self, file: int, value: bytes) -> None:
        if not self.attributes:
            raise OSError(errno.EOPNOTSUPP, "")
        super().set_attribute(file, value)


class FilesystemCase(StoreCase):
    """
    A store in a folder of its own.
    """

    def make_store(self) -> IStore:
        self.root = os.path.abspath(self.mktemp())
        self.disk = SmallDisk()
        self.index = MemoryIndex()
        return self.store_in(self.root)

    def store_in(self, root: str, network: bool = False) -> FilesystemStore:
        policy = Policy(upload_expiry=EXPIRY, network=network)
        return FilesystemStore(self.disk, root, self.index, self.clock, Inline(), policy)

    def restart(self) -> None:
        """Let the store come up again, as the disk has it."""
        self.successResultOf(self.store.stop())
        self.store = self.store_in(self.root)
        self.successResultOf(self.store.start())

    def path(self, *segments: str) -> str:
        return os.path.join(self.root, *segments)

    def parts(self) -> list[str]:
        return os.listdir(self.path(".hmacfs", "parts"))

    def write(self, path: str, data: bytes) -> None:
        """Put a file there by other means."""
        with open(self.path(path), "wb") as file:
            file.write(data)


class FilesystemStoreTests(StoreContract, FilesystemCase):
    """
    A store of files keeps the contract.
    """


class LayoutTests(FilesystemCase):
    """
    A file is a file, under its name, and says of itself what it is.
    """

    def test_file(self) -> None:
        """
        It stands under its path, with its bytes and nothing else.
        """
        self.put("a/ü", b"abc")
        with open(self.path("a", "ü"), "rb") as file:
            self.assertEqual(file.read(), b"abc")

    def test_attribute(self) -> None:
        """
        It carries its type, its size and when it was stored.
        """
        self.put("a", b"abc", owner="o")
        told = json.loads(os.getxattr(self.path("a"), ATTRIBUTE))
        self.assertEqual(
            {key: told[key] for key in ("type", "size", "stored", "owner")},
            {"type": TYPE, "size": 3, "stored": NOW, "owner": "o"},
        )

    def test_goes_along(self) -> None:
        """
        A file that the operator moves keeps its type.
        """
        self.put("a", b"abc")
        os.rename(self.path("a"), self.path("b"))
        file = self.successResultOf(self.store.open(recall(b"b")))
        file.close()
        self.assertEqual(file.record.content_type, TYPE)

    def test_private(self) -> None:
        """
        The private area is closed to other users.
        """
        self.assertEqual(os.stat(self.path(".hmacfs")).st_mode & 0o777, 0o700)

    def test_row(self) -> None:
        """
        Its row is written behind the answer, and then the part goes.
        """
        self.put("a", b"abc")
        before = (dict(self.index.rows), len(self.parts()))
        self.clock.advance(DELAY)
        self.assertEqual(before, ({}, 1))
        self.assertEqual((self.index.rows, self.parts()), ({"a": row("a")}, []))

    def test_stopped(self) -> None:
        """
        A store that is stopped has written all rows.
        """
        self.put("a", b"abc")
        self.restart()
        self.assertEqual((self.index.rows, self.parts()), ({"a": row("a")}, []))

    def test_version(self) -> None:
        """
        A file that is replaced becomes a version, with all that it carries;
        versions sort by time.
        """
        for data in (b"one", b"two", b"three"):
            self.put("a/b", data, overwrite=True)
        folder = self.path(".hmacfs", "versions", "a", "b")
        found = []
        for name in sorted(os.listdir(folder)):
            self.assertRegex(name, r"\A[0-9A-Za-z_-]+\Z")
            with open(os.path.join(folder, name), "rb") as file:
                found.append((file.read(), json.loads(os.getxattr(file.fileno(), ATTRIBUTE))))
        self.assertEqual(
            [(data, told["type"], told["size"]) for data, told in found],
            [(b"one", TYPE, 3), (b"two", TYPE, 3)],
        )

    def test_empty_folders(self) -> None:
        """
        Folders that were made for an upload that failed are removed.
        """
        upload = self.begin("a/b/c")
        self.successResultOf(upload.append([b"abc"]))
        os.mkdir(self.path("a"))
        os.mkdir(self.path("a", "b"))
        os.mkdir(self.path("a", "b", "c"))
        self.failureResultOf(upload.commit(), NotAFolder)
        os.rmdir(self.path("a", "b", "c"))
        upload = self.begin("d/e")
        self.successResultOf(upload.discard())
        self.assertEqual((os.path.exists(self.path("d")), self.parts()), (False, []))

    def test_longest_name(self) -> None:
        """
        A name of 4,096 bytes is stored, replaced and found again.
        """
        # Longer than a path may be, so trial could not remove it.
        self.addCleanup(shutil.rmtree, self.root)
        name = "/".join(["x" * 255] * 16)[:4096]
        self.put(name, b"abc", overwrite=True)
        self.put(name, b"de", overwrite=True)
        self.restart()
        self.assertEqual((self.get(name), self.parts()), (b"de", []))


class ForeignTests(FilesystemCase):
    """
    A store of another server can be taken over as it stands.
    """

    def test_served(self) -> None:
        """
        A file without an attribute has the type of its extension and the age
        of its bytes.
        """
        self.write("photo.png", b"abc")
        os.utime(self.path("photo.png"), (1000, 1000))
        file = self.successResultOf(self.store.open(recall(b"photo.png")))
        self.addCleanup(file.close)
        record = file.record
        self.assertEqual(
            (record.size, record.content_type, record.stored, record.sha256, record.owner),
            (3, "image/png", 1000.0, None, None),
        )

    def test_etag(self) -> None:
        """
        Its entity tag changes with it.
        """
        etags = set()
        for data in (b"abc", b"abcd"):
            self.write("a", data)
            file = self.successResultOf(self.store.open(recall(b"a")))
            file.close()
            etags.add(file.record.etag)
        self.assertEqual(len(etags), 2)

    def test_changed(self) -> None:
        """
        A file that somebody changed since is another server's.
        """
        self.put("a", b"abc")
        self.write("a", b"abcd")
        file = self.successResultOf(self.store.open(recall(b"a")))
        file.close()
        self.assertEqual(
            (file.record.size, file.record.content_type), (4, "application/octet-stream")
        )

    def test_taken(self) -> None:
        """
        Its names are taken.
        """
        self.write("a", b"abc")
        self.refused("a", Exists)

    def test_overwritten(self) -> None:
        """
        Where it may be replaced, it becomes a version as well.
        """
        self.write("a", b"foreign")
        self.put("a", b"abc", overwrite=True)
        [version] = os.listdir(self.path(".hmacfs", "versions", "a"))
        with open(self.path(".hmacfs", "versions", "a", version), "rb") as file:
            self.assertEqual((file.read(), self.get("a")), (b"foreign", b"abc"))

    def test_strange_attributes(self) -> None:
        """
        An attribute that is no label is none, whatever it is.
        """
        for value in (b"", b"junk", b"[]", b'{"type":5}', b"[" * 2000, b'{"size":true}'):
            self.write("a.txt", b"abc")
            os.setxattr(self.path("a.txt"), ATTRIBUTE, value)
            file = self.successResultOf(self.store.open(recall(b"a.txt")))
            file.close()
            self.assertEqual(file.record.content_type, "text/plain")


class PlantedTests(FilesystemCase):
    """
    What somebody plants in the tree leads nowhere.
    """

    def plant(self, name: str, target: str) -> None:
        os.symlink(target, self.path(name))

    def outside(self) -> str:
        path = os.path.abspath(self.mktemp())
        os.mkdir(path)
        with open(os.path.join(path, "file"), "wb") as file:
            file.write(b"outside")
        return path

    def test_linked_file(self) -> None:
        """
        A link to a file is not served, and not overwritten.
        """
        outside = os.path.join(self.outside(), "file")
        self.plant("a", outside)
        self.missing("a")
        self.refused("a", Exists)
        self.refused("a", Exists, overwrite=True)
        with open(outside, "rb") as file:
            self.assertEqual(file.read(), b"outside")

    def test_linked_folder(self) -> None:
        """
        A link to a folder is not walked.
        """
        outside = self.outside()
        self.plant("a", outside)
        self.missing("a/file")
        self.refused("a/new", NotAFolder)
        self.assertEqual(os.listdir(outside), ["file"])

    def test_linked_versions(self) -> None:
        """
        Nor is one among the versions; the file stays as it is.
        """
        self.put("a", b"abc")
        outside = self.outside()
        os.symlink(outside, self.path(".hmacfs", "versions", "a"))
        upload = self.begin("a", overwrite=True)
        self.successResultOf(upload.append([b"new"]))
        self.failureResultOf(upload.commit(), NotAFolder)
        self.assertEqual((os.listdir(outside), self.get("a")), (["file"], b"abc"))

    def test_pipe(self) -> None:
        """
        A pipe or a socket is no file, and nobody waits for its other end.
        """
        os.mkfifo(self.path("pipe"))
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(self.root)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
            self.missing("pipe")
            self.missing("socket")

    def test_planted_parts(self) -> None:
        """
        What is not ours among the parts stays, and does not keep us from starting.
        """
        os.symlink("/etc/passwd", self.path(".hmacfs", "parts", "0" * 32))
        os.mkdir(self.path(".hmacfs", "parts", "1" * 32))
        self.write(".hmacfs/parts/notes.txt", b"mine")
        self.restart()
        self.put("a", b"abc")
        self.clock.advance(DELAY)
        self.assertEqual(sorted(self.parts()), ["0" * 32, "1" * 32, "notes.txt"])


class SuspendedTests(FilesystemCase):
    """
    A part that is kept waits for its time, and for nobody else's.
    """

    def suspend(self, path: str) -> None:
        upload = self.begin(path)
        self.successResultOf(upload.append([b"ab"]))
        self.successResultOf(upload.suspend())

    def test_kept(self) -> None:
        """
        It is there at the next start.
        """
        self.suspend("a")
        self.restart()
        self.assertEqual(len(self.parts()), 1)

    def test_over(self) -> None:
        """
        It goes at the first start behind its time.
        """
        self.suspend("a")
        self.clock.advance(EXPIRY)
        self.restart()
        self.assertEqual(self.parts(), [])

    def test_replaced(self) -> None:
        """
        It goes when its name is uploaded anew, also behind a start.
        """
        for again in (lambda: None, self.restart):
            self.suspend("a")
            again()
            upload = self.begin("a")
            self.assertEqual(len(self.parts()), 1)
            self.successResultOf(upload.discard())
            self.assertEqual(self.parts(), [])


class TroubleTests(FilesystemCase):
    """
    What a disk cannot do is said, and nothing is acknowledged.
    """

    def test_full(self) -> None:
        """
        A disk that is full in the middle keeps what fitted.
        """
        upload = self.begin("a", 6)
        real = self.disk.write

        def full(file: int, pieces: Sequence[bytes | memoryview]) -> int:
            self.disk.write = fuller  # type: ignore[method-assign]
            return real(file, [pieces[0][:2]])

        def fuller(file: int, pieces: Sequence[bytes | memoryview]) -> int:
            raise OSError(errno.ENOSPC, "")

        self.disk.write = full  # type: ignore[method-assign]
        self.failureResultOf(upload.append([b"abcdef"]), NoSpace)
        self.disk.write = real  # type: ignore[method-assign]
        self.assertEqual(upload.offset, 2)
        self.successResultOf(upload.discard())

    def test_name_too_long_for_the_disk(self) -> None:
        """
        A segment that this file system has no room for is the name's fault.
        """

        def too_long(folder: int, name: bytes, to: int, new: bytes) -> None:
            raise OSError(errno.ENAMETOOLONG, "")

        upload = self.begin("a")
        self.successResultOf(upload.append([b"abc"]))
        self.disk.link = too_long  # type: ignore[method-assign]
        self.failureResultOf(upload.commit(), MalformedName)

    def test_two_daemons(self) -> None:
        """
        One daemon has a store at a time; the other one is told who has it.
        """
        problem = self.failureResultOf(self.store_in(self.root).start(), StoreProblem)
        self.assertIn(f"process {os.getpid()}", str(problem.value))

    def test_network(self) -> None:
        """
        A network file system is refused unless the operator insists, and then
        is a fault.
        """
        self.disk.kind = "nfs4"
        root = os.path.abspath(self.mktemp())
        self.failureResultOf(self.store_in(root).start(), StoreProblem)
        store = self.store_in(root, network=True)
        self.successResultOf(store.start())
        self.addCleanup(lambda: self.successResultOf(store.stop()))
        [fault] = store.faults()
        self.assertIn("nfs4", fault)

    def test_no_folder(self) -> None:
        """
        A store that is a file is said to be none.
        """
        path = self.mktemp()
        with open(path, "w"):
            pass
        self.failureResultOf(self.store_in(os.path.abspath(path)).start(), StoreProblem)

    def test_stopped_twice(self) -> None:
        """
        To stop a store again is harmless.
        """
        self.successResultOf(self.store.stop())


class DegradedTests(FilesystemCase):
    """
    Where the file system keeps no attributes, the index keeps what they say.
    """

    def make_store(self) -> IStore:
        store = super().make_store()
        self.disk.attributes = False
        return store

    def test_said(self) -> None:
        """
        The operator is told.
        """
        [fault] = self.store.faults()
        self.assertIn("degraded", fault)

    def test_described(self) -> None:
        """
        A file has its type and its expiry at once, and behind the next start.
        """
        self.put("a", b"abc", expires=NOW + 10)
        found = []
        for again in (lambda: None, lambda: self.clock.advance(DELAY), self.restart):
            again()
            file = self.successResultOf(self.store.open(recall(b"a")))
            file.close()
            found.append((file.record.content_type, file.record.expires))
        self.assertEqual(found, [(TYPE, NOW + 10)] * 3)
        self.clock.advance(10)
        self.failureResultOf(self.store.open(recall(b"a")), NotFound)

    def test_overwritten(self) -> None:
        """
        A file that is replaced becomes a version here, too.
        """
        self.put("a", b"abc", overwrite=True)
        self.put("a", b"de", overwrite=True)
        self.assertEqual(len(os.listdir(self.path(".hmacfs", "versions", "a"))), 1)
        self.assertEqual(self.get("a"), b"de")
