"""
Tests for :mod:`hmacfs.metrics`.
"""

from __future__ import annotations

import platform

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from twisted.copyright import version as twisted_version
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import __version__, events
from hmacfs.metrics import Metrics
from hmacfs.records import Figures

REQUEST = {"request": "r1", "connection": 1, "client": "192.0.2.1"}

ASKED = events.RequestCompleted(
    at=0.0,
    **REQUEST,
    method="PUT",
    path="/uploads/a.txt",
    status=201,
    code="",
    received=1000,
    sent=20,
    duration=0.5,
    agent="curl/8.5",
)
BROKEN = events.RequestFailed(
    at=0.0,
    **REQUEST,
    method="GET",
    path="/uploads/a.txt",
    status=200,
    reason="disconnected",
    received=0,
    sent=7,
    duration=0.5,
)
STARTED = events.UploadStarted(at=0.0, request="r1", name="a.txt", size=1000, dialect="v")
STORED = events.UploadCompleted(
    at=1.0, request="r1", name="a.txt", size=1000, duration=1.0, repeated=False, owner=None
)
FETCHING = events.DownloadStarted(at=0.0, request="r2", name="a.txt")


class MetricsTests(SynchronousTestCase):
    """
    The numbers say what the events said.
    """

    def setUp(self) -> None:
        self.metrics = Metrics()

    def told(self, *happened: events.Event) -> dict[str, float]:
        """
        :return: what has changed since :class:`Metrics` was made, once it has
            heard of *happened*: values by the name of their series, without
            the times at which series were made and without the buckets.
        """
        before = self.samples()
        for event in happened:
            deed = self.metrics.deeds.get(type(event))
            if deed is not None:
                deed(event)
        return {
            series: value for series, value in self.samples().items() if before.get(series) != value
        }

    def samples(self) -> dict[str, float]:
        found = {}
        text = generate_latest(self.metrics.registry).decode()
        for family in text_string_to_metric_families(text):
            if family.name.startswith("hmacfs_") and not family.name.endswith("_created"):
                for sample in family.samples:
                    labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
                    name = sample.name.removeprefix("hmacfs_")
                    if not name.endswith("_bucket"):
                        found[f"{name}{{{labels}}}" if labels else name] = sample.value
        return found

    def test_request(self) -> None:
        """
        A request counts by its method and status, with its bytes and its time.
        """
        self.assertEqual(
            self.told(ASKED),
            {
                "requests_total{method=PUT,status=201}": 1,
                "request_duration_seconds_count{method=PUT}": 1,
                "request_duration_seconds_sum{method=PUT}": 0.5,
                "received_bytes_total": 1000,
                "sent_bytes_total": 20,
            },
        )

    def test_refusal(self) -> None:
        """
        An error counts by its code as well.
        """
        told = self.told(attrs.evolve(ASKED, status=413, code="too-large"))
        self.assertEqual(
            {
                series: value
                for series, value in told.items()
                if "413" in series or "code" in series
            },
            {"requests_total{method=PUT,status=413}": 1, "refusals_total{code=too-large}": 1},
        )

    def test_broken_request(self) -> None:
        """
        A request whose client went away counts by the reason, and its bytes count.
        """
        self.assertEqual(
            self.told(BROKEN),
            {"requests_failed_total{method=GET,reason=disconnected}": 1, "sent_bytes_total": 7},
        )

    def test_connections(self) -> None:
        """
        Connections count when they open, and the open ones are known.
        """
        opened = events.ConnectionOpened(at=0.0, connection=1, peer="unix")
        closed = events.ConnectionClosed(at=9.0, connection=1, peer="unix", duration=9.0)
        self.assertEqual(
            self.told(opened, attrs.evolve(opened, connection=2), closed),
            {"connections_total": 2, "connections_open": 1},
        )

    def test_upload_under_way(self) -> None:
        """
        An upload counts when it is admitted, and is under way until it ends.
        """
        self.assertEqual(
            self.told(STARTED),
            {"uploads_started_total{dialect=v}": 1, "transfers{direction=upload}": 1},
        )

    def test_upload_stored(self) -> None:
        """
        An upload that is acknowledged counts, with its time.
        """
        self.assertEqual(
            self.told(STARTED, STORED),
            {
                "uploads_started_total{dialect=v}": 1,
                "uploads_completed_total{result=stored}": 1,
                "upload_duration_seconds_count": 1,
                "upload_duration_seconds_sum": 1,
            },
        )

    def test_upload_repeated(self) -> None:
        """
        An upload of bytes that stood there already counts as such.
        """
        told = self.told(STARTED, attrs.evolve(STORED, repeated=True))
        self.assertEqual(told["uploads_completed_total{result=repeated}"], 1)

    def test_upload_ends_otherwise(self) -> None:
        """
        Uploads that are suspended or fail count by the reason, and are no longer under way.
        """
        suspended = events.UploadSuspended(
            at=1.0, request="r1", name="a.txt", offset=10, reason="shutting-down"
        )
        failed = events.UploadFailed(at=1.0, request="r1", name="a.txt", reason="wrong-length")
        self.assertEqual(
            self.told(STARTED, suspended, STARTED, failed),
            {
                "uploads_started_total{dialect=v}": 2,
                "uploads_suspended_total{reason=shutting-down}": 1,
                "uploads_failed_total{reason=wrong-length}": 1,
            },
        )

    def test_upload_goes_on(self) -> None:
        """
        An upload that goes on counts, and is under way again.
        """
        suspended = events.UploadSuspended(
            at=1.0, request="r1", name="a.txt", offset=10, reason="unfinished"
        )
        resumed = events.UploadResumed(at=2.0, request="r2", name="a.txt", offset=10)
        self.assertEqual(
            self.told(STARTED, suspended, resumed),
            {
                "uploads_started_total{dialect=v}": 1,
                "uploads_suspended_total{reason=unfinished}": 1,
                "uploads_resumed_total": 1,
                "transfers{direction=upload}": 1,
            },
        )

    def test_upload_expired(self) -> None:
        """
        An upload that waited too long counts.
        """
        expired = events.UploadExpired(at=1.0, id="0" * 32, name="a.txt")
        self.assertEqual(self.told(expired), {"uploads_expired_total": 1})

    def test_upload_refused(self) -> None:
        """
        An upload that is not admitted counts by the code.
        """
        refused = events.UploadRefused(
            at=0.0, request="r1", status=403, code="bad-signature", hint="v over a.txt"
        )
        self.assertEqual(self.told(refused), {"uploads_refused_total{code=bad-signature}": 1})

    def test_download(self) -> None:
        """
        Downloads count when they start, when they end and when they break.
        """
        whole = events.DownloadCompleted(at=1.0, request="r2", name="a.txt", sent=9, duration=2.0)
        broken = events.DownloadFailed(
            at=1.0, request="r2", name="a.txt", sent=1, reason="too-slow"
        )
        self.assertEqual(
            self.told(FETCHING, whole, FETCHING, broken, FETCHING),
            {
                "downloads_started_total": 3,
                "downloads_completed_total": 1,
                "downloads_failed_total{reason=too-slow}": 1,
                "download_duration_seconds_count": 1,
                "download_duration_seconds_sum": 2,
                "transfers{direction=download}": 1,
            },
        )

    def test_readings(self) -> None:
        """
        What is measured is told as it was measured last, the lag as a distribution.
        """
        before = self.samples()
        self.metrics.measured(Figures(files=3, size=4096, free=10**9))
        self.metrics.watch(lambda: 5)
        self.metrics.lagged(0.25)
        self.assertEqual(
            {series: value for series, value in self.samples().items() if before[series] != value},
            {
                "store_files": 3,
                "store_bytes": 4096,
                "store_free_bytes": 10**9,
                "uploads_waiting": 5,
                "reactor_lag_seconds_count": 1,
                "reactor_lag_seconds_sum": 0.25,
            },
        )

    def test_waiting(self) -> None:
        """
        How many uploads wait is told as it is at the scrape.
        """
        waiting: list[str] = []
        self.metrics.watch(lambda: len(waiting))
        waiting.append("one")
        self.assertEqual(self.samples()["uploads_waiting"], 1)
        waiting.clear()
        self.assertEqual(self.samples()["uploads_waiting"], 0)

    def test_not_counted(self) -> None:
        """
        Events that no number is made of change nothing.
        """
        received = events.RequestReceived(at=0.0, **REQUEST, method="GET", path="/")
        self.assertEqual(self.told(received, events.ShutdownStarted(at=0.0, transfers=1)), {})

    def test_build(self) -> None:
        """
        The versions of what runs are told.
        """
        python = platform.python_version()
        series = f"build_info{{python={python},twisted={twisted_version},version={__version__}}}"
        self.assertEqual(self.samples()[series], 1)

    def test_process(self) -> None:
        """
        Processor, memory and descriptors of the process are told.
        """
        text = generate_latest(self.metrics.registry).decode()
        names = {family.name for family in text_string_to_metric_families(text)}
        self.assertLessEqual(
            {"process_cpu_seconds", "process_resident_memory_bytes", "process_open_fds"}, names
        )

    def test_own_registry(self) -> None:
        """
        Two daemons in one process do not add to each other's numbers.
        """
        other = Metrics()
        other.deeds[type(ASKED)](ASKED)
        self.assertEqual(self.told(), {})


