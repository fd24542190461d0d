"""
An upload on its way into a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from hmacfs.errors import NoSpace, WrongLength
from hmacfs.interfaces import IUpload
from hmacfs.records import FileRecord
from hmacfs.store.labels import Label, row_of
from hmacfs.store.opened import Opened
from hmacfs.store.parts import Part, write_all
from hmacfs.store.space import Promise
from hmacfs.store.suspended import Waiting
from hmacfs.store.troubles import refusal, too_large
from hmacfs.uploads import Slot


@implementer(IUpload)
class FilesystemUpload:
    """
    One upload, its descriptor open until it is committed or put away.
    """

    def __init__(self, slot: Slot, part: Part, promise: Promise, opened: Opened) -> None:
        """
        :param promise: what it may still write, where its size is known.
        """
        self.slot = slot
        self.offset = 0
        self._part = part
        self._promise = promise
        self._opened = opened
        self._over = False
        bounds = [bound for bound in (slot.size, slot.most) if bound is not None]
        self._bound = min(bounds, default=None)

    def append(self, pieces: Sequence[bytes]) -> Deferred[int]:
        """See :meth:`hmacfs.interfaces.IUpload.append`."""
        size = sum(map(len, pieces))
        if self._bound is not None and self.offset + size > self._bound:
            return fail(too_large())
        if self.slot.size is None:
            try:
                self._promise.ask(size)
            except NoSpace:
                return fail()
        written = self._opened.threads.run(self._write, pieces)
        return written.addCallback(self._written)

    def commit(self, sha256: str | None = None) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.interfaces.IUpload.commit`."""
        if self.slot.size not in (None, self.offset):
            return fail(WrongLength("The body has another length than was promised."))
        self._over = True
        now = self._opened.clock.seconds()
        label = attrs.evolve(
            self._part.label,
            size=self.offset,
            stored=now,
            commit=self._opened.stamps.next(now, self._part.id.decode()),
            sha256=sha256,
        )
        done = self._opened.threads.run(self._opened.commit.commit, self.slot, self._part, label)
        done.addBoth(self._let_go)
        return done.addCallback(self._committed)

    def suspend(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IUpload.suspend`."""
        if self._over:
            return succeed(None)
        self._over = True
        until = int(self._opened.clock.seconds()) + self._opened.policy.upload_expiry
        waiting = Waiting(self.slot.name, self._part.id, until)
        done = self._opened.threads.run(self._suspend, attrs.evolve(self._part.label, until=until))
        done.addCallback(lambda _: self._opened.suspended.add(waiting))
        return done.addBoth(self._let_go)

    def discard(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IUpload.discard`."""
        if self._over:
            return succeed(None)
        self._over = True
        done = self._opened.threads.run(self._discard)
        return done.addBoth(self._let_go)

    def _write(self, pieces: Sequence[bytes]) -> tuple[int, OSError | None]:
        """
        :return: the offset, as the disk says, and what kept the rest from
            being written.
        """
        disk, trouble = self._opened.disk, None
        try:
            write_all(disk, self._part.file, pieces)
        except OSError as error:
            trouble = error
        return disk.status(self._part.file).size, trouble

    def _written(self, result: tuple[int, OSError | None]) -> int:
        self.offset, trouble = result
        self._promise.shrink(0 if self.slot.size is None else self.slot.size - self.offset)
        if trouble is not None:
            raise refusal(trouble) or trouble
        return self.offset

    def _committed(self, record: FileRecord) -> FileRecord:
        self._opened.backlog.add(row_of(self.slot.name, record), self._part.id)
        return record

    def _suspend(self, label: Label) -> None:
        disk, parts = self._opened.disk, self._opened.parts
        try:
            parts.relabel(self._part, label)
            disk.sync(self._part.file)
            parts.settle(self._part)
        finally:
            disk.close(self._part.file)

    def _discard(self) -> None:
        self._opened.disk.close(self._part.file)
        self._opened.parts.drop(self._part.id)

    def _let_go(self, result: Any) -> Any:
        self._promise.shrink(0)
        return result
