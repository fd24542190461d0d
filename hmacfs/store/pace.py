"""
Whether the disk is quick enough to be waited for.

What the kernel does in memory, and the disk later, takes some microseconds; a
thread costs more than that.  But nobody promises it: where too much waits to be
written, or a journal is full, the same calls stand still.  So each is measured,
and behind a slow one the threads do the work for a while, twice as long each
time that the next trial is slow as well.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")

SLOW = 0.010
"""Seconds that the reactor's thread stands still at most, but for the last time."""

SHORTEST = 1.0
"""Seconds that the disk is not waited for behind the first slow call."""

LONGEST = 64.0


class Pace:
    """
    The pace of one disk.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        """
        :param now: tells the time, in seconds from any moment on.
        """
        self._now = now
        self._rest = 0.0
        self._until = now()

    @property
    def quick(self) -> bool:
        """Whether to wait for it."""
        return self._now() >= self._until

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """
        Call *function*, and measure it.
        """
        began = self._now()
        try:
            return function(*args)
        finally:
            ended = self._now()
            if ended - began > SLOW:
                self._rest = min(LONGEST, self._rest * 2 or SHORTEST)
                self._until = ended + self._rest
            else:
                self._rest = 0.0
