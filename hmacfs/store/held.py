"""
Small files that are read when they are opened, and held for the next request.

To open a file below its folders, to ask what it is, to read its label and to
read a thousand bytes costs ten times what it costs to see that nothing has
changed since: one ``stat``.  It tells of every change, whoever makes it, since
none leaves the inode, the size and the time of the change as they were; so
nobody has to say here what he has done to a file.

The time of a change is as coarse as the clock of the file system, two seconds
on the worst.  A file is held only once it has been left alone for longer: all
that happens to it afterwards has another time.

What is held is bytes, and no open file: a file that is removed gives its room
back at once.
"""

from __future__ import annotations

from collections import OrderedDict

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from hmacfs.interfaces.disk import IDisk
from hmacfs.interfaces.store import IHeld
from hmacfs.names import StoredName
from hmacfs.records import FileRecord, Mark

SMALL = 64 * 1024
"""Bytes of a file that is read when it is opened, at most."""

MOST = 8 * 1024 * 1024
"""Bytes that are held, at most."""

ALONE = 2.0
"""Seconds that a file has to have been left alone."""

_ASIDE = 1024
"""Bytes that a file costs beside its own."""


@implementer(IHeld)
class HeldFile:
    """
    A file that is in memory as a whole.
    """

    __slots__ = ("content", "record")

    def __init__(self, record: FileRecord, content: bytes) -> None:
        self.record = record
        self.content = content

    def read(self, offset: int, size: int) -> Deferred[bytes]:
        """See :meth:`hmacfs.interfaces.store.IFile.read`."""
        return succeed(self.content[offset : offset + size])

    def close(self) -> None:
        """There is nothing to let go of."""


class Held:
    """
    The files of one store that were served last, as far as they are small.
    """

    def __init__(self, disk: IDisk, root: int) -> None:
        """
        :param root: the folder that all of it is below.
        """
        self._disk = disk
        self._root = root
        self._files: OrderedDict[bytes, tuple[Mark, HeldFile]] = OrderedDict()
        self._size = 0

    def find(self, name: StoredName) -> HeldFile | None:
        """
        :return: the file *name* as it is now, where it is held.
        """
        found = self._files.get(name.path)
        if found is None:
            return None
        mark, file = found
        try:
            # A link on the way leads to another file, or to the same one.
            if self._disk.mark(self._root, name.path) == mark:
                self._files.move_to_end(name.path)
                return file
        except OSError:
            pass  # It is gone, or its folder; whoever opens it is told.
        self._drop(name.path)
        return None

    def read(self, file: int, size: int) -> bytes | None:
        """
        Read a file as a whole, if it is small and nothing has to be waited for.

        :param file: a descriptor.
        :return: ``None`` where it is to be read another time.
        """
        if size > SMALL:
            return None
        if not size:
            return b""
        if not self._disk.at_hand(file, 0, size):
            return None
        content = self._disk.read(file, 0, size)
        return content if len(content) == size else None

    def hold(self, name: StoredName, mark: Mark, file: HeldFile, now: float) -> None:
        """
        Hold *file* for the next who asks, if it has been left alone.

        :param mark: taken before its label and its bytes were read.
        :param now: unix seconds.
        """
        if now - mark.changed / 1e9 < ALONE:
            return
        self._drop(name.path)
        self._files[name.path] = (mark, file)
        self._size += len(file.content) + _ASIDE
        while self._size > MOST:
            self._drop(next(iter(self._files)))

    def _drop(self, path: bytes) -> None:
        found = self._files.pop(path, None)
        if found is not None:
            self._size -= len(found[1].content) + _ASIDE
