"""
An upload on its way into a part.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.errors import NoSpace, NotStored, WrongLength
from hmacfs.interfaces import IUpload
from hmacfs.records import FileRecord
from hmacfs.store.labels import Label
from hmacfs.store.opened import Opened
from hmacfs.store.parts import Part, write_all
from hmacfs.store.quota import Share
from hmacfs.store.refusing import deleted
from hmacfs.store.space import Promise
from hmacfs.store.suspended import Waiting
from hmacfs.store.troubles import refusal, too_large
from hmacfs.uploads import Slot, UploadRecord


@attrs.frozen
class _Written:
    """
    What became of some bytes.

    :ivar offset: as the disk says.
    :ivar part: as it is now.
    :ivar trouble: what kept the rest from being written.
    """

    offset: int
    part: Part
    trouble: OSError | None


@implementer(IUpload)
class FilesystemUpload:
    """
    One upload, its descriptor open and locked until it is committed or put away.
    """

    log = Logger()

    def __init__(
        self,
        slot: Slot,
        record: UploadRecord | None,
        part: Part,
        offset: int | None,
        promise: Promise,
        share: Share,
        opened: Opened,
    ) -> None:
        """
        :param offset: how many bytes *part* has that is gone on with; ``None``
            of a new one.
        :param promise: what it may still write, where its size is known.
        :param share: what its owner was promised.
        """
        self.slot = slot
        self.offset = offset or 0
        self.record = record
        self._came = offset is None
        self._part = part
        self._promise = promise
        self._share = share
        self._opened = opened
        self._over = False
        bounds = [bound for bound in (slot.size, slot.most) if bound is not None]
        self._bound = min(bounds, default=None)
        opened.writing[part.id] = record

    def append(self, pieces: Sequence[bytes]) -> Deferred[int]:
        """See :meth:`hmacfs.interfaces.IUpload.append`."""
        size = sum(map(len, pieces))
        if self._part.id in self._opened.cut:
            return fail(deleted())
        if self._bound is not None and self.offset + size > self._bound:
            return fail(too_large())
        if self.slot.size is None:
            try:
                self._promise.ask(size)
            except NoSpace:
                return fail()
            if self._share.counts:
                # It may be too much, and is asked for in another thread.
                asked = self._share.ask(self.offset + size)
                return asked.addCallback(lambda _: self._append(pieces))
        return self._append(pieces)

    def truncate(self, offset: int) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IUpload.truncate`."""
        done = self._opened.threads.run(self._truncate, offset, self._until())
        return done.addCallbacks(self._truncated, self._failed, (offset,))

    def digest(self, algorithm: str, start: int = 0) -> Deferred[bytes]:
        """See :meth:`hmacfs.interfaces.IUpload.digest`."""
        digesting = self._opened.digesting
        return self._opened.threads.run(digesting.digest, self._part.file, algorithm, start)

    def commit(self, sha256: str | None = None) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.interfaces.IUpload.commit`."""
        if self.slot.size not in (None, self.offset):
            return fail(WrongLength("The body has another length than was promised."))
        self._over = True
        return self._commit(sha256).addBoth(self._let_go)

    def suspend(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IUpload.suspend`."""
        if self._over:
            return succeed(None)
        self._over = True
        until = self._until() if self._came else self._part.label.until
        done = self._opened.threads.run(self._suspend, self._kept(self.offset, until))
        done.addCallback(self._suspended)
        return done.addBoth(self._let_go)

    def discard(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IUpload.discard`."""
        if self._over:
            return succeed(None)
        self._over = True
        done = self._opened.threads.run(self._drop)
        return done.addBoth(self._let_go)

    # On the reactor's thread

    def _append(self, pieces: Sequence[bytes]) -> Deferred[int]:
        written = self._opened.threads.run(self._write, pieces, self._until())
        return written.addCallbacks(self._written, self._failed)

    @inlineCallbacks
    def _commit(self, sha256: str | None) -> Generator[Deferred[Any], Any, FileRecord]:
        opened, slot = self._opened, self.slot
        if self._part.id in opened.cut:
            yield opened.threads.run(self._drop)
            raise deleted()
        now = opened.clock.seconds()
        label = attrs.evolve(
            self._part.label,
            size=self.offset,
            expires=opened.knowing.retention.expires(slot.name.text, now, slot.expires),
            stored=now,
            commit=opened.stamps.next(now, self._part.id.decode()),
            sha256=sha256,
            # The upload's, and much of it sometimes: the file has no use for it.
            metadata=None,
        )
        former = None if opened.parts.attributes else (yield opened.find(slot.name))
        committed = yield opened.threads.run(opened.commit.commit, slot, self._part, label, former)
        made = () if committed.version is None else (committed.version,)
        # It is held until the row is written.
        share, self._share = self._share, opened.quota.share(None)
        opened.backlog.add(committed.file.row, self._part.id, made, share=share)
        if opened.company.commons is not None and not opened.parts.attributes:
            # What the file does not say other processes find in the index.
            yield opened.backlog.flush()
        record: FileRecord = committed.file.record
        return record

    def _until(self) -> int:
        return int(self._opened.clock.seconds()) + self._opened.policy.upload_expiry

    def _written(self, written: _Written) -> int:
        self.offset = written.offset
        self._came = True
        self._promise.need(0 if self.slot.size is None else self.slot.size - self.offset)
        self._changed(written.part)
        if written.trouble is not None:
            raise refusal(written.trouble) or written.trouble
        return self.offset

    def _truncated(self, part: Part, offset: int) -> None:
        self.offset = offset
        self._promise.need(0 if self.slot.size is None else self.slot.size - offset)
        self._changed(part)

    def _changed(self, part: Part) -> None:
        self._part = part
        until = part.label.until
        if self.record is not None and until is not None and until != self.record.until:
            self.record = self.record.changed(until=until)
            self._opened.writing[part.id] = self.record

    def _suspended(self, part: Part) -> Deferred[None] | None:
        self._changed(part)
        until = part.label.until
        assert until is not None
        return self._opened.suspended.add(Waiting(self.slot.name, part.id, until, self.record))

    def _failed(self, failure: Failure) -> Failure:
        if failure.check(NotStored):
            self._over = True
            self._let_go(failure)
        return failure

    def _let_go(self, result: Any) -> Any:
        self._promise.need(0)
        self._share.drop()
        self._opened.writing.pop(self._part.id, None)
        self._opened.cut.discard(self._part.id)
        return result

    # In a thread

    def _write(self, pieces: Sequence[bytes], until: int) -> _Written:
        """
        :raise NotStored: a sync failed, and the part is gone.
        """
        disk, part, trouble = self._opened.disk, self._part, None
        try:
            write_all(disk, part.file, pieces)
        except OSError as error:
            trouble = error
        offset = disk.status(part.file).size
        policy = self._opened.policy
        if policy.durable and offset - (part.label.synced or 0) >= policy.sync_every:
            part = self._keep(self._kept(offset, until))
        return _Written(offset, part, trouble)

    def _truncate(self, offset: int, until: int) -> Part:
        """
        :raise NotStored: a sync failed, and the part is gone.
        """
        part = self._part
        if (part.label.synced or 0) > offset:
            # First: other bytes will be where those are that it says are synced.
            part = self._keep(self._kept(offset, until))
        self._opened.disk.truncate(part.file, offset)
        return part

    def _suspend(self, label: Label) -> Part:
        # Often somebody only asks for the offset, or says a wrong one.
        part = self._part if label == self._part.label else self._keep(label)
        self._opened.disk.close(part.file)
        return part

    def _keep(self, label: Label) -> Part:
        """
        :raise NotStored: what was written cannot be trusted, and is gone.
        """
        try:
            return self._opened.parts.keep(self._part, label)
        except OSError as error:
            self.log.failure("the disk did not keep part {id}", id=self._part.id.decode())
            self._drop()
            raise NotStored("The disk did not keep the upload.") from error

    def _kept(self, offset: int, until: int | None) -> Label:
        synced = offset if self._opened.policy.durable else None
        return attrs.evolve(self._part.label, until=until, synced=synced)

    def _drop(self) -> None:
        self._opened.disk.close(self._part.file)
        self._opened.parts.drop(self._part.id)
