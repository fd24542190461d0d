"""
Tests for :mod:`hmacfs.store.threads`, and for the store in them.
"""

from __future__ import annotations

import threading
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, gatherResults, succeed
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from hmacfs.disk import Disk
from hmacfs.errors import Exists, Forbidden, NotAFolder
from hmacfs.interfaces.store import IUpload
from hmacfs.names import recall
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from hmacfs.store.threads import Threads
from tests.contracts import slot


class ThreadsTests(TestCase):
    """
    What may block is done elsewhere, and is waited for at the end.
    """

    def setUp(self) -> None:
        self.threads = Threads(reactor, 2, "test")
        self.threads.start()

    async def test_run(self) -> None:
        """
        What a function returns or raises is told, from another thread.
        """
        here = threading.get_ident()
        self.assertNotEqual(await self.threads.run(threading.get_ident), here)
        with self.assertRaises(ZeroDivisionError):
            await self.threads.run(divmod, 1, 0)
        await self.threads.stop()

    async def test_ask(self) -> None:
        """
        One of the threads may wait for an answer of the others' thread.
        """
        here = threading.get_ident()
        asked = self.threads.run(self.threads.ask, lambda: succeed(threading.get_ident()))
        self.assertEqual(await asked, here)
        with self.assertRaises(ZeroDivisionError):
            await self.threads.run(self.threads.ask, lambda: fail(ZeroDivisionError()))
        await self.threads.stop()

    async def test_stop(self) -> None:
        """
        The end waits for what is being done, and its result is told before.
        """
        told, wait = [], threading.Event()
        job = self.threads.run(wait.wait).addCallback(told.append)
        stopped = self.threads.stop().addCallback(lambda _: told.append("stopped"))
        self.assertEqual(told, [])
        wait.set()
        await stopped
        await job
        self.assertEqual(told, [True, "stopped"])


class StoreInThreadsTests(TestCase):
    """
    In threads, at once, with the locks of the system.
    """

    def setUp(self) -> Deferred[None]:
        self.path = Path(self.mktemp()).absolute()
        threads = Threads(reactor, 8, "test")
        self.store = FilesystemStore(
            Disk(), str(self.path), MemoryIndex(), reactor, threads, Policy()
        )
        self.addCleanup(lambda: self.store.stop())
        return self.store.start()

    async def upload(self, path: str, data: bytes, overwrite: bool) -> IUpload:
        begun = await self.store.begin(slot(path, len(data), overwrite=overwrite))
        await begun.append([data])
        return begun

    async def test_overwriters(self) -> None:
        """
        Of many that overwrite one file at once each is the file or a version.
        """
        sent = {b"%03d" % number for number in range(24)}
        uploads = [await self.upload("a/f", data, True) for data in sent]
        await gatherResults([upload.commit() for upload in uploads])
        versions = (self.path / ".hmacfs" / "versions" / "a" / "f").iterdir()
        kept = [each.read_bytes() for each in versions] + [(self.path / "a" / "f").read_bytes()]
        self.assertEqual(sorted(kept), sorted(sent))

    async def test_creators(self) -> None:
        """
        Of many that create one file at once one does, and the others are refused.
        """
        uploads = [await self.upload("a/b/f", b"%03d" % number, False) for number in range(24)]
        refused: list[Failure] = []
        await gatherResults([upload.commit().addErrback(refused.append) for upload in uploads])
        self.assertEqual(
            ([each.type for each in refused], (self.path / "a" / "b" / "f").stat().st_size),
            ([Exists] * 23, 3),
        )

    async def test_folders(self) -> None:
        """
        Folders that come and go below each other cost nobody his file.
        """
        uploads = []
        for number in range(24):
            # Every other one fails behind the folders, and removes them.
            path = f"a/b/{number}" if number % 2 else "a/b"
            uploads.append(await self.upload(path, b"abc", False))
        ended: list[object] = []
        await gatherResults([upload.commit().addBoth(ended.append) for upload in uploads])
        failed = [each for each in ended if isinstance(each, Failure)]
        self.assertEqual({each.type for each in failed} - {NotAFolder, Exists}, set())
        folder = self.path / "a" / "b"
        stored = len(list(folder.iterdir())) if folder.is_dir() else 1
        self.assertEqual(stored, 24 - len(failed))

    async def test_forbidden_later(self) -> None:
        """
        What goes on in threads is told on the reactor's, refusals too.
        """
        upload = await self.upload("a/f", b"abc", False)
        await upload.commit()
        with self.assertRaises(Forbidden):
            await self.store.open(recall(b"a"))
        file = await self.store.open(recall(b"a/f"))
        self.addCleanup(file.close)
        self.assertEqual(await file.read(0, 9), b"abc")
