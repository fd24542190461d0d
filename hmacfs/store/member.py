"""
The store as a member of the daemon has it, and the index that it asks for.

A member receives, serves and lists by itself.  What removes or restores, and
so takes several steps at a name and in the index, the chief does for it: see
:mod:`hmacfs.store.company`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.interfaces.disk import IDisk, ISyncs, IThreads
from hmacfs.interfaces.index import IIndex
from hmacfs.names import StoredName
from hmacfs.records import FileRecord, Totals
from hmacfs.store import bookkeeping
from hmacfs.store.company import Member, Others
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.opened import Policy
from hmacfs.store.suspended import CommonSuspended
from hmacfs.store.tables import bans, files, tombstones

T = TypeVar("T")

QUESTIONS: Mapping[str, Callable[..., Any]] = {
    "bans": bans.all,
    "file": files.find,
    "rows": bookkeeping.rows_of,
    "tombstone": tombstones.find,
}
"""What a member may ask of the index."""

_NAMES = {function: name for name, function in QUESTIONS.items()}


@attrs.frozen
class Standing:
    """
    How the store stands, as the chief tells from time to time.

    :ivar index: what is wrong with the index, a sentence each.
    :ivar others: what else an operator should know, a sentence each.
    """

    totals: Totals = attrs.field(factory=Totals)
    index: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@implementer(IIndex)
class AskedIndex:
    """
    The index of the chief.

    :ivar standing: as it was told last.
    """

    def __init__(self, chief: Others) -> None:
        self.standing = Standing()
        self._chief = chief

    def start(self) -> Deferred[None]:
        """It is open already."""
        return succeed(None)

    def stop(self) -> Deferred[None]:
        """It is not ours to close."""
        return succeed(None)

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """
        See :meth:`hmacfs.interfaces.index.IDatabase.run`.

        :param function: one of :data:`QUESTIONS`.
        """
        return self._chief.ask("run", _NAMES[function], *args)

    def note(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """See :meth:`hmacfs.interfaces.index.IDatabase.note`, and :meth:`run`."""
        return self._chief.ask("note", _NAMES[function], *args)

    def insist(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """See :meth:`hmacfs.interfaces.index.IDatabase.insist`, and :meth:`run`."""
        return self._chief.ask("insist", _NAMES[function], *args)

    def totals(self) -> Totals:
        """See :meth:`hmacfs.interfaces.index.IIndex.totals`: a second ago."""
        return self.standing.totals

    def faults(self) -> Sequence[str]:
        """See :meth:`hmacfs.interfaces.index.IIndex.faults`: a second ago."""
        return self.standing.index


class MemberStore(FilesystemStore):
    """
    The store of a chief, for one of its members.
    """

    def __init__(
        self,
        disk: IDisk,
        root: str,
        index: IIndex,
        clock: IReactorTime,
        threads: IThreads,
        policy: Policy,
        syncs: IThreads | None,
        company: Member,
        chief: Others,
        kernel: ISyncs | None = None,
    ) -> None:
        super().__init__(disk, root, index, clock, threads, policy, syncs, company, kernel)
        self._chief = chief
        self._services: Mapping[str, Callable[..., Any]] = {
            "flush": self._flush,
            "discard": self._discard,
            "waits": self._waits,
            "goes on": self._goes_on,
            "cut": self._cut,
            "unmake": self._unmake,
        }

    def remove(self, name: StoredName) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.abilities.IRemoves.remove`."""
        return self._chief.ask("remove", name)

    def remove_version(self, name: StoredName, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.abilities.IVersioned.remove_version`."""
        return self._chief.ask("remove version", name, id)

    def restore(self, name: StoredName, id: str) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.abilities.IVersioned.restore`."""
        return self._chief.ask("restore", name, id)

    def heard(self, what: str, *args: Any) -> Any:
        """
        Do what the chief asks for.

        :return: the answer, or a Deferred that fires with it.
        :raise KeyError: nobody here knows of *what*.
        """
        return self._services[what](*args)

    def _flush(self) -> Deferred[None]:
        return self.opened.backlog.flush()

    def _discard(self, names: Sequence[str]) -> Deferred[None]:
        return self.opened.backlog.discard(names)

    def _waits(self, waiting: Any) -> None:
        self._suspended().heard(waiting)

    def _goes_on(self, id: bytes) -> None:
        self._suspended().missed(id)

    def _cut(self, ids: Sequence[bytes]) -> None:
        self.opened.cut.update(self.opened.writing.keys() & set(ids))

    def _unmake(self, name: StoredName) -> None:
        self.opened.unmake(name)

    def _suspended(self) -> CommonSuspended:
        suspended = self.opened.suspended
        assert isinstance(suspended, CommonSuspended)
        return suspended
