"""
Tests for :mod:`hmacfs.sharing_metrics`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import events
from hmacfs.records import Sharing
from hmacfs.sharing_metrics import SharingMetrics

LOST = events.RedisLost(at=1.0, reason="the connection was refused")
BACK = events.RedisBack(at=9.0, missed=7, duration=8.0)


class SharingMetricsTests(SynchronousTestCase):
    """
    The numbers say how this node and Redis stand.
    """

    def setUp(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = SharingMetrics(self.registry)

    def told(self) -> dict[str, float]:
        """
        :return: the values, without those that are 0.
        """
        return {
            sample.name.removeprefix("hmacfs_redis_")
            + "".join(sample.labels.values()): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.value and not sample.name.endswith("_created")
        }

    def test_begin(self) -> None:
        """
        Until it is known, Redis does not answer.
        """
        self.assertEqual(self.told(), {"statelocal": 1})

    def test_measured(self) -> None:
        """
        The state and what is to be replayed are told as they were measured last.
        """
        self.metrics.measured(Sharing("rejoining", 3))
        self.assertEqual(self.told(), {"up": 1, "staterejoining": 1, "behind": 3})
        self.metrics.measured(Sharing("redis", 0))
        self.assertEqual(self.told(), {"up": 1, "stateredis": 1})

    def test_outage(self) -> None:
        """
        An outage counts when it begins, and what was replayed when it ends.
        """
        self.metrics.measured(Sharing("redis", 0))
        self.metrics.heard(LOST)
        self.assertEqual(self.told(), {"statelocal": 1, "outages_total": 1})
        self.metrics.heard(BACK)
        self.assertEqual(
            self.told(), {"up": 1, "stateredis": 1, "outages_total": 1, "replayed_total": 7}
        )

    def test_others(self) -> None:
        """
        Other events change nothing.
        """
        self.metrics.heard(events.ShutdownStarted(at=0.0, transfers=1))
        self.assertEqual(self.told(), {"statelocal": 1})
