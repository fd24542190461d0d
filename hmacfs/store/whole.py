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
from typing import NamedTuple

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from hmacfs.errors import Exists
from hmacfs.names import StoredName
from hmacfs.records import FileRecord, Row
from hmacfs.store.labels import encode_whole, has_room, whole
from hmacfs.store.opened import Opened
from hmacfs.store.parts import Part
from hmacfs.store.refusing import deleted
from hmacfs.store.space import Glance, Promise
from hmacfs.store.troubles import refusal
from hmacfs.uploads import Slot

MOST = 64 * 1024
"""Bytes: what the kernel copies in some ten microseconds."""

_IDS = 128
"""How many ids are made at a time: what is random comes by a call of the system."""


class Plan(NamedTuple):
    """
    What a small file is to be.

    :ivar id: of its part.
    :ivar commit: the id of its commit.
    :ivar label: the attribute.
    :ivar row: how the index lists it.
    :ivar record: what a client is told of it.
    """

    id: bytes
    commit: str
    label: bytes
    row: Row
    record: FileRecord


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
        plan = self._plan(slot, content)
        if plan is None:
            return None
        try:
            kept = self._pace.run(self._keep_now, slot.name, plan, content)
        except BlockingIOError:
            # Somebody is at this name, or one beside it, this very moment.
            return None
        return self._told(kept, plan)

    def store(self, slot: Slot, content: bytes) -> Deferred[FileRecord | None]:
        """See :meth:`hmacfs.abilities.IStoresWhole.store`."""
        plan = self._plan(slot, content)
        return succeed(None) if plan is None else self._later(slot.name, plan, content)

    def _plan(self, slot: Slot, content: bytes) -> Plan | None:
        """
        :return: ``None`` where it is to begin as every other upload.
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
        commit = opened.stamps.next(now, id.decode())
        row, record = opened.knowing.stored(slot, now, commit)
        label = encode_whole(row, commit)
        return Plan(id, commit, label, row, record) if has_room(label) else None

    def _later(self, name: StoredName, plan: Plan, content: bytes) -> Deferred[FileRecord | None]:
        """
        Do it in a thread.
        """
        opened, promise = self._opened, Promise(self._opened.space)
        promise.need(len(content))
        opened.writing[plan.id] = None
        opened.unmade[plan.id] = name

        def ended(result: bool | Failure) -> FileRecord | Failure | None:
            promise.need(0)
            del opened.writing[plan.id], opened.unmade[plan.id]
            opened.cut.discard(plan.id)
            return result if isinstance(result, Failure) else self._told(result, plan)

        return opened.syncs.run(self._keep, name, plan, content).addBoth(ended)

    def _told(self, kept: bool, plan: Plan) -> FileRecord | None:
        """
        :param kept: ``False`` where the name was taken.
        """
        if not kept:
            return None
        self._opened.backlog.add(plan.row, plan.id, bare=True)
        return plan.record

    def _keep(self, name: StoredName, plan: Plan, content: bytes) -> bool:
        """
        In a thread.

        :return: ``False`` where the name is taken.
        """
        opened, file = self._opened, self._make(plan, content)
        # As in FilesystemUpload: who takes it down says so before he looks.
        if plan.id in opened.cut:
            opened.disk.close(file)
            opened.parts.drop(plan.id, bare=True)
            raise deleted()
        return self._create(name, plan, file, wait=True)

    def _keep_now(self, name: StoredName, plan: Plan, content: bytes) -> bool:
        """
        As :meth:`_keep`, and no thread.

        :raise BlockingIOError: it is one for a thread; nothing is left of it.
        """
        file = self._make(plan, content)
        done = self._opened.commit.create_now(name, plan.id, file)
        return done or self._create(name, plan, file, wait=False)

    def _make(self, plan: Plan, content: bytes) -> int:
        """
        :return: the descriptor of the part, which is all that it will be.
        """
        try:
            return self._opened.parts.make_whole(plan.id, plan.label, content)
        except OSError as error:
            raise refusal(error) or error from None

    def _create(self, name: StoredName, plan: Plan, file: int, wait: bool) -> bool:
        """
        :param wait: as of :meth:`hmacfs.store.commit.Commit.create`.
        :return: ``False`` where the name is taken.
        """
        part = Part(plan.id, file, whole(plan.row, plan.commit), beside=False)
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
