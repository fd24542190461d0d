"""
Tests for :mod:`bench.lines`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.lines import BYTES, ONE_BY_ONE, REQUESTS, Line, Load, Verdict


class VerdictTests(SynchronousTestCase):
    """
    A bound is met by the worse end of the interval, an aim by the median.
    """

    def test_least(self) -> None:
        """
        What is to be large is judged by its lower end.
        """
        verdicts = [Verdict("ratio", 1.3, low, 9.0, least=1.2, aim=1.3) for low in (1.1, 1.2)]
        told = [(verdict.judged, verdict.met, verdict.reached) for verdict in verdicts]
        self.assertEqual(told, [(True, False, True), (True, True, True)])

    def test_most(self) -> None:
        """
        What is to be small is judged by its upper end.
        """
        verdicts = [Verdict("ratio", 1.05, 0.1, high, most=1.1, aim=1.0) for high in (1.1, 1.2)]
        told = [(verdict.judged, verdict.met, verdict.reached) for verdict in verdicts]
        self.assertEqual(told, [(True, True, False), (True, False, False)])

    def test_free(self) -> None:
        """
        What has no bound meets it.
        """
        verdict = Verdict.plain("figure", 3.0, "MB")
        self.assertEqual((verdict.judged, verdict.met, verdict.reached), (False, True, True))

    def test_unjudged(self) -> None:
        """
        Where times say nothing, nothing is promised.
        """
        verdict = Verdict("ratio", 1.0, 0.9, 1.1, least=2.0, aim=3.0)
        line = Line("work", "section", verdicts=(verdict,)).unjudged()
        self.assertEqual(line.verdicts, (Verdict("ratio", 1.0, 0.9, 1.1),))


class UnitTests(SynchronousTestCase):
    """
    A load is told as a speed, and what it cost for so much.
    """

    def test_units(self) -> None:
        """
        Bytes are told in megabytes a second, requests by their number or by the time of one.
        """
        load = Load(2**30, 2.0)
        self.assertEqual((BYTES.value(load), BYTES.cost(load, 0.5)), (536.870912, 0.5))
        load = Load(4000, 2.0)
        self.assertEqual((REQUESTS.value(load), REQUESTS.cost(load, 1.0)), (2000.0, 0.25))
        self.assertEqual(ONE_BY_ONE.value(load), 0.5)
