"""
Tests for :mod:`hmacfs.store.opening`.
"""

from __future__ import annotations

from pathlib import Path

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from hmacfs.errors import NoSpace
from hmacfs.records import Figures
from hmacfs.store.opening import open_filesystem
from tests.contracts import slot
from tests.serving import settings


class OpenFilesystemTests(TestCase):
    """
    The settings are those of the store that is opened by them.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute()

    async def test_round_trip(self) -> None:
        """
        A store is made where it should be, keeps files and lists them, and
        starts again with what it had.
        """
        for durability in ("full", "fast"):
            wanted = settings(StoreDir=str(self.path), Durability=durability)
            store, _ = open_filesystem(wanted, reactor)
            await store.start()
            upload = await store.begin(slot(f"a/{durability}"))
            await upload.append([b"abc"])
            await upload.commit()
            await store.stop()
        store, _ = open_filesystem(settings(StoreDir=str(self.path)), reactor)
        await store.start()
        self.addCleanup(store.stop)
        figures = await store.figures()
        self.assertEqual((figures, figures.free > 0), (Figures(2, 6, figures.free), True))
        folders = {"parts", "versions", "trash", "locks", "run"}
        found = {each.name for each in (self.path / ".hmacfs").iterdir()} - {"index.sqlite-shm"}
        index = {"index.sqlite", "index.sqlite-wal", "index.sqlite.reserve"}
        self.assertEqual(found, folders | index)

    async def test_min_free_space(self) -> None:
        """
        What is to be kept free is kept free.
        """
        store, _ = open_filesystem(settings(StoreDir=str(self.path), MinFreeSpace=2**60), reactor)
        await store.start()
        self.addCleanup(store.stop)
        with self.assertRaises(NoSpace):
            await store.begin(slot())
