"""
What Prometheus is told.

:class:`Metrics` is a listener of the hub: it counts what the events say, and
keeps the numbers in a registry of its own, so that several daemons in one
process never add to each other's.  What no event tells (the store's size, the
lag of the reactor) :mod:`hmacfs.readings` measures and hands in.  What there is
to tell of Redis, where there is one, is in :mod:`hmacfs.sharing_metrics`.

A label never holds what a client chose: no name, no path, no code, and a
method only where it is one that we know.  So nobody can fill the memory of
this process, or of a Prometheus, with series.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, Info
from prometheus_client.process_collector import ProcessCollector
from twisted.copyright import version as twisted_version

from hmacfs import __version__, errors, events
from hmacfs.records import Figures
from hmacfs.tallies import Count, Distribution, Spread, Tally

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
DIALECTS = frozenset({"jwt", "token", "v", "v2", "v3"})
CODES = frozenset(
    kind.code
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.Refusal) and hasattr(kind, "code")
)
REASONS = CODES | {"disconnected", "internal", "unfinished"}

# A small file takes milliseconds, and 1 GiB over a telephone half an hour.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


def known(word: str, words: frozenset[str]) -> str:
    """
    :return: *word* where it is one of *words*, else ``"other"``.
    """
    return word if word in words else "other"


class Metrics:
    """
    The numbers of one daemon.

    :ivar registry: what the metrics site serves.
    :ivar deeds: the listeners for the hub, by the kind of event that each counts.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("hmacfs_build", "What runs here.", registry=registry).info(
            {
                "version": __version__,
                "python": platform.python_version(),
                "twisted": twisted_version,
            }
        )

        def counter(name: str, says: str, *labels: str) -> Tally:
            return Tally(f"hmacfs_{name}", says, labels, registry)

        def gauge(name: str, says: str, *labels: str) -> Gauge:
            return Gauge(f"hmacfs_{name}", says, labels, registry=registry)

        def histogram(name: str, says: str, *labels: str) -> Distribution:
            return Distribution(f"hmacfs_{name}", says, labels, SECONDS, registry)

        self._connections = counter("connections", "Connections that were accepted.").of()
        self._open = 0
        gauge("connections_open", "Connections that are open.").set_function(lambda: self._open)
        self._requests = counter("requests", "Requests that were answered.", "method", "status")
        self._requests_failed = counter(
            "requests_failed", "Requests that ended before their answer did.", "method", "reason"
        )
        self._request_seconds = histogram(
            "request_duration_seconds", "From the whole head to the end of the answer.", "method"
        )
        self._refusals = counter("refusals", "Requests that were answered with an error.", "code")
        self._received = counter("received_bytes", "Bytes of request bodies that came in.").of()
        self._sent = counter("sent_bytes", "Bytes of answers' bodies that went out.").of()

        self._uploads_started = counter("uploads_started", "Uploads that were admitted.", "dialect")
        self._uploads_completed = counter(
            "uploads_completed", "Uploads that were acknowledged.", "result"
        )
        self._uploads_suspended = counter(
            "uploads_suspended", "Uploads that stopped and kept their part.", "reason"
        )
        self._uploads_resumed = counter("uploads_resumed", "Uploads that went on.").of()
        self._uploads_expired = counter(
            "uploads_expired", "Uploads that nobody went on with, and that were removed."
        ).of()
        self._uploads_waiting = gauge("uploads_waiting", "Uploads that may be gone on with.")
        self._uploads_failed = counter(
            "uploads_failed", "Admitted uploads that ended without a file.", "reason"
        )
        self._uploads_refused = counter(
            "uploads_refused", "Uploads that were not admitted.", "code"
        )
        self._upload_seconds = histogram(
            "upload_duration_seconds", "From the admission of an upload to its acknowledgement."
        ).of()
        self._downloads_started = counter("downloads_started", "Downloads whose body began.").of()
        self._downloads_completed = counter(
            "downloads_completed", "Downloads that went out whole."
        ).of()
        self._downloads_failed = counter(
            "downloads_failed", "Downloads that ended early.", "reason"
        )
        self._download_seconds = histogram(
            "download_duration_seconds", "From the first to the last byte of a download."
        ).of()
        transfers = gauge("transfers", "Transfers that are under way.", "direction")
        self._uploads = self._downloads = 0
        transfers.labels("upload").set_function(lambda: self._uploads)
        transfers.labels("download").set_function(lambda: self._downloads)
        # What there is to count with for each answer, found at one look.
        self._answered: dict[tuple[str, int], tuple[Count, Spread]] = {}

        self._store_bytes = gauge("store_bytes", "Bytes of the files that are stored.")
        self._store_files = gauge("store_files", "Files that are stored.")
        self._store_free = gauge("store_free_bytes", "Bytes that uploads may still take.")
        self._lag = Distribution(
            "hmacfs_reactor_lag_seconds",
            "How much later than asked for the reactor called.",
            (),
            LAG_SECONDS,
            registry,
        ).of()

        self.deeds: dict[type[events.Event], Callable[[Any], None]] = {
            events.ConnectionOpened: self._connection_opened,
            events.ConnectionClosed: self._connection_closed,
            events.RequestCompleted: self._request_completed,
            events.RequestFailed: self._request_failed,
            events.UploadStarted: self._upload_started,
            events.UploadCompleted: self._upload_completed,
            events.UploadSuspended: self._upload_suspended,
            events.UploadResumed: self._upload_resumed,
            events.UploadExpired: self._upload_expired,
            events.UploadFailed: self._upload_failed,
            events.UploadRefused: self._upload_refused,
            events.DownloadStarted: self._download_started,
            events.DownloadCompleted: self._download_completed,
            events.DownloadFailed: self._download_failed,
        }

    def lagged(self, seconds: float) -> None:
        """
        :param seconds: how much later than asked for the reactor called.
        """
        self._lag.add(seconds)

    def measured(self, figures: Figures) -> None:
        """
        :param figures: what the store holds now.
        """
        self._store_bytes.set(figures.size)
        self._store_files.set(figures.files)
        self._store_free.set(figures.free)

    def watch(self, waiting: Callable[[], int]) -> None:
        """
        :param waiting: tells how many uploads may be gone on with, at each
            scrape: it costs little, and an operator who has just cut one looks.
        """
        self._uploads_waiting.set_function(waiting)

    def _connection_opened(self, event: events.ConnectionOpened) -> None:
        self._connections.number += 1
        self._open += 1

    def _connection_closed(self, event: events.ConnectionClosed) -> None:
        self._open -= 1

    def _request_completed(self, event: events.RequestCompleted) -> None:
        answered = self._answered.get((event.method, event.status))
        if answered is None:
            method = known(event.method, METHODS)
            answered = (
                self._requests.of(method, str(event.status)),
                self._request_seconds.of(method),
            )
            if method == event.method:
                self._answered[event.method, event.status] = answered
        requests, seconds = answered
        requests.number += 1
        seconds.add(event.duration)
        if event.code:
            self._refusals.of(known(event.code, CODES)).number += 1
        self._received.number += event.received
        self._sent.number += event.sent

    def _request_failed(self, event: events.RequestFailed) -> None:
        method = known(event.method, METHODS)
        self._requests_failed.of(method, known(event.reason, REASONS)).number += 1
        self._received.number += event.received
        self._sent.number += event.sent

    def _upload_started(self, event: events.UploadStarted) -> None:
        self._uploads_started.of(known(event.dialect, DIALECTS)).number += 1
        self._uploads += 1

    def _upload_completed(self, event: events.UploadCompleted) -> None:
        self._uploads_completed.of("repeated" if event.repeated else "stored").number += 1
        self._upload_seconds.add(event.duration)
        self._uploads -= 1

    def _upload_suspended(self, event: events.UploadSuspended) -> None:
        self._uploads_suspended.of(known(event.reason, REASONS)).number += 1
        self._uploads -= 1

    def _upload_resumed(self, event: events.UploadResumed) -> None:
        self._uploads_resumed.number += 1
        self._uploads += 1

    def _upload_expired(self, event: events.UploadExpired) -> None:
        self._uploads_expired.number += 1

    def _upload_failed(self, event: events.UploadFailed) -> None:
        self._uploads_failed.of(known(event.reason, REASONS)).number += 1
        self._uploads -= 1

    def _upload_refused(self, event: events.UploadRefused) -> None:
        self._uploads_refused.of(known(event.code, CODES)).number += 1

    def _download_started(self, event: events.DownloadStarted) -> None:
        self._downloads_started.number += 1
        self._downloads += 1

    def _download_completed(self, event: events.DownloadCompleted) -> None:
        self._downloads_completed.number += 1
        self._download_seconds.add(event.duration)
        self._downloads -= 1

    def _download_failed(self, event: events.DownloadFailed) -> None:
        self._downloads_failed.of(known(event.reason, REASONS)).number += 1
        self._downloads -= 1
