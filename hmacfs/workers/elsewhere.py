"""
The turns at names over all workers: see :class:`hmacfs.interfaces.web.INeighbours`.

Who is at which name stands in the memory that all have in common, by buckets;
so one who is alone at a name, as nearly everybody is, asks nobody.  Where
others may be there they are asked, through the supervisor, to let go.  Each
turn has a number, and lets go for greater ones alone: so of those that come at
the same moment the last goes on, and none waits for one that waits for it.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, DeferredList
from zope.interface import implementer

from hmacfs.commons import Commons
from hmacfs.interfaces.web import INeighbours, ITurn
from hmacfs.names import StoredName
from hmacfs.store.company import Others
from hmacfs.workers.line import LineLost


@implementer(INeighbours)
class Elsewhere:
    """
    The other workers, as one of them sees them.
    """

    def __init__(self, commons: Commons, supervisor: Others) -> None:
        self._commons = commons
        self._supervisor = supervisor
        self._turns: dict[StoredName, list[tuple[int, ITurn]]] = {}

    def enter(self, name: StoredName, turn: ITurn, going_on: bool) -> Deferred[None] | None:
        """See :meth:`hmacfs.interfaces.web.INeighbours.enter`."""
        number, others = self._commons.enter(name.path)
        here = (number, turn)
        self._turns.setdefault(name, []).append(here)
        turn.ended.addCallback(lambda _: self._left(name, here))
        if not others:
            return None
        asked = self._supervisor.ask("turn", others, name, number, going_on)
        # Without a supervisor all is about to end; here it may end well.
        return asked.addErrback(lambda failure: _nothing(failure.trap(LineLost)))

    def size(self, name: StoredName) -> Deferred[int | None] | None:
        """See :meth:`hmacfs.interfaces.web.INeighbours.size`."""
        others = self._commons.others(name.path)
        return self._supervisor.ask("coming", others, name) if others else None

    def alone(self, name: StoredName) -> bool:
        """See :meth:`hmacfs.interfaces.web.INeighbours.alone`."""
        return not self._commons.others(name.path)

    def wanted(self, name: StoredName, number: int, going_on: bool) -> Deferred[None]:
        """
        A worker wants *name*.

        :param number: that of its turn.
        :return: fires when all turns here are over that came before.
        """
        before = [turn for each, turn in self._turns.get(name, ()) if each < number]
        over = []
        for turn in before:
            turn.supersede(going_on)
            told: Deferred[None] = Deferred()
            turn.ended.addCallback(_passed, told)
            over.append(told)
        return DeferredList(over).addCallback(_nothing)

    def coming(self, name: StoredName) -> int | None:
        """
        :return: bytes of the file that is on its way here to *name*; ``None``
            where there is none, or its end will tell.
        """
        turns = self._turns.get(name)
        return turns[-1][1].size if turns else None

    def _left(self, name: StoredName, here: tuple[int, ITurn]) -> None:
        turns = self._turns[name]
        turns.remove(here)
        if not turns:
            del self._turns[name]
        self._commons.leave(name.path)


def _passed(result: None, told: Deferred[None]) -> None:
    told.callback(None)


def _nothing(results: object) -> None:
    """Nobody wants to know."""
