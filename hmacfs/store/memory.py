"""
The store that forgets: for the tests of everything above it.

It keeps the same contracts as the one that lasts, and answers at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from secrets import token_hex

import attrs
from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.abilities import IBans, IIndexed, IRemoves, IStoresWhole
from hmacfs.errors import Banned, Locked, OverQuota, Refusal
from hmacfs.interfaces.store import IDigests, IFile, IResumes, IStore, IUpload
from hmacfs.names import StoredName
from hmacfs.records import Figures, FileRecord, Removed
from hmacfs.store.memory_files import Content, Keeping, MemoryFile
from hmacfs.store.memory_sweeping import MemorySweeping
from hmacfs.store.memory_upload import MemoryUpload
from hmacfs.store.parts import missing
from hmacfs.store.space import Promise, Space
from hmacfs.store.suspended import Suspended, Waiting
from hmacfs.uploads import Slot, UploadRecord


@implementer(IStore, IResumes, IDigests, IRemoves, IBans, IIndexed, IStoresWhole)
class MemoryStore(MemorySweeping):
    """
    Files by name, and the parts that become files.

    :ivar parts: the bytes of uploads, under way and suspended, by id.
    :ivar suspended: the parts that wait.
    :ivar writing: the uploads under way.
    :cvar most: as of :class:`hmacfs.abilities.IStoresWhole`.
    :ivar bans: the digests of bytes that are not kept again.
    """

    most = 64 * 1024

    def __init__(
        self,
        clock: IReactorTime,
        capacity: int = 2**30,
        upload_expiry: int = 86400,
        keeping: Keeping | None = None,
    ) -> None:
        """
        :param capacity: bytes that it takes, parts included.
        :param upload_expiry: seconds that an unfinished upload waits.
        """
        super().__init__(clock, keeping or Keeping())
        self.parts: dict[bytes, bytearray] = {}
        self.suspended = Suspended()
        self.writing: dict[bytes, MemoryUpload] = {}
        self.bans: set[str] = set()
        self.upload_expiry = upload_expiry
        self.space = Space(self._free, 0)
        self._capacity = capacity

    def start(self) -> Deferred[None]:
        """There is nothing to get ready."""
        return succeed(None)

    def stop(self) -> Deferred[None]:
        """There is nothing to let go of."""
        return succeed(None)

    def begin(
        self, slot: Slot, record: UploadRecord | None = None, soon: bool = False
    ) -> Deferred[IUpload]:
        """See :meth:`hmacfs.interfaces.store.IStore.begin`."""
        return maybeDeferred(self._begin, slot, record)

    def store_now(self, slot: Slot, content: bytes) -> FileRecord | None:
        """See :meth:`hmacfs.abilities.IStoresWhole.store_now`."""
        size = len(content)
        if slot.size != size or size > self.space.left() or self.suspended.named(slot.name):
            return None
        try:
            self.check(slot)
            self.check_owner(slot.owner, size)
        except Refusal:
            return None
        record = self.land(slot, content, None)
        self.written += size
        return record

    def store(self, slot: Slot, content: bytes) -> Deferred[FileRecord | None]:
        """See :meth:`hmacfs.abilities.IStoresWhole.store`."""
        return maybeDeferred(self.store_now, slot, content)

    def open(self, name: StoredName) -> Deferred[IFile]:
        """See :meth:`hmacfs.interfaces.store.IStore.open`."""
        return maybeDeferred(self._open, name)

    def digest(self, name: StoredName) -> Deferred[str]:
        """See :meth:`hmacfs.interfaces.store.IDigests.digest`."""
        return maybeDeferred(self._digest, name)

    def resume(self, id: str) -> Deferred[IUpload]:
        """See :meth:`hmacfs.interfaces.store.IResumes.resume`."""
        return maybeDeferred(self._resume, id.encode())

    def recorded(self, id: str) -> Deferred[tuple[UploadRecord, int] | None]:
        """See :meth:`hmacfs.interfaces.store.IResumes.recorded`."""
        return succeed(self._recorded(id.encode()))

    def unfinished(self) -> Sequence[UploadRecord]:
        """See :meth:`hmacfs.interfaces.store.IResumes.unfinished`."""
        return self.suspended.records()

    def waiting(self, name: StoredName) -> Sequence[str]:
        """See :meth:`hmacfs.interfaces.store.IResumes.waiting`."""
        return [id.decode() for id in self.suspended.named(name)]

    def drop(self, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.store.IResumes.drop`."""
        if id.encode() in self.writing:
            return fail(Locked())
        if self.suspended.remove(id.encode()) is not None:
            self.drop_part(id.encode())
        return succeed(None)

    def expire(self, now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.store.IResumes.expire`."""
        due = self.suspended.due(now, most)
        for waiting in due:
            self.drop_part(waiting.id)
        return succeed([waiting.record for waiting in due if waiting.record is not None])

    def take_down(self, name: StoredName, ban: bool = False) -> Deferred[Sequence[Removed]]:
        """See :meth:`hmacfs.abilities.IRemoves.take_down`."""
        self.bury(name)
        gone = self._kept_under(name)
        for removed, data in gone:
            self.written -= removed.size
            if ban:
                self.bans.add(hashlib.sha256(data).hexdigest())
        return succeed([removed for removed, _ in gone] + self._cut(name))

    def banned(self) -> Deferred[Sequence[str]]:
        """See :meth:`hmacfs.abilities.IBans.banned`."""
        return succeed(sorted(self.bans))

    def ban(self, sha256: str) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.IBans.ban`."""
        new = sha256 not in self.bans
        self.bans.add(sha256)
        return succeed(new)

    def unban(self, sha256: str) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.IBans.unban`."""
        known = sha256 in self.bans
        self.bans.discard(sha256)
        return succeed(known)

    def settled(self) -> Deferred[None]:
        """See :meth:`hmacfs.abilities.IIndexed.settled`.  There is no index to wait for."""
        return succeed(None)

    def figures(self) -> Deferred[Figures]:
        """See :meth:`hmacfs.interfaces.store.IStore.figures`."""
        size = sum(kept.record.size for kept in self.files.values())
        return succeed(Figures(len(self.files), size, self.space.left()))

    def faults(self) -> Sequence[str]:
        """See :meth:`hmacfs.interfaces.store.IStore.faults`.  There are none."""
        return ()

    def check_owner(self, owner: str | None, size: int) -> None:
        """
        :param size: bytes that *owner* wants to upload.
        :raise OverQuota: he would keep too many, uploads under way counted.
        """
        quota = self.keeping.owner_quota
        if owner is None or not quota:
            return
        coming = (each for each in self.writing.values() if each.slot.owner == owner)
        kept = self.kept(owner) + sum(each.slot.size or each.offset for each in coming)
        if kept + size > quota:
            raise OverQuota(
                f"The owner of this file keeps {kept} bytes, and may keep {quota} at most:"
                f" {size} more are too many."
            )

    def land(self, slot: Slot, data: bytes, sha256: str | None) -> FileRecord:
        """
        Make the bytes of a part the file of its name.

        :raise Refusal: something has the name, or these bytes are not kept.
        """
        self.check(slot)
        if self.bans and hashlib.sha256(data).hexdigest() in self.bans:
            raise Banned("These bytes were taken down, and are not kept again.")
        return self.put(slot, data, sha256)

    def drop_part(self, id: bytes) -> int:
        """
        :return: how many bytes the part *id* had.
        """
        size = len(self.parts.pop(id))
        self.written -= size
        return size

    def _kept_under(self, name: StoredName) -> list[tuple[Removed, bytes]]:
        """
        :return: all that is, or was, the file *name*; it is not kept any longer.
        """
        found: list[tuple[str, Content, str]] = []
        if name in self.files:
            found.append(("", self.files.pop(name), "file"))
        found += [(id, kept, "version") for id, kept in self.past.pop(name, {}).items()]
        resting = [item for item in self.trash if item.name == name.text]
        found += [(item.version, self.trash.pop(item), "trash") for item in resting]
        return [
            (Removed(name.text, id, len(kept.data), kind), kept.data) for id, kept, kind in found
        ]

    def _cut(self, name: StoredName) -> list[Removed]:
        """
        :return: the parts that would have become the file *name*.
        """
        for upload in [each for each in self.writing.values() if each.slot.name == name]:
            upload.suspend()
        ids = self.suspended.named(name)
        for id in ids:
            self.suspended.remove(id)
        return [Removed(name.text, "", self.drop_part(id), "part") for id in ids]

    def _begin(self, slot: Slot, record: UploadRecord | None) -> IUpload:
        self.check(slot)
        self.check_owner(slot.owner, slot.size or 0)
        promise = Promise(self.space)
        promise.ask(slot.size or 0)
        if record is None:
            for stale in self.suspended.take(slot.name):
                self.drop_part(stale)
        id = (token_hex(16) if record is None else record.id).encode()
        self.parts[id] = bytearray()
        return MemoryUpload(slot, record, id, promise, self)

    def _resume(self, id: bytes) -> IUpload:
        if id in self.writing:
            raise Locked()
        waiting = self.suspended.get(id)
        if waiting is None or waiting.record is None or waiting.until <= self.clock.seconds():
            raise missing()
        slot, until = waiting.record.slot, waiting.until
        self.check_owner(slot.owner, waiting.record.length)
        promise = Promise(self.space)
        promise.ask(waiting.record.length - len(self.parts[id]))
        self.suspended.remove(id)
        return MemoryUpload(slot, waiting.record, id, promise, self, until)

    def _recorded(self, id: bytes) -> tuple[UploadRecord, int] | None:
        holder = self.writing.get(id) or self.suspended.get(id)
        if holder is None or holder.record is None:
            return None
        if isinstance(holder, Waiting) and holder.until <= self.clock.seconds():
            return None
        return holder.record, len(self.parts[id])

    def _digest(self, name: StoredName) -> str:
        found = self.find(name)
        sha256 = found.record.sha256 or hashlib.sha256(found.data).hexdigest()
        kept = self.files[name]
        record = attrs.evolve(kept.record, sha256=sha256)
        self.files[name] = attrs.evolve(kept, record=record)
        return sha256

    def _open(self, name: StoredName) -> IFile:
        found = self.find(name)
        return MemoryFile(found.record, found.data)

    def _free(self) -> int:
        return self._capacity - self.written
