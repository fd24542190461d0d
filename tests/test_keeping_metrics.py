"""
Tests for :mod:`hmacfs.keeping_metrics`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import events
from hmacfs.keeping_metrics import KeepingMetrics
from hmacfs.records import Tally, Totals, Went


class KeepingMetricsTests(SynchronousTestCase):
    """
    The numbers say what went, what is kept, and what is halted.
    """

    def setUp(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = KeepingMetrics(self.registry)

    def told(self) -> dict[str, float]:
        """
        :return: the values, without those that are 0.
        """
        return {
            " ".join([sample.name.removeprefix("hmacfs_"), *sample.labels.values()]): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.value and not sample.name.endswith("_created")
        }

    def test_went(self) -> None:
        """
        What went is counted by its kind and by why, with its bytes.
        """
        went = (Went("file", "expired", 2, 30), Went("row", "stray", 1, 0))
        for at in (5.0, 9.0):
            self.metrics.heard(events.DutyDone(at, "the crawl", went, 1.5))
        self.assertEqual(
            self.told(),
            {
                "removed_total file expired": 4,
                "removed_total row stray": 2,
                "removed_bytes_total file expired": 60,
                "duty_last_done_timestamp_seconds the crawl": 9,
                "duty_last_duration_seconds the crawl": 1.5,
            },
        )

    def test_deleted(self) -> None:
        """
        So is what was deleted by request.
        """
        self.metrics.heard(events.FileRemoved(1.0, "r-1", "a.txt", 5))
        self.metrics.heard(events.VersionRemoved(1.0, "r-1", "a.txt", "1a", 7))
        self.assertEqual(
            self.told(),
            {
                "removed_total file deleted": 1,
                "removed_total version deleted": 1,
                "removed_bytes_total file deleted": 5,
                "removed_bytes_total version deleted": 7,
            },
        )

    def test_halted(self) -> None:
        """
        Whether the sweep is halted, and how often it was.
        """
        self.metrics.heard(events.SweepHalted(1.0, "too much"))
        self.assertEqual(self.told(), {"sweep_halted": 1, "sweep_halts_total": 1})
        self.metrics.heard(events.SweepReleased(2.0, True))
        self.assertEqual(self.told(), {"sweep_halts_total": 1})

    def test_measured(self) -> None:
        """
        What is kept is told of each kind, and how far a crawl is.
        """
        self.metrics.measured(Totals(Tally(3, 30), Tally(2, 20), Tally(1, 10)))
        self.metrics.crawled(7)
        self.assertEqual(
            self.told(),
            {
                "kept files": 3,
                "kept versions": 2,
                "kept trash": 1,
                "kept_bytes files": 30,
                "kept_bytes versions": 20,
                "kept_bytes trash": 10,
                "crawl_looked": 7,
            },
        )
