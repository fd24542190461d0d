"""
Uploads that nobody goes on with.

The parts of those that waited too long go, and so do the records of uploads
that are over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from hmacfs.care.duty import SLICE, Round
from hmacfs.errors import Locked
from hmacfs.events import UploadExpired
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.metadata import ILedger
from hmacfs.interfaces.store import IResumes
from hmacfs.uploads import UploadRecord


class Uploads:
    """
    The duty towards unfinished uploads.
    """

    log = Logger()

    def __init__(self, store: IResumes, metadata: ILedger, hub: IHub, clock: IReactorTime) -> None:
        self._store = store
        self._metadata = metadata
        self._hub = hub
        self._clock = clock

    async def sweep(self, round: Round) -> None:
        """
        Remove what has expired.
        """
        if round.dry:
            await self._foresee(round)
            return

        async def dropped(record: UploadRecord) -> None:
            """The part of *record* is gone."""
            self._expired(record, round)
            await self._metadata.remove(record.id)

        async def forget(record: UploadRecord) -> None:
            """
            :raise Locked: somebody writes to the upload this moment.
            """
            if record.state == "open":
                # Its part may be promised a longer life than its URL, since it
                # is kept for a while whenever something came.
                await self._store.drop(record.id)
                self._expired(record, round)
            await self._metadata.remove(record.id)
            round.count("record", "expired")

        await self._in_slices(round, self._store.expire, dropped)
        await self._in_slices(round, self._metadata.expired, forget)

    async def _foresee(self, round: Round) -> None:
        now = self._clock.seconds()
        over = {record.id for record in self._store.unfinished() if record.until <= now}
        for record in await self._metadata.all():
            if record.until > now:
                continue
            round.count("record", "expired")
            if record.state == "open" and await self._store.recorded(record.id) is not None:
                over.add(record.id)
        round.count("part", "expired", count=len(over))

    async def _in_slices(
        self,
        round: Round,
        find: Callable[[float, int], Deferred[Sequence[UploadRecord]]],
        deal: Callable[[UploadRecord], Awaitable[None]],
    ) -> None:
        """
        Find what has expired and deal with it, until a slice is not full, or
        nothing of it could be dealt with.
        """
        more = True
        while more and round.going:
            try:
                found = await find(self._clock.seconds(), SLICE)
            except Exception:
                # The records do not wait for the parts, nor these for a disk
                # that is asked again by the next round.
                self.log.failure("what has expired cannot be found")
                return
            done = 0
            for record in found:
                try:
                    await deal(record)
                    done += 1
                except Locked:
                    self.log.debug("upload {id} has expired and is under way", id=record.id)
                except Exception:
                    # As above, and the others are to go whatever became of this one.
                    self.log.failure("upload {id} has expired and stays", id=record.id)
            more = done > 0 and len(found) == SLICE

    def _expired(self, record: UploadRecord, round: Round) -> None:
        round.count("part", "expired")
        self._hub.emit(UploadExpired(self._clock.seconds(), record.id, record.name))
