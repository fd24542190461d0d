"""
How much room there is, counted honestly.

What the file system has free is not ours to give away: the operator keeps
some of it back, and uploads under way were promised theirs before they wrote a
byte.  Parts are never preallocated, so the promises are counted here.

A suspended upload has the room that its bytes take and is promised no more:
else those that nobody ever goes on with would keep others out for a day.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic

from hmacfs.commons import Commons
from hmacfs.store.troubles import full

PLENTY = 2**30
"""Bytes that nobody writes, nor is promised, within :data:`MOMENT`, but a single one."""

MOMENT = 0.1
"""Seconds."""


class Space:
    """
    The room of one store.
    """

    def __init__(self, free: Callable[[], int], kept_back: int) -> None:
        """
        :param free: tells what the file system has.
        :param kept_back: ``MinFreeSpace``, bytes.
        """
        self._free = free
        self._kept_back = kept_back
        self._own = 0

    @property
    def promised(self) -> int:
        """Bytes that uploads under way may still write."""
        return self._own

    def left(self) -> int:
        """
        :return: bytes that one more upload could be promised.
        """
        return max(0, self._free() - self._kept_back - self.promised)

    def ask(self, more: int) -> None:
        """
        Promise *more* bytes.

        :raise NoSpace: there are less.
        """
        if more > self.left():
            raise full()
        self.need(more)

    def need(self, more: int) -> None:
        """
        Count *more* bytes as promised, less where that is negative.
        """
        self._own += more


class CommonSpace(Space):
    """
    The room of one store, for one of the processes that write there.
    """

    def __init__(self, free: Callable[[], int], kept_back: int, commons: Commons) -> None:
        super().__init__(free, kept_back)
        self._commons = commons

    @property
    def promised(self) -> int:
        """See :attr:`Space.promised`: those of all of them."""
        return self._commons.promised

    def ask(self, more: int) -> None:
        """See :meth:`Space.ask`."""
        with self._commons.promising():
            super().ask(more)

    def need(self, more: int) -> None:
        """See :meth:`Space.need`."""
        super().need(more)
        self._commons.promise(self._own)


class Glance:
    """
    The room of one store, as it was a moment ago: a small file costs less than
    to ask the file system, as long as there is plenty.
    """

    def __init__(self, space: Space, now: Callable[[], float] = monotonic) -> None:
        """
        :param now: tells the time, in seconds from any moment on; never set back.
        """
        self._space = space
        self._now = now
        self._left = 0
        self._until = -inf

    def has(self, size: int) -> bool:
        """
        :return: whether *size* bytes may be written now.
        """
        now = self._now()
        if self._left < PLENTY or now >= self._until:
            self._left, self._until = self._space.left(), now + MOMENT
        return size <= self._left


class Promise:
    """
    What one upload may still write.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._size = 0

    def ask(self, size: int) -> None:
        """
        Be promised *size* bytes, in place of what was promised before.

        :raise NoSpace: there is less; the former promise stands.
        """
        self._space.ask(size - self._size)
        self._size = size

    def need(self, size: int) -> None:
        """
        Need *size* bytes from now on: some were written, or given back.
        """
        self._space.need(size - self._size)
        self._size = size
