"""
What was kept of uploads, to be gone on with.
"""

from __future__ import annotations

from hmacfs.abilities import IRemoves
from hmacfs.errors import Deleted, NotFound, TooLarge
from hmacfs.interfaces.store import IResumes, IUpload
from hmacfs.names import StoredName
from hmacfs.resumable.steps import Append, check
from hmacfs.uploads import UploadRecord
from hmacfs.verdict import Verdict
from hmacfs.web.protocol import Protocol
from hmacfs.web.records import Records

_UNTYPED = frozenset({"v", "v3"})
"""
The dialects that sign no type.  Who goes on need not declare it again: the one
that was declared first is kept.
"""


class Kept:
    """
    The suspended parts, and what is remembered of them.
    """

    def __init__(self, parts: IResumes, records: Records) -> None:
        self._parts = parts
        self._records = records

    async def waiting(self, name: StoredName) -> list[UploadRecord]:
        """
        :return: the records of those that would become the file *name*.
        """
        found = []
        for id in self._parts.waiting(name):
            told = await self._parts.recorded(id)
            if told is not None:
                found.append(told[0])
        return found

    async def same(self, found: Verdict) -> UploadRecord | None:
        """
        :return: the one that was begun with the same signature as *found*,
            whichever way.
        """
        slot = found.slot
        for record in await self.waiting(slot.name):
            same = (record.length, record.dialect) == (slot.size, found.dialect)
            types = (record.content_type, record.signed_type)
            if same and (
                found.dialect in _UNTYPED or types == (slot.content_type, found.signed_type)
            ):
                return record
        return None

    async def standing(self, record: UploadRecord) -> tuple[UploadRecord, int]:
        """
        :return: the record as its part has it, and how many bytes there are.
        :raise NotFound: there is no part any more.
        :raise Deleted: as :meth:`check`; it is given up.
        """
        await self._check(record)
        told: tuple[UploadRecord, int] | None = await self._parts.recorded(record.id)
        if told is None:
            await self._records.forget(record)
            raise NotFound("There is no such upload.")
        return told

    async def resume(self, record: UploadRecord, step: Append, protocol: Protocol) -> IUpload:
        """
        Go on with the upload of *record*, as *step* says.

        :raise Refusal: it does not go on like that; what is kept stays, unless
            the protocol forbids to go on at all.
        :raise Deleted: as :meth:`check`; it is given up.
        """
        await self._check(record)
        try:
            part: IUpload = await self._parts.resume(record.id)
        except NotFound:
            await self._records.forget(record)
            raise
        protocol.stands(part.record or record, part.offset)
        try:
            check(step, record, part.offset)
            if step.promised:
                await part.promise(step.promised)
        except TooLarge:
            if protocol.front.name == "draft":
                await part.discard()
                await self._records.keep((part.record or record).changed(state="invalid"))
            else:
                await part.suspend()
            raise
        except BaseException:
            await part.suspend()
            raise
        return part

    async def check(self, name: StoredName) -> None:
        """
        :raise Deleted: the file *name* was deleted, and so nothing that would
            become it need be sent.
        """
        removes = IRemoves(self._parts, None)
        if removes is not None and await removes.buried(name):
            raise Deleted("The file of this name was deleted, and the name takes no other.")

    async def _check(self, record: UploadRecord) -> None:
        try:
            await self.check(record.slot.name)
        except Deleted:
            await self.drop(record)
            raise

    async def drop(self, record: UploadRecord) -> None:
        """
        Give an upload up, suspended or over.
        """
        if record.state == "open":
            await self._parts.drop(record.id)
        await self._records.forget(record)

    async def clear(self, name: StoredName) -> None:
        """
        Give up all that would become the file *name*.
        """
        for record in await self.waiting(name):
            await self.drop(record)
        # Those without a record, which nobody can go on with.
        for id in self._parts.waiting(name):
            await self._parts.drop(id)
