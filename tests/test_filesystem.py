"""
Tests for :mod:`hmacfs.store.filesystem`, its uploads and its files.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from hmacfs.errors import Exists, MalformedName, NotAFolder, NotFound
from hmacfs.interfaces.store import IHasDescriptor
from hmacfs.records import ATTRIBUTE, FileRecord, Row
from hmacfs.store.held import SMALL
from hmacfs.store.labels import decode
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.tables import files
from tests.contracts import NOW, TYPE, StoreContract, slot
from tests.on_disk import OnDisk


class FilesystemContractTests(OnDisk, StoreContract, SynchronousTestCase):
    """
    The store on a disk keeps the contract.
    """


class DegradedContractTests(OnDisk, StoreContract, SynchronousTestCase):
    """
    Without attributes the store keeps the contract, except that it complains.
    """

    attributes = False

    def test_faults(self) -> None:
        """
        The operator hears that types and expiry times are in the index alone.
        """
        (fault,) = self.store.faults()
        self.assertIn("degraded", fault)

    def test_written_row(self) -> None:
        """
        What is known of a file is known still when its row is written.
        """
        record = self.put(slot(expires=NOW + 9), b"abc")
        self.clock.advance(1)
        self.assertEqual((self.open().record, self.parts()), (record, set()))

    def test_index_lost(self) -> None:
        """
        Without the index a file has the type of its extension, and its own age.
        """
        self.put(slot(), b"abc")
        self.clock.advance(1)
        self.successResultOf(self.index.run(files.drop, ["a/f.txt"]))
        os.utime(self.path / "a" / "f.txt", (NOW - 5, NOW - 5))
        record = self.open().record
        self.assertEqual(record, FileRecord(3, "text/plain", NOW - 5, record.etag))


class FilesystemTests(OnDisk, SynchronousTestCase):
    """
    Files are files, which say what they are by themselves.
    """

    def test_on_disk(self) -> None:
        """
        A file stands under its name, and bears its label; it is its owner's
        and the group's to read, and what is private is the owner's alone.
        """
        record = self.put(slot(expires=NOW + 9, owner="me"), b"abc")
        path = self.path / "a" / "f.txt"
        label = decode(os.getxattr(path, ATTRIBUTE))
        assert label is not None
        self.assertEqual(
            (label.content_type, label.size, label.expires, label.owner, label.stored),
            (record.content_type, 3, NOW + 9, "me", NOW),
        )
        modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)]
        umask = os.umask(0)
        os.umask(umask)
        self.assertEqual(modes, [0o640 & ~umask, 0o750 & ~umask])
        self.assertEqual(stat.S_IMODE((self.path / ".hmacfs").stat().st_mode), 0o700)

    def test_behind_the_answer(self) -> None:
        """
        The row is written behind the answer, and then the part is removed.
        """
        self.put(slot(owner="me"), b"abc")
        self.assertEqual((len(self.parts()), self.index.rows), (1, {}))
        self.clock.advance(1)
        self.assertEqual(
            (self.parts(), self.index.rows),
            (set(), {"a/f.txt": Row("a/f.txt", TYPE, 3, NOW, owner="me")}),
        )

    def test_index_faults(self) -> None:
        """
        What is wrong with the index is told with what is wrong with the store.
        """

        class Faulty(MemoryIndex):
            def faults(self) -> list[str]:
                return ["The index is damaged."]

        self.successResultOf(self.store.stop())
        self.index = Faulty()
        self.store = self.another_store()
        self.successResultOf(self.store.start())
        self.assertEqual(list(self.store.faults()), ["The index is damaged."])

    def test_stop(self) -> None:
        """
        A store that stops writes down what waits.
        """
        self.put(slot(), b"abc")
        self.successResultOf(self.store.stop())
        self.assertEqual((self.parts(), len(self.index.rows)), (set(), 1))

    def test_restart(self) -> None:
        """
        Another start serves the same file, with the same tag.
        """
        record = self.put(slot(), b"abc")
        self.successResultOf(self.store.stop())
        self.store = self.another_store()
        self.successResultOf(self.store.start())
        self.assertEqual((self.open().record, self.get()), (record, b"abc"))

    def test_versions(self) -> None:
        """
        What was overwritten is kept, each file once, in the order of time.
        """
        for data in (b"one", b"two", b"six"):
            self.put(slot(overwrite=True), data)
        folder = self.path / ".hmacfs" / "versions" / "a" / "f.txt"
        self.assertEqual([each.read_bytes() for each in sorted(folder.iterdir())], [b"one", b"two"])
        self.assertRegex(" ".join(self.below(".hmacfs", "versions", "a", "f.txt")), r"^[\w -]+$")

    def test_foreign(self) -> None:
        """
        A file of another server is served by its extension and its age, and
        becomes a version like any other.
        """
        path = self.path / "a" / "f.txt"
        path.parent.mkdir()
        path.write_bytes(b"abc")
        os.utime(path, (NOW - 5, NOW - 5))
        record = self.open().record
        self.assertEqual(record, FileRecord(3, "text/plain", NOW - 5, record.etag))
        self.put(slot(overwrite=True), b"new")
        (version,) = (self.path / ".hmacfs" / "versions" / "a" / "f.txt").iterdir()
        self.assertEqual((version.read_bytes(), self.get()), (b"abc", b"new"))

    def test_changed(self) -> None:
        """
        A file that somebody has changed is believed no label, and has another tag.
        """
        record = self.put(slot("a.png"), b"abc")
        with (self.path / "a.png").open("ab") as file:
            file.write(b"d")
        changed = self.open("a.png").record
        self.assertEqual((changed.content_type, changed.size), ("image/png", 4))
        self.assertNotEqual(changed.etag, record.etag)

    def test_goes_along(self) -> None:
        """
        What is known of a file goes with it when it is moved.
        """
        record = self.put(slot("a/f.txt"), b"abc")
        (self.path / "a" / "f.txt").rename(self.path / "g")
        self.assertEqual(self.open("g").record, record)

    def test_strange_label(self) -> None:
        """
        An attribute that is no label costs nobody the file.
        """
        self.put(slot(), b"abc")
        path = self.path / "a" / "f.txt"
        for value in (b"", b"\xff", b"[]", b'{"type":"x/y","size":3,"commit":"../x","stored":1}'):
            os.setxattr(path, ATTRIBUTE, value)
            self.assertEqual(self.open().record.content_type, "text/plain")

    def test_copied(self) -> None:
        """
        A copy, label and all, is kept beside the file that it was copied from.
        """
        self.put(slot(), b"abc")
        path = self.path / "a" / "f.txt"
        label = os.getxattr(path, ATTRIBUTE)
        self.put(slot(overwrite=True), b"def")
        path.unlink()
        path.write_bytes(b"ABC")
        os.setxattr(path, ATTRIBUTE, label)
        self.put(slot(overwrite=True), b"ghi")
        folder = self.path / ".hmacfs" / "versions" / "a" / "f.txt"
        self.assertEqual({each.read_bytes() for each in folder.iterdir()}, {b"abc", b"ABC"})

    def test_descriptor(self) -> None:
        """
        A large file can be sent by its descriptor.
        """
        self.put(slot(), b"abc")
        (self.path / "a" / "f.txt").write_bytes(bytes(SMALL) + b"abc")
        file = self.open()
        self.assertTrue(verifyObject(IHasDescriptor, file))
        self.assertEqual(os.pread(file.fileno(), 9, SMALL + 1), b"bc")


class PlantedTests(OnDisk, SynchronousTestCase):
    """
    No link is followed, and nothing but a file is a file.
    """

    def setUp(self) -> None:
        super().setUp()
        self.outside = Path(self.mktemp()).absolute()
        self.outside.mkdir()
        (self.outside / "f").write_bytes(b"secret")

    def test_folder(self) -> None:
        """
        A link in place of a folder leads nowhere.
        """
        (self.path / "a").symlink_to(self.outside)
        self.not_found("a/f")
        self.refused(NotAFolder, self.store.begin(slot("a/g")))
        self.assertEqual({each.name for each in self.outside.iterdir()}, {"f"})

    def test_folder_meanwhile(self) -> None:
        """
        A link that is planted during an upload leads nowhere either.
        """
        upload = self.begin(slot("a/g"), b"abc")
        (self.path / "a").symlink_to(self.outside)
        self.refused(NotAFolder, upload.commit())
        self.assertEqual({each.name for each in self.outside.iterdir()}, {"f"})

    def test_file(self) -> None:
        """
        A link in place of a file is not read, and neither replaced nor kept.
        """
        (self.path / "l").symlink_to(self.outside / "f")
        self.not_found("l")
        self.refused(Exists, self.store.begin(slot("l")))
        self.refused(Exists, self.store.begin(slot("l", overwrite=True)))

    def test_file_meanwhile(self) -> None:
        """
        So is one that is planted during an upload.
        """
        uploads = [self.begin(slot("l", overwrite=over), b"abc") for over in (False, True)]
        (self.path / "l").symlink_to(self.outside / "f")
        for upload in uploads:
            self.refused(Exists, upload.commit())
        self.assertEqual((self.outside / "f").read_bytes(), b"secret")

    def test_dangling(self) -> None:
        """
        A link to nothing is not filled.
        """
        (self.path / "l").symlink_to(self.outside / "new")
        self.refused(Exists, self.store.begin(slot("l")))
        self.not_found("l")
        self.assertEqual({each.name for each in self.outside.iterdir()}, {"f"})

    def test_versions(self) -> None:
        """
        A link among the versions gets none of them, and the file stays.
        """
        self.put(slot("g"), b"old")
        (self.path / ".hmacfs" / "versions" / "g").symlink_to(self.outside)
        upload = self.begin(slot("g", overwrite=True), b"new")
        self.refused(NotAFolder, upload.commit())
        self.assertEqual(self.get("g"), b"old")
        self.assertEqual({each.name for each in self.outside.iterdir()}, {"f"})

    def test_other_kinds(self) -> None:
        """
        A pipe and a socket are no files, and opening them waits for nobody.
        """
        os.mkfifo(self.path / "pipe")
        with socket.socket(socket.AF_UNIX) as server:
            # The path of a socket may have 107 bytes: bound from within.
            here = os.open(self.path, os.O_RDONLY)
            server.bind(f"/proc/self/fd/{here}/socket")
            os.close(here)
            for name in ("pipe", "socket"):
                self.not_found(name)
                self.refused(Exists, self.store.begin(slot(name, overwrite=True)))

    def test_private(self) -> None:
        """
        What is private has no name.
        """
        self.assertRaises(NotFound, slot, ".hmacfs/secret")
        self.assertRaises(MalformedName, slot, "a/../.hmacfs/secret")

    def test_long_segment(self) -> None:
        """
        A name that is too long for the file system is not there, and cannot be.
        """
        self.disk.troubles["create"] = errno.ENAMETOOLONG
        self.refused(MalformedName, self.store.begin(slot()))
