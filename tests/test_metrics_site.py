"""
Tests for :mod:`hmacfs.metrics_site`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.metrics_site import MetricsSite

PROMETHEUS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
WORDS = [
    "application/openmetrics-text",
    "text/plain",
    "version",
    "escaping",
    "allow-utf-8",
    "1.0.0",
]


class MetricsSiteTests(SynchronousTestCase):
    """
    The numbers are at ``/metrics``, in the format that was asked for.
    """

    def setUp(self) -> None:
        registry = CollectorRegistry()
        Counter("cats", "Cats that were seen.", registry=registry).inc(3)
        self.site = MetricsSite(registry, Clock())

    def ask(self, head: str, accept: str | None = None) -> tuple[bytes, dict[str, str], str]:
        """
        :return: the status line, the fields and the body of the answer.
        """
        transport = StringTransport()
        protocol = self.site.buildProtocol(transport.getPeer())
        protocol.makeConnection(transport)
        lines = [head, "Host: metrics", *([] if accept is None else [f"Accept: {accept}"]), "", ""]
        protocol.dataReceived("\r\n".join(lines).encode())
        top, _, body = transport.value().partition(b"\r\n\r\n")
        status, *fields = top.decode("latin-1").split("\r\n")
        return status.encode(), dict(f.lower().split(": ", 1) for f in fields), body.decode()

    def test_refreshed(self) -> None:
        """
        Where several processes count, all are asked before it is answered.
        """
        registry, told = CollectorRegistry(), Deferred[None]()
        cats = Counter("cats", "Cats that were seen.", registry=registry)
        self.site = MetricsSite(registry, Clock(), lambda: told)
        transport = StringTransport()
        protocol = self.site.buildProtocol(transport.getPeer())
        protocol.makeConnection(transport)
        protocol.dataReceived(b"GET /metrics HTTP/1.1\r\nHost: metrics\r\n\r\n")
        self.assertEqual(transport.value(), b"")
        cats.inc(5)
        told.callback(None)
        top, _, body = transport.value().partition(b"\r\n\r\n")
        self.assertIn(b"cats_total 5.0", body)
        self.assertIn(b"Content-Length: %d\r\n" % len(body), top + b"\r\n")

    def test_gone(self) -> None:
        """
        Who does not wait for that is not answered.
        """
        told = Deferred[None]()
        self.site = MetricsSite(CollectorRegistry(), Clock(), lambda: told)
        transport = StringTransport()
        protocol = self.site.buildProtocol(transport.getPeer())
        protocol.makeConnection(transport)
        protocol.dataReceived(b"GET /metrics HTTP/1.1\r\nHost: metrics\r\n\r\n")
        protocol.connectionLost(Failure(ConnectionDone()))
        told.callback(None)
        self.assertEqual(transport.value(), b"")

    def test_plain(self) -> None:
        """
        Who asks for nothing gets the text format.
        """
        status, fields, body = self.ask("GET /metrics HTTP/1.1")
        self.assertEqual(
            (status, fields["content-type"], fields["cache-control"]),
            (b"HTTP/1.1 200 OK", "text/plain; version=0.0.4; charset=utf-8", "no-store"),
        )
        self.assertEqual([family.name for family in plain(body)], ["cats", "cats_created"])

    def test_openmetrics(self) -> None:
        """
        Prometheus gets the OpenMetrics that it asks for.
        """
        status, fields, body = self.ask("GET /metrics HTTP/1.1", PROMETHEUS)
        self.assertEqual(status, b"HTTP/1.1 200 OK")
        self.assertEqual(fields["content-type"].partition(";")[0], "application/openmetrics-text")
        self.assertEqual([family.name for family in openmetrics(body)], ["cats"])

    def test_head(self) -> None:
        """
        HEAD is answered without a body.
        """
        status, _, body = self.ask("HEAD /metrics HTTP/1.1")
        self.assertEqual((status, body), (b"HTTP/1.1 200 OK", ""))

    def test_pointer(self) -> None:
        """
        Who looks at the root is told where the numbers are.
        """
        status, _, body = self.ask("GET / HTTP/1.1")
        self.assertEqual(
            (status, body), (b"HTTP/1.1 200 OK", "The metrics of hmacfs are at /metrics.\n")
        )

    def test_nothing_else(self) -> None:
        """
        There are no other pages and no other methods.
        """
        self.assertEqual(self.ask("GET /uploads/a.txt HTTP/1.1")[0], b"HTTP/1.1 404 Not Found")
        self.assertEqual(
            self.ask("DELETE /metrics HTTP/1.1")[0], b"HTTP/1.1 405 Method Not Allowed"
        )

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.sampled_from([*WORDS, ";", "=", ",", " ", ".", "9", "a"])
            | st.text("aä.;=,", max_size=3)
        ).map("".join)
    )
    def test_any_accept(self, accept: str) -> None:
        """
        Whatever Accept says, there is an answer.
        """
        status, fields, _ = self.ask("GET /metrics HTTP/1.1", accept)
        self.assertEqual((status, "content-type" in fields), (b"HTTP/1.1 200 OK", True))
