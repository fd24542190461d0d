"""
The errand that brings back what a sweep took away.
"""

from __future__ import annotations

from twisted.logger import Logger

from hmacfs.control.asking import Asker
from hmacfs.control.desk import PAGE, Desk
from hmacfs.control.lines import Message
from hmacfs.control.looking import named
from hmacfs.errors import Refusal
from hmacfs.records import Trashed


class Returning:
    """
    One such errand, under way.
    """

    log = Logger()

    def __init__(self, desk: Desk, asker: Asker) -> None:
        self._desk, self._asker = desk, asker
        self._back = self._size = 0
        self._left: set[Trashed] = set()

    async def bring_back(self, name: str | None, since: float | None) -> Message:
        """
        Bring back what rests in the trash, the newest first: of several that
        had one name, the last one gets it.

        :param name: of one file; ``None`` for all.
        :param since: seconds; what went longer ago stays.
        """
        stored = None if name is None else named(name)
        oldest = 0.0 if since is None else self._desk.clock.seconds() - since
        while True:
            # What cannot be brought back is found again, before all the rest.
            found = await self._desk.store.trashed(stored, len(self._left) + PAGE)
            wanted = [item for item in found if item.removed >= oldest]
            more = [item for item in wanted if item not in self._left]
            if not more:
                return {"back": self._back, "left": len(self._left), "size": self._size}
            for item in more:
                await self._bring(item)

    async def _bring(self, item: Trashed) -> None:
        told = {"name": item.name, "version": item.version, "size": item.size}
        try:
            back, why = await self._desk.store.undo(item), "its name was taken meanwhile"
        except Refusal as refusal:
            back, why = False, refusal.text
        except Exception:
            # The others are to come back whatever became of this one.
            self.log.failure("{name} stays in the trash", name=item.name)
            back, why = False, "the log says why"
        if not back:
            self._left.add(item)
            await self._asker.row({**told, "back": False, "why": why})
            return
        self._back += 1
        self._size += item.size
        of = f"{item.version} of {item.name}" if item.version else item.name
        self.log.info(
            "{who} brought back {of}, {size} bytes", who=self._asker.who, of=of, size=item.size
        )
        await self._asker.row({**told, "back": True})


async def undo(desk: Desk, asker: Asker, name: str | None, since: float | None) -> Message:
    """See :meth:`Returning.bring_back`."""
    return await Returning(desk, asker).bring_back(name, since)
