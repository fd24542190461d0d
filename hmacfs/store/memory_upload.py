"""
Uploads into memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from zope.interface import implementer

from hmacfs.digests import Digest
from hmacfs.errors import Refusal, WrongLength
from hmacfs.interfaces.disk import Drawn
from hmacfs.interfaces.store import IUpload
from hmacfs.records import FileRecord
from hmacfs.store.refusing import deleted
from hmacfs.store.space import Promise
from hmacfs.store.suspended import Waiting
from hmacfs.store.troubles import too_large
from hmacfs.uploads import Slot, UploadRecord

if TYPE_CHECKING:
    from hmacfs.store.memory import MemoryStore


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
        """See :meth:`hmacfs.interfaces.store.IUpload.append`."""
        data = b"".join(pieces)
        if self._over:
            return fail(deleted())
        for bound in (self.slot.size, self.slot.most):
            if bound is not None and self.offset + len(data) > bound:
                return fail(too_large())
        if self.slot.size is None:
            try:
                self._store.check_owner(self.slot.owner, len(data))
                self._promise.ask(len(data))
            except Refusal:
                return fail()
        self._data += data
        self._until = None
        self._store.written += len(data)
        self._promise.need(0 if self.slot.size is None else self.slot.size - self.offset)
        return succeed(self.offset)

    draws = False

    def draw(self, socket: int, most: int) -> Deferred[Drawn]:
        """There is no file to draw to."""
        raise NotImplementedError

    def truncate(self, offset: int) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.store.IUpload.truncate`."""
        if self._trusted is not None:
            self._trusted = min(self._trusted, offset)
        self._store.written -= self.offset - offset
        del self._data[offset:]
        self._promise.need(0 if self.slot.size is None else self.slot.size - self.offset)
        return succeed(None)

    def promise(self, digests: Iterable[Digest]) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.store.IUpload.promise`."""
        return maybeDeferred(self._promised, digests)

    def distrust(self) -> None:
        """See :meth:`hmacfs.interfaces.store.IUpload.distrust`."""
        self._trusted = self.offset

    def trust(self) -> None:
        """See :meth:`hmacfs.interfaces.store.IUpload.trust`."""
        self._trusted = None

    def digest(self, algorithm: str, start: int = 0) -> Deferred[bytes]:
        """See :meth:`hmacfs.interfaces.store.IUpload.digest`."""
        data = self._data[start:]
        return succeed(hashlib.new(algorithm, data, usedforsecurity=False).digest())

    def commit(
        self, sha256: str | None = None, pieces: Sequence[bytes] = ()
    ) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.interfaces.store.IUpload.commit`."""
        if self._over:
            return fail(deleted())
        if self.slot.size not in (None, self.offset + sum(map(len, pieces))):
            return fail(WrongLength("The body has another length than was promised."))
        return self.append(pieces).addCallback(lambda _: self._commit(sha256))

    def suspend(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.store.IUpload.suspend`."""
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
        """See :meth:`hmacfs.interfaces.store.IUpload.discard`."""
        if not self._over:
            self._end()
            self._store.drop_part(self._id)
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
            record = self._store.land(self.slot, bytes(self._data), sha256)
        except BaseException:
            self.discard()
            raise
        self._end()
        del self._store.parts[self._id]
        return record
