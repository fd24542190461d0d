"""
Commits on the reactor's thread, which wait for the disk and for no thread.

What a commit does beside its two syncs are some ten calls of the system that
take microseconds.  In a thread each of them costs a wait for the interpreter,
behind whoever has it: with 16 uploads at once these waits took more of the
processors than all else.  So where the disk is quick (:mod:`hmacfs.store.pace`)
the steps of :mod:`hmacfs.store.commit` are taken here, and the syncs are left to
the kernel (:mod:`hmacfs.store.flushing`).

Whatever is unusual is given to a thread, where it can be waited for: a name
that is taken, or that somebody else is at.  And all is, where the kernel syncs
nothing by itself, or has as much to do as it takes: a sync that waits for a
thread, while the lock of a name is held, may wait for one that waits for the lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock, inlineCallbacks

from hmacfs.interfaces.disk import IThreads
from hmacfs.names import StoredName
from hmacfs.store.commit import Commit, Committed
from hmacfs.store.flushing import Flushing
from hmacfs.store.labels import Label
from hmacfs.store.locks import Locks
from hmacfs.store.pace import Pace
from hmacfs.store.parts import Part, Parts
from hmacfs.store.refusing import Refusing
from hmacfs.uploads import Slot


class Landing:
    """
    The commits of one store that are done like this.
    """

    def __init__(
        self,
        commit: Commit,
        locks: Locks,
        parts: Parts,
        refusing: Refusing,
        flushing: Flushing,
        threads: IThreads,
        pace: Pace,
    ) -> None:
        """
        :param threads: where commits wait.
        """
        self._turns: defaultdict[int, DeferredLock] = defaultdict(DeferredLock)
        self._commit = commit
        self._locks = locks
        self._parts = parts
        self._refusing = refusing
        self._flushing = flushing
        self._threads = threads
        self._pace = pace
        self._under_way = 0

    def takes(self, slot: Slot) -> bool:
        """
        :return: whether :meth:`commit` is for *slot*, now.
        """
        return (
            self._pace.quick
            and self._parts.attributes
            and not slot.overwrite
            # Else the bytes would have to be read again, for their digest.
            and not self._refusing.may_ban
            # Each has one order at a time.
            and self._flushing.room(self._under_way)
        )

    @inlineCallbacks
    def commit(
        self, slot: Slot, part: Part, label: Label
    ) -> Generator[Deferred[Any], Any, Committed]:
        """
        As :meth:`hmacfs.store.commit.Commit.commit`.
        """
        commit, failed = self._commit, True
        self._under_way += 1
        with commit.telling(slot.name):
            try:
                if part.label != label:
                    part = self._pace.run(self._parts.tell, part, label)
                yield self._flushing.file(part.file)
                yield from self._give(slot.name, part)
                committed = Committed(commit.known(slot.name, part, label), None)
                failed = False
            finally:
                self._under_way -= 1
                if failed:
                    # The bytes of a large one are freed with it.
                    yield self._threads.run(commit.land, slot.name, part, True)
                else:
                    commit.land(slot.name, part, False)
        return committed

    def _give(self, name: StoredName, part: Part) -> Generator[Deferred[Any], Any, None]:
        if not self._flushing.durable:
            # Nothing is waited for while the lock is held.
            yield from self._take(name, part)
            return
        # Nobody waits in a thread for a lock that is held here.
        turn = self._turns[self._locks.number(name)]
        yield turn.acquire()
        try:
            yield from self._take(name, part)
        finally:
            turn.release()

    def _take(self, name: StoredName, part: Part) -> Generator[Deferred[Any], Any, None]:
        steps = self._commit.steps(name, part)
        while True:
            try:
                folder = self._pace.run(next, steps, None)
            except OSError:
                yield self._threads.run(self._commit.give, name, False, part)
                return
            if folder is None:
                return
            try:
                yield self._flushing.folder(folder)
            except BaseException as error:
                steps.throw(error)
