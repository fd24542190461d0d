"""
What files were before, as the tree has it.

The folder of a name holds its versions.  One that is the very file under the
name is none: a commit has linked it and not replaced the file yet, or never
will.  Those over the bound, and those past their time, are not there for
anyone, swept or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from hmacfs.errors import NotFound
from hmacfs.interfaces.disk import IDisk
from hmacfs.names import StoredName
from hmacfs.records import Row, Status, Version
from hmacfs.store.known import Knowing, Known
from hmacfs.store.trees import Trees
from hmacfs.store.troubles import MISSING, nothing

ID = re.compile(rb"[0-9A-Za-z_-]{1,64}")
"""What a version may be called."""

Rows = Mapping[str, Row]
"""The rows of one name, where there are no attributes: of each version by its
id, and of the file by ``""``."""


class Versions:
    """
    The versions of one store.  It blocks: never on the reactor's thread.
    """

    def __init__(self, disk: IDisk, trees: Trees, knowing: Knowing, most: int) -> None:
        """
        :param most: how many a name has; 0 for any number.
        """
        self._disk = disk
        self._trees = trees
        self._knowing = knowing
        self._most = most

    def listed(self, name: StoredName, now: float, rows: Rows) -> list[Version]:
        """
        :param now: unix seconds.
        :return: the newest first.
        :raise NotFound: there is neither a version nor a file.
        """
        found = []
        with self._trees.versions.there(name.segments) as folder:
            if folder is not None:
                found = list(self._listed(name, folder, now, rows))
        if not found and self._file(name, now, rows) is None:
            raise nothing()
        return found

    def open(self, name: StoredName, id: str, now: float, rows: Rows) -> tuple[int, Known]:
        """
        :param id: as a client sent it.
        :return: its descriptor, and what is known of it.
        :raise NotFound: there is no such version.
        """
        with self._trees.versions.there(name.segments) as folder, suppress(FileNotFoundError):
            if folder is not None and id in self.ids(name, folder):
                file = self._disk.open(folder, id.encode())
                try:
                    known = self._knowing.opened(name, file, rows.get(id))
                except BaseException:
                    self._disk.close(file)
                    raise
                if not known.expired(now):
                    return file, known
                self._disk.close(file)
        raise NotFound("There is no such version.")

    def find(self, name: StoredName, id: str, now: float, rows: Rows) -> Known:
        """
        As :meth:`open`, and close it.
        """
        file, known = self.open(name, id, now, rows)
        self._disk.close(file)
        return known

    def ids(self, name: StoredName, folder: int) -> list[str]:
        """
        :param folder: that of the versions of *name*.
        :return: those within the bound, the newest first.
        """
        found = self.every(name, folder)
        return found[: self._most] if self._most else found

    def every(self, name: StoredName, folder: int) -> list[str]:
        """
        :return: all of them, the newest first.
        """
        current = self.current(name)
        found = [
            entry.decode()
            for entry in self._disk.names(folder)
            if ID.fullmatch(entry) and self._is_one(folder, entry, current)
        ]
        return sorted(found, reverse=True)

    def crowded_out(self, name: StoredName, id: str) -> bool:
        """
        :param id: of what would be a version.
        :return: whether the bound is reached by newer ones.
        """
        with self._trees.versions.there(name.segments) as folder:
            if folder is None or not self._most:
                return False
            return sum(each > id for each in self.every(name, folder)) >= self._most

    def current(self, name: StoredName) -> Status | None:
        """
        :return: what the system says of the file *name*, ``None`` where there
            is none.
        """
        try:
            with self._trees.files.holding(name) as folder:
                status = self._disk.look(folder, name.segments[-1])
        except OSError as error:
            if error.errno not in MISSING:
                raise
            return None
        return status if status.kind == "file" else None

    def _listed(self, name: StoredName, folder: int, now: float, rows: Rows) -> Iterator[Version]:
        for id in self.ids(name, folder):
            # It may go this moment.
            with suppress(FileNotFoundError):
                known = self._knowing.look(name, folder, id.encode(), rows.get(id))
                if not known.expired(now):
                    yield Version(id, known.record)

    def _is_one(self, folder: int, entry: bytes, current: Status | None) -> bool:
        try:
            status = self._disk.look(folder, entry)
        except FileNotFoundError:
            return False
        return status.kind == "file" and (current is None or not status.same(current))

    def _file(self, name: StoredName, now: float, rows: Rows) -> Known | None:
        """
        :return: the file *name*, ``None`` where there is none or it has expired.
        """
        if self.current(name) is None:
            return None
        with suppress(FileNotFoundError), self._trees.files.holding(name) as folder:
            known = self._knowing.look(name, folder, name.segments[-1], rows.get(""))
            if not known.expired(now):
                return known
        return None
