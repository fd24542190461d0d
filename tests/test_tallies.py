"""
Tests for :mod:`hmacfs.tallies`.
"""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    enable_created_metrics,
    generate_latest,
)
from prometheus_client.openmetrics import exposition as openmetrics
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.tallies import Distribution, Tally

BOUNDS = (0.005, 0.5, 1, 30)


def told(registry: CollectorRegistry) -> tuple[str, str]:
    """
    :return: the numbers in both formats, but for when their series began.
    """
    texts = generate_latest(registry), openmetrics.generate_latest(registry)
    plain, open = (
        re.sub(r"(_created(?:\{.*\})?) \S+", r"\1 then", text.decode()) for text in texts
    )
    return plain, open


class SameTests(SynchronousTestCase):
    """
    A scrape finds what it would find of counters and histograms of ``prometheus_client``.
    """

    def setUp(self) -> None:
        self.ours, self.theirs = CollectorRegistry(), CollectorRegistry()

    @settings(max_examples=50, deadline=None)
    @given(
        st.lists(st.tuples(st.sampled_from(["a", 'b"\n', "\xe9"]), st.integers(0, 2**40))),
        st.lists(
            st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(BOUNDS) | st.floats(0, 100))
        ),
    )
    def test_any(self, counted: list[tuple[str, int]], timed: list[tuple[str, float]]) -> None:
        """
        Whatever is counted, the series are the same in both formats.
        """
        ours, theirs = CollectorRegistry(), CollectorRegistry()
        one = Tally("cats", "Cats, by colour.", ["colour"], ours)
        other = Counter("cats", "Cats, by colour.", ["colour"], registry=theirs)
        spread = Distribution("naps_seconds", "How long.", ["of"], BOUNDS, ours)
        histogram = Histogram("naps_seconds", "How long.", ["of"], registry=theirs, buckets=BOUNDS)
        for label, number in counted:
            one.of(label).number += number
            other.labels(label).inc(number)
        for label, seconds in timed:
            spread.of(label).add(seconds)
            histogram.labels(label).observe(seconds)
        self.assertEqual(told(ours), told(theirs))

    def begin(self) -> None:
        Tally("cats", "Cats.", (), self.ours)
        Counter("cats", "Cats.", registry=self.theirs)
        Distribution("naps_seconds", "How long.", (), BOUNDS, self.ours)
        Histogram("naps_seconds", "How long.", registry=self.theirs, buckets=BOUNDS)

    def test_no_labels(self) -> None:
        """
        Without labels there is a series before anything was counted.
        """
        self.begin()
        self.assertEqual(told(self.ours), told(self.theirs))
        self.assertIn("cats_total 0.0\n", told(self.ours)[0])

    def test_without_beginnings(self) -> None:
        """
        Who does not want to know when a series began is not told.
        """
        disable_created_metrics()
        self.addCleanup(enable_created_metrics)
        self.begin()
        self.assertEqual(told(self.ours), told(self.theirs))
        self.assertNotIn("_created", "".join(told(self.ours)))

    def test_one_name(self) -> None:
        """
        No two counters have one name.
        """
        self.begin()
        self.assertRaises(ValueError, Tally, "cats", "Cats.", (), self.ours)
        self.assertRaises(ValueError, Counter, "naps_seconds_count", "N.", registry=self.ours)
