"""
The store and the index that forget: for the tests of everything above them.

They keep the same contracts as those that last, and answer at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from secrets import token_hex

import attrs
from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.digests import Digest
from hmacfs.errors import (
    Exists,
    Forbidden,
    Locked,
    NoSpace,
    NotAFolder,
    NotFound,
    WrongLength,
)
from hmacfs.interfaces import IDigests, IFile, IIndex, IResumes, IStore, IUpload
from hmacfs.names import StoredName
from hmacfs.records import Figures, FileRecord, Row
from hmacfs.store.parts import missing
from hmacfs.store.space import Promise, Space
from hmacfs.store.suspended import Suspended, Waiting
from hmacfs.store.troubles import too_large
from hmacfs.uploads import Slot, UploadRecord


@implementer(IIndex)
class MemoryIndex:
    """
    :ivar rows: by name.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def start(self) -> Deferred[None]:
        """There is nothing to get ready."""
        return succeed(None)

    def stop(self) -> Deferred[None]:
        """There is nothing to let go of."""
        return succeed(None)

    def write(self, rows: Sequence[Row]) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IIndex.write`."""
        self.rows.update((row.name, row) for row in rows)
        return succeed(None)

    def find(self, name: str) -> Deferred[Row | None]:
        """See :meth:`hmacfs.interfaces.IIndex.find`."""
        return succeed(self.rows.get(name))

    def totals(self) -> tuple[int, int]:
        """See :meth:`hmacfs.interfaces.IIndex.totals`."""
        return len(self.rows), sum(row.size for row in self.rows.values())


@implementer(IStore, IResumes, IDigests)
class MemoryStore:
    """
    Files by name.

    :ivar files: what is served: the record and the bytes.
    :ivar parts: the bytes of uploads, under way and suspended, by id.
    :ivar suspended: the parts that wait.
    :ivar writing: the uploads under way.
    """

    def __init__(
        self, clock: IReactorTime, capacity: int = 2**30, upload_expiry: int = 86400
    ) -> None:
        """
        :param capacity: bytes that it takes, parts included.
        :param upload_expiry: seconds that an unfinished upload waits.
        """
        self.files: dict[StoredName, tuple[FileRecord, bytes]] = {}
        self.parts: dict[bytes, bytearray] = {}
        self.suspended = Suspended()
        self.writing: dict[bytes, MemoryUpload] = {}
        self.upload_expiry = upload_expiry
        self.space = Space(self._free, 0)
        self.written = 0
        self.commits = 0
        self.clock = clock
        self._capacity = capacity

    def start(self) -> Deferred[None]:
        """There is nothing to get ready."""
        return succeed(None)

    def stop(self) -> Deferred[None]:
        """There is nothing to let go of."""
        return succeed(None)

    def begin(self, slot: Slot, record: UploadRecord | None = None) -> Deferred[IUpload]:
        """See :meth:`hmacfs.interfaces.IStore.begin`."""
        return maybeDeferred(self._begin, slot, record)

    def open(self, name: StoredName) -> Deferred[IFile]:
        """See :meth:`hmacfs.interfaces.IStore.open`."""
        return maybeDeferred(self._open, name)

    def digest(self, name: StoredName) -> Deferred[str]:
        """See :meth:`hmacfs.interfaces.IDigests.digest`."""
        return maybeDeferred(self._digest, name)

    def resume(self, id: str) -> Deferred[IUpload]:
        """See :meth:`hmacfs.interfaces.IResumes.resume`."""
        return maybeDeferred(self._resume, id.encode())

    def recorded(self, id: str) -> Deferred[tuple[UploadRecord, int] | None]:
        """See :meth:`hmacfs.interfaces.IResumes.recorded`."""
        return succeed(self._recorded(id.encode()))

    def unfinished(self) -> Sequence[UploadRecord]:
        """See :meth:`hmacfs.interfaces.IResumes.unfinished`."""
        return self.suspended.records()

    def waiting(self, name: StoredName) -> Sequence[str]:
        """See :meth:`hmacfs.interfaces.IResumes.waiting`."""
        return [id.decode() for id in self.suspended.named(name)]

    def drop(self, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IResumes.drop`."""
        if id.encode() in self.writing:
            return fail(Locked())
        if self.suspended.remove(id.encode()) is not None:
            self.remove(id.encode())
        return succeed(None)

    def expire(self, now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.IResumes.expire`."""
        due = self.suspended.due(now, most)
        for waiting in due:
            self.remove(waiting.id)
        return succeed([waiting.record for waiting in due if waiting.record is not None])

    def figures(self) -> Deferred[Figures]:
        """See :meth:`hmacfs.interfaces.IStore.figures`."""
        size = sum(record.size for record, _ in self.files.values())
        return succeed(Figures(len(self.files), size, self.space.left()))

    def faults(self) -> Sequence[str]:
        """See :meth:`hmacfs.interfaces.IStore.faults`.  There are none."""
        return ()

    def check(self, slot: Slot) -> None:
        """
        :raise Refusal: something has the name that does not give way.
        """
        if slot.name in self.files and not slot.overwrite:
            raise Exists("This name holds another file already.")
        if self._is_folder(slot.name) or any(
            StoredName(slot.name.segments[:depth]) in self.files
            for depth in range(1, len(slot.name.segments))
        ):
            raise NotAFolder("A folder of this name is a file already.")

    def remove(self, id: bytes) -> int:
        """
        :return: how many bytes the part *id* had.
        """
        size = len(self.parts.pop(id))
        self.written -= size
        return size

    def _begin(self, slot: Slot, record: UploadRecord | None) -> IUpload:
        self.check(slot)
        promise = Promise(self.space)
        promise.ask(slot.size or 0)
        if record is None:
            for stale in self.suspended.take(slot.name, self.clock.seconds()):
                self.remove(stale)
        id = (token_hex(16) if record is None else record.id).encode()
        self.parts[id] = bytearray()
        return MemoryUpload(slot, record, id, promise, self)

    def _resume(self, id: bytes) -> IUpload:
        if id in self.writing:
            raise Locked()
        waiting = self.suspended.get(id)
        if waiting is None or waiting.record is None or waiting.until <= self.clock.seconds():
            raise missing()
        promise = Promise(self.space)
        promise.ask(waiting.record.length - len(self.parts[id]))
        self.suspended.remove(id)
        slot, until = waiting.record.slot, waiting.until
        return MemoryUpload(slot, waiting.record, id, promise, self, until)

    def _recorded(self, id: bytes) -> tuple[UploadRecord, int] | None:
        holder = self.writing.get(id) or self.suspended.get(id)
        if holder is None or holder.record is None:
            return None
        if isinstance(holder, Waiting) and holder.until <= self.clock.seconds():
            return None
        return holder.record, len(self.parts[id])

    def _digest(self, name: StoredName) -> str:
        record, data = self._find(name)
        sha256 = record.sha256 or hashlib.sha256(data).hexdigest()
        self.files[name] = (attrs.evolve(record, sha256=sha256), data)
        return sha256

    def _open(self, name: StoredName) -> IFile:
        return MemoryFile(*self._find(name))

    def _find(self, name: StoredName) -> tuple[FileRecord, bytes]:
        if self._is_folder(name):
            raise Forbidden("Folders are not served.")
        record, data = self.files.get(name, (None, b""))
        if record is None or (
            record.expires is not None and record.expires <= self.clock.seconds()
        ):
            raise NotFound("Nothing is kept under this name.")
        return record, data

    def _is_folder(self, name: StoredName) -> bool:
        depth = len(name.segments)
        return any(
            len(other.segments) > depth and other.segments[:depth] == name.segments
            for other in self.files
        )

    def _free(self) -> int:
        return self._capacity - self.written


