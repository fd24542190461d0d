"""
The store and the index that forget: for the tests of everything above them.

They keep the same contracts as those that last, and answer at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256 as digest

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.errors import Exists, Forbidden, NoSpace, NotAFolder, NotFound, WrongLength
from hmacfs.interfaces import IFile, IIndex, IStore, IUpload
from hmacfs.names import StoredName
from hmacfs.records import Figures, FileRecord, Row
from hmacfs.store.space import Promise, Space
from hmacfs.store.troubles import too_large
from hmacfs.uploads import Slot


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


@implementer(IStore)
class MemoryStore:
    """
    Files by name.

    :ivar files: what is served: the record and the bytes.
    :ivar suspended: the parts that wait.
    """

    def __init__(self, clock: IReactorTime, capacity: int = 2**30) -> None:
        """
        :param capacity: bytes that it takes, parts included.
        """
        self.files: dict[StoredName, tuple[FileRecord, bytes]] = {}
        self.suspended: dict[StoredName, bytes] = {}
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

    def begin(self, slot: Slot) -> Deferred[IUpload]:
        """See :meth:`hmacfs.interfaces.IStore.begin`."""
        return maybeDeferred(self._begin, slot)

    def open(self, name: StoredName) -> Deferred[IFile]:
        """See :meth:`hmacfs.interfaces.IStore.open`."""
        return maybeDeferred(self._open, name)

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

    def _begin(self, slot: Slot) -> IUpload:
        self.check(slot)
        promise = Promise(self.space)
        promise.ask(slot.size or 0)
        self.written -= len(self.suspended.pop(slot.name, b""))
        return MemoryUpload(slot, promise, self)

    def _open(self, name: StoredName) -> IFile:
        if self._is_folder(name):
            raise Forbidden("Folders are not served.")
        record, data = self.files.get(name, (None, b""))
        if record is None or (
            record.expires is not None and record.expires <= self.clock.seconds()
        ):
            raise NotFound("Nothing is kept under this name.")
        return MemoryFile(record, data)

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

    def __init__(self, slot: Slot, promise: Promise, store: MemoryStore) -> None:
        self.slot = slot
        self.offset = 0
        self._data = bytearray()
        self._promise = promise
        self._store = store
        self._over = False

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
        self._store.written += len(data)
        self.offset = len(self._data)
        self._promise.shrink(0 if self.slot.size is None else self.slot.size - self.offset)
        return succeed(self.offset)

    def commit(self, sha256: str | None = None) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.interfaces.IUpload.commit`."""
        if self.slot.size not in (None, self.offset):
            return fail(WrongLength("The body has another length than was promised."))
        return maybeDeferred(self._commit, sha256)

    def suspend(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IUpload.suspend`."""
        if not self._over:
            self._end()
            self._store.suspended[self.slot.name] = bytes(self._data)
        return succeed(None)

    def discard(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IUpload.discard`."""
        if not self._over:
            self._end()
            self._store.written -= self.offset
        return succeed(None)

    def _end(self) -> None:
        self._over = True
        self._promise.shrink(0)

    def _commit(self, sha256: str | None) -> FileRecord:
        try:
            self._store.check(self.slot)
        except BaseException:
            self.discard()
            raise
        self._end()
        self._store.commits += 1
        record = FileRecord(
            size=self.offset,
            content_type=self.slot.content_type,
            stored=self._store.clock.seconds(),
            etag=digest(b"%d" % self._store.commits).hexdigest()[:32],
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
