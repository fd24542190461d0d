"""
Tests for :mod:`hmacfs.store.tombstones`.
"""

from __future__ import annotations

from threading import Thread

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.tables import tombstones
from hmacfs.store.tables.tombstones import Burial
from hmacfs.store.tombstones import PAGE, Tombstones

LETTERS = st.characters(exclude_categories=["Cs"])


class TombstonesTests(SynchronousTestCase):
    """
    What was buried is never taken for free.
    """

    @given(st.lists(st.text(LETTERS), max_size=5))
    def test_added(self, names: list[str]) -> None:
        """
        Whatever was added may be buried.
        """
        filter = Tombstones()
        for name in names:
            filter.add(name)
        self.assertEqual([name for name in names if not filter.may_be(name)], [])

    def test_nothing(self) -> None:
        """
        Where nothing was buried nothing is asked for.
        """
        filter = Tombstones()
        self.assertFalse(any(filter.may_be(str(number)) for number in range(1000)))

    def test_seldom(self) -> None:
        """
        Among ten thousand tombstones another name is hardly ever taken for one.
        """
        filter = Tombstones()
        for number in range(10_000):
            filter.add(str(number))
        mistaken = [number for number in range(5000) if filter.may_be(f"x{number}")]
        self.assertEqual(mistaken, [])

    def test_fill(self) -> None:
        """
        A start learns of every tombstone there is, page by page.
        """
        names = [str(number) for number in range(2 * PAGE + 1)]
        index = MemoryIndex()
        self.successResultOf(index.run(tombstones.bury, [Burial(name, 9) for name in names]))
        filter = Tombstones()
        self.successResultOf(filter.fill(index))
        self.assertTrue(all(map(filter.may_be, names)))

    def test_threads(self) -> None:
        """
        What several threads add at once is all there.
        """
        filter = Tombstones()

        def add(first: int) -> None:
            for number in range(first, first + 1000):
                filter.add(str(number))

        threads = [Thread(target=add, args=(first,)) for first in range(0, 4000, 1000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertTrue(all(filter.may_be(str(number)) for number in range(4000)))
