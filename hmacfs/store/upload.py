"""
An upload on its way into a part.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred, execute, fail, inlineCallbacks, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.digests import Digest
from hmacfs.errors import NoSpace, NotStored, WrongDigest, WrongLength
from hmacfs.interfaces.disk import Drawn
from hmacfs.interfaces.store import IUpload
from hmacfs.records import FileRecord, Row
from hmacfs.store.commit import Committed
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

    :ivar draws: as of :class:`hmacfs.interfaces.store.IUpload`: not where more room
        than was promised may have to be asked for on the way.
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
        :param part: one that is only planned is made with its first bytes.
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
        self._trusted: int | None = None
        bounds = [bound for bound in (slot.size, slot.most) if bound is not None]
        self._bound = min(bounds, default=None)
        self.draws = slot.size is not None
        opened.writing[part.id] = record
        if part.file < 0:
            opened.unmade[part.id] = slot.name

    def append(self, pieces: Sequence[bytes]) -> Deferred[int]:
        """See :meth:`hmacfs.interfaces.store.IUpload.append`."""
        size = sum(map(len, pieces))
        if self._part.id in self._opened.cut:
            return fail(deleted())
        if self._bound is not None and self.offset + size > self._bound:
            return fail(too_large())
        if self.slot.size is None:
            return self._ask(size).addCallback(lambda _: self._append(pieces, size))
        return self._append(pieces, size)

    def draw(self, socket: int, most: int) -> Deferred[Drawn]:
        """See :meth:`hmacfs.interfaces.store.IUpload.draw`."""
        if self._part.id in self._opened.cut:
            return fail(deleted())
        if self._bound is None or self.offset + most > self._bound:
            return fail(too_large())
        done = self._opened.threads.run(self._draw, socket, most, self._until())
        return done.addCallbacks(self._drawn, self._failed)

    def truncate(self, offset: int) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.store.IUpload.truncate`."""
        if self._trusted is not None:
            self._trusted = min(self._trusted, offset)
        done = self._opened.threads.run(self._truncate, offset, self._until())
        return done.addCallbacks(self._truncated, self._failed, (offset,))

    def promise(self, digests: Iterable[Digest]) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.store.IUpload.promise`."""
        record = self.record
        if record is None:
            return succeed(None)
        try:
            promising = record.promising(digests)
        except WrongDigest:
            return fail()
        if promising is record:
            return succeed(None)
        label = attrs.evolve(
            self._part.label, promised=promising.sha256, promised512=promising.sha512
        )
        told = self._opened.threads.run(self._tell, label)
        return told.addCallback(self._promised, promising)

    def distrust(self) -> None:
        """See :meth:`hmacfs.interfaces.store.IUpload.distrust`."""
        # Nothing is written down before there is something to distrust.
        self._trusted = self.offset

    def trust(self) -> None:
        """See :meth:`hmacfs.interfaces.store.IUpload.trust`."""
        self._trusted = None

    def digest(self, algorithm: str, start: int = 0) -> Deferred[bytes]:
        """See :meth:`hmacfs.interfaces.store.IUpload.digest`."""
        return self._opened.threads.run(self._digest, algorithm, start)

    def commit(
        self, sha256: str | None = None, pieces: Sequence[bytes] = ()
    ) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.interfaces.store.IUpload.commit`."""
        size = self.offset + sum(map(len, pieces))
        if self.slot.size not in (None, size):
            return fail(WrongLength("The body has another length than was promised."))
        if self._bound is not None and size > self._bound:
            return fail(too_large())
        return self._commit(sha256, pieces, size).addBoth(self._ended)

    def suspend(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.store.IUpload.suspend`."""
        if self._over:
            return succeed(None)
        if self._trusted is not None and self._trusted < self.offset:
            return self.truncate(self._trusted).addCallback(lambda _: self.suspend())
        self._over = True
        self._trusted = None
        until = self._until() if self._came else self._part.label.until
        done = self._opened.threads.run(self._suspend, self.offset, until)
        done.addCallback(self._suspended)
        return done.addBoth(self._let_go)

    def discard(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.store.IUpload.discard`."""
        if self._over:
            return succeed(None)
        self._over = True
        done = self._opened.threads.run(self._drop)
        return done.addBoth(self._let_go)

    # On the reactor's thread

    def _append(self, pieces: Sequence[bytes], size: int) -> Deferred[int]:
        opened, syncs = self._opened, self._due(self.offset, self.offset + size)
        # Without attributes what a part says of itself is synced as well.
        if opened.pace.quick and opened.parts.attributes and not syncs:
            written = execute(opened.pace.run, self._write, pieces, self._until())
        else:
            written = opened.threads.run(self._write, pieces, self._until())
        return written.addCallbacks(self._written, self._failed)

    def _ask(self, size: int) -> Deferred[None]:
        """
        Ask for the room of *size* more bytes, where nobody knew before.
        """
        try:
            self._promise.ask(size)
        except NoSpace:
            return fail()
        return self._share.ask(self.offset + size)

    @inlineCallbacks
    def _commit(
        self, sha256: str | None, pieces: Sequence[bytes], size: int
    ) -> Generator[Deferred[Any], Any, FileRecord]:
        opened, slot = self._opened, self.slot
        if pieces and slot.size is None:
            yield self._ask(size - self.offset)
        self._over = True
        if self._part.id in opened.cut:
            yield opened.threads.run(self._drop)
            raise deleted()
        now = opened.clock.seconds()
        label = attrs.evolve(
            self._part.label,
            size=size,
            expires=opened.knowing.retention.expires(slot.name.text, now, slot.expires),
            stored=now,
            commit=opened.stamps.next(now, self._part.id.decode()),
            sha256=sha256,
            trusted=None,
            # The upload's, and much of it sometimes: the file has no use for it.
            metadata=None,
        )
        former = yield opened.row(slot.name)
        committed = yield self._finished(label, pieces, former)
        if isinstance(committed, _Written):
            # Its trouble is raised, and the part kept.
            self._over = False
            self._written(committed)
        made = () if committed.version is None else (committed.version,)
        bare = not self._part.beside and not made
        # It is held until the row is written.
        share, self._share = self._share, opened.quota.share(None)
        opened.backlog.add(committed.file.row, self._part.id, made, share=share, bare=bare)
        if opened.company.commons is not None and not opened.parts.attributes:
            # What the file does not say other processes find in the index.
            yield opened.backlog.flush()
        record: FileRecord = committed.file.record
        return record

    def _finished(
        self, label: Label, pieces: Sequence[bytes], former: Row | None
    ) -> Deferred[Committed | _Written]:
        """
        :return: fires with what :meth:`_finish` gives.
        """
        opened = self._opened
        if not opened.landing.takes(self.slot):
            return opened.syncs.run(self._finish, label, pieces, former)
        try:
            found = opened.pace.run(self._fill, label, pieces)
        except Exception:
            return fail()
        if isinstance(found, _Written):
            return succeed(found)
        landed: Deferred[Any] = opened.landing.commit(self.slot, found, label)
        return landed

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

    def _drawn(self, drawn: tuple[Drawn, _Written]) -> Drawn:
        self._written(drawn[1])
        return drawn[0]

    def _truncated(self, part: Part, offset: int) -> None:
        self.offset = offset
        self._promise.need(0 if self.slot.size is None else self.slot.size - offset)
        self._changed(part)

    def _promised(self, part: Part, record: UploadRecord) -> None:
        self._part = part
        self.record = self._opened.writing[part.id] = record

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

    def _ended(self, result: Any) -> Any:
        return self._let_go(result) if self._over else result

    def _let_go(self, result: Any) -> Any:
        self._promise.need(0)
        self._share.drop()
        self._opened.writing.pop(self._part.id, None)
        self._opened.unmade.pop(self._part.id, None)
        self._opened.cut.discard(self._part.id)
        return result

    # In a thread, or on the spot where the disk is quick

    def _made(self, label: Label | None = None) -> Part:
        """
        :param label: what the part is to say where it is made now.
        :return: the part, which is there.
        :raise Deleted: it was taken down before it was.
        """
        opened, part = self._opened, self._part
        if part.file >= 0:
            return part
        try:
            made = opened.parts.make(part if label is None else attrs.evolve(part, label=label))
        except OSError as error:
            raise refusal(error) or error from None
        # Asked now that it is there: who takes it down says so first, and then
        # looks which parts there are.
        if made.id in opened.cut:
            opened.disk.close(made.file)
            opened.parts.drop(made.id)
            raise deleted()
        self._part = made
        return made

    def _tell(self, label: Label) -> Part:
        return self._opened.parts.tell(self._made(), label)

    def _digest(self, algorithm: str, start: int) -> bytes:
        return self._opened.digesting.digest(self._made().file, algorithm, start)

    def _finish(
        self, label: Label, pieces: Sequence[bytes], former: Row | None
    ) -> Committed | _Written:
        """
        :param label: of the file.
        :param former: as of :meth:`hmacfs.store.commit.Commit.commit`.
        :return: the file, or what kept *pieces* from being written.
        """
        found = self._fill(label, pieces)
        if isinstance(found, _Written):
            return found
        return self._opened.commit.commit(self.slot, found, label, former)

    def _fill(self, label: Label, pieces: Sequence[bytes]) -> Part | _Written:
        """
        :param label: of the file.
        :return: the part with all its bytes, or what kept *pieces* from being
            written.
        """
        part = self._made(label)
        try:
            write_all(self._opened.disk, part.file, pieces)
        except OSError as error:
            return _Written(self._opened.disk.status(part.file).size, part, error)
        return part

    def _write(self, pieces: Sequence[bytes], until: int) -> _Written:
        """
        :raise NotStored: a sync failed, and the part is gone.
        """
        part, trouble = self._made(), None
        try:
            self._doubt()
            write_all(self._opened.disk, part.file, pieces)
        except OSError as error:
            trouble = error
        return self._stored(trouble, until)

    def _draw(self, socket: int, most: int, until: int) -> tuple[Drawn, _Written]:
        """
        :raise NotStored: as of :meth:`_write`.
        """
        part, drawn, trouble = self._made(), Drawn(0), None
        try:
            self._doubt()
            drawn = self._opened.disk.draw(socket, part.file, most)
        except OSError as error:
            trouble = error
        return drawn, self._stored(trouble, until)

    def _doubt(self) -> None:
        """
        Let the part say how much of it is trusted, before it grows.
        """
        part = self._part
        if part.label.trusted != self._trusted:
            label = attrs.evolve(part.label, trusted=self._trusted)
            self._part = self._opened.parts.tell(part, label)

    def _stored(self, trouble: OSError | None, until: int) -> _Written:
        part = self._part
        offset = self._opened.disk.status(part.file).size
        if self._due(self.offset, offset):
            part = self._say(self._opened.parts.keep, self._kept(offset, until))
        return _Written(offset, part, trouble)

    def _truncate(self, offset: int, until: int) -> Part:
        """
        :raise NotStored: a sync failed, and the part is gone.
        """
        part = self._made()
        if (part.label.synced or 0) > offset:
            # First: other bytes will be where those are that it says are synced.
            part = self._say(self._opened.parts.keep, self._kept(offset, until))
        self._opened.disk.truncate(part.file, offset)
        return part

    def _suspend(self, offset: int, until: int | None) -> Part:
        """
        :raise NotStored: the disk did not keep it, and the part is gone.
        """
        parts, part = self._opened.parts, self._made()
        label = attrs.evolve(part.label, until=until, trusted=None)
        # Where boots cannot be told apart, every start may be behind a power cut.
        unsure = self._opened.policy.durable and not label.boot and label.synced != offset
        # And what came with a digest could not be counted before.
        if unsure or self._due(label.synced or 0, offset):
            part = self._say(parts.keep, self._kept(offset, until))
        elif label != part.label:
            part = self._say(parts.tell, label)
        self._opened.disk.close(part.file)
        return part

    def _due(self, before: int, offset: int) -> bool:
        """
        :return: whether a step of ``sync_every`` lies between the two.
        """
        every = self._opened.policy.sync_every
        return self._opened.policy.durable and offset // every > before // every

    def _say(self, how: Callable[[Part, Label], Part], label: Label) -> Part:
        """
        :param how: a method of :class:`hmacfs.store.parts.Parts`.
        :raise NotStored: what was written cannot be relied on, and is gone.
        """
        try:
            return how(self._part, label)
        except OSError as error:
            self.log.failure("the disk did not keep part {id}", id=self._part.id.decode())
            self._drop()
            raise NotStored("The disk did not keep the upload.") from error

    def _kept(self, offset: int, until: int | None) -> Label:
        """
        :return: what a part says whose first *offset* bytes are synced.
        """
        counted = offset if self._trusted is None else self._trusted
        synced = counted if self._opened.policy.durable else None
        return attrs.evolve(self._part.label, until=until, synced=synced, trusted=self._trusted)

    def _drop(self) -> None:
        if self._part.file >= 0:
            self._opened.disk.close(self._part.file)
            self._opened.parts.drop(self._part.id)
