"""
Whether the disk is quick enough to be waited for.

What the kernel does in memory, and the disk later, takes some microseconds; a
thread costs more than that.  But nobody promises it: where too much waits to be
written, or a journal is full, the same calls stand still.  So each is measured.
Where they stood still for long, or often, the threads do the work for a while:
twice as long each time that it was no better when it was tried again.

On a disk that others kept busy as well, 64 clients that stored files of 10 KB on
the spot, without a sync, held up everybody for half a second; in threads, for a
tenth.

That a call was slow may also be that somebody else had the processor, which
threads would not make better but worse.  Who waits for a disk sleeps, and the
system counts how often a thread has done so.  To ask for that costs more than
to look at a clock, so it is asked when a call was slow lately.
"""

from __future__ import annotations

from collections.abc import Callable
from resource import RUSAGE_THREAD, getrusage
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")

SLOW = 0.005
"""Seconds of a call that is counted."""

MOST = 0.030
"""Seconds that slow calls take together, at most."""

SHARE = 0.02
"""Of the time that goes by, how much they may take."""

SHORTEST = 2.0
"""Seconds that the disk is let be, the first time."""

LONGEST = 64.0

MEMORY = 60.0
"""
Seconds without a rest behind which the next one is the first again; and so
many it is asked behind a slow call whether those that follow have slept.
"""


def sleeps() -> int:
    """
    :return: how often this thread has slept, or waited for the interpreter.
    """
    return getrusage(RUSAGE_THREAD).ru_nvcsw


class Pace:
    """
    The pace of one disk.
    """

    def __init__(
        self, now: Callable[[], float] = monotonic, slept: Callable[[], int] = sleeps
    ) -> None:
        """
        :param now: tells the time, in seconds from any moment on.
        :param slept: as :func:`sleeps`.
        """
        self._now = now
        self._slept = slept
        self._until = self._looked = self._watched = now()
        self._stood = 0.0
        self._rest = 0.0

    @property
    def quick(self) -> bool:
        """Whether to wait for it."""
        return self._now() >= self._until

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """
        Call *function*, and measure it.
        """
        began = self._now()
        before = self._slept() if began < self._watched else None
        try:
            return function(*args)
        finally:
            ended = self._now()
            if ended - began > SLOW:
                # Of the first one it is not known.
                if before is not None and self._slept() != before:
                    self._count(ended - began, ended)
                self._watched = max(ended, self._until) + MEMORY

    def _count(self, seconds: float, now: float) -> None:
        forgiven = (now - self._looked) * SHARE
        self._stood = max(0.0, self._stood - forgiven) + seconds
        self._looked = now
        if self._stood > MOST:
            again = self._rest and now - self._until < MEMORY
            self._rest = min(LONGEST, self._rest * 2) if again else SHORTEST
            self._until, self._stood = now + self._rest, 0.0
