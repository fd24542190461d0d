"""
What Prometheus is told of Redis, where there is one.

Apart from :mod:`hmacfs.metrics`, so that a daemon without Redis has none of
these numbers: an alert on a Redis that nobody wanted would never end.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from hmacfs import events
from hmacfs.records import Sharing

STATES = ("local", "rejoining", "redis")


class SharingMetrics:
    """
    How this node and Redis stand.

    :cvar kinds: the events that it wants to hear of.
    """

    kinds = (events.RedisLost, events.RedisBack)

    def __init__(self, registry: CollectorRegistry) -> None:
        """
        :param registry: takes the numbers.
        """
        self._up = Gauge("hmacfs_redis_up", "Whether Redis answers.", registry=registry)
        self._state = Gauge(
            "hmacfs_redis_state",
            "1 for the state that the breaker is in.",
            ["state"],
            registry=registry,
        )
        self._behind = Gauge(
            "hmacfs_redis_behind",
            "Changes of uploads that are to be replayed, since Redis does not know them yet.",
            registry=registry,
        )
        self._outages = Counter(
            "hmacfs_redis_outages", "How often Redis was lost.", registry=registry
        )
        self._replayed = Counter(
            "hmacfs_redis_replayed",
            "Changes of uploads that Redis was told when it was back.",
            registry=registry,
        )
        self._enter("local")

    def heard(self, event: events.Event) -> None:
        """
        Count *event*: the listener for the hub.
        """
        if isinstance(event, events.RedisLost):
            self._outages.inc()
            self._enter("local")
        elif isinstance(event, events.RedisBack):
            self._replayed.inc(event.missed)
            self._enter("redis")

    def measured(self, sharing: Sharing) -> None:
        """
        :param sharing: how it stands now.
        """
        self._enter(sharing.state)
        self._behind.set(sharing.behind)

    def _enter(self, state: str) -> None:
        self._up.set(state != "local")
        for each in STATES:
            self._state.labels(each).set(each == state)
