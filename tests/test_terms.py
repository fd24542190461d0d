"""
Tests for :mod:`hmacfs.store.terms`.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.records import Row
from hmacfs.retention import GRACE, Retention, Rule
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.tables import files, versions
from hmacfs.store.tables.versions import VersionRow
from hmacfs.store.terms import Reckoned, crawled, reckon, reckoned, since

NOW = 1_700_000_000
DAYS = Retention(file_ttl=10 * 86400)
MINUTES = Retention(file_ttl=600)


class TermsTests(SynchronousTestCase):
    """
    Terms hold since they were seen first, and rows follow them.
    """

    def setUp(self) -> None:
        """
        No terms were known until now; all that is kept is in the index.
        """
        self.index = MemoryIndex()
        self.run_(since, Retention(), 0.0)
        self.run_(crawled)
        self.reckon(Retention())

    def run_(self, function: Any, *args: Any) -> Any:
        return self.successResultOf(self.index.run(function, *args))

    def reckon(self, retention: Retention, most: int = 2) -> list[Reckoned]:
        """
        :return: how far it was after each slice.
        """
        told = [self.run_(reckoned)]
        while told[-1].stage != "done":
            told.append(self.run_(reckon, retention, most))
        return told

    def rows(self, count: int = 3, stored: float = NOW - 86400) -> list[Row]:
        """
        :return: those of files of one byte, which are in the index.
        """
        rows = [Row(f"{n}.txt", "text/plain", 1, stored) for n in range(count)]
        self.run_(files.write, rows)
        return rows

    def test_since(self) -> None:
        """
        The same terms hold since the first time, and others since now.
        """
        for terms, now, begun in (
            (DAYS, NOW, NOW),
            (DAYS, NOW + 60, NOW),
            (MINUTES, NOW + 90, NOW + 90),
            (DAYS, NOW + 99, NOW + 99),
        ):
            self.assertEqual(self.run_(since, terms, float(now)).since, begun)

    def test_nothing_known(self) -> None:
        """
        Before anybody asked for them there is nothing to reckon.
        """
        self.index = MemoryIndex()
        self.assertEqual(self.reckon(DAYS), [Reckoned("done")])
        self.run_(crawled)
        self.assertEqual(self.run_(reckoned), Reckoned("done"))

    def test_taken_over(self) -> None:
        """
        Where the index is new it is counted what goes when all of the tree is in it.
        """
        self.index = MemoryIndex()
        self.run_(since, DAYS, float(NOW))
        self.assertEqual(self.reckon(DAYS), [Reckoned("done")])
        self.rows(1)
        terms = self.run_(since, MINUTES, float(NOW))
        self.assertEqual(self.reckon(terms)[-1].count, 1)
        self.rows(3)
        self.run_(crawled)
        last = self.reckon(terms)[-1]
        self.assertEqual((last.rows, last.count, last.size), (3, 3, 3))
        self.run_(crawled)
        self.assertEqual(self.reckon(terms), [last])

    def test_shortened(self) -> None:
        """
        Files of before get their grace, and it is counted what goes by it.
        """
        rows = self.rows()
        version = VersionRow("v", attrs.evolve(rows[0], size=5))
        self.run_(versions.write, [version])
        young = Row("young.txt", "text/plain", 1, NOW + 1.0)
        terms = self.run_(since, MINUTES, float(NOW))
        self.run_(files.write, [young])
        last = self.reckon(terms)[-1]
        self.assertEqual((last.rows, last.count, last.size), (5, 4, 8))
        expires = {row.name: row.expires for row in self.index.rows.values()}
        graced = dict.fromkeys((row.name for row in rows), NOW + GRACE)
        self.assertEqual(expires, {**graced, "young.txt": NOW + 601})
        self.assertEqual(
            self.run_(versions.of, "0.txt"),
            [VersionRow("v", attrs.evolve(version.row, expires=NOW + GRACE))],
        )

    def test_lengthened(self) -> None:
        """
        What goes later, or never, is no news; and what was told binds.
        """
        told = attrs.evolve(self.rows(1)[0], own=NOW + 5, expires=NOW + 5)
        self.run_(files.write, [told, attrs.evolve(told, name="kept/1", own=None)])
        terms = self.run_(since, Retention((Rule("kept/*", None),), 20 * 86400), float(NOW))
        self.assertEqual(self.reckon(terms)[-1].count, 1)
        expires = {row.name: row.expires for row in self.index.rows.values()}
        self.assertEqual(expires, {"0.txt": NOW + 5, "kept/1": None})

    def test_goes_on(self) -> None:
        """
        It goes on behind a restart, and is done once.
        """
        self.rows(5)
        terms = self.run_(since, MINUTES, float(NOW))
        self.run_(reckon, terms, 2)
        self.assertEqual(self.run_(since, MINUTES, NOW + 60.0), terms)
        told = self.reckon(terms)
        self.assertEqual(
            [(at.stage, at.rows) for at in told],
            [("files", 2), ("files", 4), ("versions", 5), ("done", 5)],
        )
        self.assertEqual(self.run_(reckon, terms, 2), told[-1])
