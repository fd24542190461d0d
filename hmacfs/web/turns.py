"""
Whose turn it is at a name.

There is one writer at most for a name.  A newer request takes the place of the
older one, which is answered 409; one that is being committed already is waited
for, so that the same file sent again meets the file and not the race.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.errors import Locked
from hmacfs.interfaces.web import INeighbours, ITurn
from hmacfs.names import StoredName
from hmacfs.uploads import Slot
from hmacfs.web.upload import Upload, superseded


@implementer(ITurn)
class Turn:
    """
    One request's turn at a name, from its verdict on.

    :ivar size: bytes of its file, ``None`` where its end will tell.
    :ivar upload: once its bytes come.
    :ivar ended: fires with ``None`` when the name is free again.
    """

    def __init__(self, size: int | None) -> None:
        self.size = size
        self.ended: Deferred[None] = Deferred()
        self.upload: Upload | None = None
        self._superseded = False

    def supersede(self, keep: bool) -> None:
        """
        A newer request wants the name.

        :param keep: whether it goes on with the same upload.
        """
        self._superseded = True
        if self.upload is not None:
            self.upload.supersede(keep)

    def check(self) -> None:
        """
        :raise Superseded: a newer request wants the name.
        """
        if self._superseded:
            raise superseded()

    def end(self) -> None:
        """The name is free."""
        if not self.ended.called:
            self.ended.callback(None)


class Turns:
    """
    The turns at all names.
    """

    def __init__(self, clock: IReactorTime, neighbours: INeighbours | None = None) -> None:
        """
        :param neighbours: other processes that have turns at the same names.
        """
        self._clock = clock
        self._neighbours = neighbours
        self._turns: dict[StoredName, Turn] = {}

    async def size(self, name: StoredName) -> int | None:
        """
        :return: bytes of the file that is on its way to *name*; ``None`` where
            there is none, or its end will tell.
        """
        turn = self._turns.get(name)
        if turn is not None:
            return turn.size
        asked = None if self._neighbours is None else self._neighbours.size(name)
        return None if asked is None else await asked

    def vacant(self, name: StoredName) -> bool:
        """
        :return: whether nobody has a turn at *name*, here or elsewhere.
        """
        return name not in self._turns and (
            self._neighbours is None or self._neighbours.alone(name)
        )

    def occupy(self, slot: Slot) -> Turn:
        """
        Take the turn at a name that is vacant; for who is committing already.

        :return: as of :meth:`take`.
        """
        turn, _ = self._enter(slot, going_on=False)
        return turn

    async def take(self, slot: Slot, going_on: bool) -> Turn:
        """
        Take the place of whoever has the name of *slot*.

        :param going_on: whether this request goes on with what the older one
            sent.  It then waits for it for :attr:`Locked.wait` seconds only.
        :return: the turn; it must be ended.
        :raise Superseded: a still newer request came while this one waited.
        :raise Locked: the older one did not end in time.
        """
        name = slot.name
        before = self._turns.get(name)
        turn, elsewhere = self._enter(slot, going_on)
        if before is not None:
            before.supersede(going_on)
            if not await self._ended(_end(before), going_on):
                self._give_back(name, turn, before)
                raise Locked
        try:
            if elsewhere is not None and not await self._ended(elsewhere, going_on):
                # Whoever comes here next finds the same one there.
                raise Locked
            turn.check()
        except BaseException:
            turn.end()
            raise
        return turn

    def _enter(self, slot: Slot, going_on: bool) -> tuple[Turn, Deferred[None] | None]:
        """
        :return: a turn at the name, and what fires when those elsewhere are
            over; ``None`` where there are none.
        """
        name = slot.name
        turn = self._turns[name] = Turn(slot.size)
        turn.ended.addCallback(lambda _: self._forget(name, turn))
        if self._neighbours is None:
            return turn, None
        return turn, self._neighbours.enter(name, turn, going_on)

    def _ended(self, before: Deferred[None], bounded: bool) -> Deferred[bool]:
        """
        :param before: fires when the older one has ended.
        :return: fires with whether that was in time.
        """
        told: Deferred[bool] = Deferred()
        late = self._clock.callLater(Locked.wait, told.callback, False) if bounded else None

        def ended(_: None) -> None:
            if not told.called:
                if late is not None:
                    late.cancel()
                told.callback(True)

        before.addCallback(ended)
        return told

    def _give_back(self, name: StoredName, turn: Turn, before: Turn) -> None:
        """
        The name is *before*'s still: whoever comes, or waits for *turn*
        already, has to wait for that one.
        """
        if self._turns[name] is turn:
            self._turns[name] = before
        before.ended.addCallback(lambda _: turn.end())

    def _forget(self, name: StoredName, turn: Turn) -> None:
        if self._turns.get(name) is turn:
            del self._turns[name]


def _end(turn: Turn) -> Deferred[None]:
    """
    :return: fires when *turn* has ended, apart from all that else waits for it.
    """
    told: Deferred[None] = Deferred()
    turn.ended.addCallback(lambda _: told.callback(None))
    return told
