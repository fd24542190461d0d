"""
Files that are opened again, and known by their marks.

What is too large to be held (:mod:`hmacfs.store.held`) is opened each time that
it is asked for.  The way there, folder by folder, and the reading of its label
cost five times what the opening does; neither is needed where the file that is
found is the one that was found before.  It is opened by its whole path then, and
its mark shows whether it is: a link on the way leads to another file, which has
another mark, or to the same one.

Nothing is kept open, so a file that is removed gives its room back at once.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress

from hmacfs.interfaces.disk import IDisk, IThreads
from hmacfs.names import StoredName
from hmacfs.records import FileRecord, Mark
from hmacfs.store.files import StoredFile
from hmacfs.store.held import ALONE

MOST = 2048
"""Files that are known, at most; each costs about a kilobyte."""


class Familiar:
    """
    The files of one store that were opened last.
    """

    def __init__(self, disk: IDisk, root: int, threads: IThreads) -> None:
        """
        :param root: the folder that all of it is below.
        :param threads: where the files are read.
        """
        self._disk = disk
        self._root = root
        self._threads = threads
        self._known: OrderedDict[bytes, tuple[Mark, FileRecord]] = OrderedDict()

    def open(self, name: StoredName) -> StoredFile | None:
        """
        :return: the file *name* as it is now, where it is known; it is the
            caller's to close.
        """
        found = self._known.get(name.path)
        if found is None:
            return None
        mark, record = found
        file = self._open(name, mark)
        if file is None:
            del self._known[name.path]
            return None
        self._known.move_to_end(name.path)
        return StoredFile(file, record, self._disk, self._threads)

    def know(self, name: StoredName, mark: Mark, record: FileRecord, now: float) -> None:
        """
        Know the file *name* the next time, if it has been left alone: see
        :mod:`hmacfs.store.held`.

        :param mark: taken before its label was read.
        :param now: unix seconds.
        """
        if now - mark.changed / 1e9 < ALONE:
            return
        self._known[name.path] = (mark, record)
        self._known.move_to_end(name.path)
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def _open(self, name: StoredName, mark: Mark) -> int | None:
        """
        :return: a descriptor of the file of *mark*, where it has the name.
        """
        try:
            file = self._disk.open(self._root, name.path)
        except OSError:
            # Whoever opens it step by step is told why.
            return None
        with suppress(OSError):
            if self._disk.mark(file) == mark:
                return file
        self._disk.close(file)
        return None
