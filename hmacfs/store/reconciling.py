"""
Where something was under way at a name: its versions and its trash, as they
are, and what of it the index does not know.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import attrs

from hmacfs.interfaces.disk import IDisk
from hmacfs.names import StoredName
from hmacfs.records import Status
from hmacfs.store.bookkeeping import Key
from hmacfs.store.known import Knowing
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.tables.versions import VersionRow
from hmacfs.store.trees import Trees, shelf
from hmacfs.store.versions import Rows, Versions


@attrs.frozen
class Agreement:
    """
    What makes the index agree with the disk.

    :ivar made: versions that it does not know, or otherwise.
    :ivar gone: the ids of those that are not there.
    :ivar back: what is not in the trash any more.
    """

    name: StoredName
    made: list[VersionRow] = attrs.field(factory=list)
    gone: list[str] = attrs.field(factory=list)
    back: list[Key] = attrs.field(factory=list)


class Reconciling:
    """
    What looks at one name.  It blocks: never on the reactor's thread.
    """

    def __init__(self, disk: IDisk, trees: Trees, knowing: Knowing, versions: Versions) -> None:
        self._disk = disk
        self._trees = trees
        self._knowing = knowing
        self._versions = versions

    def agree(
        self, name: StoredName, rows: Rows, told: Rows, trashed: Iterable[TrashRow]
    ) -> Agreement:
        """
        Take out of the trash what is elsewhere by now.

        :param rows: what the index has of *name*.
        :param told: what the parts tell of versions, by their ids.
        :param trashed: what the index has of it in the trash.
        """
        agreement = Agreement(name)
        kept = [self._versions.current(name)]
        there = set()
        with self._trees.versions.there(name.segments) as folder:
            for id in [] if folder is None else self._versions.every(name, folder):
                # What no version is known of was the file when the index last heard.
                row = rows.get(id) or told.get(id) or rows.get("")
                known = self._knowing.look(name, folder or 0, id.encode(), row)
                there.add(id)
                kept.append(known.status)
                if known.row != rows.get(id):
                    agreement.made.append(VersionRow(id, known.row))
        agreement.gone.extend(id for id in rows if id and id not in there)
        for item in trashed:
            if not self._rests(name, item, [status for status in kept if status is not None]):
                agreement.back.append(item.key)
        return agreement

    def _rests(self, name: StoredName, item: TrashRow, kept: Iterable[Status]) -> bool:
        path, last = shelf(item.batch, name, item.version)
        with self._trees.trash.there(path) as folder:
            if folder is not None:
                with suppress(FileNotFoundError):
                    status = self._disk.look(folder, last)
                    if not any(status.same(each) for each in kept):
                        return True
                    self._disk.unlink(folder, last)
                self._disk.sync(folder)
        self._trees.trash.prune(path)
        return False
