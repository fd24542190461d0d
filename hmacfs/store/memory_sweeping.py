"""
Files in memory that go by age, and the trash they go to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.abilities import IExpires, ITrash
from hmacfs.interfaces.store import IFile
from hmacfs.names import StoredName, recall
from hmacfs.records import Due, Removed, Trashed
from hmacfs.store.memory_files import Content, Keeping, MemoryFile, MemoryFiles
from hmacfs.store.troubles import crowded_out, nothing


@implementer(IExpires, ITrash)
class MemorySweeping(MemoryFiles):
    """
    Files of which what is due can be taken away, and brought back.

    :ivar trash: what a sweep took away, the oldest first.
    """

    def __init__(self, clock: IReactorTime, keeping: Keeping) -> None:
        super().__init__(clock, keeping)
        self.trash: dict[Trashed, Content] = {}

    # IExpires

    def due(self, now: float, most: int) -> Deferred[Sequence[Due]]:
        """See :meth:`hmacfs.abilities.IExpires.due`."""
        return succeed([due for _, due in sorted(self._due(now), key=_first)[:most]])

    def overdue(self, now: float, most: int) -> Deferred[tuple[int, int]]:
        """See :meth:`hmacfs.abilities.IExpires.overdue`."""
        kept = len(self.files) + sum(map(len, self.past.values()))
        return succeed((min(most, sum(1 for _ in self._due(now))), kept))

    def retire(self, due: Sequence[Due], now: float) -> Deferred[Sequence[Removed]]:
        """See :meth:`hmacfs.abilities.IExpires.retire`."""
        still = {(each.name, each.version) for _, each in self._due(now)}
        batch, gone = self.stamp(), []
        for each in due:
            if (each.name, each.version) not in still:
                continue
            name = recall(each.name.encode())
            kept = self.take(name, each.version)
            if not each.version:
                self.bury(name)
            size = len(kept.data)
            if self.keeping.trash:
                self.trash[Trashed(batch, each.name, each.version, size, now)] = kept
            else:
                self.written -= size
            kind = "version" if each.version else "file"
            gone.append(Removed(each.name, each.version, size, kind))
        return succeed(gone)

    # ITrash

    def trashed(self, name: StoredName | None, most: int) -> Deferred[Sequence[Trashed]]:
        """See :meth:`hmacfs.abilities.ITrash.trashed`."""
        found = [item for item in reversed(self.trash) if name is None or item.name == name.text]
        return succeed(found[:most])

    def undo(self, item: Trashed) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.ITrash.undo`."""
        name = recall(item.name.encode())
        taken = not item.version and (name in self.files or self.blocked(name))
        if item not in self.trash or taken:
            return succeed(False)
        newer = sum(id > item.version for id in self.past.get(name, {}))
        if item.version and newer >= (self.keeping.max_versions or newer + 1):
            return fail(crowded_out())
        kept = self.trash.pop(item)
        now = self.clock.seconds()
        own, began = kept.record.expires, kept.counted or kept.record.stored
        record = attrs.evolve(kept.record, expires=own and int(now + own - began))
        kept = attrs.evolve(kept, record=record, counted=now)
        if item.version:
            versions = {**self.past.get(name, {}), item.version: kept}
            self.past[name] = dict(sorted(versions.items()))
        else:
            self.tombstones.pop(name, None)
            self.files[name] = kept
        return succeed(True)

    def open_trashed(self, item: Trashed) -> Deferred[IFile]:
        """See :meth:`hmacfs.abilities.ITrash.open_trashed`."""
        kept = self.trash.get(item)
        return fail(nothing()) if kept is None else succeed(MemoryFile(kept.record, kept.data))

    def discard(self, item: Trashed) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.ITrash.discard`."""
        kept = self.trash.pop(item, None)
        if kept is not None:
            self.written -= len(kept.data)
        return succeed(kept is not None)

    def purge(self, before: float, most: int) -> Deferred[int]:
        """See :meth:`hmacfs.abilities.ITrash.purge`."""
        gone = [item for item in self.trash if item.removed < before][:most]
        for item in gone:
            self.discard(item)
        return succeed(len(gone))

    def _due(self, now: float) -> Iterator[tuple[float, Due]]:
        """
        :return: what has to go, and since when.
        """
        for name, kept in self.files.items():
            if self.over(name, kept, now):
                yield self.end_of(name, kept) or 0, Due(name.text, "", "expired", kept.record.size)
        for name, past in self.past.items():
            bound = len(past) - self.keeping.max_versions if self.keeping.max_versions else 0
            for place, (id, kept) in enumerate(past.items()):
                if self.over(name, kept, now):
                    yield (
                        self.end_of(name, kept) or 0,
                        Due(name.text, id, "expired", kept.record.size),
                    )
                elif place < bound:
                    yield kept.record.stored, Due(name.text, id, "over the bound", kept.record.size)


def _first(timed: tuple[float, Due]) -> float:
    return timed[0]
