"""
The files that are read: opened, or held since they were.

What does not block is done on the spot, since a thread costs more.
"""

from __future__ import annotations

from collections.abc import Generator
from stat import S_ISDIR, S_ISREG
from typing import Any

import attrs
from twisted.internet.defer import Deferred, inlineCallbacks, succeed

from hmacfs.errors import Forbidden, Refusal
from hmacfs.interfaces.store import IFile
from hmacfs.names import StoredName
from hmacfs.records import FileRecord, Row
from hmacfs.store.files import StoredFile
from hmacfs.store.held import SMALL, HeldFile
from hmacfs.store.opened import Opened
from hmacfs.store.troubles import MISSING, nothing


class Serving:
    """
    What serves the files of one open store.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def open(self, name: StoredName) -> Deferred[IFile]:
        """See :meth:`hmacfs.interfaces.store.IStore.open`."""
        known = self._known(name)
        if known is not None:
            return succeed(known)
        opening: Deferred[IFile] = self._open(name)
        return opening

    def held(self, name: StoredName) -> HeldFile | StoredFile | None:
        """See :meth:`hmacfs.abilities.IHolds.held`."""
        return self._known(name) or self._open_now(name)

    def _known(self, name: StoredName) -> HeldFile | StoredFile | None:
        """
        :return: the file *name*, where it is the one that it was before.
        """
        opened = self._opened
        file = opened.held.find(name) or opened.familiar.open(name)
        if file is not None and self._expired(file.record):
            file.close()
            return None
        return file

    @inlineCallbacks
    def digest(self, name: StoredName) -> Generator[Deferred[Any], Any, str]:
        """See :meth:`hmacfs.interfaces.store.IDigests.digest`."""
        opened = self._opened
        file: StoredFile = yield self._open(name, whole=False)
        try:
            record: FileRecord = file.record
            if record.sha256 is not None:
                return record.sha256
            digest_file = opened.digesting.digest_file
            sha256: str = yield opened.threads.run(digest_file, name, file.fileno())
        finally:
            file.close()
        row = yield opened.find(name)
        # A newer file may have come meanwhile, and its row not be written yet.
        row = opened.backlog.find(name.text) or row
        if row is not None and (row.stored, row.size) == (record.stored, record.size):
            opened.backlog.add(attrs.evolve(row, sha256=sha256))
        return sha256

    def _open_now(self, name: StoredName) -> HeldFile | StoredFile | None:
        """
        :return: the file *name*, where nobody else is to be asked what it is;
            ``None`` where it is not there as well: whoever opens it is told why.
        """
        if not self._opened.parts.attributes:
            return None
        try:
            return self._opened_as(name, self._open_file(name), None)
        except (OSError, Refusal):
            return None

    @inlineCallbacks
    def _open(self, name: StoredName, whole: bool = True) -> Generator[Deferred[Any], Any, IFile]:
        """
        :param whole: as of :meth:`_opened_as`.
        """
        opened = self._opened
        file = self._open_file(name)
        try:
            row = yield opened.row(name)
        except BaseException:
            opened.disk.close(file)
            raise
        return self._opened_as(name, file, row, whole)

    def _opened_as(
        self, name: StoredName, file: int, row: Row | None, whole: bool = True
    ) -> HeldFile | StoredFile:
        """
        :param file: a descriptor, which is closed where it is not served from it.
        :param row: of the index, where it has to be asked.
        :param whole: whether all that is in it may be given in its place.
        """
        opened = self._opened
        content = None
        try:
            # Before anything is read of it.
            mark = opened.disk.mark(file)
            _check_kind(mark.mode)
            record = opened.knowing.record(name, file, mark.size, row)
            if self._expired(record):
                raise nothing()
            if whole and record.size == mark.size:
                content = opened.held.read(file, mark.size)
        except BaseException:
            opened.disk.close(file)
            raise
        # What the index knows may change, and leaves no mark.
        lasts, now = opened.parts.attributes, opened.clock.seconds()
        if content is None:
            if lasts and mark.size > SMALL:
                opened.familiar.know(name, mark, record, now)
            return StoredFile(file, record, opened.disk, opened.threads)
        opened.disk.close(file)
        held = HeldFile(record, content)
        if lasts:
            opened.held.hold(name, mark, held, now)
        return held

    def _open_file(self, name: StoredName) -> int:
        try:
            with self._opened.files.holding(name) as folder:
                return self._opened.disk.open(folder, name.segments[-1])
        except OSError as error:
            if error.errno in MISSING:
                raise nothing() from None
            raise

    def _expired(self, record: FileRecord) -> bool:
        return record.expires is not None and record.expires <= self._opened.clock.seconds()


def _check_kind(mode: int) -> None:
    if S_ISDIR(mode):
        raise Forbidden("Folders are not served.")
    if not S_ISREG(mode):
        raise nothing()
