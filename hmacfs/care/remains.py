"""
What removals leave behind: trash, and tombstones.
"""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from hmacfs.abilities import ITrash
from hmacfs.care.duty import SLICE, Round
from hmacfs.interfaces.index import IDatabase
from hmacfs.store.tables import tombstones, trash

COUNTED = 1_000_000
"""What a dry round counts to."""


class Trash:
    """
    The duty towards what rests in the trash: it goes for good in its time.
    """

    def __init__(self, store: ITrash, database: IDatabase, clock: IReactorTime, ttl: int) -> None:
        """
        :param ttl: seconds that it rests.
        """
        self._store = store
        self._database = database
        self._clock = clock
        self._ttl = ttl

    async def purge(self, round: Round) -> None:
        """
        Remove what has rested long enough.
        """
        before = self._clock.seconds() - self._ttl
        if round.dry:
            count = await self._database.run(trash.count_before, before, COUNTED)
            round.count("trash", "expired", count=count)
            return
        done, more = 0, True
        while more and round.going:
            gone = await self._store.purge(before, SLICE)
            round.count("trash", "expired", count=gone)
            done += gone
            round.tell(done)
            more = gone == SLICE


class Tombstones:
    """
    The duty towards names that take no upload: in their time they do again.
    """

    def __init__(self, database: IDatabase, clock: IReactorTime) -> None:
        self._database = database
        self._clock = clock

    async def expire(self, round: Round) -> None:
        """
        Forget the tombstones that hold no longer.
        """
        now = self._clock.seconds()
        if round.dry:
            count = await self._database.run(tombstones.count_expired, now, COUNTED)
            round.count("tombstone", "expired", count=count)
            return
        done, more = 0, True
        while more and round.going:
            gone = await self._database.run(tombstones.expire, now, SLICE)
            round.count("tombstone", "expired", count=gone)
            done += gone
            round.tell(done)
            more = gone == SLICE
