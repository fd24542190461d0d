"""
Tests for :mod:`bench.ratios`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.ratios import Ratio, rank, ratio


class RatioTests(SynchronousTestCase):
    """
    A ratio is told with what it is at least.
    """

    def test_ranks(self) -> None:
        """
        The bounds are those of the tables of the sign test.
        """
        known = {1: 1, 5: 1, 6: 1, 8: 1, 9: 2, 10: 2, 12: 3, 15: 4, 20: 6, 50: 18}
        self.assertEqual({count: rank(count) + 1 for count in known}, known)

    def test_rounds(self) -> None:
        """
        Each round is compared with itself.
        """
        theirs = [float(n) for n in range(1, 11)]
        ours = [other * times for other, times in zip(theirs, range(10, 0, -1), strict=True)]
        self.assertEqual(ratio(ours, theirs), Ratio(median=5.5, least=2.0, most=9.0))
