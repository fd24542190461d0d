"""
What the processes of one daemon have in common: a piece of memory.

The supervisor makes it, and every worker inherits its descriptor.  What is
asked for at each upload stands here, so that no process need ask another one:
what was promised to uploads under way, at which names somebody is, which
folders are not synced yet, and which names may be buried.

A process writes in a place of its own wherever that is possible, and reads
those of the others; the supervisor clears the place of one that died.  What
has to be read and written as one is done under a lock of the file (``lockf``),
which the system takes back from the dead.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from mmap import mmap
from threading import Lock
from zlib import crc32

PLACES = 64
"""Processes at most, those that are about to end included."""

NAMES = 8192
"""Names are told apart by as many buckets; who shares one is asked in vain."""

FOLDERS = 4096
TOMBSTONES = 2**21

SPARE = 2
"""Connections that one process may have more than another one."""

# Where each thing begins; every number is aligned.
_STEP = 0
_TURN = 8
_PROMISES = 64
_OPEN = _PROMISES + 8 * PLACES
_FOLDERS = 4096
_NAMES = _FOLDERS + 2 * FOLDERS
_ROWS = _NAMES + 2 * PLACES * NAMES
_TOMBSTONES = _ROWS + 2 * PLACES * NAMES
SIZE = _TOMBSTONES + TOMBSTONES

_SPACE_LOCK, _TURN_LOCK, _FOLDER_LOCK = range(3)


class Commons:
    """
    The view that one process has of it.

    :ivar file: its descriptor.
    :ivar place: that of this process.
    :ivar tombstones: the bits of :class:`hmacfs.store.tombstones.Tombstones`.
    """

    def __init__(self, file: int, place: int) -> None:
        """
        :param file: to be kept open: to close any descriptor of it lets go of
            every lock.
        :param place: below :data:`PLACES`, and nobody else's.
        """
        self.file = file
        self.place = place
        self._memory = mmap(file, SIZE)
        whole = memoryview(self._memory)
        self._promises = whole[_PROMISES : _PROMISES + 8 * PLACES].cast("q")
        self._open = whole[_OPEN : _OPEN + 4 * PLACES].cast("I")
        self._folders = whole[_FOLDERS:_NAMES].cast("H")
        self._names = whole[_NAMES:_ROWS].cast("H")
        self._rows = whole[_ROWS:_TOMBSTONES].cast("H")
        self._counters = whole[:_PROMISES].cast("Q")
        self.tombstones = whole[_TOMBSTONES:]
        self._locks = [Lock(), Lock(), Lock()]

    @classmethod
    def make(cls) -> Commons:
        """
        :return: a new one, all of it zero, in the first place.
        """
        # Zeros that take no room until something is written.
        file = os.memfd_create("hmacfs", os.MFD_CLOEXEC)
        os.truncate(file, SIZE)
        return cls(file, 0)

    def clear(self, place: int) -> None:
        """
        Forget what a process that is no more had there.
        """
        self._promises[place] = 0
        self._open[place] = 0
        for each in range(place * NAMES, (place + 1) * NAMES):
            self._names[each] = 0
            self._rows[each] = 0

    # What was promised to uploads under way

    @property
    def promised(self) -> int:
        """Bytes, by all processes."""
        return sum(self._promises)

    def promise(self, size: int) -> None:
        """
        :param size: bytes that this process has promised.
        """
        self._promises[self.place] = size

    def promising(self) -> AbstractContextManager[None]:
        """
        :return: a context in which nobody else promises anything.
        """
        return self._held(_SPACE_LOCK)

    # How many connections are open

    def crowded(self, connections: int) -> bool:
        """
        :param connections: that this process has.
        :return: whether another one that accepts some has far fewer.
        """
        self._open[self.place] = connections + 1
        least = min((each for each in self._open.tolist() if each), default=0)
        return connections + 1 > least + SPARE

    # Who is at which name

    def enter(self, name: bytes) -> tuple[int, list[int]]:
        """
        Be at *name*, until as many times it is left.

        :return: a number, greater than that of everybody who came before, and
            the places of others who may be there.
        """
        bucket = crc32(name) % NAMES
        with self._held(_TURN_LOCK):
            self._counters[_TURN // 8] += 1
            number = self._counters[_TURN // 8]
            self._names[self.place * NAMES + bucket] += 1
            return number, self._others(bucket)

    def leave(self, name: bytes) -> None:
        """Be at *name* one time less."""
        self._names[self.place * NAMES + crc32(name) % NAMES] -= 1

    def others(self, name: bytes) -> list[int]:
        """
        :return: the places of others who may be at *name*.
        """
        return self._others(crc32(name) % NAMES)

    # Whose rows are on their way

    def owe(self, name: bytes) -> None:
        """This process has one more row of *name* to write."""
        self._rows[self.place * NAMES + crc32(name) % NAMES] += 1

    def settle(self, name: bytes) -> None:
        """It has one less."""
        self._rows[self.place * NAMES + crc32(name) % NAMES] -= 1

    def concerned(self, names: Iterable[bytes]) -> set[int]:
        """
        :return: the places of others who may be at one of *names*, or have a
            row of it to write.
        """
        found: set[int] = set()
        for bucket in {crc32(name) % NAMES for name in names}:
            for table in (self._names, self._rows):
                column = table[bucket::NAMES].tolist()
                found.update(place for place in range(PLACES) if column[place])
        return found - {self.place}

    # Which folders are made and not synced

    def folder(self, path: bytes, change: int) -> None:
        """
        :param change: 1 before a folder is made, -1 when it is synced.
        """
        bucket = crc32(path) % FOLDERS
        with self._held(_FOLDER_LOCK):
            # What processes left that died in between stays, and costs syncs.
            self._folders[bucket] = max(0, min(self._folders[bucket] + change, 65535))

    def unsynced(self, path: bytes) -> bool:
        """
        :return: whether a folder may be there that a power cut takes away.
        """
        return self._folders[crc32(path) % FOLDERS] != 0

    # Whether the bans are others than they were

    @property
    def step(self) -> int:
        """How often the bans were changed."""
        return self._counters[_STEP // 8]

    def stepped(self) -> None:
        """They were changed: to be called by one process only."""
        self._counters[_STEP // 8] += 1

    def _others(self, bucket: int) -> list[int]:
        column = self._names[bucket::NAMES].tolist()
        return [place for place in range(PLACES) if column[place] and place != self.place]

    @contextmanager
    def _held(self, which: int) -> Iterator[None]:
        # The lock of the file holds between processes, not between threads.
        with self._locks[which]:
            fcntl.lockf(self.file, fcntl.LOCK_EX, 1, which)
            try:
                yield
            finally:
                fcntl.lockf(self.file, fcntl.LOCK_UN, 1, which)
