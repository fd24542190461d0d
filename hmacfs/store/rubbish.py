"""
What rests in the trash, until it goes for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from twisted.logger import Logger

from hmacfs.errors import NotFound
from hmacfs.interfaces.disk import IDisk
from hmacfs.names import recall
from hmacfs.records import FileRecord
from hmacfs.store.folders import Folders, Segments
from hmacfs.store.known import Knowing
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.trees import shelf


class Rubbish:
    """
    The trash of one store.  It blocks: never on the reactor's thread.
    """

    log = Logger()

    def __init__(self, disk: IDisk, trash: Folders, knowing: Knowing) -> None:
        self._disk = disk
        self._trash = trash
        self._knowing = knowing

    def open(self, item: TrashRow) -> tuple[int, FileRecord]:
        """
        :return: the descriptor of what *item* tells of, and its record.
        :raise NotFound: it is not there.
        """
        path, last = _place(item)
        with self._trash.there(path) as folder, suppress(FileNotFoundError):
            if folder is not None:
                file = self._disk.open(folder, last)
                try:
                    known = self._knowing.opened(recall(item.row.name.encode()), file, item.row)
                except BaseException:
                    self._disk.close(file)
                    raise
                return file, known.record
        raise NotFound("It is not in the trash any more.")

    def shred(self, items: Iterable[TrashRow]) -> list[tuple[str, str, str]]:
        """
        Remove *items* for good.

        :return: the keys of those that are gone; the others are logged.
        """
        gone: dict[Segments, list[tuple[str, str, str]]] = {}
        for item in items:
            path, last = _place(item)
            try:
                with self._trash.there(path) as folder, suppress(FileNotFoundError):
                    if folder is not None:
                        self._disk.unlink(folder, last)
            except OSError:
                self.log.failure("{name!r} stays in the trash", name=item.row.name)
            else:
                gone.setdefault(path, []).append(item.key)
        return [key for path, keys in gone.items() if self._lasts(path) for key in keys]

    def _lasts(self, path: Segments) -> bool:
        """
        Make sure that no power cut brings back what was in a folder.
        """
        try:
            with self._trash.there(path) as folder:
                if folder is not None:
                    self._disk.sync(folder)
        except OSError:
            self.log.failure("what was in the trash may come back with the power")
            return False
        self._trash.prune(path)
        return True


def _place(item: TrashRow) -> tuple[Segments, bytes]:
    return shelf(item.batch, recall(item.row.name.encode()), item.version)
