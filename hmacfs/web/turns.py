"""
Whose turn it is at a name.

There is one writer at most for a name.  A newer request takes the place of the
older one, which is answered 409; one that is being committed already is waited
for, so that the same file sent again meets the file and not the race.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from hmacfs.errors import Locked
from hmacfs.names import StoredName
from hmacfs.uploads import Slot
from hmacfs.web.upload import Upload, superseded


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

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._turns: dict[StoredName, Turn] = {}

    def size(self, name: StoredName) -> int | None:
        """
        :return: bytes of the file that is on its way to *name*; ``None`` where
            there is none, or its end will tell.
        """
        turn = self._turns.get(name)
        return None if turn is None else turn.size

    def vacant(self, name: StoredName) -> bool:
        """
        :return: whether nobody has a turn at *name*.
        """
        return name not in self._turns

    def occupy(self, slot: Slot) -> Turn:
        """
        Take the turn at a name that is vacant; for who is committing already.

        :return: as of :meth:`take`.
        """
        turn = self._turns[slot.name] = Turn(slot.size)
        turn.ended.addCallback(lambda _: self._forget(slot.name, turn))
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
        turn = self.occupy(slot)
        if before is not None:
            before.supersede(going_on)
            if not await self._ended(before, going_on):
                self._give_back(name, turn, before)
                raise Locked
        try:
            turn.check()
        except BaseException:
            turn.end()
            raise
        return turn

    def _ended(self, before: Turn, bounded: bool) -> Deferred[bool]:
        """
        :return: fires with whether *before* ended in time.
        """
        told: Deferred[bool] = Deferred()
        late = self._clock.callLater(Locked.wait, told.callback, False) if bounded else None

        def ended(_: None) -> None:
            if not told.called:
                if late is not None:
                    late.cancel()
                told.callback(True)

        before.ended.addCallback(ended)
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
