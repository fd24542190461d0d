"""
Files in memory, and what is kept of them when they are replaced or go.

One moment is as good as any other here: nothing waits, and nothing can come
between two steps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import attrs
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.abilities import IVersioned
from hmacfs.errors import Exists, Forbidden, NotAFolder, NotFound
from hmacfs.interfaces.store import IFile
from hmacfs.names import StoredName
from hmacfs.records import FileRecord, Version
from hmacfs.retention import Retention
from hmacfs.store.refusing import deleted
from hmacfs.store.troubles import nothing
from hmacfs.uploads import Slot


@attrs.frozen
class Keeping:
    """
    What the operator wants of what is kept.

    :ivar retention: when files and versions expire.
    :ivar max_versions: how many versions a name has, 0 for any number.
    :ivar tombstone_ttl: seconds that a name takes no file when its own is
        gone, 0 where it may be taken at once.
    :ivar trash: whether what a sweep takes away can be brought back.
    :ivar owner_quota: bytes that an owner may keep, 0 for any number.
    """

    retention: Retention = attrs.field(factory=Retention)
    max_versions: int = 5
    tombstone_ttl: int = 31_536_000
    trash: bool = True
    owner_quota: int = 0


@attrs.frozen
class Content:
    """
    What a name holds or held.

    :ivar record: as it was when the bytes were acknowledged.
    :ivar data: the bytes.
    :ivar counted: unix seconds from which its term counts, where that is not
        when it was stored.
    """

    record: FileRecord
    data: bytes
    counted: float | None = None


@implementer(IFile)
class MemoryFile:
    """
    The bytes that a file had when it was opened.
    """

    def __init__(self, record: FileRecord, data: bytes) -> None:
        self.record = record
        self._data = data

    def read(self, offset: int, size: int) -> Deferred[bytes]:
        """See :meth:`hmacfs.interfaces.store.IFile.read`."""
        return succeed(self._data[offset : offset + size])

    def close(self) -> None:
        """There is nothing to let go of."""


@implementer(IVersioned)
class MemoryFiles:
    """
    Files by name, their versions and their tombstones.

    :ivar files: what is served, or has expired and is not swept yet.
    :ivar past: the versions of each name, by their ids, the oldest first.
    :ivar tombstones: until when a name takes no file, unix seconds.
    :ivar written: bytes of all that is kept.
    """

    def __init__(self, clock: IReactorTime, keeping: Keeping) -> None:
        self.clock = clock
        self.keeping = keeping
        self.files: dict[StoredName, Content] = {}
        self.past: dict[StoredName, dict[str, Content]] = {}
        self.tombstones: dict[StoredName, float] = {}
        self.written = 0
        self._last = 0

    # IVersioned

    def versions(self, name: StoredName) -> Deferred[Sequence[Version]]:
        """See :meth:`hmacfs.abilities.IVersioned.versions`."""
        return maybeDeferred(self._versions, name)

    def open_version(self, name: StoredName, id: str) -> Deferred[IFile]:
        """See :meth:`hmacfs.abilities.IVersioned.open_version`."""
        return maybeDeferred(lambda: self._opened(name, self._version(name, id)))

    def remove_version(self, name: StoredName, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.abilities.IVersioned.remove_version`."""
        return maybeDeferred(self._remove_version, name, id)

    def restore(self, name: StoredName, id: str) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.abilities.IVersioned.restore`."""
        return maybeDeferred(self._restore, name, id)

    # Of IRemoves

    def remove(self, name: StoredName) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.abilities.IRemoves.remove`."""
        return maybeDeferred(self._remove, name)

    def buried(self, name: StoredName) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.IRemoves.buried`."""
        return succeed(self._is_buried(name))

    def forget(self, name: StoredName) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.IRemoves.forget`."""
        return succeed(self.tombstones.pop(name, 0) > self.clock.seconds())

    # For what is built on it

    def check(self, slot: Slot) -> None:
        """
        :raise Refusal: something has the name that does not give way, or it
            takes no file.
        """
        if self._is_buried(slot.name):
            raise deleted()
        if slot.name in self.files and not slot.overwrite:
            raise Exists("This name holds another file already.")
        if self.blocked(slot.name):
            raise NotAFolder("A folder of this name is a file already.")

    def put(self, slot: Slot, data: bytes, sha256: str | None) -> FileRecord:
        """
        Make *data* the file of its name; what was that becomes a version.
        """
        now = self.clock.seconds()
        record = FileRecord(
            size=len(data),
            content_type=slot.content_type,
            stored=now,
            etag=hashlib.sha256(self.stamp().encode()).hexdigest()[:32],
            sha256=sha256,
            expires=self.keeping.retention.expires(slot.name.text, now, slot.expires),
            owner=slot.owner,
        )
        self._shelve(slot.name)
        self.files[slot.name] = Content(record, data)
        return record

    def kept(self, owner: str) -> int:
        """
        :return: bytes of the files and versions of *owner*.
        """
        versions = (kept for past in self.past.values() for kept in past.values())
        every = (*self.files.values(), *versions)
        return sum(kept.record.size for kept in every if kept.record.owner == owner)

    def find(self, name: StoredName) -> Content:
        """
        :return: what is served under *name*, with its expiry as it is now.
        :raise NotFound: nothing, or it has expired.
        :raise Forbidden: it is a folder.
        """
        if self._is_folder(name):
            raise Forbidden("Folders are not served.")
        if name not in self.files or self.over(name, self.files[name], self.clock.seconds()):
            raise nothing()
        return self._told(name, self.files[name])

    def _opened(self, name: StoredName, kept: Content) -> IFile:
        return MemoryFile(self._told(name, kept).record, kept.data)

    def _versions(self, name: StoredName) -> Sequence[Version]:
        visible = self._visible(name)
        if not visible and self._is_gone(name):
            raise nothing()
        told = [Version(id, self._told(name, kept).record) for id, kept in visible.items()]
        return told[::-1]

    def _version(self, name: StoredName, id: str) -> Content:
        try:
            return self._visible(name)[id]
        except KeyError:
            raise NotFound("There is no such version.") from None

    def _remove_version(self, name: StoredName, id: str) -> None:
        self._version(name, id)
        self.written -= len(self.take(name, id).data)

    def _restore(self, name: StoredName, id: str) -> FileRecord:
        self._version(name, id)
        self.check(Slot(name, None, "", overwrite=True))
        kept = self.take(name, id)
        self._shelve(name)
        self.files[name] = kept
        return self._told(name, kept).record

    def _remove(self, name: StoredName) -> FileRecord:
        record = self.find(name).record
        self.bury(name)
        for kept in (self.files.pop(name), *self.past.pop(name, {}).values()):
            self.written -= len(kept.data)
        return record

    def _shelve(self, name: StoredName) -> None:
        """
        Make the file of *name* a version, if there is one.
        """
        if name in self.files:
            self.past.setdefault(name, {})[self.stamp()] = self.files.pop(name)

    def take(self, name: StoredName, version: str) -> Content:
        """
        :param version: ``""`` for the file.
        """
        if not version:
            return self.files.pop(name)
        past = self.past[name]
        kept = past.pop(version)
        if not past:
            del self.past[name]
        return kept

    def bury(self, name: StoredName) -> None:
        if self.keeping.tombstone_ttl:
            self.tombstones[name] = self.clock.seconds() + self.keeping.tombstone_ttl

    def _is_buried(self, name: StoredName) -> bool:
        """
        A file that has expired is as good as swept.
        """
        now = self.clock.seconds()
        if self.tombstones.get(name, 0) > now:
            return True
        kept = self.files.get(name)
        expired = kept is not None and self.over(name, kept, now)
        return expired and self.keeping.tombstone_ttl > 0

    def _is_gone(self, name: StoredName) -> bool:
        kept = self.files.get(name)
        return kept is None or self.over(name, kept, self.clock.seconds())

    def blocked(self, name: StoredName) -> bool:
        """
        Whether *name* is a folder, or below a file.
        """
        depths = range(1, len(name.segments))
        below = any(StoredName(name.segments[:depth]) in self.files for depth in depths)
        return below or self._is_folder(name)

    def _is_folder(self, name: StoredName) -> bool:
        depth = len(name.segments)
        return any(
            len(other.segments) > depth and other.segments[:depth] == name.segments
            for other in self.files
        )

    def _visible(self, name: StoredName) -> dict[str, Content]:
        """
        :return: the versions of *name* within the bound that have not expired.
        """
        now, most = self.clock.seconds(), self.keeping.max_versions
        past = list(self.past.get(name, {}).items())
        newest = past[-most:] if most else past
        return {id: kept for id, kept in newest if not self.over(name, kept, now)}

    def end_of(self, name: StoredName, kept: Content) -> int | None:
        record = kept.record
        return self.keeping.retention.expires(
            name.text, record.stored, record.expires, kept.counted
        )

    def over(self, name: StoredName, kept: Content, now: float) -> bool:
        expires = self.end_of(name, kept)
        return expires is not None and expires <= now

    def _told(self, name: StoredName, kept: Content) -> Content:
        return attrs.evolve(kept, record=attrs.evolve(kept.record, expires=self.end_of(name, kept)))

    def stamp(self) -> str:
        """
        :return: an id that sorts behind every other, also where the clock
            stands still or goes back.
        """
        self._last = max(int(self.clock.seconds() * 1_000_000), self._last + 1)
        return f"{self._last:016x}"
