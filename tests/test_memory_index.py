"""
Tests for :mod:`hmacfs.store.memory_index`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.tables import files
from tests.index_contract import ROWS, IndexContract


class MemoryIndexTests(IndexContract, SynchronousTestCase):
    """
    The index that forgets keeps the contract while it lasts, and can be kept.
    """

    index: MemoryIndex

    def make_index(self) -> MemoryIndex:
        return MemoryIndex()

    def test_snapshot(self) -> None:
        """
        What was kept is what there was, whatever came after.
        """
        self.run_now(files.write, ROWS[:1])
        kept = self.index.snapshot()
        self.run_now(files.write, ROWS[1:])
        other = MemoryIndex(kept)
        self.assertEqual((other.rows, other.totals().files.count), ({"a": ROWS[0]}, 1))
        self.assertEqual(list(self.index.rows.values()), ROWS)

    def test_contents(self) -> None:
        """
        Two that hold the same are alike, whatever they held before.
        """
        self.run_now(files.write, ROWS)
        self.run_now(files.drop, ["a"])
        other = MemoryIndex()
        self.successResultOf(other.run(files.write, ROWS[1:]))
        self.assertEqual(self.index.contents(), other.contents())
        self.assertNotEqual(self.index.contents(), MemoryIndex().contents())

    def test_restart(self) -> None:
        """
        It keeps its rows behind a stop.
        """
        self.run_now(files.write, ROWS)
        self.successResultOf(self.index.stop())
        self.successResultOf(self.index.start())
        self.assertEqual(self.find("a"), ROWS[:1])
