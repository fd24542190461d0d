"""
Tests for :mod:`hmacfs.care.terms`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.care.duty import Duty
from hmacfs.care.terms import SLICE, Terms
from hmacfs.records import Row
from hmacfs.retention import Retention, Rule
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.tables import files
from hmacfs.store.terms import crawled, since
from tests.hub import Heard

NOW = 1_700_000_000


class TermsTests(SynchronousTestCase):
    """
    Whoever changes the terms is told what he did, before anything goes.
    """

    def setUp(self) -> None:
        self.index, self.clock = MemoryIndex(), Clock()
        self.clock.advance(NOW)
        rows = [Row(f"{n}", "a/b", 1024, NOW - 86400.0) for n in range(SLICE + 1)]
        self.successResultOf(self.index.run(since, Retention((Rule("x", 1),)), 0.0))
        self.successResultOf(self.index.run(files.write, rows))
        self.successResultOf(self.index.run(crawled))

    def told(self, retention: Retention) -> list[str]:
        """
        :return: what a start with these terms says.
        """
        self.successResultOf(self.index.run(since, retention, self.clock.seconds()))
        told: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(told.append)
        try:
            terms = Terms(self.index, self.clock, retention)
            self.successResultOf(Duty("terms", terms.reckon, Heard(), self.clock, 60).run())
        finally:
            globalLogPublisher.removeObserver(told.append)
        return [formatEvent(event) for event in told if event["log_level"].name == "warn"]

    def test_told(self) -> None:
        """
        How many files and bytes go, and when; once.
        """
        self.assertEqual(self.told(Retention()), [])
        self.assertEqual(
            self.told(Retention(file_ttl=60)),
            [
                "by FileTTL and [[Retention]], 501 files and versions that were kept before, "
                "501 KiB, go from 2023-11-15 22:13:20 UTC on; to keep them change these until then"
            ],
        )
        self.assertEqual(self.told(Retention(file_ttl=60)), [])
        self.assertEqual({row.expires for row in self.index.rows.values()}, {NOW + 86400})

    def test_later(self) -> None:
        """
        Nothing is said where nothing goes by it so soon.
        """
        self.assertEqual(self.told(Retention(file_ttl=864_000)), [])
