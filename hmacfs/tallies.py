"""
Counters and histograms that cost nearly nothing to count with.

Those of ``prometheus_client`` take a lock for each number, and a request counts
a dozen.  Here who counts adds to a plain number, and a scrape, which comes once
in many seconds, makes series of them: the same, to the last letter.

They are counted with in one thread; a scrape may be in any.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from time import time

from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Count:
    """
    One series of a counter.

    :ivar number: to be added to.
    """

    __slots__ = ("created", "number")

    def __init__(self) -> None:
        self.number, self.created = 0, time()


class Tally(Collector):
    """
    A counter.
    """

    def __init__(
        self, name: str, says: str, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        """
        :param labels: the names of its labels; without any there is one
            series, from the beginning.
        """
        self._name, self._says, self._labels = name, says, labels
        self._created = tells_created()
        self._counts: dict[tuple[str, ...], Count] = {}
        if not labels:
            self.of()
        registry.register(self)

    def of(self, *labels: str) -> Count:
        """
        :param labels: their values, in order.
        :return: the one count that has them.
        """
        if labels not in self._counts:
            self._counts[labels] = Count()
        return self._counts[labels]

    def describe(self) -> Iterable[Metric]:
        """
        :return: its name alone, by which the registry knows it.
        """
        return [CounterMetricFamily(self._name, self._says, labels=self._labels)]

    def collect(self) -> Iterable[Metric]:
        """See :class:`prometheus_client.registry.Collector`."""
        metric = CounterMetricFamily(self._name, self._says, labels=self._labels)
        for labels, count in list(self._counts.items()):
            metric.add_metric(labels, count.number, count.created if self._created else None)
        return [metric]


class Spread:
    """
    One series of a histogram.

    :ivar counts: how often there was a value in each bucket, what is past the
        last bound behind them.
    :ivar total: the sum of the values.
    """

    __slots__ = ("bounds", "counts", "created", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """
        :param bounds: of the buckets, what they include, ascending.
        """
        self.bounds, self.created = bounds, time()
        self.counts, self.total = [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """Count *value*."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Distribution(Collector):
    """
    A histogram.
    """

    def __init__(
        self,
        name: str,
        says: str,
        labels: Sequence[str],
        bounds: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        """
        :param labels: as of :class:`Tally`.
        :param bounds: as of :class:`Spread`, above nought.
        """
        self._name, self._says, self._labels, self._bounds = name, says, labels, bounds
        self._created = tells_created()
        self._spreads: dict[tuple[str, ...], Spread] = {}
        if not labels:
            self.of()
        registry.register(self)

    def of(self, *labels: str) -> Spread:
        """
        :param labels: as of :meth:`Tally.of`.
        :return: the one spread that has them.
        """
        if labels not in self._spreads:
            self._spreads[labels] = Spread(self._bounds)
        return self._spreads[labels]

    def describe(self) -> Iterable[Metric]:
        """
        :return: as :meth:`Tally.describe`.
        """
        return [HistogramMetricFamily(self._name, self._says, labels=self._labels)]

    def collect(self) -> Iterable[Metric]:
        """See :class:`prometheus_client.registry.Collector`."""
        metric = HistogramMetricFamily(self._name, self._says, labels=self._labels)
        ends = [floatToGoString(bound) for bound in (*self._bounds, float("inf"))]
        for labels, spread in list(self._spreads.items()):
            upto = accumulate(spread.counts)
            metric.add_metric(labels, list(zip(ends, upto, strict=True)), spread.total)
            if self._created:
                named = dict(zip(self._labels, labels, strict=True))
                metric.add_sample(f"{self._name}_created", named, spread.created)
        return [metric]


def tells_created() -> bool:
    """
    :return: whether it is told when a series began: an operator may have turned
        that off, by the environment.
    """
    (metric,) = Counter("any", "Any.", registry=None).collect()
    return any(sample.name == "any_created" for sample in metric.samples)
