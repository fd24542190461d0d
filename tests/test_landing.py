"""
Tests for :mod:`hmacfs.store.landing`, on this machine's disk.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import Banned, Exists, NotStored
from hmacfs.interfaces.store import IUpload
from hmacfs.names import recall
from hmacfs.records import FileRecord
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from hmacfs.uploads import Slot
from tests.inline import Inline
from tests.on_disk import FaultyDisk
from tests.paces import SetPace
from tests.test_flushing import Kernel


class Counting(Inline):
    """
    :ivar calls: what was asked for.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []

    def run(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        self.calls.append(function.__name__)
        return super().run(function, *args)


class LandingTests(SynchronousTestCase):
    """
    A commit waits for its two syncs, and for a thread only where it has to.
    """

    def setUp(self) -> None:
        self.root, self.kernel = Path(self.mktemp()).absolute(), Kernel()
        self.disk, self.syncs, self.pace = FaultyDisk(), Counting(), SetPace()
        self.store = FilesystemStore(
            self.disk,
            str(self.root),
            MemoryIndex(),
            Clock(),
            Inline(),
            Policy(),
            self.syncs,
            kernel=self.kernel,
            pace=self.pace,
        )
        self.successResultOf(self.store.start())
        self.addCleanup(lambda: self.successResultOf(self.store.stop()))

    def begin(self, name: bytes = b"f", overwrite: bool = False) -> IUpload:
        slot = Slot(recall(name), 3, "text/plain", None, overwrite)
        upload: IUpload = self.successResultOf(self.store.begin(slot, None, True))
        return upload

    def commit(self, name: bytes = b"f", overwrite: bool = False) -> Deferred[FileRecord]:
        return self.begin(name, overwrite).commit(None, [b"abc"])

    def parts(self) -> list[str]:
        return os.listdir(self.root / ".hmacfs" / "parts")

    def test_order(self) -> None:
        """
        The bytes are synced before they have the name, and the name before it is
        told of; no thread has a part in it.
        """
        done = self.commit()
        self.assertFalse((self.root / "f").exists())
        self.kernel.carry_out()
        self.assertEqual((self.root / "f").read_bytes(), b"abc")
        self.assertNoResult(done)
        self.kernel.carry_out()
        self.assertEqual(self.successResultOf(done).size, 3)
        self.assertEqual(self.syncs.calls, [])

    def test_bytes_not_kept(self) -> None:
        """
        Where the disk does not keep the bytes there is no file, and no part.
        """
        done = self.commit()
        self.kernel.carry_out(OSError(errno.EIO, "broken"))
        self.failureResultOf(done, NotStored)
        self.assertEqual((os.listdir(self.root), self.parts()), ([".hmacfs"], []))
        self.flushLoggedErrors(OSError)

    def test_name_not_kept(self) -> None:
        """
        Where it does not keep the name that is taken away.
        """
        done = self.commit()
        self.kernel.carry_out()
        self.kernel.carry_out(OSError(errno.EIO, "broken"))
        self.failureResultOf(done, NotStored)
        self.assertEqual((os.listdir(self.root), self.parts()), ([".hmacfs"], []))
        self.flushLoggedErrors(OSError)

    def test_same_name(self) -> None:
        """
        Of two that want one name the one whose bytes are there first has it.
        """
        first, second = self.commit(), self.commit()
        self.kernel.carry_out()
        self.kernel.orders.reverse()
        self.kernel.carry_out()
        self.assertEqual(self.successResultOf(first).size, 3)
        self.kernel.carry_out()
        self.failureResultOf(second, Exists)
        self.assertEqual(self.syncs.calls, ["give", "land"])

    def test_same_lock(self) -> None:
        """
        Of two names that have one lock the second waits for the first, and no
        thread for either.
        """
        number = self.store.opened.locks.number
        names = (b"%d" % at for at in count())
        other = next(name for name in names if number(recall(name)) == number(recall(b"f")))
        first, second = self.commit(), self.commit(other)
        self.kernel.carry_out()
        self.kernel.carry_out()
        self.assertEqual((self.root / "f").read_bytes(), b"abc")
        self.assertFalse((self.root / other.decode()).exists())
        self.kernel.carry_out()
        self.assertEqual(self.successResultOf(first).size, 3)
        self.assertNoResult(second)
        self.kernel.carry_out()
        self.assertEqual(self.successResultOf(second).size, 3)
        self.assertEqual((self.syncs.calls, self.kernel.orders), ([], []))

    def test_new_folder(self) -> None:
        """
        Folders that are missing are made on the way, and each is synced before
        anything is put in.
        """
        done = self.commit(b"a/b/f")
        self.kernel.carry_out()
        self.assertEqual(os.listdir(self.root / "a"), [])
        self.kernel.carry_out()
        self.assertEqual(os.listdir(self.root / "a" / "b"), [])
        self.kernel.carry_out()
        self.assertEqual(os.listdir(self.root / "a" / "b"), ["f"])
        self.assertNoResult(done)
        self.kernel.carry_out()
        self.assertEqual(self.successResultOf(done).size, 3)
        self.assertEqual(self.syncs.calls, [])

    def test_folder_not_kept(self) -> None:
        """
        Where the disk does not keep a folder there is none, and no file.
        """
        done = self.commit(b"a/f")
        self.kernel.carry_out()
        self.kernel.carry_out(OSError(errno.EIO, "broken"))
        self.failureResultOf(done, NotStored)
        self.assertEqual((os.listdir(self.root), self.parts()), ([".hmacfs"], []))
        self.flushLoggedErrors(OSError)

    def test_unsynced_folder(self) -> None:
        """
        A folder that somebody has made, and not synced yet, is synced first.
        """
        (self.root / "a").mkdir()
        with self.store.opened.files.doubted((b"a",)):
            done = self.commit(b"a/g")
            self.kernel.carry_out()
        self.assertFalse((self.root / "a" / "g").exists())
        self.kernel.carry_out()
        self.assertTrue((self.root / "a" / "g").exists())
        self.kernel.carry_out()
        self.assertEqual(self.successResultOf(done).size, 3)

    def test_folder_gone(self) -> None:
        """
        Where the folder is removed as it is made a thread begins again.
        """
        done = self.commit(b"a/f")
        self.kernel.carry_out()
        (self.root / "a").rmdir()
        self.kernel.carry_out()
        self.assertEqual(self.successResultOf(done).size, 3)
        self.assertEqual(self.syncs.calls, ["give"])

    def test_banned_meanwhile(self) -> None:
        """
        Bytes that are banned while they are synced get no name.
        """
        done = self.commit()
        self.successResultOf(self.store.ban(sha256(b"abc").hexdigest()))
        self.kernel.carry_out()
        self.failureResultOf(done, Banned)
        self.assertEqual((os.listdir(self.root), self.parts()), ([".hmacfs"], []))

    def test_no_orders(self) -> None:
        """
        Where the kernel syncs nothing by itself, or has enough to do, a thread
        does all of it: none holds a lock while its sync waits for a thread.
        """
        self.kernel.most = 1
        first, second = self.commit(), self.commit(b"g")
        self.assertEqual(self.successResultOf(second).size, 3)
        self.assertEqual((self.syncs.calls, len(self.kernel.orders)), (["_finish"], 1))
        self.kernel.carry_out()
        self.kernel.carry_out()
        self.assertEqual(self.successResultOf(first).size, 3)
        self.assertNoResult(self.commit(b"h"))
        self.kernel.carry_out()
        self.kernel.carry_out()
        self.kernel.most = 0
        self.assertEqual(self.successResultOf(self.commit(b"i")).size, 3)
        self.assertEqual(self.kernel.orders, [])

    def test_threads(self) -> None:
        """
        One that replaces a file is done by a thread, and so is all where the disk
        is slow.
        """
        self.pace.quick = False
        self.assertEqual(self.successResultOf(self.commit()).size, 3)
        self.pace.quick = True
        self.assertEqual(self.successResultOf(self.commit(b"f", True)).size, 3)
        self.assertEqual((self.syncs.calls, self.kernel.orders), (["_finish"] * 2, []))
