"""
Tests for :mod:`hmacfs.care.remains`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.care.duty import SLICE, Deed, Duty
from hmacfs.care.remains import Tombstones, Trash
from hmacfs.records import Row, Went
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.tables import tombstones, trash
from hmacfs.store.tables.tombstones import Burial
from hmacfs.store.tables.trash import TrashRow
from tests.hub import Heard

NOW = 1_700_000_000
TTL = 3600


class RemainsTests(SynchronousTestCase):
    """
    What removals leave behind goes in its time.
    """

    def setUp(self) -> None:
        self.clock, self.index = Clock(), MemoryIndex()
        self.clock.advance(NOW)
        self.asked: list[int] = []

    def purge(self, before: float, most: int) -> Deferred[int]:
        """As of a store whose trash is its rows."""
        self.asked.append(most)
        found = self.successResultOf(self.index.run(trash.before, before, most))
        self.successResultOf(self.index.run(trash.drop, [item.key for item in found]))
        return succeed(len(found))

    def run_(self, deed: Deed, dry: bool = False) -> tuple[Went, ...]:
        return self.successResultOf(Duty("it", deed, Heard(), self.clock, 60).run(dry))

    def test_trash(self) -> None:
        """
        What has rested long enough goes by slices, and the rest stays.
        """
        purge = Trash(self, self.index, self.clock, TTL).purge
        row = Row("a.txt", "text/plain", 1, 1.0)
        old = [TrashRow("b", str(number), NOW - TTL - 1, row) for number in range(SLICE + 1)]
        self.index.run(trash.write, [*old, TrashRow("b", "new", NOW - TTL, row)])
        went = (Went("trash", "expired", SLICE + 1, 0),)
        self.assertEqual((self.run_(purge, dry=True), self.asked), (went, []))
        self.assertEqual((self.run_(purge), self.asked), (went, [SLICE, SLICE]))
        self.assertEqual(self.index.totals().trash.count, 1)

    def test_tombstones(self) -> None:
        """
        Names take files again when their tombstones are over, and no removal that is under
        way is forgotten.
        """
        expire = Tombstones(self.index, self.clock).expire
        over = [Burial(f"{number}.txt", NOW) for number in range(SLICE + 1)]
        others = [Burial("holds.txt", NOW + 1), Burial("doing.txt", NOW, "{}")]
        self.index.run(tombstones.bury, [*over, *others])
        went = (Went("tombstone", "expired", SLICE + 1, 0),)
        self.assertEqual((self.run_(expire, dry=True), self.run_(expire)), (went, went))
        left = self.successResultOf(self.index.run(tombstones.hashes, b"", 9))
        self.assertEqual(len(left), 2)
