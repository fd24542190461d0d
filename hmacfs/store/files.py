"""
A file that is being read.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from hmacfs.interfaces.disk import IDisk, IThreads
from hmacfs.interfaces.store import IHasDescriptor
from hmacfs.records import FileRecord


@implementer(IHasDescriptor)
class StoredFile:
    """
    An open file of the disk.  Replaced or removed, it still has its bytes.
    """

    def __init__(self, file: int, record: FileRecord, disk: IDisk, threads: IThreads) -> None:
        self.record = record
        self._file = file
        self._disk = disk
        self._threads = threads
        self._reading = 0
        self._closed = False

    def read(self, offset: int, size: int) -> Deferred[bytes]:
        """
        See :meth:`hmacfs.interfaces.store.IFile.read`.  What is in memory is read
        here and now: a thread would cost more than the bytes.
        """
        try:
            if self._disk.at_hand(self._file, offset, size):
                return succeed(self._disk.read(self._file, offset, size))
        except OSError:
            return fail()
        return self._wait_for(offset, size)

    def close(self) -> None:
        """See :meth:`hmacfs.interfaces.store.IFile.close`."""
        if not self._closed:
            self._closed = True
            self._let_go()

    def fileno(self) -> int:
        """See :meth:`hmacfs.interfaces.store.IHasDescriptor.fileno`."""
        return self._file

    def fetch(self, offset: int, size: int) -> Deferred[None] | None:
        """See :meth:`hmacfs.interfaces.store.IHasDescriptor.fetch`."""
        try:
            if self._disk.at_hand(self._file, offset, size):
                return None
        except OSError:
            return fail()
        return self._wait_for(offset, size).addCallback(lambda _: None)

    def _wait_for(self, offset: int, size: int) -> Deferred[bytes]:
        self._reading += 1
        done = self._threads.run(self._disk.read, self._file, offset, size)
        return done.addBoth(self._read)

    def _read(self, result: bytes) -> bytes:
        self._reading -= 1
        if self._closed:
            self._let_go()
        return result

    def _let_go(self) -> None:
        # Not below a thread that reads: the number could be another file's by
        # the time it is used.
        if not self._reading:
            self._disk.close(self._file)
