"""
What is remembered of uploads that have a URL of their own.

Only these can be asked about by it.  The upload of a plain PUT, or of a
``Content-Range``, is found by the name of its file, and needs no more memory
than its part.
"""

from __future__ import annotations

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from hmacfs.errors import NotFound
from hmacfs.interfaces.metadata import IMetadata
from hmacfs.uploads import LOCATED, UploadRecord


class Records:
    """
    The records, as the protocols need them.

    Behind :meth:`create` the truth is the part, and then the file: what cannot
    be written down of them is logged, and the client is told what is so.
    """

    log = Logger()

    def __init__(self, metadata: IMetadata, clock: IReactorTime, expiry: int) -> None:
        """
        :param expiry: seconds that an upload is remembered when it is over.
        """
        self._metadata = metadata
        self._clock = clock
        self._expiry = expiry

    async def create(self, record: UploadRecord) -> None:
        """Remember an upload whose URL is about to be told."""
        await self._metadata.put(record)

    async def known(self, id: str) -> UploadRecord:
        """
        :raise NotFound: there is no such upload, or its time is over.
        """
        record: UploadRecord | None = await self._metadata.get(id)
        if record is None or record.until <= self._clock.seconds():
            raise NotFound("There is no such upload.")
        return record

    async def keep(self, record: UploadRecord) -> None:
        """
        Remember what became of an upload: one that is over from now on for
        ``UploadExpiry``, an open one as long as its part is kept.
        """
        if record.front not in LOCATED:
            return
        if record.state != "open":
            until = int(self._clock.seconds()) + self._expiry
            record = attrs.evolve(record, until=until)
        try:
            known: UploadRecord | None = await self._metadata.get(record.id)
            if known is not None:
                # A part does not know which node has it, nor, behind a start,
                # how often it was written down.
                revision = max(known.revision + 1, record.revision)
                record = attrs.evolve(record, node=known.node, revision=revision)
            await self._metadata.put(record)
        except Exception:
            self.log.failure("it cannot be written down that {id} changed", id=record.id)

    async def forget(self, record: UploadRecord) -> None:
        """Forget an upload of which nothing is left to ask about."""
        if record.front not in LOCATED:
            return
        try:
            await self._metadata.remove(record.id)
        except Exception:
            self.log.failure("it cannot be written down that {id} went", id=record.id)
