"""
The parts that wait for somebody to go on with them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

import attrs
from twisted.internet.defer import Deferred

from hmacfs.names import StoredName
from hmacfs.uploads import UploadRecord

_SPARE = 64
"""Times more than parts that are let be, so that they are seldom tidied up."""


@attrs.frozen
class Waiting:
    """
    One of them.

    :ivar id: the part's.
    :ivar until: unix seconds from which on it is dropped.
    :ivar record: ``None`` where nobody can go on with it.
    """

    name: StoredName
    id: bytes
    until: int
    record: UploadRecord | None = None


class Suspended:
    """
    All of them, by id, by name and by time.
    """

    def __init__(self) -> None:
        self._waiting: dict[bytes, Waiting] = {}
        self._named: dict[StoredName, list[bytes]] = {}
        self._timed: list[tuple[int, bytes]] = []

    def add(self, waiting: Waiting) -> Deferred[None] | None:
        """
        Let one more wait.

        :return: what has to be waited for, so that all know of it.
        """
        self._add(waiting)
        return None

    def _add(self, waiting: Waiting) -> None:
        if waiting.id in self._waiting:
            # Somebody else found it meanwhile.
            self._remove(waiting.id)
        self._waiting[waiting.id] = waiting
        self._named.setdefault(waiting.name, []).append(waiting.id)
        heapq.heappush(self._timed, (waiting.until, waiting.id))
        if len(self._timed) > 2 * len(self._waiting) + _SPARE:
            # One that is gone on with again and again leaves a time behind each time.
            self._timed = [(each.until, each.id) for each in self._waiting.values()]
            heapq.heapify(self._timed)

    def get(self, id: bytes) -> Waiting | None:
        """
        :return: the part *id*, ``None`` where it does not wait.
        """
        return self._waiting.get(id)

    def named(self, name: StoredName) -> Sequence[bytes]:
        """
        :return: the ids of those that would become the file *name*.
        """
        return tuple(self._named.get(name, ()))

    def ids(self) -> Sequence[bytes]:
        """
        :return: those of all of them.
        """
        return tuple(self._waiting)

    def records(self) -> Sequence[UploadRecord]:
        """
        :return: those of all that can be gone on with.
        """
        return [each.record for each in self._waiting.values() if each.record is not None]

    def remove(self, id: bytes) -> Waiting | None:
        """
        Let the part *id* wait no longer; it is the caller's.

        :return: what it was, ``None`` where it did not wait.
        """
        return self._remove(id)

    def every(self) -> Sequence[Waiting]:
        """
        :return: all of them.
        """
        return tuple(self._waiting.values())

    def _remove(self, id: bytes) -> Waiting | None:
        waiting = self._waiting.pop(id, None)
        if waiting is not None:
            ids = self._named[waiting.name]
            ids.remove(id)
            if not ids:
                del self._named[waiting.name]
        return waiting

    def due(self, now: float, most: int) -> list[Waiting]:
        """
        :param now: unix seconds.
        :param most: how many at most.
        :return: those whose time is over, the oldest first; they do not wait
            any longer, and are the caller's to drop.
        """
        gone: list[Waiting] = []
        while self._timed and self._timed[0][0] <= now and len(gone) < most:
            until, id = heapq.heappop(self._timed)
            waiting = self._waiting.get(id)
            # It may have been gone on with, and wait for another time by now.
            if waiting is not None and waiting.until == until:
                self.remove(id)
                gone.append(waiting)
        return gone

    def take(self, name: StoredName) -> Sequence[bytes]:
        """
        :param name: somebody begins it anew, so that nobody will go on with
            what waits under it.
        :return: the ids of those; they do not wait any longer, and are the
            caller's to drop.
        """
        gone = self.named(name)
        for id in gone:
            self.remove(id)
        return gone


class CommonSuspended(Suspended):
    """
    The same in one of several processes, each of which knows all of them.

    Who has a turn at a name has heard by then what waits for it: see
    :meth:`hmacfs.interfaces.web.INeighbours.enter`.
    """

    def __init__(
        self, came: Callable[[Waiting], Deferred[None]], went: Callable[[bytes], object]
    ) -> None:
        """
        :param came: tells the others of one more; fires when they know of it.
        :param went: tells the others that the part of this id does not wait.
        """
        super().__init__()
        self._came, self._went = came, went

    def add(self, waiting: Waiting) -> Deferred[None]:
        """See :meth:`Suspended.add`."""
        self._add(waiting)
        return self._came(waiting)

    def remove(self, id: bytes) -> Waiting | None:
        """See :meth:`Suspended.remove`."""
        waiting = self._remove(id)
        if waiting is not None:
            self._went(id)
        return waiting

    def heard(self, waiting: Waiting) -> None:
        """Another process told of *waiting*."""
        self._add(waiting)

    def missed(self, id: bytes) -> None:
        """Another process told that the part *id* does not wait any longer."""
        self._remove(id)
