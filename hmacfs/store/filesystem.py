"""
The store that keeps files as files.

What may block is done in threads of the store's own: creating, writing,
syncing, removing.  What does not is done on the spot, since a thread costs
more: opening a file (:mod:`hmacfs.store.serving`), asking what stands under a
name and how much room is left, and as long as the disk is quick
(:mod:`hmacfs.store.pace`) what comes of a body, a small file that nobody syncs
(:mod:`hmacfs.store.whole`), and a commit whose syncs the kernel does by itself
(:mod:`hmacfs.store.landing`).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.abilities import (
    IBans,
    IChecks,
    IExpires,
    IHolds,
    IIndexed,
    IRemoves,
    IStoresWhole,
    ITrash,
    IVersioned,
)
from hmacfs.interfaces.disk import IDisk, ISyncs, IThreads
from hmacfs.interfaces.index import IIndex
from hmacfs.interfaces.store import (
    IDigests,
    IFile,
    IHasDescriptor,
    IHeld,
    IResumes,
    IStore,
    IUpload,
)
from hmacfs.names import StoredName
from hmacfs.records import (
    Checked,
    Disagreement,
    Due,
    Figures,
    FileRecord,
    Removed,
    Row,
    Trashed,
    Version,
)
from hmacfs.store import terms
from hmacfs.store.area import Area
from hmacfs.store.company import Alone
from hmacfs.store.files import StoredFile
from hmacfs.store.known import Known
from hmacfs.store.labels import Label, begun
from hmacfs.store.opened import Opened, Policy
from hmacfs.store.pace import Pace
from hmacfs.store.parts import Part
from hmacfs.store.refusing import deleted
from hmacfs.store.resumption import Resumption
from hmacfs.store.retiring import Retiring
from hmacfs.store.serving import Serving
from hmacfs.store.space import Promise
from hmacfs.store.starting import recover
from hmacfs.store.troubles import refusal, taken
from hmacfs.store.undoing import Undoing
from hmacfs.store.upload import FilesystemUpload
from hmacfs.store.whole import MOST, Whole
from hmacfs.uploads import Slot, UploadRecord


@implementer(IStore, IResumes, IDigests)
@implementer(IVersioned, IRemoves, IExpires, ITrash, IBans, IHolds, IIndexed, IChecks, IStoresWhole)
class FilesystemStore:
    """
    One folder of one file system, and one daemon that has it.
    """

    most = MOST

    def __init__(
        self,
        disk: IDisk,
        root: str,
        index: IIndex,
        clock: IReactorTime,
        threads: IThreads,
        policy: Policy,
        syncs: IThreads | None = None,
        company: Alone | None = None,
        kernel: ISyncs | None = None,
        pace: Pace | None = None,
    ) -> None:
        """
        :param root: the absolute path of the store.
        :param syncs: where commits wait for the disk, if not in *threads*.
        :param company: what it shares with other processes of this daemon.
        :param kernel: who syncs by itself, if anybody does.
        :param pace: whether small things are done on the spot.
        """
        self._kernel = kernel
        self._pace = pace or Pace()
        self._syncs = syncs or threads
        self._disk = disk
        self._root = root
        self._index = index
        self._clock = clock
        self._threads = threads
        self._policy = policy
        self._company = company or Alone()
        self._opened: Opened | None = None
        self._removes: Retiring | None = None
        self._serves: Serving | None = None
        self._whole: Whole | None = None

    @inlineCallbacks
    def start(self) -> Generator[Deferred[Any], Any, None]:
        """See :meth:`hmacfs.interfaces.store.IStore.start`."""
        self._threads.start()
        self._syncs.start()
        if self._kernel is not None:
            self._kernel.start()
        try:
            area = yield self._threads.run(
                self._company.area, self._disk, self._root, self._policy.network
            )
            try:
                yield self._index.start()
                self._opened = yield self._recover(area)
                self._removes = Retiring(self._opened)
                self._serves = Serving(self._opened)
                self._whole = Whole(self._opened)
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
        See :meth:`hmacfs.interfaces.store.IStore.stop`.  Harmless where the start
        failed, and when called twice.
        """
        opened, self._opened = self._opened, None
        if opened is not None:
            if self._company.first:
                yield Resumption(opened).settle()
            yield opened.backlog.stop()
            yield self._index.stop()
            opened.checking.close()
            opened.area.close(self._disk)
            yield self._stop_threads()

    @inlineCallbacks
    def begin(
        self, slot: Slot, record: UploadRecord | None = None, soon: bool = False
    ) -> Generator[Deferred[Any], Any, IUpload]:
        """See :meth:`hmacfs.interfaces.store.IStore.begin`."""
        opened = self.opened
        share, promise = opened.quota.share(slot.owner), Promise(opened.space)
        try:
            if (yield opened.refusing.buried(slot.name)):
                raise deleted()
            self._check_free(slot, (yield opened.row(slot.name)))
            yield share.ask(slot.size or 0)
            promise.ask(slot.size or 0)
            until = int(self._clock.seconds()) + self._policy.upload_expiry
            label = begun(slot, record, until, opened.area.boot)
            stale = opened.suspended.take(slot.name) if record is None else ()
            id = None if record is None else record.id.encode()
            if stale or not soon:
                part = yield self._threads.run(self._begin, label, id, stale)
            else:
                part = opened.parts.planned(label, id)
        except BaseException as error:
            promise.need(0)
            share.drop()
            foreseen = refusal(error) if isinstance(error, OSError) else None
            if foreseen is None:
                raise
            raise foreseen from error
        return FilesystemUpload(slot, record, part, None, promise, share, opened)

    def store_now(self, slot: Slot, content: bytes) -> FileRecord | None:
        """See :meth:`hmacfs.abilities.IStoresWhole.store_now`."""
        assert self._whole is not None, "the store is not started"
        return self._whole.store_now(slot, content)

    def store(self, slot: Slot, content: bytes) -> Deferred[FileRecord | None]:
        """See :meth:`hmacfs.abilities.IStoresWhole.store`."""
        assert self._whole is not None, "the store is not started"
        return self._whole.store(slot, content)

    def open(self, name: StoredName) -> Deferred[IFile]:
        """See :meth:`hmacfs.interfaces.store.IStore.open`."""
        return self._serving().open(name)

    def held(self, name: StoredName) -> IHeld | IHasDescriptor | None:
        """See :meth:`hmacfs.abilities.IHolds.held`."""
        return self._serving().held(name)

    def digest(self, name: StoredName) -> Deferred[str]:
        """See :meth:`hmacfs.interfaces.store.IDigests.digest`."""
        return self._serving().digest(name)

    def resume(self, id: str) -> Deferred[IUpload]:
        """See :meth:`hmacfs.interfaces.store.IResumes.resume`."""
        return self._resumption().resume(id)

    def recorded(self, id: str) -> Deferred[tuple[UploadRecord, int] | None]:
        """See :meth:`hmacfs.interfaces.store.IResumes.recorded`."""
        return succeed(self._resumption().recorded(id))

    def unfinished(self) -> Sequence[UploadRecord]:
        """See :meth:`hmacfs.interfaces.store.IResumes.unfinished`."""
        return self.opened.suspended.records()

    def waiting(self, name: StoredName) -> Sequence[str]:
        """See :meth:`hmacfs.interfaces.store.IResumes.waiting`."""
        return [id.decode() for id in self.opened.suspended.named(name)]

    def drop(self, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.store.IResumes.drop`."""
        return self._resumption().drop(id)

    def expire(self, now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.store.IResumes.expire`."""
        return self._resumption().expire(now, most)

    def figures(self) -> Deferred[Figures]:
        """See :meth:`hmacfs.interfaces.store.IStore.figures`."""
        kept = self._index.totals().files
        return succeed(Figures(kept.count, kept.size, self.opened.space.left()))

    def faults(self) -> Sequence[str]:
        """See :meth:`hmacfs.interfaces.store.IStore.faults`."""
        return [*self.opened.area.faults, *self._index.faults()]

    @inlineCallbacks
    def versions(self, name: StoredName) -> Generator[Deferred[Any], Any, Sequence[Version]]:
        """See :meth:`hmacfs.abilities.IVersioned.versions`."""
        opened, now = self.opened, self._clock.seconds()
        rows = yield opened.rows(name)
        found: Sequence[Version]
        found = yield self._threads.run(opened.versions.listed, name, now, rows)
        return found

    @inlineCallbacks
    def open_version(self, name: StoredName, id: str) -> Generator[Deferred[Any], Any, IFile]:
        """See :meth:`hmacfs.abilities.IVersioned.open_version`."""
        opened, now = self.opened, self._clock.seconds()
        rows = yield opened.rows(name)
        found: tuple[int, Known]
        found = yield self._threads.run(opened.versions.open, name, id, now, rows)
        return StoredFile(found[0], found[1].record, self._disk, self._threads)

    def remove_version(self, name: StoredName, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.abilities.IVersioned.remove_version`."""
        return self._retiring().remove_version(name, id)

    def restore(self, name: StoredName, id: str) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.abilities.IVersioned.restore`."""
        return self._undoing().restore(name, id)

    def remove(self, name: StoredName) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.abilities.IRemoves.remove`."""
        return self._retiring().remove(name)

    def buried(self, name: StoredName) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.IRemoves.buried`."""
        return self.opened.refusing.buried(name)

    def forget(self, name: StoredName) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.IRemoves.forget`."""
        return self._retiring().forget(name)

    def take_down(self, name: StoredName, ban: bool = False) -> Deferred[Sequence[Removed]]:
        """See :meth:`hmacfs.abilities.IRemoves.take_down`."""
        return self._retiring().take_down(name, ban)

    def due(self, now: float, most: int) -> Deferred[Sequence[Due]]:
        """See :meth:`hmacfs.abilities.IExpires.due`."""
        return self._retiring().due(now, most)

    def overdue(self, now: float, most: int) -> Deferred[tuple[int, int]]:
        """See :meth:`hmacfs.abilities.IExpires.overdue`."""
        return self._retiring().overdue(now, most)

    def retire(self, due: Sequence[Due], now: float) -> Deferred[Sequence[Removed]]:
        """See :meth:`hmacfs.abilities.IExpires.retire`."""
        return self._retiring().retire(due, now)

    def trashed(self, name: StoredName | None, most: int) -> Deferred[Sequence[Trashed]]:
        """See :meth:`hmacfs.abilities.ITrash.trashed`."""
        return self._undoing().trashed(name, most)

    def undo(self, item: Trashed) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.ITrash.undo`."""
        return self._undoing().undo(item)

    def open_trashed(self, item: Trashed) -> Deferred[IFile]:
        """See :meth:`hmacfs.abilities.ITrash.open_trashed`."""
        return self._undoing().open_trashed(item)

    def discard(self, item: Trashed) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.ITrash.discard`."""
        return self._undoing().discard(item)

    def purge(self, before: float, most: int) -> Deferred[int]:
        """See :meth:`hmacfs.abilities.ITrash.purge`."""
        return self._undoing().purge(before, most)

    def settled(self) -> Deferred[None]:
        """See :meth:`hmacfs.abilities.IIndexed.settled`."""
        return self.opened.backlog.flush()

    def crawl(self, cursor: tuple[str, ...] | None, most: int) -> Deferred[Checked]:
        """See :meth:`hmacfs.abilities.IChecks.crawl`."""
        return self.opened.checking.crawl(cursor, most)

    def check(self, cursor: tuple[str, ...] | None, most: int) -> Deferred[Checked]:
        """See :meth:`hmacfs.abilities.IChecks.check`."""
        return self.opened.checking.check(cursor, most)

    def mend(self, found: Sequence[Disagreement]) -> Deferred[int]:
        """See :meth:`hmacfs.abilities.IChecks.mend`."""
        return self.opened.checking.mend(found)

    def forget_rows(self, most: int) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.IChecks.forget_rows`."""
        return self.opened.checking.forget_rows(most)

    def banned(self) -> Deferred[Sequence[str]]:
        """See :meth:`hmacfs.abilities.IBans.banned`."""
        return succeed(sorted(self.opened.refusing.banned))

    def ban(self, sha256: str) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.IBans.ban`."""
        return self.opened.refusing.ban(sha256)

    def unban(self, sha256: str) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.IBans.unban`."""
        return self.opened.refusing.unban(sha256)

    @inlineCallbacks
    def _stop_threads(self) -> Generator[Deferred[Any], Any, None]:
        if self._kernel is not None:
            self._kernel.stop()
        yield self._syncs.stop()
        if self._syncs is not self._threads:
            yield self._threads.stop()

    def _resumption(self) -> Resumption:
        return Resumption(self.opened)

    def _retiring(self) -> Retiring:
        assert self._removes is not None, "the store is not started"
        return self._removes

    def _serving(self) -> Serving:
        assert self._serves is not None, "the store is not started"
        return self._serves

    def _undoing(self) -> Undoing:
        return Undoing(self.opened)

    @property
    def opened(self) -> Opened:
        """What it works with while it is started."""
        assert self._opened is not None, "the store is not started"
        return self._opened

    @inlineCallbacks
    def _recover(self, area: Area) -> Generator[Deferred[Any], Any, Opened]:
        now = self._clock.seconds()
        company, retention = self._company, self._company.retention
        if retention is None:
            retention = yield self._index.run(terms.since, self._policy.retention, now)
        opened = Opened(
            area,
            self._disk,
            self._index,
            self._clock,
            self._threads,
            self._policy,
            retention,
            self._syncs,
            company,
            self._kernel,
            self._pace,
        )
        if company.first:
            yield recover(opened)
        else:
            # Now, since uploads end well also where the chief is gone by then.
            yield opened.refusing.recall()
        return opened

    def _check_free(self, slot: Slot, row: Row | None) -> None:
        """
        :raise Refusal: something has the name that does not give way.
        """
        opened, last = self.opened, slot.name.segments[-1]
        try:
            with opened.files.holding(slot.name) as folder:
                status = self._disk.look(folder, last)
                if status.kind == "file":
                    known = opened.knowing.look(slot.name, folder, last, row)
                    opened.refusing.check_former(known)
        except FileNotFoundError:
            return
        if not slot.overwrite or status.kind != "file":
            raise taken(status)

    def _begin(self, label: Label, id: bytes | None, stale: Sequence[bytes]) -> Part:
        parts = self.opened.parts
        for old in stale:
            parts.drop(old)
        return parts.create(label, id)
