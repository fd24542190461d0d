"""
What goes, and where it goes to.

An :class:`Errand` says what is to go of one name.  It is written down, with
the tombstone of the name, before anything goes; so a start that finds it knows
what to finish.  Whatever of it is done already is passed over, so it may be
carried out any number of times.

Many errands are carried out together: first each of them under the lock of its
name, then what they changed is synced, the trash before the files, so that
nothing is gone before it surely lies there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress

import attrs
from twisted.logger import Logger

from hmacfs.interfaces.disk import IDisk
from hmacfs.names import StoredName, recall
from hmacfs.records import Row
from hmacfs.store.folders import Folders, Segments
from hmacfs.store.known import Knowing, Known
from hmacfs.store.locks import Locks
from hmacfs.store.parts import ID, Parts
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.trees import Trees, shelf
from hmacfs.store.versions import ID as VERSION
from hmacfs.store.versions import Rows

ANY = "*"
"""In place of an id: whatever is there."""


@attrs.frozen
class Errand:
    """
    What is to go of one name.

    :ivar file: the :attr:`~hmacfs.store.known.Known.id` of the file that goes,
        or :data:`ANY`; ``""`` where it stays.
    :ivar versions: the ids of the versions that go, or :data:`ANY`.
    :ivar batch: the part of the trash that they go to; ``""`` where they go
        for good.
    :ivar removed: when they do, unix seconds.
    :ivar until: until when the name is buried then; 0 where it is not.
    :ivar everywhere: whether what rests in the trash, and every part that was
        to become the file, goes as well.
    """

    name: str
    file: str = ""
    versions: tuple[str, ...] = ()
    batch: str = ""
    removed: float = 0.0
    until: int = 0
    everywhere: bool = False

    def encode(self) -> str:
        """
        :return: what is written down with the tombstone.
        """
        return json.dumps(attrs.asdict(self))


def decode(told: str) -> Errand:
    """
    :param told: what :meth:`Errand.encode` gave.
    """
    fields = json.loads(told)
    return Errand(**{**fields, "versions": tuple(fields["versions"])})


@attrs.frozen
class Gone:
    """
    :ivar kind: as of :class:`hmacfs.records.Removed`.
    :ivar version: its id, ``""`` of a file or part.
    :ivar size: bytes.
    :ivar row: how the index listed it; ``None`` of a part.
    """

    kind: str
    version: str
    size: int
    row: Row | None = None


@attrs.define
class Outcome:
    """
    What became of an errand.

    :ivar gone: what went.
    :ivar stays: the file that has the name, where it is another one than was
        to go.
    :ivar parts: the ids of the parts that went.
    :ivar changed: the folders that have to be synced.
    :ivar failed: whether the disk did not let it be done; if nothing is
        *changed* all is as it was.
    """

    errand: Errand
    gone: list[Gone] = attrs.field(factory=list)
    stays: Row | None = None
    parts: list[bytes] = attrs.field(factory=list)
    changed: list[tuple[str, Segments]] = attrs.field(factory=list)
    failed: bool = False

    def shelved(self) -> list[TrashRow]:
        """
        :return: what lies in the trash now, as the index lists it.
        """
        errand = self.errand
        return [
            TrashRow(errand.batch, gone.version, errand.removed, gone.row)
            for gone in self.gone
            if errand.batch and gone.row is not None and gone.kind != "trash"
        ]


class Removal:
    """
    What carries out the errands of one store.  It blocks: never on the
    reactor's thread.
    """

    log = Logger()

    def __init__(
        self, disk: IDisk, trees: Trees, parts: Parts, locks: Locks, knowing: Knowing
    ) -> None:
        self._disk = disk
        self._trees = trees
        self._parts = parts
        self._locks = locks
        self._knowing = knowing
        self._folders: Mapping[str, Folders] = {
            "trash": trees.trash,
            "files": trees.files,
            "versions": trees.versions,
            "parts": Folders(disk, parts.folder),
        }

    def carry_out(
        self,
        errands: Sequence[Errand],
        rows: Mapping[str, Rows],
        trashed: Sequence[TrashRow] = (),
        again: bool = False,
    ) -> list[Outcome]:
        """
        :param rows: by name, where there are no attributes.
        :param trashed: what the index has in the trash, of names that are to
            go from everywhere.
        :param again: whether that was begun before this process was.
        :return: an outcome for each, when no power cut brings back what went.
        """
        with ExitStack() as stack:
            for errand in errands if again else ():
                self._doubt(errand, stack)
            return self._carry_out(errands, rows, trashed)

    def _carry_out(
        self, errands: Sequence[Errand], rows: Mapping[str, Rows], trashed: Sequence[TrashRow]
    ) -> list[Outcome]:
        outcomes = []
        for errand in errands:
            outcome = Outcome(errand)
            outcomes.append(outcome)
            name = recall(errand.name.encode())
            try:
                with self._locks.held(name):
                    self._take(name, outcome, rows.get(errand.name, {}), trashed)
            except OSError:
                self.log.failure("{name!r} could not be removed", name=errand.name)
                outcome.failed = True
        self._sync(outcomes)
        for outcome in outcomes:
            self._prune(outcome)
        return outcomes

    def _take(
        self, name: StoredName, outcome: Outcome, rows: Rows, trashed: Sequence[TrashRow]
    ) -> None:
        errand = outcome.errand
        if errand.file:
            self._take_file(name, outcome, rows.get(""))
        if errand.versions:
            with self._folders["versions"].there(name.segments) as folder:
                for version in self._versions(folder, errand):
                    row = rows.get(version)
                    known = self._look(name, folder, version.encode(), row)
                    self._go(name, outcome, version, folder, known, row)
                if folder is not None:
                    outcome.changed.append(("versions", name.segments))
        if errand.everywhere:
            for item in trashed:
                if item.row.name == errand.name:
                    self._drop_trashed(name, outcome, item)
            self._drop_parts(name, outcome)

    def _take_file(self, name: StoredName, outcome: Outcome, row: Row | None) -> None:
        *above, last = name.segments
        with self._folders["files"].there(tuple(above)) as folder:
            known = self._look(name, folder, last, row)
            if known is not None and outcome.errand.file not in (ANY, known.id):
                outcome.stays = known.row
                return
            self._go(name, outcome, "", folder, known, row)
            if folder is not None:
                outcome.changed.append(("files", tuple(above)))

    def _go(
        self,
        name: StoredName,
        outcome: Outcome,
        version: str,
        folder: int | None,
        known: Known | None,
        row: Row | None,
    ) -> None:
        """
        :param folder: where it is, ``None`` where there is no such folder.
        :param known: what goes, ``None`` where it is not there any more: a run
            before this one has taken it.
        """
        entry = version.encode() or name.segments[-1]
        if outcome.errand.batch:
            path, last = shelf(outcome.errand.batch, name, version)
            if folder is not None and known is not None:
                self._shelve(folder, entry, path, last)
            else:
                with self._folders["trash"].there(path) as trash:
                    known = self._look(name, trash, last, row)
            if known is not None:
                outcome.changed.append(("trash", path))
        elif folder is not None and known is not None:
            self._disk.unlink(folder, entry)
        if known is not None:
            kind = "version" if version else "file"
            outcome.gone.append(Gone(kind, version, known.row.size, known.row))

    def _shelve(self, folder: int, entry: bytes, path: Segments, last: bytes) -> None:
        """
        Move *entry* of *folder* into the trash.
        """
        try:
            with self._trees.trash.at(path, make=True) as trash:
                try:
                    self._disk.look(trash, last)
                except FileNotFoundError:
                    self._disk.rename(folder, entry, trash, last)
                else:
                    # A rename that was seen half.  Another one would change
                    # nothing, since both are names of one file.
                    self._disk.unlink(folder, entry)
        except BaseException:
            self._trees.trash.prune(path)
            raise

    def _drop_trashed(self, name: StoredName, outcome: Outcome, item: TrashRow) -> None:
        path, last = shelf(item.batch, name, item.version)
        with self._folders["trash"].there(path) as folder:
            known = self._look(name, folder, last, item.row)
            if folder is not None and known is not None:
                self._disk.unlink(folder, last)
                outcome.gone.append(Gone("trash", item.version, known.row.size, known.row))
            outcome.changed.append(("trash", path))

    def _drop_parts(self, name: StoredName, outcome: Outcome) -> None:
        for id in self._disk.names(self._parts.folder):
            ours = ID.fullmatch(id)
            # A part may go this moment, with the upload that it was of.
            with suppress(FileNotFoundError):
                if ours and not ours[2]:
                    size = self._size_of_part(name, id)
                    if size is not None:
                        self._parts.drop(id)
                        outcome.parts.append(id)
                        outcome.gone.append(Gone("part", "", size))
        outcome.changed.append(("parts", ()))

    def _size_of_part(self, name: StoredName, id: bytes) -> int | None:
        """
        :return: bytes, ``None`` where it is another file's.
        """
        status = self._disk.look(self._parts.folder, id)
        if status.kind != "file":
            return None
        file = self._disk.open(self._parts.folder, id)
        try:
            label = self._parts.label(id, file)
        finally:
            self._disk.close(file)
        return status.size if label is not None and label.name == name.text else None

    def _versions(self, folder: int | None, errand: Errand) -> Sequence[str]:
        if errand.versions != (ANY,):
            return errand.versions
        entries = [] if folder is None else self._disk.names(folder)
        return [entry.decode() for entry in entries if VERSION.fullmatch(entry)]

    def _look(
        self, name: StoredName, folder: int | None, entry: bytes, row: Row | None
    ) -> Known | None:
        try:
            if folder is not None and self._disk.look(folder, entry).kind == "file":
                return self._knowing.look(name, folder, entry, row)
        except FileNotFoundError:
            pass
        return None

    def _sync(self, outcomes: Sequence[Outcome]) -> None:
        """
        What was changed, the trash first; each folder once.
        """
        changed = dict.fromkeys(where for outcome in outcomes for where in outcome.changed)
        broken = set()
        for tree, path in sorted(changed, key=lambda where: where[0] != "trash"):
            try:
                with self._folders[tree].there(path) as folder:
                    if folder is not None:
                        self._disk.sync(folder)
            except OSError:
                self.log.failure("what was removed may come back with the power")
                broken.add((tree, path))
        for outcome in outcomes:
            if not broken.isdisjoint(outcome.changed):
                outcome.failed = True

    def _doubt(self, errand: Errand, stack: ExitStack) -> None:
        """
        Folders of the trash may have been made and never synced.
        """
        if errand.batch:
            name = recall(errand.name.encode())
            for version in ("", *errand.versions):
                path, _ = shelf(errand.batch, name, version)
                stack.enter_context(self._trees.trash.doubted(path))

    def _prune(self, outcome: Outcome) -> None:
        """
        Remove folders that are empty now, or were when a run before this one ended.
        """
        segments = recall(outcome.errand.name.encode()).segments
        self._trees.versions.prune(segments)
        self._trees.files.prune(segments[:-1])
        for tree, path in outcome.changed:
            if tree == "trash":
                self._trees.trash.prune(path)
