"""
All duties of one daemon, put together; and of the command line, where no
daemon runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from hmacfs.care.collecting import Collecting
from hmacfs.care.crawling import Crawling
from hmacfs.care.duty import Deed, Duty, Progress, Round, unheard
from hmacfs.care.guard import Guard, elapsed, guarded
from hmacfs.care.owners import Owners
from hmacfs.care.remains import Tombstones, Trash
from hmacfs.care.retiring import Retiring
from hmacfs.care.terms import Terms
from hmacfs.care.uploads import Uploads
from hmacfs.disk import Disk
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.index import IDatabase
from hmacfs.interfaces.metadata import ILedger
from hmacfs.records import Went
from hmacfs.retention import Retention
from hmacfs.settings import Settings

DAY = 86400
"""Seconds between two crawls."""


class Care(Service):
    """
    Looks after one store.

    :ivar guard: halts what removes.
    :ivar crawl: the duty towards the index; nothing else is to go through the
        tree beside it.
    :ivar crawling: tells how far a crawl is.
    :ivar collecting: does all of it at once.
    """

    def __init__(
        self,
        settings: Settings,
        store: Any,
        metadata: ILedger,
        database: IDatabase,
        hub: IHub,
        clock: IReactorTime,
        rest: float = 1.0,
        elapsed: Callable[[], float] = elapsed,
    ) -> None:
        """
        :param store: with all the abilities of :mod:`hmacfs.abilities`.
        :param rest: as of :class:`hmacfs.care.crawling.Crawling`.
        :param elapsed: as of :class:`hmacfs.care.guard.Guard`.
        """
        self.guard = guard = Guard(database, hub, clock, Disk().boot(), elapsed)
        retention = Retention(settings.retention, settings.file_ttl)
        self.crawling = crawling = Crawling(store, database, clock, rest)
        self._owners = Owners(database, settings.owner_quota or 0, settings.owner_from)

        def duty(what: str, deed: Deed, every: float = settings.sweep_interval) -> Duty:
            return Duty(what, deed, hub, clock, every)

        reckoning = duty("retention", Terms(database, clock, retention).reckon)

        async def crawl(round: Round) -> None:
            """What came by it is told at once, and not at the next beat."""
            await crawling.crawl(round)
            if not round.dry:
                await reckoning.run()

        retiring = Retiring(store, guard, hub, clock)
        uploads = Uploads(store, metadata, hub, clock)
        trash = Trash(store, database, clock, settings.trash_ttl)
        self.crawl = duty("index", crawl, DAY)
        self._duties = [
            reckoning,
            duty("files and versions", retiring.sweep),
            duty("unfinished uploads", guarded(guard, uploads.sweep)),
            duty("trash", guarded(guard, trash.purge)),
            duty("tombstones", guarded(guard, Tombstones(database, clock).expire)),
            self.crawl,
        ]
        self.collecting = Collecting(self._duties, guard)
        self._reindex = crawling.reindex

    def startService(self) -> Deferred[None]:
        """
        Begin with every duty.

        :return: fires when the operator was told what is to be told at a start.
        """
        super().startService()
        for duty in self._duties:
            duty.startService()
        return Deferred.fromCoroutine(self._owners.warn())

    def stopService(self) -> Deferred[None]:
        """
        :return: fires when nothing is looked after any more.
        """
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def reindex(self, progress: Progress = unheard) -> Deferred[tuple[Went, ...]]:
        """
        Make the index anew.

        :return: fires with what went.
        """
        return self.crawl.run(progress=progress, deed=self._reindex)

    async def _stop(self) -> None:
        # All are told before one is waited for.
        for stopped in [duty.stopService() for duty in self._duties]:
            await stopped
