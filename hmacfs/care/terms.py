"""
The terms have changed, or those of a store that is taken over are new: what is
kept is reckoned by them, and the operator told.
"""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from hmacfs.care.duty import Round
from hmacfs.interfaces.index import IDatabase
from hmacfs.retention import Retention
from hmacfs.store import terms
from hmacfs.units import format_size

SLICE = 500
"""Rows that are reckoned at a time: some 10 ms of the index's thread."""


class Terms:
    """
    The duty towards the rows of an index that was made by other terms.
    """

    log = Logger()

    def __init__(self, database: IDatabase, clock: IReactorTime, retention: Retention) -> None:
        """
        :param retention: of the settings.
        """
        self._database = database
        self._clock = clock
        self._retention = retention

    async def reckon(self, round: Round) -> None:
        """
        Reckon when everything expires, where that is not done yet, and say
        what will go by it.
        """
        at = await self._database.run(terms.reckoned)
        if at.stage == "done" or round.dry:
            return
        retention = await self._database.run(terms.since, self._retention, self._clock.seconds())
        while at.stage != "done" and round.going:
            at = await self._database.run(terms.reckon, retention, SLICE)
            round.tell(at.rows)
        if at.stage == "done" and at.count:
            when = datetime.fromtimestamp(retention.since + retention.grace, UTC)
            self.log.warn(
                "by FileTTL and [[Retention]], {count} files and versions that were kept before, "
                "{size}, go from {when} on; to keep them change these until then",
                count=at.count,
                size=format_size(at.size),
                when=f"{when:%Y-%m-%d %H:%M:%S} UTC",
            )
