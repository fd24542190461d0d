"""
What is done behind the answer: rows for the index, in batches.

A file that was acknowledged keeps its part, as a second name of the same
bytes, until its row is written; so a crash loses no row, and the index is
never in the way of an answer.  What an index that is slow or broken does not
take is left to the next start, which finds the parts and makes the rows again;
where there is only no room for it, it waits until there is.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Collection, Generator, Iterable, Sequence
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred, DeferredLock, inlineCallbacks, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from hmacfs.errors import ShuttingDown
from hmacfs.interfaces.disk import IThreads
from hmacfs.interfaces.index import IIndex
from hmacfs.records import Row
from hmacfs.store.pace import Pace
from hmacfs.store.parts import Parts
from hmacfs.store.tables import files, versions
from hmacfs.store.tables.versions import VersionRow

DELAY = 0.1
"""Seconds that a row waits for others; each batch costs a sync."""

RETRY = 60
"""Seconds until what found no room is tried again."""

MOST = 10_000
"""Changes that wait at most, of some 500 bytes each."""


class Held(Protocol):
    """
    What is held for a row, a :class:`hmacfs.store.quota.Share` say.
    """

    @property
    def key(self) -> str:
        """See :class:`hmacfs.store.quota.Share`."""

    def drop(self) -> None:
        """Let go of it."""


AT_ONCE = 64
"""Parts that are dropped in one turn of the reactor: some 0.2 ms."""

LARGE = 1024 * 1024
"""
Bytes of a part that is not dropped in the reactor's thread: where the file has been
replaced or removed meanwhile, the system frees them, 1 GiB in 70 ms.
"""

Unneeded = tuple[bytes, bool, int]
"""
The id of a part, whether it is bare (:meth:`hmacfs.store.parts.Parts.drop`), and
its bytes.
"""


@attrs.define
class Pending:
    """
    What is to be written of one name.

    :ivar row: the last one, which alone counts.
    :ivar versions: by id; ``None`` of one that went.
    :ivar parts: to be dropped when it is written.
    :ivar shares: of their owner, held until it is done with.
    """

    row: Row
    versions: dict[str, VersionRow | None] = attrs.field(factory=dict)
    parts: list[Unneeded] = attrs.field(factory=list)
    shares: list[Held] = attrs.field(factory=list)

    def follow(self, former: Pending) -> None:
        """
        Stand for *former* as well, which came before and is not written.
        """
        self.versions = {**former.versions, **self.versions}
        self.parts[:0] = former.parts
        self.shares[:0] = former.shares


@attrs.frozen
class Rows:
    """
    A batch, as the index is told of it.

    :ivar files: a row for each name.
    :ivar versions: those that are there now.
    :ivar gone: the names and ids of those that are not.
    """

    files: Sequence[Row]
    versions: Sequence[VersionRow]
    gone: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, batch: Sequence[Pending]) -> Rows:
        """
        :param batch: a name each.
        """
        changes = [
            (pending.row.name, *change) for pending in batch for change in pending.versions.items()
        ]
        return cls(
            [pending.row for pending in batch],
            [version for *_, version in changes if version is not None],
            [(name, id) for name, id, version in changes if version is None],
        )


class Backlog:
    """
    The rows that one store has still to write.
    """

    log = Logger()

    def __init__(
        self,
        index: IIndex,
        clock: IReactorTime,
        threads: IThreads,
        parts: Parts,
        pace: Pace | None = None,
    ) -> None:
        """
        :param pace: of a disk that may be quick enough to drop parts on the spot.
        """
        self._index = index
        self._clock = clock
        self._threads = threads
        self._parts = parts
        self._pace = pace
        self._waiting: dict[str, Pending] = {}
        self._writing: dict[str, Pending] = {}
        self._changes = 0
        self._flushes = 0
        self._lock = DeferredLock()
        self._timer: IDelayedCall | None = None

    def add(
        self,
        row: Row,
        id: bytes | None = None,
        made: Sequence[VersionRow] = (),
        gone: Sequence[str] = (),
        share: Held | None = None,
        bare: bool = False,
    ) -> None:
        """
        Write *row*, soon, and then drop the part *id*, if there is one.

        :param made: versions of the same name, written together with it.
        :param gone: the ids of versions of that name that are no more.
        :param share: dropped when the row is written, before anything that
            the index was asked for later is answered; or when it is given up.
        :param bare: as of :meth:`hmacfs.store.parts.Parts.drop`.
        """
        if self._changes >= MOST:
            self.log.warn("the index is too slow: a row waits for the next start")
            if share is not None:
                share.drop()
            return
        self._changes += 1
        pending = self._wait(Pending(row))
        pending.row = row
        if made or gone:
            pending.versions.update(dict.fromkeys(gone))
            pending.versions.update((version.id, version) for version in made)
        if id is not None:
            pending.parts.append((id, bare, row.size))
        if share is not None:
            pending.shares.append(share)
        if self._timer is None:
            self._timer = self._clock.callLater(DELAY, self._due)

    def find(self, name: str) -> Row | None:
        """
        :return: the row of *name*, if it is still to be written.
        """
        pending = self._waiting.get(name) or self._writing.get(name)
        return None if pending is None else pending.row

    def flush(self, names: Collection[str] | None = None) -> Deferred[None]:
        """
        Write what waits, now.

        :param names: of what is asked for, if that is not all.
        :return: fires when all of it that waited is done with.
        """
        self._cancel()
        self._flushes += 1
        done: Deferred[None] = self._lock.run(self._write)
        return done

    def stop(self) -> Deferred[None]:
        """
        As :meth:`flush`, for the last time: what finds no room is left.
        """
        return self.flush().addCallback(lambda _: self._cancel())

    def discard(self, names: Iterable[str]) -> Deferred[None]:
        """
        Drop what waits of *names*, which are no more, and the parts with it.

        :return: fires when nothing of what was added for them is on its way:
            what was being written is written, and may be dropped from the
            index.
        """
        found = [self._waiting.pop(name) for name in names if name in self._waiting]
        _settle(found)
        done: Deferred[None] = self._lock.run(self._threads.run, self._drop, _parts(found))
        return done.addCallback(lambda _: self._done(found))

    def _wait(self, pending: Pending) -> Pending:
        """
        :return: what waits for the name of *pending*: that, or something newer.
        """
        newer = self._waiting.setdefault(pending.row.name, pending)
        if newer is pending:
            self._owed(pending.row.name)
        return newer

    def _owed(self, name: str) -> None:
        """For who has to know of whom something waits."""

    def _done(self, batch: Iterable[Pending]) -> None:
        """Nothing of *batch*, which waited, is on its way any more."""

    def _due(self) -> None:
        self._timer = None
        # A flush that waits for its turn takes what came meanwhile along.
        if not self._flushes:
            self.flush()

    def _write(self) -> Deferred[None]:
        self._flushes -= 1
        self._writing, self._waiting, self._changes = self._waiting, {}, 0
        batch = list(self._writing.values())
        if not batch:
            return succeed(None)
        written = self._hand_over(batch)
        # Nothing may come between: whoever asks the index for a sum, and adds
        # what is on its way, would count a row twice or not at all.
        unneeded = written.addCallbacks(_told, self._failed, (batch,), errbackArgs=(batch,))
        return unneeded.addCallback(self._let_go).addCallback(self._written)

    def _hand_over(self, batch: Sequence[Pending]) -> Deferred[None]:
        return self._index.run(write, Rows.of(batch))

    @inlineCallbacks
    def _let_go(self, parts: Sequence[Unneeded]) -> Generator[Deferred[Any], Any, None]:
        """
        Drop *parts*, so many at a time that nobody waits for it: each is a call
        of the system, and a thread that makes many of them costs who has the
        interpreter meanwhile more than the calls.
        """
        large = [part for part in parts if part[2] > LARGE]
        parts = [part for part in parts if part[2] <= LARGE]
        while parts and self._pace is not None and self._pace.quick:
            self._pace.run(self._drop, parts[:AT_ONCE])
            parts = parts[AT_ONCE:]
            if parts:
                yield deferLater(self._clock, 0)
        if parts or large:
            yield self._threads.run(self._drop, [*parts, *large])

    def _drop(self, parts: Sequence[Unneeded]) -> None:
        for id, bare, _ in parts:
            try:
                self._parts.drop(id, bare)
            except OSError:
                self.log.failure("part {id} stays until the next start", id=id.decode())

    def _failed(self, failure: Failure, batch: Sequence[Pending]) -> list[Unneeded]:
        """
        :return: the parts to be dropped: none.
        """
        if isinstance(failure.value, OSError) and failure.value.errno == errno.ENOSPC:
            self.log.error("{count} rows wait: the index has no room", count=len(batch))
            self._wait_again(batch)
        elif failure.check(ShuttingDown):
            self.log.warn("{count} rows wait for the next start", count=len(batch))
            _settle(batch)
        else:
            self.log.failure("rows are left to the next start", failure)
            _settle(batch)
        return []

    def _wait_again(self, batch: Iterable[Pending]) -> None:
        for pending in batch:
            self._changes += 1
            newer = self._wait(pending)
            if newer is not pending:
                newer.follow(pending)
        if self._timer is None:
            self._timer = self._clock.callLater(RETRY, self._due)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _written(self, result: None) -> None:
        written, self._writing = self._writing, {}
        self._done(written.values())


def write(database: sqlite3.Connection, rows: Rows, newer: bool = False) -> None:
    """
    Write down a batch.

    :param newer: as of :func:`hmacfs.store.tables.files.write`.
    """
    files.write(database, rows.files, newer)
    versions.drop(database, rows.gone)
    versions.write(database, rows.versions)


def write_newest(database: sqlite3.Connection, rows: Rows) -> None:
    """
    The same of a process among several, which write to one name in turn but
    tell of it as they like: what was stored later stays.
    """
    write(database, rows, newer=True)


def _told(result: None, batch: Sequence[Pending]) -> list[Unneeded]:
    """
    :return: the parts to be dropped.
    """
    _settle(batch)
    return _parts(batch)


def _settle(batch: Iterable[Pending]) -> None:
    for pending in batch:
        for share in pending.shares:
            share.drop()


def _parts(batch: Iterable[Pending]) -> list[Unneeded]:
    return [part for pending in batch for part in pending.parts]
