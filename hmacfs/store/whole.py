"""
Small files that are all here when they begin.

They take the steps of every other upload, :mod:`hmacfs.store.commit`, in one go:
the part is made with the label of the file, written, and has the name.  What
else an upload is made of, so that it can be told of, held back and gone on with,
a file of 10 KB would pay more for than for its bytes.

What waits for nobody is done on the spot, as long as the disk is quick; see
:mod:`hmacfs.store.pace`.  With ``Durability = "full"`` each file waits for the
disk, and so they are stored in threads.
"""

from __future__ import annotations

import os
from collections import deque

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from hmacfs.errors import Exists
from hmacfs.names import StoredName
from hmacfs.records import FileRecord
from hmacfs.store.labels import Label, fits
from hmacfs.store.opened import Opened
from hmacfs.store.parts import Part, write_all
from hmacfs.store.refusing import deleted
from hmacfs.store.space import Glance, Promise
from hmacfs.store.troubles import refusal
from hmacfs.uploads import Slot

MOST = 64 * 1024
"""Bytes: what the kernel copies in some ten microseconds."""

_IDS = 128
"""How many ids are made at a time: what is random comes by a call of the system."""


class Whole:
    """
    Stores the small files of one store.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._pace = opened.pace
        self._space = Glance(opened.space)
        self._ids: deque[bytes] = deque()

    def store_now(self, slot: Slot, content: bytes) -> FileRecord | None:
        """See :meth:`hmacfs.abilities.IStoresWhole.store_now`."""
        if self._opened.policy.durable or not self._pace.quick:
            return None
        planned = self._planned(slot, content)
        if planned is None:
            return None
        id, label = planned
        try:
            part = self._pace.run(self._make, id, label, content)
            kept = self._pace.run(self._create, slot.name, part, False)
        except BlockingIOError:
            # Somebody is at this name, or one beside it, this very moment.
            return None
        return self._told(kept, slot, label, id)

    def store(self, slot: Slot, content: bytes) -> Deferred[FileRecord | None]:
        """See :meth:`hmacfs.abilities.IStoresWhole.store`."""
        try:
            record = self.store_now(slot, content)
            planned = None if record is not None else self._planned(slot, content)
            if planned is None:
                return succeed(record)
            id, label = planned
            made = None
            if self._opened.policy.durable and self._pace.quick:
                made = self._pace.run(self._make, id, label, content)
        except Exception:
            return fail()
        return self._later(slot, label, id, content, made)

    def _planned(self, slot: Slot, content: bytes) -> tuple[bytes, Label] | None:
        """
        :return: the id of the part, and its label; ``None`` where it is to begin
            as every other upload.
        """
        opened = self._opened
        if (
            len(content) > MOST
            or slot.size != len(content)
            or not opened.parts.attributes
            or opened.refusing.may_ban
            or (opened.quota.most and slot.owner is not None)
            or opened.suspended.named(slot.name)
            or not self._space.has(len(content))
        ):
            return None
        now, id = opened.clock.seconds(), self._id()
        label = Label(
            slot.content_type,
            slot.size,
            expires=opened.knowing.retention.expires(slot.name.text, now, slot.expires),
            owner=slot.owner,
            name=slot.name.text,
            commit=opened.stamps.next(now, id.decode()),
            stored=now,
        )
        return (id, label) if fits(label) else None

    def _later(
        self, slot: Slot, label: Label, id: bytes, content: bytes, made: Part | None
    ) -> Deferred[FileRecord | None]:
        """
        Do it in a thread.

        :param made: what is done of it.
        """
        opened, promise = self._opened, Promise(self._opened.space)
        promise.need(0 if made else len(content))
        opened.writing[id] = None
        opened.unmade[id] = slot.name

        def ended(result: bool | Failure) -> FileRecord | Failure | None:
            promise.need(0)
            del opened.writing[id], opened.unmade[id]
            opened.cut.discard(id)
            return result if isinstance(result, Failure) else self._told(result, slot, label, id)

        done = opened.syncs.run(self._keep, slot.name, label, id, content, made)
        return done.addBoth(ended)

    def _told(self, kept: bool, slot: Slot, label: Label, id: bytes) -> FileRecord | None:
        """
        :param kept: ``False`` where the name was taken.
        """
        if not kept:
            return None
        row, record = self._opened.knowing.stored(slot.name, label)
        self._opened.backlog.add(row, id, bare=True)
        return record

    def _keep(
        self, name: StoredName, label: Label, id: bytes, content: bytes, made: Part | None
    ) -> bool:
        return self._create(name, made or self._make(id, label, content), True)

    def _make(self, id: bytes, label: Label, content: bytes) -> Part:
        """
        :return: the part, with all that it will be.
        """
        opened = self._opened
        try:
            part = opened.parts.create(label, id)
        except OSError as error:
            raise refusal(error) or error from None
        try:
            # As in FilesystemUpload: who takes it down says so before he looks.
            if id in opened.cut:
                raise deleted()
            write_all(opened.disk, part.file, [content])
        except BaseException as error:
            opened.disk.close(part.file)
            opened.parts.drop(id)
            foreseen = refusal(error) if isinstance(error, OSError) else None
            if foreseen is None:
                raise
            raise foreseen from error
        return part

    def _create(self, name: StoredName, part: Part, wait: bool) -> bool:
        """
        :param wait: as of :meth:`hmacfs.store.commit.Commit.create`.
        :return: ``False`` where the name is taken.
        """
        try:
            self._opened.commit.create(name, part, wait)
        except Exists:
            return False
        return True

    def _id(self) -> bytes:
        if not self._ids:
            random = os.urandom(16 * _IDS).hex().encode()
            self._ids.extend(random[at : at + 32] for at in range(0, len(random), 32))
        return self._ids.popleft()
