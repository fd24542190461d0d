"""
Tests for :mod:`hmacfs.care.care`: all duties, over a store on a disk.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.care.care import DAY, Care
from hmacfs.errors import NotFound
from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.names import recall
from hmacfs.records import Went
from hmacfs.retention import GRACE, Retention
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory_index import MemoryIndex
from tests.contracts import NOW, slot
from tests.hub import Heard
from tests.on_disk import OnDisk
from tests.serving import settings

TTL = 3600


class CareTests(OnDisk, SynchronousTestCase):
    """
    What is past its time goes by itself, and nothing else does.

    :ivar jumped: seconds that the wall clock is ahead.
    """

    jumped = 0

    def care(self, store: FilesystemStore | None = None, **keys: Any) -> Care:
        """
        :return: what looks after the store, by these settings.
        """
        wanted = settings(SweepInterval="1m", **keys)
        metadata = MemoryMetadata(self.clock, TTL)
        return Care(
            wanted,
            store or self.store,
            metadata,
            self.index,
            Heard(),
            self.clock,
            elapsed=lambda: self.clock.seconds() - self.jumped,
        )

    def start(self, care: Care) -> None:
        self.successResultOf(care.startService())
        self.addCleanup(lambda: self.successResultOf(care.stopService()))

    def restart(self, **policy: Any) -> FilesystemStore:
        """
        :return: the store, started again by another policy.
        """
        self.successResultOf(self.store.stop())
        self.store = self.another_store(**policy)
        self.successResultOf(self.store.start())
        return self.store

    def collected(self, care: Care, **how: Any) -> list[Went]:
        result = self.successResultOf(Deferred.fromCoroutine(care.collecting.collect(**how)))
        self.assertEqual(result.broken, [])
        return [went for _, went in result.went]

    def test_expires(self) -> None:
        """
        A file that has expired goes into the trash, and out of that in its time.
        """
        self.put(slot("a/f.txt", expires=NOW + 90), b"abc")
        self.start(self.care(TrashTTL="1h"))
        self.clock.advance(60)
        self.assertEqual(self.get(), b"abc")
        self.clock.advance(60)
        self.refused(NotFound, self.store.open(recall(b"a/f.txt")))
        trashed = self.successResultOf(self.store.trashed(None, 9))
        self.assertEqual([item.name for item in trashed], ["a/f.txt"])
        self.assertEqual(self.below("a"), set())
        for _ in range(61):
            self.clock.advance(60)
        self.assertEqual(self.successResultOf(self.store.trashed(None, 9)), [])
        self.assertEqual(self.below(".hmacfs", "trash"), set())

    def test_terms_change(self) -> None:
        """
        A file of before a shorter term stays for a day, and then goes.
        """
        self.put(slot(), b"abc")
        self.clock.advance(DAY)
        retention = Retention(file_ttl=TTL)
        self.start(self.care(self.restart(retention=retention), FileTTL="1h"))
        for _ in range(GRACE // 3600):
            self.clock.advance(3599)
            self.assertEqual(self.get(), b"abc")
        self.clock.advance(60)
        self.refused(NotFound, self.store.open(recall(b"a/f.txt")))
        self.assertEqual(len(self.successResultOf(self.store.trashed(None, 9))), 1)

    def test_taken_over(self) -> None:
        """
        A store of another server is listed when the daemon starts, and what comes by other
        means within a day.
        """
        (self.path / "slot").mkdir()
        (self.path / "slot" / "1.jpg").write_bytes(b"12")
        self.start(self.care())
        self.assertEqual(list(self.index.rows), ["slot/1.jpg"])
        (self.path / "slot" / "2.jpg").write_bytes(b"12")
        (self.path / "slot" / "1.jpg").unlink()
        self.clock.advance(DAY)
        self.assertEqual(list(self.index.rows), ["slot/2.jpg"])

    def test_taken_over_with_terms(self) -> None:
        """
        Of a store of another server it is told at once what will go, and it stays until then.
        """
        self.successResultOf(self.store.stop())
        self.index = MemoryIndex()
        (self.path / "1.jpg").write_bytes(b"12")
        os.utime(self.path / "1.jpg", (NOW - TTL, NOW - TTL))
        self.store = self.another_store(retention=Retention(file_ttl=60))
        self.successResultOf(self.store.start())
        told: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(told.append)
        self.addCleanup(globalLogPublisher.removeObserver, told.append)
        self.start(self.care(FileTTL="1m"))
        self.assertEqual(
            [formatEvent(event) for event in told if event["log_level"].name == "warn"],
            [
                "by FileTTL and [[Retention]], 1 files and versions that were kept before, 2 B, "
                "go from 2023-11-15 22:13:20 UTC on; to keep them change these until then"
            ],
        )
        self.assertEqual(self.get("1.jpg"), b"12")

    def test_collect(self) -> None:
        """
        All of it can be done at once; a dry run says the same, and does nothing.
        """
        self.put(slot("a/f.txt", expires=NOW + 1), b"abc")
        self.put(slot("b/f.txt"), b"123")
        # Its row is written soon after.
        self.clock.advance(1)
        (self.path / "b" / "f.txt").unlink()
        care = self.care()
        went = [
            Went("file", "expired", 1, 3),
            Went("folder", "empty", 1, 0),
            Went("row", "stray", 1, 0),
        ]
        self.assertEqual(self.collected(care, dry_run=True), went)
        self.assertEqual(self.below(), {".hmacfs", "a", "b"})
        self.assertEqual(self.collected(care), went)
        self.assertEqual((self.below(), self.index.rows), ({".hmacfs"}, {}))

    def test_reindex(self) -> None:
        """
        The index is made anew of what the files say.
        """
        self.put(slot("a/f.txt", expires=NOW + 99, owner="romeo"), b"abc")
        self.clock.advance(1)
        rows = self.index.rows
        self.successResultOf(self.care().reindex())
        self.assertEqual(self.index.rows, rows)

    def test_halted(self) -> None:
        """
        Where the clock has jumped nothing goes, whatever it is.
        """
        self.put(slot("a/f.txt", expires=NOW + 90), b"abc")
        care = self.care()
        self.start(care)
        self.jumped = DAY
        self.clock.advance(DAY)
        self.assertIn("the clock has jumped ahead", care.guard.faults()[0])
        self.assertEqual(self.below("a"), {"f.txt"})
        self.assertEqual([each.kind for each in self.collected(care, confirm=True)], ["file"])
        self.assertEqual(care.guard.faults(), [])
