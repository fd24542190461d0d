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

from hmacfs.store.troubles import full


class Space:
    """
    The room of one store.

    :ivar promised: bytes that uploads under way may still write.
    """

    def __init__(self, free: Callable[[], int], kept_back: int) -> None:
        """
        :param free: tells what the file system has.
        :param kept_back: ``MinFreeSpace``, bytes.
        """
        self.promised = 0
        self._free = free
        self._kept_back = kept_back

    def left(self) -> int:
        """
        :return: bytes that one more upload could be promised.
        """
        return max(0, self._free() - self._kept_back - self.promised)


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
        if size > self._space.left() + self._size:
            raise full()
        self.need(size)

    def need(self, size: int) -> None:
        """
        Need *size* bytes from now on: some were written, or given back.
        """
        self._space.promised += size - self._size
        self._size = size
