"""
The crawl: the index follows the files.

Files that came by other means are taken in, a whole store of another server
maybe; rows whose file is gone go, and folders that nothing is in.  It begins
when the daemon does and once a day, and goes as slowly as it is asked to, since
somebody else wants the disk.  Where it was interrupted it goes on.
"""

from __future__ import annotations

from collections import Counter

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from hmacfs.abilities import IChecks
from hmacfs.care.duty import Round
from hmacfs.interfaces.index import IDatabase
from hmacfs.records import Checked
from hmacfs.store import terms
from hmacfs.store.tables import state

KEY = "crawl"
"""Of the state in the index: where to go on."""

SLICE = 200
"""Files that are looked at between two breaths: some 20 ms of a thread."""

KEEP_EVERY = 10
"""Seconds between two cursors that are kept."""

#: What is said of each kind that it finds; what it does not mend "hmacfs fsck" tells of.
FOUND = {
    "no row": "taken into the index",
    "no file": "rows without a file",
    "other row": "rows put right",
    "buried": "deleted, and there again",
    "foreign label": "changed by another program",
    "no name": "files that can have no URL",
    "unreadable": "unreadable",
    "empty folder": "empty folders",
    "wrong sum": "sums put right",
}

#: What a crawl takes away, as it is counted.
WENT = {"no file": ("row", "stray"), "empty folder": ("folder", "empty")}


class Crawling:
    """
    The duty towards the index.
    """

    log = Logger()

    def __init__(
        self, store: IChecks, database: IDatabase, clock: IReactorTime, rest: float = 1.0
    ) -> None:
        """
        :param rest: how long to rest after each slice, in times of what it took.
        """
        self._store = store
        self._database = database
        self._clock = clock
        self._rest = rest
        self._looked = 0

    @property
    def looked(self) -> int:
        """How much the crawl that is under way has looked at; 0 where none is."""
        return self._looked

    async def crawl(self, round: Round) -> None:
        """
        Go through everything once, or through what an interrupted crawl left.
        """
        kept = None if round.dry else await self._database.run(state.get, KEY)
        await self._through(round, None if kept is None else tuple(kept))

    async def reindex(self, round: Round) -> None:
        """
        Make the index anew: forget what it lists, and go through everything.
        """
        while round.going and await self._store.forget_rows(SLICE):
            pass
        await self._through(round, None)

    async def _through(self, round: Round, cursor: tuple[str, ...] | None) -> None:
        look = self._store.check if round.dry else self._store.crawl
        found = Counter[str]()
        kept_at = self._clock.seconds()
        more = True
        while more and round.going:
            began = self._clock.seconds()
            checked = await look(cursor, SLICE)
            cursor = checked.cursor
            more = cursor is not None
            self._looked += checked.looked
            found.update(each.kind for each in checked.found)
            self._count(checked, round)
            round.tell(self._looked)
            now = self._clock.seconds()
            if not round.dry and now >= kept_at + KEEP_EVERY:
                await self._keep(cursor)
                kept_at = now
            if more and self._rest and now > began:
                await deferLater(self._clock, (now - began) * self._rest)
        looked, self._looked = self._looked, 0
        if not round.dry:
            await self._keep(cursor)
            if not more:
                await self._database.run(terms.crawled)
        if not more:
            told = ", ".join(sorted(f"{FOUND[kind]}: {count}" for kind, count in found.items()))
            self.log.info(
                "the crawl looked at {looked} files, rows and folders; {told}",
                looked=looked,
                told=told or "all is as the index says",
            )

    async def _keep(self, cursor: tuple[str, ...] | None) -> None:
        await self._database.run(state.put, KEY, cursor)

    def _count(self, checked: Checked, round: Round) -> None:
        for each in checked.found:
            if each.kind in WENT:
                round.count(*WENT[each.kind])
            elif each.kind == "unreadable" and not round.dry:
                self.log.warn("{name!r}: {text}", name=each.name, text=each.text)
