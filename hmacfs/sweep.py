"""
What nobody goes on with goes.

A sweep removes the parts of uploads that waited too long, and forgets the
records of uploads that are over, both :data:`SLICE` at a time: what a slice
takes happens in threads, and between two of them the reactor serves everybody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from hmacfs.errors import Locked
from hmacfs.events import UploadExpired
from hmacfs.interfaces import IHub, ILedger, IResumes
from hmacfs.uploads import UploadRecord

SLICE = 100
"""Uploads that are removed at a time."""


class Sweep(Service):
    """
    Sweeps while it runs.
    """

    log = Logger()

    def __init__(
        self, store: IResumes, metadata: ILedger, hub: IHub, clock: IReactorTime, every: float
    ) -> None:
        """
        :param every: seconds between two sweeps.
        """
        self._store = store
        self._metadata = metadata
        self._hub = hub
        self._clock = clock
        self._every = every
        self._sweeping = LoopingCall(self._sweep)
        self._sweeping.clock = clock
        self._swept: Deferred[LoopingCall]

    def startService(self) -> None:
        """Sweep at once, and from then on."""
        super().startService()
        self._swept = self._sweeping.start(self._every)

    def stopService(self) -> Deferred[LoopingCall]:
        """
        :return: fires when nothing is removed any more.
        """
        super().stopService()
        self._sweeping.stop()
        return self._swept

    def _sweep(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._sweep_all())

    async def _sweep_all(self) -> None:
        await self._in_slices(self._store.expire, self._dropped)
        await self._in_slices(self._metadata.expired, self._forget)

    async def _in_slices(
        self,
        find: Callable[[float, int], Deferred[Sequence[UploadRecord]]],
        deal: Callable[[UploadRecord], Awaitable[None]],
    ) -> None:
        """
        Find what has expired and deal with it, until a slice is not full, or
        nothing of it could be dealt with.
        """
        more = True
        while more and self.running:
            try:
                found = await find(self._clock.seconds(), SLICE)
            except Exception:
                # The next sweep may well succeed, and uploads do not depend
                # on it: a stopped loop would fill the disk.
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

    async def _dropped(self, record: UploadRecord) -> None:
        """
        The part of *record* is gone.
        """
        self._tell(record)
        await self._metadata.remove(record.id)

    async def _forget(self, record: UploadRecord) -> None:
        """
        :raise Locked: somebody writes to the upload this moment.
        """
        if record.state == "open":
            # Its part may be promised a longer life than its URL, since it is
            # kept for a while whenever something came.
            await self._store.drop(record.id)
            self._tell(record)
        await self._metadata.remove(record.id)

    def _tell(self, record: UploadRecord) -> None:
        self._hub.emit(UploadExpired(self._clock.seconds(), record.id, record.name))
