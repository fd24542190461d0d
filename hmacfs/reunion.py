"""
What the store and the metadata say of the same uploads, made one at the start.

The parts are the truth: where a part waits, its upload can be gone on with.  A
daemon that was killed may not have told the metadata what it did last: that an
upload was given more time, or became its file.  The index may have been lost,
and all metadata with it.  And this node may have another ``PublicURL`` than
before, the one that other nodes send its clients to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from hmacfs.errors import Refusal
from hmacfs.interfaces.metadata import ILedger
from hmacfs.interfaces.store import IFile, IResumes, IStore
from hmacfs.uploads import LOCATED, UploadRecord


class Reunion:
    """
    Reunites a store with its metadata.
    """

    log = Logger()

    def __init__(
        self,
        files: IStore,
        parts: IResumes,
        metadata: ILedger,
        node: str,
        clock: IReactorTime,
        expiry: int,
    ) -> None:
        """
        :param files: where uploads are that are finished.
        :param parts: where they wait before that: the same store, mostly.
        :param node: where other nodes send their clients, ``""`` for nowhere.
        :param expiry: seconds that a finished upload is remembered.
        """
        self._files = files
        self._parts = parts
        self._metadata = metadata
        self._node = node
        self._clock = clock
        self._expiry = expiry

    async def run(self) -> None:
        """
        Return when both say the same, before anybody asks them.
        """
        waiting = {record.id: record for record in self._parts.unfinished()}
        if waiting:
            self.log.info("uploads: {count} wait to be gone on with", count=len(waiting))
        known = await self._metadata.all()
        for record in known:
            try:
                await self._settle(record, waiting)
            except Exception:
                # What became of one upload must not keep the daemon down.
                self.log.failure("upload {id} may be lost", id=record.id)
        lost = waiting.keys() - {record.id for record in known}
        for id in sorted(lost):
            record = waiting[id]
            if record.front in LOCATED:
                # One that was removed stays so, and its part goes in its time.
                await self._metadata.put(attrs.evolve(record, node=self._node))

    async def finished(self, ids: Iterable[str]) -> None:
        """
        Note of the uploads *ids* that they became files, where whoever
        received them has not come to that.
        """
        for id in ids:
            record: UploadRecord | None = await self._metadata.get(id)
            if record is not None and record.state == "open":
                until = int(self._clock.seconds()) + self._expiry
                await self._metadata.put(record.changed(state="finished", until=until))

    async def _settle(self, record: UploadRecord, waiting: Mapping[str, UploadRecord]) -> None:
        changes: dict[str, Any] = {"node": self._node}
        if record.state == "open":
            if record.id in waiting:
                changes["until"] = waiting[record.id].until
            elif await self._became_file(record):
                changes["state"] = "finished"
                changes["until"] = int(self._clock.seconds()) + self._expiry
            else:
                await self._metadata.remove(record.id)
                return
        changed = attrs.evolve(record, **changes)
        if changed != record:
            await self._metadata.put(record.changed(**changes))

    async def _became_file(self, record: UploadRecord) -> bool:
        """
        :return: whether the file of that name is what the upload was for, as
            far as can be told: nobody else could upload to the name meanwhile.
        """
        try:
            file: IFile = await self._files.open(record.slot.name)
        except Refusal:
            return False
        file.close()
        stored = file.record
        return (stored.size, stored.content_type) == (record.length, record.content_type) and (
            stored.stored >= record.created
        )
