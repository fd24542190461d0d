"""
How much faster one server is than another, and how sure that is.

Rounds are interleaved, and each yields one ratio of two servers that were
measured one right after the other: what slows the machine down for a while
slows both.  The ratios' median is told, and its 95 % interval; the bounds are
order statistics, so that nothing is assumed of how they scatter.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import comb
from statistics import median

import attrs


@attrs.frozen
class Ratio:
    """
    :ivar median: of the ratios.
    :ivar least: the lower end of the median's two-sided 95 % interval; the
        smallest ratio where there are fewer than six.
    :ivar most: the upper end, likewise.
    """

    median: float
    least: float
    most: float


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """
    :param ours: a figure of each round.
    :param theirs: of the same rounds.
    """
    found = sorted(mine / other for mine, other in zip(ours, theirs, strict=True))
    end = rank(len(found))
    return Ratio(median(found), found[end], found[-1 - end])


def rank(count: int) -> int:
    """
    :return: the place of the bound among so many sorted values, from 0.
    """
    # Fewer than so many values lie below the median with 2.5 % at most: the
    # binomial distribution of a coin.
    below = accumulate(comb(count, under) / 2**count for under in range(count))
    return max(sum(1 for chance in below if chance <= 0.025) - 1, 0)


def percentile(values: Sequence[float], percent: float) -> float:
    """
    :return: what so many of a hundred did not pass.
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
