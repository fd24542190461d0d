"""
What is kept under a name, looked at before any of it goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from hmacfs.errors import Forbidden
from hmacfs.interfaces.disk import IDisk
from hmacfs.names import StoredName, recall
from hmacfs.records import Due, Row
from hmacfs.store.digesting import Digesting
from hmacfs.store.folders import Folders, Segments
from hmacfs.store.known import Knowing, Known
from hmacfs.store.removal import Errand
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.tables.versions import VersionRow
from hmacfs.store.trees import Trees, shelf
from hmacfs.store.troubles import nothing
from hmacfs.store.versions import Rows, Versions

Changes = list[tuple[Row | None, Row | None]]
"""Rows as they were seen, and as they are to be; ``None`` is none."""

VersionChanges = list[tuple[VersionRow | None, VersionRow | None]]


@attrs.frozen
class Plan:
    """
    What is to be done about what the index says is due.

    :ivar files: what the index has wrong of files.
    :ivar versions: what it has wrong of versions.
    """

    errands: list[Errand] = attrs.field(factory=list)
    files: Changes = attrs.field(factory=list)
    versions: VersionChanges = attrs.field(factory=list)


class Kept:
    """
    What looks.  It blocks: never on the reactor's thread.
    """

    def __init__(
        self,
        disk: IDisk,
        trees: Trees,
        knowing: Knowing,
        versions: Versions,
        digesting: Digesting,
    ) -> None:
        self._disk = disk
        self._trees = trees
        self._knowing = knowing
        self._versions = versions
        self._digesting = digesting

    def file(self, name: StoredName, now: float, row: Row | None) -> Known:
        """
        :param now: unix seconds.
        :param row: of the index, where there are no attributes.
        :raise NotFound: there is no file, or it has expired.
        :raise Forbidden: it is a folder.
        """
        known = self._file(name, row)
        if known is None or known.expired(now):
            raise nothing()
        return known

    def plan(self, due: Sequence[Due], now: float, rows: Mapping[str, Rows], like: Errand) -> Plan:
        """
        :param due: of names whose turn it is.
        :param rows: what the index says of each name.
        :param like: an errand as each is to be, but for what goes.
        """
        plan = Plan()
        for text in dict.fromkeys(each.name for each in due):
            name, told = recall(text.encode()), rows.get(text, {})
            versions = [each.version for each in due if each.name == text and each.version]
            file = ""
            if any(each.name == text and not each.version for each in due):
                known = self._file(name, told.get(""))
                if known is not None and known.expired(now):
                    file = known.id
                else:
                    plan.files.append((told.get(""), None if known is None else known.row))
            going = self._going(name, versions, now, told, plan)
            if file or going:
                until = like.until if file else 0
                errand = attrs.evolve(like, name=text, file=file, versions=going, until=until)
                plan.errands.append(errand)
        return plan

    def digests(self, name: StoredName, rows: Rows, trashed: Iterable[TrashRow]) -> frozenset[str]:
        """
        :return: those of all bytes that are kept under *name*, the trash's too.
        """
        places: list[tuple[Folders, Segments, bytes, Row | None]] = [
            (self._trees.files, name.segments[:-1], name.segments[-1], rows.get(""))
        ]
        with self._trees.versions.there(name.segments) as folder:
            for id in [] if folder is None else self._versions.every(name, folder):
                place = self._trees.versions, name.segments, id.encode(), rows.get(id)
                places.append(place)
        for item in trashed:
            path, last = shelf(item.batch, name, item.version)
            places.append((self._trees.trash, path, last, item.row))
        return frozenset(self._digests(name, places))

    def _digests(
        self, name: StoredName, places: Iterable[tuple[Folders, Segments, bytes, Row | None]]
    ) -> Iterator[str]:
        for tree, path, last, row in places:
            with tree.there(path) as folder:
                if folder is None or not self._is_file(folder, last):
                    continue
                file = self._disk.open(folder, last)
                try:
                    known = self._knowing.opened(name, file, row).row.sha256
                    yield known or self._digesting.digest(file, "sha256").hex()
                finally:
                    self._disk.close(file)

    def _file(self, name: StoredName, row: Row | None) -> Known | None:
        *above, last = name.segments
        with self._trees.files.there(tuple(above)) as folder:
            if folder is None:
                return None
            try:
                kind = self._disk.look(folder, last).kind
                if kind == "folder":
                    raise Forbidden("Folders are not served.")
                return self._knowing.look(name, folder, last, row) if kind == "file" else None
            except FileNotFoundError:
                return None

    def _going(
        self, name: StoredName, versions: Sequence[str], now: float, rows: Rows, plan: Plan
    ) -> tuple[str, ...]:
        """
        :return: which of *versions* have to go.
        """
        going: list[str] = []
        with self._trees.versions.there(name.segments) as folder:
            every = [] if folder is None else self._versions.every(name, folder)
            within = [] if folder is None else self._versions.ids(name, folder)
            for id in versions:
                row = rows.get(id)
                seen = None if row is None else VersionRow(id, row)
                if folder is None or id not in every:
                    plan.versions.append((seen, None))
                    continue
                known = self._knowing.look(name, folder, id.encode(), row)
                if id not in within or known.expired(now):
                    going.append(id)
                else:
                    plan.versions.append((seen, VersionRow(id, known.row)))
        return tuple(going)

    def _is_file(self, folder: int, last: bytes) -> bool:
        try:
            return self._disk.look(folder, last).kind == "file"
        except FileNotFoundError:
            return False
