"""
What is done behind the answer: rows for the index, in batches.

A file that was acknowledged keeps its part, as a second name of the same
bytes, until its row is written; so a crash loses no row, and the index is
never in the way of an answer.  What an index that is slow or broken does not
take is left to the next start, which finds the parts and makes the rows again.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, DeferredLock, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from hmacfs.interfaces import IIndex, IThreads
from hmacfs.records import Row
from hmacfs.store.parts import Parts

DELAY = 0.1
"""Seconds that a row waits for others; each batch costs a sync."""

MOST = 10_000
"""Rows that wait at most, of some 300 bytes each."""


class Backlog:
    """
    The rows that one store has still to write.
    """

    log = Logger()

    def __init__(self, index: IIndex, clock: IReactorTime, threads: IThreads, parts: Parts) -> None:
        self._index = index
        self._clock = clock
        self._threads = threads
        self._parts = parts
        self._rows: dict[str, Row] = {}
        self._ids: list[bytes] = []
        self._writing: dict[str, Row] = {}
        self._lock = DeferredLock()
        self._timer: IDelayedCall | None = None

    def add(self, row: Row, id: bytes | None = None) -> None:
        """
        Write *row*, soon, and then drop the part *id*, if there is one.
        """
        if len(self._ids) >= MOST or len(self._rows) >= MOST:
            self.log.warn("the index is too slow: a row waits for the next start")
            return
        # Only the last row of a name counts.
        self._rows[row.name] = row
        if id is not None:
            self._ids.append(id)
        if self._timer is None:
            self._timer = self._clock.callLater(DELAY, self._due)

    def find(self, name: str) -> Row | None:
        """
        :return: the row of *name*, if it is still to be written.
        """
        return self._rows.get(name) or self._writing.get(name)

    def flush(self) -> Deferred[None]:
        """
        Write what waits, now.

        :return: fires when all that waited is done with.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        done: Deferred[None] = self._lock.run(self._write)
        return done

    def _due(self) -> None:
        self._timer = None
        if not self._lock.waiting:
            self.flush()

    def _write(self) -> Deferred[None]:
        self._writing, self._rows = self._rows, {}
        ids, self._ids = self._ids, []
        if not self._writing:
            return succeed(None)
        written = self._index.write(list(self._writing.values()))
        written.addCallback(lambda _: self._threads.run(self._drop, ids))
        return written.addErrback(self._left).addCallback(self._written)

    def _drop(self, ids: Sequence[bytes]) -> None:
        for id in ids:
            self._parts.drop(id)

    def _left(self, failure: Failure) -> None:
        self.log.failure("rows are left to the next start", failure)

    def _written(self, result: None) -> None:
        self._writing = {}
