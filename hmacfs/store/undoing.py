"""
What comes back, and what the trash holds until then.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks

from hmacfs.errors import NotFound
from hmacfs.interfaces.store import IFile
from hmacfs.names import StoredName, recall
from hmacfs.records import FileRecord, Trashed
from hmacfs.store import bookkeeping
from hmacfs.store.files import StoredFile
from hmacfs.store.opened import Opened
from hmacfs.store.tables import trash
from hmacfs.store.tables.trash import TrashRow


class Undoing:
    """
    What is restored, and brought back from the trash, in one open store.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def restore(self, name: StoredName, id: str) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.abilities.IVersioned.restore`."""
        return self._opened.turns.run([name.text], self._restore, name, id)

    def undo(self, item: Trashed) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.ITrash.undo`."""
        return self._opened.turns.run([item.name], self._undo, item)

    @inlineCallbacks
    def trashed(
        self, name: StoredName | None, most: int
    ) -> Generator[Deferred[Any], Any, Sequence[Trashed]]:
        """See :meth:`hmacfs.abilities.ITrash.trashed`."""
        text = None if name is None else name.text
        found = yield self._opened.index.run(trash.find, text, most)
        return [
            Trashed(item.batch, item.row.name, item.version, item.row.size, item.removed)
            for item in found
        ]

    @inlineCallbacks
    def open_trashed(self, item: Trashed) -> Generator[Deferred[Any], Any, IFile]:
        """See :meth:`hmacfs.abilities.ITrash.open_trashed`."""
        opened = self._opened
        row = yield opened.index.run(trash.get, item.batch, item.name, item.version)
        if row is None:
            raise _missing()
        file, record = yield opened.threads.run(opened.rubbish.open, row)
        return StoredFile(file, record, opened.disk, opened.threads)

    @inlineCallbacks
    def discard(self, item: Trashed) -> Generator[Deferred[Any], Any, bool]:
        """See :meth:`hmacfs.abilities.ITrash.discard`."""
        gone = yield self._purge([(item.batch, item.name, item.version)])
        return bool(gone)

    @inlineCallbacks
    def purge(self, before: float, most: int) -> Generator[Deferred[Any], Any, int]:
        """See :meth:`hmacfs.abilities.ITrash.purge`."""
        found = yield self._opened.index.run(trash.before, before, most)
        gone: int = yield self._purge([item.key for item in found])
        return gone

    def _purge(self, keys: Sequence[bookkeeping.Key]) -> Deferred[int]:
        names = {name for _, name, _ in keys}
        run = self._opened.turns.run
        # One at a time: what a start would have to finish has one place.
        return self._opened.purges.run(run, names, self._shred, keys)

    @inlineCallbacks
    def _shred(self, keys: Sequence[bookkeeping.Key]) -> Generator[Deferred[Any], Any, int]:
        opened = self._opened
        items: Sequence[TrashRow] = yield opened.index.insist(bookkeeping.purge, keys)
        gone = yield opened.threads.run(opened.rubbish.shred, items)
        yield opened.index.insist(bookkeeping.purged, gone)
        return len(gone)

    @inlineCallbacks
    def _restore(self, name: StoredName, id: str) -> Generator[Deferred[Any], Any, FileRecord]:
        opened, now = self._opened, self._opened.clock.seconds()
        rows = yield opened.rows(name)
        back = yield opened.threads.run(opened.restoring.restore, name, id, now, rows)
        made = () if back.version is None else (back.version,)
        opened.backlog.add(back.file.row, back.part, made, [id])
        record: FileRecord = back.file.record
        return record

    @inlineCallbacks
    def _undo(self, item: Trashed) -> Generator[Deferred[Any], Any, bool]:
        opened, name = self._opened, recall(item.name.encode())
        row = yield opened.index.run(trash.get, item.batch, item.name, item.version)
        if row is None:
            return False
        now = opened.clock.seconds()
        back = yield opened.threads.run(opened.restoring.undo, name, row, now)
        if back is None:
            return False
        yield opened.index.run(bookkeeping.came_back, back, row)
        yield opened.threads.run(opened.parts.drop, back.part)
        return True


def _missing() -> NotFound:
    return NotFound("It is not in the trash any more.")
