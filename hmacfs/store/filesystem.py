"""
The store that keeps files as files.

What may block is done in threads of the store's own: creating, writing,
syncing, removing.  What does not is done on the spot, since a thread costs
more: opening a file, asking what stands under a name and how much room is left.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.errors import Forbidden, NotFound
from hmacfs.interfaces import (
    IDigests,
    IDisk,
    IFile,
    IIndex,
    IResumes,
    IStore,
    IThreads,
    IUpload,
)
from hmacfs.names import StoredName
from hmacfs.records import Figures, FileRecord, Mark, Row, Status
from hmacfs.store.area import Area, open_area
from hmacfs.store.files import StoredFile
from hmacfs.store.labels import Label, begun, decode, describe, row_of
from hmacfs.store.opened import Opened, Policy
from hmacfs.store.parts import Part
from hmacfs.store.resumption import Resumption
from hmacfs.store.space import Promise
from hmacfs.store.tables import files
from hmacfs.store.troubles import MISSING, refusal, taken
from hmacfs.store.upload import FilesystemUpload
from hmacfs.uploads import Slot, UploadRecord

BATCH = 1000
"""Rows that a start writes at a time."""


def _missing() -> NotFound:
    return NotFound("Nothing is kept under this name.")


@implementer(IStore, IResumes, IDigests)
class FilesystemStore:
    """
    One folder of one file system, and one daemon that has it.
    """

    def __init__(
        self,
        disk: IDisk,
        root: str,
        index: IIndex,
        clock: IReactorTime,
        threads: IThreads,
        policy: Policy,
        syncs: IThreads | None = None,
    ) -> None:
        """
        :param root: the absolute path of the store.
        :param syncs: where commits wait for the disk, if not in *threads*.
        """
        self._syncs = syncs or threads
        self._disk = disk
        self._root = root
        self._index = index
        self._clock = clock
        self._threads = threads
        self._policy = policy
        self._opened: Opened | None = None

    @inlineCallbacks
    def start(self) -> Generator[Deferred[Any], Any, None]:
        """See :meth:`hmacfs.interfaces.IStore.start`."""
        self._threads.start()
        self._syncs.start()
        try:
            area = yield self._threads.run(open_area, self._disk, self._root, self._policy.network)
            try:
                yield self._index.start()
                self._opened = yield self._recover(area)
            except BaseException:
                yield self._index.stop()
                area.close(self._disk)
                raise
        except BaseException:
            yield self._stop_threads()
            raise

    @inlineCallbacks
    def stop(self) -> Generator[Deferred[Any], Any, None]:
        """
        See :meth:`hmacfs.interfaces.IStore.stop`.  Harmless where the start
        failed, and when called twice.
        """
        opened, self._opened = self._opened, None
        if opened is not None:
            yield opened.backlog.flush()
            yield self._index.stop()
            opened.area.close(self._disk)
            yield self._stop_threads()

    @inlineCallbacks
    def begin(
        self, slot: Slot, record: UploadRecord | None = None, soon: bool = False
    ) -> Generator[Deferred[Any], Any, IUpload]:
        """See :meth:`hmacfs.interfaces.IStore.begin`."""
        opened = self._open_one()
        try:
            self._check_free(slot)
            promise = Promise(opened.space)
            promise.ask(slot.size or 0)
            now = self._clock.seconds()
            until = int(now) + self._policy.upload_expiry
            label = begun(slot, record, until, opened.area.boot)
            try:
                stale = opened.suspended.take(slot.name, now) if record is None else ()
                id = None if record is None else record.id.encode()
                if stale or not soon:
                    part = yield self._threads.run(self._begin, label, id, stale)
                else:
                    part = opened.parts.planned(label, id)
            except BaseException:
                promise.need(0)
                raise
        except OSError as error:
            foreseen = refusal(error)
            if foreseen is None:
                raise
            raise foreseen from error
        return FilesystemUpload(slot, record, part, None, promise, opened)

    def open(self, name: StoredName) -> Deferred[IFile]:
        """See :meth:`hmacfs.interfaces.IStore.open`."""
        held = self._open_one().held.find(name)
        if held is None:
            opening: Deferred[IFile] = self._open(name)
            return opening
        return fail(_missing()) if self._expired(held.record) else succeed(held)

    @inlineCallbacks
    def _open(self, name: StoredName) -> Generator[Deferred[Any], Any, IFile]:
        opened = self._open_one()
        file: StoredFile
        mark: Mark
        file, mark = yield self._open_stored(name)
        try:
            held = opened.held.read(file, mark)
        except BaseException:
            file.close()
            raise
        if held is None:
            return file
        file.close()
        if opened.parts.attributes:
            # What the index knows may change, and leaves no mark.
            opened.held.hold(name, mark, held, self._clock.seconds())
        return held

    @inlineCallbacks
    def _open_stored(
        self, name: StoredName
    ) -> Generator[Deferred[Any], Any, tuple[StoredFile, Mark]]:
        """
        :return: fires with the file, and its mark before anything was read of it.
        """
        opened = self._open_one()
        file = self._open_file(name)
        try:
            mark = self._disk.mark(file)
            status = self._disk.status(file)
            self._check_file(status)
            label = row = None
            if opened.parts.attributes:
                label = decode(self._disk.attribute(file))
            else:
                row = yield self._find(name)
            record = describe(name, status, label, row)
            if self._expired(record):
                raise _missing()
        except BaseException:
            self._disk.close(file)
            raise
        return StoredFile(file, record, self._disk, self._threads), mark

    @inlineCallbacks
    def digest(self, name: StoredName) -> Generator[Deferred[Any], Any, str]:
        """See :meth:`hmacfs.interfaces.IDigests.digest`."""
        opened = self._open_one()
        file, _ = yield self._open_stored(name)
        try:
            record: FileRecord = file.record
            if record.sha256 is not None:
                return record.sha256
            sha256: str = yield self._threads.run(opened.digesting.digest_file, name, file.fileno())
        finally:
            file.close()
        row = yield self._find(name)
        # A newer file may have come meanwhile, and its row not be written yet.
        row = opened.backlog.find(name.text) or row
        if row is not None and row == row_of(name, record):
            opened.backlog.add(attrs.evolve(row, sha256=sha256))
        return sha256

    def resume(self, id: str) -> Deferred[IUpload]:
        """See :meth:`hmacfs.interfaces.IResumes.resume`."""
        return self._resumption().resume(id)

    def recorded(self, id: str) -> Deferred[tuple[UploadRecord, int] | None]:
        """See :meth:`hmacfs.interfaces.IResumes.recorded`."""
        return succeed(self._resumption().recorded(id))

    def unfinished(self) -> Sequence[UploadRecord]:
        """See :meth:`hmacfs.interfaces.IResumes.unfinished`."""
        return self._open_one().suspended.records()

    def waiting(self, name: StoredName) -> Sequence[str]:
        """See :meth:`hmacfs.interfaces.IResumes.waiting`."""
        return [id.decode() for id in self._open_one().suspended.named(name)]

    def drop(self, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IResumes.drop`."""
        return self._resumption().drop(id)

    def expire(self, now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.IResumes.expire`."""
        return self._resumption().expire(now, most)

    def figures(self) -> Deferred[Figures]:
        """See :meth:`hmacfs.interfaces.IStore.figures`."""
        kept = self._index.totals().files
        return succeed(Figures(kept.count, kept.size, self._open_one().space.left()))

    def faults(self) -> Sequence[str]:
        """See :meth:`hmacfs.interfaces.IStore.faults`."""
        return self._open_one().area.faults

    @inlineCallbacks
    def _stop_threads(self) -> Generator[Deferred[Any], Any, None]:
        yield self._syncs.stop()
        if self._syncs is not self._threads:
            yield self._threads.stop()

    def _resumption(self) -> Resumption:
        return Resumption(self._open_one())

    def _open_one(self) -> Opened:
        assert self._opened is not None, "the store is not started"
        return self._opened

    @inlineCallbacks
    def _recover(self, area: Area) -> Generator[Deferred[Any], Any, Opened]:
        opened = Opened(
            area, self._disk, self._index, self._clock, self._threads, self._policy, self._syncs
        )
        found = yield self._threads.run(opened.recovery.recover, self._clock.seconds())
        for waiting in found.waiting:
            opened.suspended.add(waiting)
        for batch in range(0, len(found.finished), BATCH):
            for row, id in found.finished[batch : batch + BATCH]:
                opened.backlog.add(row, id)
            yield opened.backlog.flush()
        return opened

    def _check_free(self, slot: Slot) -> None:
        """
        :raise Refusal: something has the name that does not give way.
        """
        try:
            with self._open_one().files.holding(slot.name) as folder:
                status = self._disk.look(folder, slot.name.segments[-1])
        except FileNotFoundError:
            return
        if not slot.overwrite or status.kind != "file":
            raise taken(status)

    def _begin(self, label: Label, id: bytes | None, stale: Sequence[bytes]) -> Part:
        parts = self._open_one().parts
        for old in stale:
            parts.drop(old)
        return parts.create(label, id)

    def _open_file(self, name: StoredName) -> int:
        try:
            with self._open_one().files.holding(name) as folder:
                return self._disk.open(folder, name.segments[-1])
        except OSError as error:
            if error.errno in MISSING:
                raise _missing() from None
            raise

    def _check_file(self, status: Status) -> None:
        if status.kind == "folder":
            raise Forbidden("Folders are not served.")
        if status.kind != "file":
            raise _missing()

    def _expired(self, record: FileRecord) -> bool:
        return record.expires is not None and record.expires <= self._clock.seconds()

    def _find(self, name: StoredName) -> Deferred[Row | None]:
        """
        :return: fires with what the index knows, be it written or still to be.
        """
        row = self._open_one().backlog.find(name.text)
        return self._index.run(files.find, name.text) if row is None else succeed(row)