class LabelTests(SynchronousTestCase):
    """
    A client can make no series of its own.
    """

    @settings(max_examples=50, deadline=None)
    @given(st.text(max_size=20), st.text(max_size=20))
    def test_of_clients(self, word: str, other: str) -> None:
        """
        Whatever words come in, the labels are words that we know.
        """
        metrics = Metrics()
        for event in (
            attrs.evolve(ASKED, method=f"X{word}", path=other, code=f"X{other}", agent=word),
            attrs.evolve(BROKEN, method=f"X{word}", path=other, reason=f"X{other}"),
            attrs.evolve(STARTED, name=word, dialect=f"X{other}"),
            attrs.evolve(FETCHING, name=word),
        ):
            deed = metrics.deeds.get(type(event))
            if deed is not None:
                deed(event)
        samples = [
            sample
            for family in metrics.registry.collect()
            for sample in family.samples
            if family.name.startswith("hmacfs_") and family.name != "hmacfs_build"
        ]
        labels = {(key, value) for sample in samples for key, value in sample.labels.items()}
        self.assertEqual(
            {(key, value) for key, value in labels if key != "le"},
            {
                ("code", "other"),
                ("dialect", "other"),
                ("direction", "download"),
                ("direction", "upload"),
                ("method", "other"),
                ("reason", "other"),
                ("status", "201"),
            },
        )
