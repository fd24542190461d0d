"""
What Prometheus is told of what goes, and of who halts it.

A label never holds a name: the kinds and reasons are few, and our own.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from hmacfs import events
from hmacfs.records import Totals, Went


class KeepingMetrics:
    """
    The numbers of the duties of one daemon.

    :cvar kinds: the events that it wants to hear of.
    """

    kinds = (
        events.DutyDone,
        events.FileRemoved,
        events.VersionRemoved,
        events.SweepHalted,
        events.SweepReleased,
    )

    def __init__(self, registry: CollectorRegistry) -> None:
        """
        :param registry: takes the numbers.
        """
        self._removed = Counter(
            "hmacfs_removed",
            "What went: by age, by request or as a stray.",
            ["kind", "why"],
            registry=registry,
        )
        self._removed_bytes = Counter(
            "hmacfs_removed_bytes", "Bytes of that.", ["kind", "why"], registry=registry
        )
        self._halted = Gauge(
            "hmacfs_sweep_halted",
            "1 where nothing is removed until an operator says so.",
            registry=registry,
        )
        self._halts = Counter("hmacfs_sweep_halts", "How often it halted.", registry=registry)
        self._done = Gauge(
            "hmacfs_duty_last_done_timestamp_seconds",
            "When a round of this duty was over.",
            ["duty"],
            registry=registry,
        )
        self._seconds = Gauge(
            "hmacfs_duty_last_duration_seconds",
            "How long that round took.",
            ["duty"],
            registry=registry,
        )
        self._count = Gauge(
            "hmacfs_kept", "Files, versions, and what is in the trash.", ["kind"], registry=registry
        )
        self._bytes = Gauge("hmacfs_kept_bytes", "Bytes of these.", ["kind"], registry=registry)

        self._crawled = Gauge(
            "hmacfs_crawl_looked",
            "Files, rows and folders that the crawl under way has looked at.",
            registry=registry,
        )

    def heard(self, event: events.Event) -> None:
        """
        Count *event*: the listener for the hub.
        """
        match event:
            case events.DutyDone():
                for went in event.went:
                    self._count_removed(went)
                self._done.labels(event.duty).set(event.at)
                self._seconds.labels(event.duty).set(event.duration)
            case events.FileRemoved():
                self._count_removed(Went("file", "deleted", 1, event.size))
            case events.VersionRemoved():
                self._count_removed(Went("version", "deleted", 1, event.size))
            case events.SweepHalted():
                self._halts.inc()
                self._halted.set(1)
            case events.SweepReleased():
                self._halted.set(0)

    def measured(self, totals: Totals) -> None:
        """
        :param totals: how much the index lists.
        """
        for kind in ("files", "versions", "trash"):
            tally = getattr(totals, kind)
            self._count.labels(kind).set(tally.count)
            self._bytes.labels(kind).set(tally.size)

    def crawled(self, looked: int) -> None:
        """
        :param looked: how far the crawl under way is; 0 where none is.
        """
        self._crawled.set(looked)

    def _count_removed(self, went: Went) -> None:
        self._removed.labels(went.kind, went.why).inc(went.count)
        self._removed_bytes.labels(went.kind, went.why).inc(went.size)