@implementer(IUpload)
class MemoryUpload:
    """
    Bytes that are no file yet.
    """

    def __init__(
        self,
        slot: Slot,
        record: UploadRecord | None,
        id: bytes,
        promise: Promise,
        store: MemoryStore,
        until: int | None = None,
    ) -> None:
        """
        :param until: as it was suspended for.
        """
        self.slot = slot
        self.record = record
        self._id = id
        self._data = store.parts[id]
        self._promise = promise
        self._store = store
        self._until = until
        self._over = False
        self._trusted: int | None = None
        store.writing[id] = self

    @property
    def offset(self) -> int:
        """How many bytes there are."""
        return len(self._data)

    def append(self, pieces: Sequence[bytes]) -> Deferred[int]:
        """See :meth:`hmacfs.interfaces.IUpload.append`."""
        data = b"".join(pieces)
        for bound in (self.slot.size, self.slot.most):
            if bound is not None and self.offset + len(data) > bound:
                return fail(too_large())
        if self.slot.size is None:
            try:
                self._promise.ask(len(data))
            except NoSpace:
                return fail()
        self._data += data
        self._until = None
        self._store.written += len(data)
        self._promise.need(0 if self.slot.size is None else self.slot.size - self.offset)
        return succeed(self.offset)

    def truncate(self, offset: int) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IUpload.truncate`."""
        if self._trusted is not None:
            self._trusted = min(self._trusted, offset)
        self._store.written -= self.offset - offset
        del self._data[offset:]
        self._promise.need(0 if self.slot.size is None else self.slot.size - self.offset)
        return succeed(None)

    def promise(self, digests: Iterable[Digest]) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IUpload.promise`."""
        return maybeDeferred(self._promised, digests)

    def distrust(self) -> None:
        """See :meth:`hmacfs.interfaces.IUpload.distrust`."""
        self._trusted = self.offset

    def trust(self) -> None:
        """See :meth:`hmacfs.interfaces.IUpload.trust`."""
        self._trusted = None

    def digest(self, algorithm: str, start: int = 0) -> Deferred[bytes]:
        """See :meth:`hmacfs.interfaces.IUpload.digest`."""
        data = self._data[start:]
        return succeed(hashlib.new(algorithm, data, usedforsecurity=False).digest())

    def commit(self, sha256: str | None = None) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.interfaces.IUpload.commit`."""
        if self.slot.size not in (None, self.offset):
            return fail(WrongLength("The body has another length than was promised."))
        return maybeDeferred(self._commit, sha256)

    def suspend(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IUpload.suspend`."""
        if not self._over:
            if self._trusted is not None:
                self.truncate(self._trusted)
            self._end()
            until = self._until
            if until is None:
                until = int(self._store.clock.seconds()) + self._store.upload_expiry
            if self.record is not None and self.record.until != until:
                self.record = self.record.changed(until=until)
            self._store.suspended.add(Waiting(self.slot.name, self._id, until, self.record))
        return succeed(None)

    def discard(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IUpload.discard`."""
        if not self._over:
            self._end()
            self._store.remove(self._id)
        return succeed(None)

    def _promised(self, digests: Iterable[Digest]) -> None:
        if self.record is not None:
            self.record = self.record.promising(digests)

    def _end(self) -> None:
        self._over = True
        self._promise.need(0)
        del self._store.writing[self._id]

    def _commit(self, sha256: str | None) -> FileRecord:
        try:
            self._store.check(self.slot)
        except BaseException:
            self.discard()
            raise
        self._end()
        del self._store.parts[self._id]
        self._store.commits += 1
        record = FileRecord(
            size=self.offset,
            content_type=self.slot.content_type,
            stored=self._store.clock.seconds(),
            etag=hashlib.sha256(b"%d" % self._store.commits).hexdigest()[:32],
            sha256=sha256,
            expires=self.slot.expires,
            owner=self.slot.owner,
        )
        self._store.files[self.slot.name] = (record, bytes(self._data))
        return record


@implementer(IFile)
class MemoryFile:
    """
    The bytes that a file had when it was opened.
    """

    def __init__(self, record: FileRecord, data: bytes) -> None:
        self.record = record
        self._data = data

    def read(self, offset: int, size: int) -> Deferred[bytes]:
        """See :meth:`hmacfs.interfaces.IFile.read`."""
        return succeed(self._data[offset : offset + size])

    def close(self) -> None:
        """There is nothing to let go of."""
