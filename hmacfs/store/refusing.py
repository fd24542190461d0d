"""
What is not taken: uploads to names that are buried, and bytes that are banned.

A commit asks under the lock of its name, in a thread, and mostly the filter
answers it: see :mod:`hmacfs.store.tombstones`.  What has expired and was not
swept yet is as good as gone, and its name as good as buried.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.interfaces import IReactorTime

from hmacfs.commons import Commons
from hmacfs.errors import Banned, Deleted
from hmacfs.interfaces.disk import IThreads
from hmacfs.interfaces.index import IDatabase
from hmacfs.names import StoredName
from hmacfs.store.known import Known
from hmacfs.store.tables import bans, tombstones
from hmacfs.store.tombstones import Tombstones


def deleted() -> Deleted:
    """
    :return: the refusal of an upload to a name that is buried.
    """
    return Deleted("The file of this name was deleted, and the name takes no other.")


class Refusing:
    """
    The tombstones and the bans of one store.

    :ivar banned: digests; changed on the reactor's thread, asked on all.
    """

    def __init__(
        self,
        index: IDatabase,
        clock: IReactorTime,
        threads: IThreads,
        tombstone_ttl: int,
        filter: Tombstones,
        commons: Commons | None = None,
    ) -> None:
        """
        :param tombstone_ttl: seconds that a name is buried; 0 for never.
        :param commons: tells that another process has changed the bans.
        """
        self.banned: frozenset[str] = frozenset()
        self._index = index
        self._clock = clock
        self._threads = threads
        self._tombstone_ttl = tombstone_ttl
        self._filter = filter
        self._commons = commons
        # Of the bans that are known; a process that did not ask yet knows none.
        self._step: int | None = None

    @inlineCallbacks
    def start(self) -> Generator[Deferred[Any], Any, None]:
        """Learn what the index knows."""
        yield self._filter.fill(self._index)
        yield self.recall()

    def add(self, name: str) -> None:
        """From now on *name* may be buried."""
        self._filter.add(name)

    @inlineCallbacks
    def buried(self, name: StoredName) -> Generator[Deferred[Any], Any, bool]:
        """
        :return: fires with whether a tombstone holds there.
        """
        if not self._filter.may_be(name.text):
            return False
        burial = yield self._index.run(tombstones.find, name.text)
        return burial is not None and burial.until > self._clock.seconds()

    def check(self, name: StoredName, wait: bool = True) -> None:
        """
        Under the lock of *name*.

        :param wait: whether the index may be asked, which is never done on the
            reactor's thread.
        :raise Deleted: it is buried.
        :raise BlockingIOError: it may be, and nobody waits.
        """
        if not self.may_be_buried(name):
            return
        if not wait:
            raise BlockingIOError
        if self._threads.ask(self.buried, name):
            raise deleted()

    def may_be_buried(self, name: StoredName) -> bool:
        """
        :return: ``False`` where *name* is surely not buried.
        """
        return self._filter.may_be(name.text)

    def check_former(self, former: Known) -> None:
        """
        :param former: what has the name that another file wants.
        :raise Deleted: it has expired, and leaves a tombstone when it is swept.
        """
        if self._tombstone_ttl and former.expired(self._clock.seconds()):
            raise deleted()

    @property
    def may_ban(self) -> bool:
        """Whether any bytes may be banned now, by whatever process."""
        return bool(self.banned) or (self._commons is not None and self._commons.step != self._step)

    def in_force(self) -> bool:
        """
        In a thread.

        :return: whether any bytes are banned now, by whatever process.
        """
        if self._commons is not None and self._commons.step != self._step:
            self._threads.ask(self.recall)
        return bool(self.banned)

    def check_bytes(self, sha256: str) -> None:
        """
        :raise Banned: they are.
        """
        if sha256 in self.banned:
            raise Banned("These bytes were taken down, and are not kept again.")

    @inlineCallbacks
    def ban(self, sha256: str) -> Generator[Deferred[Any], Any, bool]:
        """See :meth:`hmacfs.abilities.IBans.ban`."""
        new = sha256 not in self.banned
        yield self.ban_all([sha256])
        return new

    @inlineCallbacks
    def ban_all(self, digests: Iterable[str]) -> Generator[Deferred[Any], Any, None]:
        """
        Refuse all of *digests* from now on.
        """
        self._changed((yield self._index.run(_ban, digests)))

    @inlineCallbacks
    def unban(self, sha256: str) -> Generator[Deferred[Any], Any, bool]:
        """See :meth:`hmacfs.abilities.IBans.unban`."""
        known = sha256 in self.banned
        self._changed((yield self._index.run(_unban, [sha256])))
        return known

    def _changed(self, banned: frozenset[str]) -> None:
        self.banned = banned
        if self._commons is not None:
            self._commons.stepped()
            self._step = self._commons.step

    @inlineCallbacks
    def recall(self) -> Generator[Deferred[Any], Any, None]:
        """Learn which bytes are banned."""
        # Looked at first: what changes behind it is found the next time.
        step = 0 if self._commons is None else self._commons.step
        self.banned = yield self._index.run(bans.all)
        self._step = step


def _ban(database: sqlite3.Connection, digests: Iterable[str]) -> frozenset[str]:
    bans.ban(database, digests)
    return bans.all(database)


def _unban(database: sqlite3.Connection, digests: Iterable[str]) -> frozenset[str]:
    bans.unban(database, digests)
    return bans.all(database)
