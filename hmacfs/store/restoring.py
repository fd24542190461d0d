"""
What was there comes back: a version as the file, and what rests in the trash.

Each gets a second name first, as a part: that is the journal.  A start that
finds the part sees by what is there how far it came, as behind a commit: where
the name is the part, or a version is, it is finished; else the part goes, and
all is as it was.  See :mod:`hmacfs.store.recovery`.

A file stays what it was, type, age and entity tag; only what comes out of the
trash gets a new term, or it would go again at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex
from typing import Any

import attrs
from twisted.logger import Logger

from hmacfs.errors import Deleted, Exists, NotAFolder
from hmacfs.interfaces.disk import IDisk
from hmacfs.names import StoredName
from hmacfs.records import Row
from hmacfs.store.commit import Commit
from hmacfs.store.known import Knowing, Known
from hmacfs.store.labels import Label, abridged, encode, fits
from hmacfs.store.locks import Locks
from hmacfs.store.parts import FILE_MODE, Part, Parts, write_all
from hmacfs.store.refusing import Refusing
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.tables.versions import VersionRow
from hmacfs.store.trees import Trees, shelf
from hmacfs.store.troubles import crowded_out
from hmacfs.store.versions import Rows, Versions


@attrs.frozen
class Back:
    """
    What came back.

    :ivar file: what is known of it.
    :ivar part: the id of its part, to be dropped when the index knows.
    :ivar version: what had its name and is a version now, if anything.
    """

    file: Known
    part: bytes
    version: VersionRow | None = None


class Restoring:
    """
    What brings back. It blocks: never on the reactor's thread.
    """

    log = Logger()

    def __init__(
        self,
        disk: IDisk,
        trees: Trees,
        parts: Parts,
        locks: Locks,
        knowing: Knowing,
        versions: Versions,
        refusing: Refusing,
        commit: Commit,
    ) -> None:
        self._disk = disk
        self._trees = trees
        self._parts = parts
        self._locks = locks
        self._knowing = knowing
        self._versions = versions
        self._refusing = refusing
        self._commit = commit

    def restore(self, name: StoredName, id: str, now: float, rows: Rows) -> Back:
        """
        Make a version the file.

        :raise Refusal: it is not, and all is as it was.
        """
        with self._locks.held(name), self._commit.telling(name):
            file, known = self._versions.open(name, id, now, rows)
            with self._closed(file), self._trees.versions.within(name) as folder:
                self._refusing.check(name)
                part = self._adopt(name, folder, id.encode(), file, known)
                with self._commit.landing(name, part):
                    version = self._commit.place(name, True, part, rows.get(""))
                self._unlink(folder, id.encode())
            self._trees.versions.prune(name.segments)
        return Back(known, part.id, version)

    def undo(self, name: StoredName, item: TrashRow, now: float) -> Back | None:
        """
        Bring back something of the trash.

        :return: ``None`` where it is not there, or its name is taken.
        :raise Refusal: it would be seen by nobody, or the disk did not keep it;
            all is as it was.
        """
        path, last = shelf(item.batch, name, item.version)
        with self._locks.held(name), self._commit.telling(name):
            if item.version and self._versions.crowded_out(name, item.version):
                raise crowded_out()
            try:
                with self._trees.trash.at(path) as folder:
                    file = self._disk.open(folder, last)
                    with self._closed(file):
                        back = self._undo(name, item, folder, last, file, now)
            except FileNotFoundError:
                return None
            self._trees.trash.prune(path)
        return back

    def _undo(
        self, name: StoredName, item: TrashRow, folder: int, last: bytes, file: int, now: float
    ) -> Back | None:
        known = self._knowing.opened(name, file, item.row)
        renewed = self._renewed(name, known.row, now)
        part = self._adopt(
            name, folder, last, file, known, expires=renewed.own, counted=renewed.counted
        )
        try:
            with self._commit.landing(name, part):
                if item.version:
                    self._commit.shelve(name, part, item.version)
                else:
                    self._commit.place(name, False, part)
        except (Deleted, Exists, NotAFolder):
            return None
        self._unlink(folder, last)
        return Back(attrs.evolve(known, row=renewed), part.id)

    def _renewed(self, name: StoredName, row: Row, now: float) -> Row:
        """
        :return: *row* with a whole new term: the one that holds for all of its
            name, or the one that it had of its own.
        """
        retention, own = self._knowing.retention, None
        if row.own is not None:
            began = row.stored if row.counted is None else row.counted
            term = retention.ttl(name.text)
            own = int(now + (row.own - began if term is None else term))
        expires = retention.expires(name.text, row.stored, own, now)
        return attrs.evolve(row, own=own, counted=now, expires=expires)

    def _adopt(
        self,
        name: StoredName,
        folder: int,
        entry: bytes,
        file: int,
        known: Known,
        **changes: Any,
    ) -> Part:
        """
        Make *entry* of *folder* a part as well, that says what it is to become.

        :param file: the same, opened.
        :param changes: of its label.
        :return: it, opened once more; a start finds it also behind a power cut.
        """
        row = known.row
        label = known.label or Label(
            content_type=row.content_type,
            size=row.size,
            expires=row.own,
            owner=row.owner,
            # As it is called now: it stays what it was.
            commit=known.id,
            stored=row.stored,
            sha256=row.sha256,
            counted=row.counted,
        )
        # Nobody goes on with it: where it has come to nothing it goes.
        label = attrs.evolve(label, name=name.text, until=0, **changes)
        id = token_hex(16).encode()
        beside = not self._parts.attributes or not fits(label)
        if self._parts.attributes:
            told = abridged(label) if beside else label
            self._disk.set_attribute(file, encode(told))
            self._disk.sync(file)
        try:
            if beside:
                self._write_beside(id + b".label", label)
            self._disk.link(folder, entry, self._parts.folder, id)
            part = Part(id, self._disk.open(self._parts.folder, id), label, beside)
        except BaseException:
            self._parts.drop(id)
            raise
        try:
            self._parts.settle(part)
        except BaseException:
            self._disk.close(part.file)
            self._parts.drop(id)
            raise
        return part

    def _write_beside(self, entry: bytes, label: Label) -> None:
        beside = self._disk.create(self._parts.folder, entry, FILE_MODE)
        try:
            write_all(self._disk, beside, [encode(label)])
        finally:
            self._disk.close(beside)

    def _unlink(self, folder: int, entry: bytes) -> None:
        """
        Take its former name away; what fails the next start does.
        """
        try:
            with suppress(FileNotFoundError):
                self._disk.unlink(folder, entry)
            self._disk.sync(folder)
        except OSError:
            self.log.failure("what came back is kept twice until the next start")

    @contextmanager
    def _closed(self, file: int) -> Iterator[None]:
        try:
            yield
        finally:
            self._disk.close(file)
