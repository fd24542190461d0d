"""
How many workers there should be, and when one that died is replaced.

Pure: what was measured comes in, the decision goes out.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

BUSY = 0.75
"""Of a processor, by the average worker: more of them would be of use."""

IDLE = 0.35
"""Of a processor, by each of one less: one of them is of no use."""

LATE = 0.05
"""Seconds of lag: somebody waits, however little the processors have to do."""

LONGEST = 30.0
"""Seconds until a worker is replaced, however often it died."""

SETTLED = 60.0
"""Seconds that a worker has to live for its deaths to be forgotten."""


@attrs.frozen
class Load:
    """
    What one worker did in the time that is looked at.

    :ivar busy: of a processor, 0 to 1 mostly: its threads count too.
    :ivar lag: seconds, at most.
    """

    busy: float
    lag: float


def wanted(loads: Sequence[Load], least: int, most: int, processors: float) -> int:
    """
    :param loads: of the workers that serve, at least one.
    :param least: ``MinWorkers``.
    :param most: ``MaxWorkers``; no more than *processors* are of any use.
    :param processors: those that this daemon may use.
    :return: how many workers there should be: one more or one less at a time,
        unless the bounds are others by now.
    """
    now, busy = len(loads), sum(load.busy for load in loads)
    top = max(least, min(most, max(1, round(processors))))
    if busy > BUSY * now or (busy > IDLE * now and any(load.lag > LATE for load in loads)):
        now += 1
    elif now > 1 and busy < IDLE * (now - 1):
        now -= 1
    return max(least, min(now, top))


def pause(deaths: int, serving: int) -> float:
    """
    :param deaths: how often a worker died young here, this time not counted.
    :param serving: how many others serve.
    :return: seconds until it is replaced.
    """
    if not deaths:
        return 0.0
    seconds = min(LONGEST, 0.1 * 2.0 ** min(deaths - 1, 20))
    # Where nobody serves, clients wait for this one.
    return seconds if serving else min(seconds, 0.5)
