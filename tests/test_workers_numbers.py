"""
Tests for :mod:`hmacfs.workers.numbers`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.workers.numbers import Growth, Numbers, Sum


class Process:
    """
    What one process counts.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sent = Counter("sent", "x", ["to"], registry=self.registry)
        self.open = Gauge("open", "x", registry=self.registry)
        self.took = Histogram("took", "x", registry=self.registry, buckets=[1, 2])
        self.growth = Growth(self.registry)

    def told(self) -> Numbers:
        return Numbers(*self.growth.take())


class NumbersTests(SynchronousTestCase):
    """
    The numbers of all processes are added up, and none is counted twice.
    """

    def setUp(self) -> None:
        self.own, self.one, self.two = Process(), Process(), Process()
        self.sum = Sum(self.own.registry)

    def told(self) -> dict[str, float]:
        """
        :return: what is scraped, but for what says when it was begun.
        """
        registry = CollectorRegistry()
        registry.register(self.sum)
        lines = generate_latest(registry).decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs if "_created" not in name}

    def tell(self) -> None:
        self.sum.add(1, self.one.told())
        self.sum.add(2, self.two.told())

    def test_sums(self) -> None:
        """
        Counters, histograms and states are sums; labels that one has are all there.
        """
        self.own.sent.labels("a").inc(1)
        self.one.sent.labels("a").inc(2)
        self.two.sent.labels("b").inc(4)
        self.one.open.set(3)
        self.two.open.set(5)
        self.one.took.observe(0.5)
        self.two.took.observe(1.5)
        self.tell()
        self.assertEqual(
            self.told(),
            {
                'sent_total{to="a"}': 3.0,
                'sent_total{to="b"}': 4.0,
                "open": 8.0,
                'took_bucket{le="1.0"}': 1.0,
                'took_bucket{le="2.0"}': 2.0,
                'took_bucket{le="+Inf"}': 2.0,
                "took_count": 2.0,
                "took_sum": 2.0,
            },
        )

    def test_again(self) -> None:
        """
        What was told once is not told again.
        """
        self.one.sent.labels("a").inc(2)
        self.tell()
        self.tell()
        self.one.sent.labels("a").inc(1)
        self.tell()
        self.assertEqual(self.told()['sent_total{to="a"}'], 3.0)

    def test_dead(self) -> None:
        """
        Behind a death what was counted stays, and what was open is not any more.
        """
        self.one.sent.labels("a").inc(2)
        self.one.open.set(3)
        self.tell()
        self.sum.forget(1)
        self.one = Process()
        self.one.sent.labels("a").inc(1)
        self.one.open.set(1)
        self.tell()
        told = self.told()
        self.assertEqual((told['sent_total{to="a"}'], told["open"]), (3.0, 1.0))
