"""
Going on with what was suspended, or giving it up.

Which uploads are suspended is known without asking the disk: the start read it
there.  How far one came is what the disk says.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed
from twisted.logger import Logger

from hmacfs.errors import Locked, NotFound
from hmacfs.interfaces.store import IUpload
from hmacfs.store.opened import Opened
from hmacfs.store.parts import Part, missing
from hmacfs.store.refusing import deleted
from hmacfs.store.space import Promise
from hmacfs.store.suspended import Waiting
from hmacfs.store.upload import FilesystemUpload
from hmacfs.uploads import UploadRecord


class Resumption:
    """
    The suspended uploads of one open store: see
    :class:`hmacfs.interfaces.store.IResumes`.
    """

    log = Logger()

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    @inlineCallbacks
    def resume(self, id: str) -> Generator[Deferred[Any], Any, IUpload]:
        """See :meth:`hmacfs.interfaces.store.IResumes.resume`."""
        opened, key = self._opened, id.encode()
        if key in opened.writing:
            raise Locked()
        waiting = opened.suspended.get(key)
        now = opened.clock.seconds()
        if waiting is None or waiting.record is None or waiting.until <= now:
            raise missing()
        promise = Promise(opened.space)
        share = opened.quota.share(waiting.record.owner)
        opened.suspended.remove(key)
        opened.writing[key] = waiting.record
        try:
            if (yield opened.refusing.buried(waiting.name)):
                raise deleted()
            yield share.ask(waiting.record.length)
            promise.ask(waiting.record.length - opened.parts.size(key))
            part, offset = yield opened.threads.run(self._take, key)
        except BaseException as error:
            promise.need(0)
            share.drop()
            del opened.writing[key]
            if not isinstance(error, NotFound):
                opened.suspended.add(waiting)
            if isinstance(error, BlockingIOError):
                # Another process of this daemon.
                raise Locked() from error
            raise
        promise.need(waiting.record.length - offset)
        slot, record = waiting.record.slot, waiting.record
        return FilesystemUpload(slot, record, part, offset, promise, share, opened)

    def recorded(self, id: str) -> tuple[UploadRecord, int] | None:
        """See :meth:`hmacfs.interfaces.store.IResumes.recorded`."""
        opened, key = self._opened, id.encode()
        record = opened.writing.get(key)
        if record is None:
            waiting = opened.suspended.get(key)
            if waiting is None or waiting.until <= opened.clock.seconds():
                return None
            record = waiting.record
        try:
            return None if record is None else (record, opened.parts.size(key))
        except NotFound:
            return None

    def drop(self, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.store.IResumes.drop`."""
        opened, key = self._opened, id.encode()
        if key in opened.writing:
            return fail(Locked())
        if opened.suspended.remove(key) is None:
            return succeed(None)
        return opened.threads.run(opened.parts.drop, key)

    def expire(self, now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.store.IResumes.expire`."""
        due = self._opened.suspended.due(now, most)
        return self._opened.threads.run(self._expire, due) if due else succeed([])

    def settle(self) -> Deferred[None]:
        """
        Let all that is suspended survive the end of the machine: it may be
        about to be started anew, and not the daemon alone.
        """
        opened = self._opened
        if not opened.policy.durable:
            return succeed(None)
        return opened.threads.run(self._settle, opened.suspended.ids())

    def _take(self, id: bytes) -> tuple[Part, int]:
        """
        :return: the part, and how many bytes it has since nobody else writes to it.
        """
        part = self._opened.parts.reopen(id)
        return part, self._opened.disk.status(part.file).size

    def _settle(self, ids: Sequence[bytes]) -> None:
        for id in ids:
            try:
                # Somebody may have removed it, or another process write to it.
                with suppress(NotFound, BlockingIOError), self._opened.parts.reopened(id) as part:
                    self._settle_part(part)
            except OSError:
                self.log.failure("part {id} may not survive a power cut", id=id.decode())

    def _settle_part(self, part: Part) -> None:
        size = self._opened.disk.status(part.file).size
        if part.label.synced == size:
            return
        try:
            self._opened.parts.keep(part, attrs.evolve(part.label, synced=size))
        except OSError:
            self.log.failure("the disk did not keep part {id}", id=part.id.decode())
            self._opened.parts.drop(part.id)

    def _expire(self, due: Sequence[Waiting]) -> Sequence[UploadRecord]:
        for waiting in due:
            try:
                self._opened.parts.drop(waiting.id)
            except OSError:
                self.log.failure("part {id} stays until the next start", id=waiting.id.decode())
        return [waiting.record for waiting in due if waiting.record is not None]
