"""
One at a time below a name.

``flock`` on one of 256 files, picked by a digest of the name: held while a
commit decides what stands there and changes it, so that of two that overwrite
one name each finds the other's file and makes it a version.  The files are
never removed, and hold nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from hmacfs.interfaces import IDisk
from hmacfs.names import StoredName


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

    @contextmanager
    def held(self, name: StoredName) -> Iterator[None]:
        """
        Hold the lock of *name*; waits for it, so never on the reactor's thread.
        """
        digest = sha256(name.path).hexdigest()
        lock = self._disk.lock(self._folder, digest[:2].encode(), True)
        try:
            yield
        finally:
            self._disk.close(lock)
