"""
One at a time below a name.

``flock`` on one of 256 files, picked by a digest of the name: held while a
commit decides what stands there and changes it, so that of two that overwrite
one name each finds the other's file and makes it a version.  The files are
never removed, and hold nothing.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from hashlib import sha256

from hmacfs.interfaces.disk import IDisk
from hmacfs.names import StoredName

_FILES = [b"%02x" % number for number in range(256)]


class Locks:
    """
    The locks of one store, for all its threads and all processes.
    """

    def __init__(self, disk: IDisk, folder: int) -> None:
        """
        :param folder: where the lock files are.
        """
        self._disk = disk
        self._folder = folder

    def held(self, name: StoredName, wait: bool = True) -> AbstractContextManager[None]:
        """
        Hold the lock of *name*.

        :param wait: whether it is waited for, which is never done on the
            reactor's thread.
        :raise BlockingIOError: somebody else has it, and nobody waits.
        """
        return _Held(self, name, wait)

    def take(self, name: StoredName, wait: bool) -> int:
        """
        As :meth:`held`, until :meth:`give_back`.
        """
        return self._disk.lock(self._folder, _FILES[self.number(name)], wait)

    def number(self, name: StoredName) -> int:
        """
        :return: which of the locks is that of *name*.
        """
        return sha256(name.path).digest()[0]

    def give_back(self, lock: int) -> None:
        """
        Let go of a lock.
        """
        self._disk.close(lock)


class _Held:
    """
    What :meth:`Locks.held` gives.
    """

    __slots__ = ("_lock", "_locks", "_name", "_wait")

    def __init__(self, locks: Locks, name: StoredName, wait: bool) -> None:
        self._locks = locks
        self._name = name
        self._wait = wait

    def __enter__(self) -> None:
        self._lock: int = self._locks.take(self._name, self._wait)

    def __exit__(self, *error: object) -> None:
        self._locks.give_back(self._lock)
