"""
The parts that wait for somebody to go on with them.
"""

from __future__ import annotations

import heapq

import attrs

from hmacfs.names import StoredName


@attrs.frozen
class Waiting:
    """
    One of them.

    :ivar id: the part's.
    :ivar until: unix seconds from which on it is dropped.
    """

    name: StoredName
    id: bytes
    until: int


class Suspended:
    """
    All of them, by name and by time.
    """

    def __init__(self) -> None:
        self._named: dict[StoredName, list[bytes]] = {}
        self._timed: list[tuple[int, bytes, StoredName]] = []

    def add(self, waiting: Waiting) -> None:
        """Let one more wait."""
        self._named.setdefault(waiting.name, []).append(waiting.id)
        heapq.heappush(self._timed, (waiting.until, waiting.id, waiting.name))

    def take(self, name: StoredName, now: float) -> list[bytes]:
        """
        :param name: somebody begins it anew, so that nobody will go on with
            what waits under it.
        :param now: unix seconds.
        :return: the ids of those, and of all whose time is over; they do not
            wait any longer, and are the caller's to drop.
        """
        gone = self._named.pop(name, [])
        while self._timed and self._timed[0][0] <= now:
            _, id, theirs = heapq.heappop(self._timed)
            ids = self._named.get(theirs, [])
            if id in ids:
                gone.append(id)
                ids.remove(id)
                if not ids:
                    del self._named[theirs]
        return gone
