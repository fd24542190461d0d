"""
One at a time at a name, where several things are to be done to it one after
the other, in threads and in the index.

The lock of a name, which is a lock on the disk, is held for one of them alone:
see :mod:`hmacfs.store.locks`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock, inlineCallbacks

T = TypeVar("T")


class Turns:
    """
    Who removes, restores or brings back has his turn; uploads need none.
    """

    def __init__(self) -> None:
        self._locks: dict[str, DeferredLock] = {}

    @inlineCallbacks
    def run(
        self, names: Iterable[str], function: Callable[..., Deferred[T]], *args: Any
    ) -> Generator[Deferred[Any], Any, T]:
        """
        Call *function* when nobody else is at any of *names*.

        :return: fires with what it gave.
        """
        taken: list[str] = []
        try:
            # In order, so that no two wait for each other.
            for name in sorted(set(names)):
                yield self._locks.setdefault(name, DeferredLock()).acquire()
                taken.append(name)
            result: T = yield function(*args)
        finally:
            for name in taken:
                lock = self._locks[name]
                lock.release()
                if not lock.locked:
                    del self._locks[name]
        return result
