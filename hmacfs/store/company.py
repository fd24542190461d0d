"""
Who works in a store: one process alone, or several of one daemon.

With several, one of them looks after the store: it has the index, it removes,
and what is suspended or promised to owners is told through it.  It is the
chief; the members receive and serve.  Each of these three says what the
collaborators of its store are, and all else is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Sequence
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from hmacfs.commons import Commons
from hmacfs.errors import ShuttingDown
from hmacfs.interfaces.disk import IDisk, IThreads
from hmacfs.interfaces.index import IDatabase, IIndex
from hmacfs.names import StoredName
from hmacfs.retention import Retention
from hmacfs.store.area import Area, join_area, open_area
from hmacfs.store.backlog import Backlog, Pending, Rows
from hmacfs.store.folders import CommonUnsynced, Unsynced
from hmacfs.store.pace import Pace
from hmacfs.store.parts import Parts
from hmacfs.store.quota import Quota, Share
from hmacfs.store.space import CommonSpace, Space
from hmacfs.store.suspended import CommonSuspended, Suspended, Waiting
from hmacfs.store.tombstones import Tombstones


class Others(Protocol):
    """
    The other side: the chief of a member, or all members of the chief.
    """

    def ask(self, what: str, *args: Any) -> Deferred[Any]:
        """
        :return: fires with the answer; of all members, when each has answered
            or is no more.
        """

    def tell(self, what: str, *args: Any) -> None:
        """Say something that wants no answer."""


class Members(Others, Protocol):
    """
    The members, as the chief has them.
    """

    def ask_at(self, places: Container[int], what: str, *args: Any) -> Deferred[Any]:
        """
        As :meth:`ask`, of those in *places* alone.
        """

    def ask_soon(self, what: str, *args: Any) -> Deferred[Any]:
        """
        As :meth:`ask`, but who does not answer soon is not waited for: it
        hears of this before anything else that it is asked or told.
        """


@attrs.frozen
class Charter:
    """
    What a member has to know of a store that its chief has opened.

    :ivar waiting: what is suspended.
    """

    area: Area
    retention: Retention
    waiting: Sequence[Waiting]


class Alone:
    """
    One process, which is all there is.

    :ivar first: whether it looks after the store.
    :ivar retention: as it holds, ``None`` where the index has to be asked.
    :ivar commons: what it shares with others, or ``None``.
    """

    first: bool = True
    retention: Retention | None = None
    commons: Commons | None = None

    def area(self, disk: IDisk, root: str, network: bool) -> Area:
        """See :func:`hmacfs.store.area.open_area`."""
        return open_area(disk, root, network)

    def space(self, free: Callable[[], int], kept_back: int) -> Space:
        """The room of the store."""
        return Space(free, kept_back)

    def unsynced(self) -> Unsynced:
        """The folders that are not synced yet."""
        return Unsynced()

    def tombstones(self) -> Tombstones:
        """The filter of what may be buried."""
        return Tombstones()

    def suspended(self) -> Suspended:
        """The parts that wait."""
        return Suspended()

    def quota(self, index: IDatabase, most: int) -> Quota:
        """What owners may keep."""
        return Quota(index, most)

    def backlog(
        self, index: IIndex, clock: IReactorTime, threads: IThreads, parts: Parts, pace: Pace
    ) -> Backlog:
        """The rows that are still to be written."""
        return Backlog(index, clock, threads, parts, pace)

    def cut(self, ids: Iterable[bytes]) -> None:
        """The parts *ids* were taken away from whoever writes to them."""

    def unmake(self, name: StoredName) -> Deferred[None]:
        """
        What comes to *name* is not to be stored.

        :return: fires when no other process makes a part of it any more that
            was planned before.
        """
        return succeed(None)


class _OneOfMany(Alone):
    """
    What both share by the memory in common.
    """

    commons: Commons

    def __init__(self, commons: Commons) -> None:
        self.commons = commons

    def space(self, free: Callable[[], int], kept_back: int) -> Space:
        """See :meth:`Alone.space`."""
        return CommonSpace(free, kept_back, self.commons)

    def unsynced(self) -> Unsynced:
        """See :meth:`Alone.unsynced`."""
        return CommonUnsynced(self.commons)

    def tombstones(self) -> Tombstones:
        """See :meth:`Alone.tombstones`: the chief adds to it, and all look at the same."""
        return Tombstones(self.commons.tombstones)


class Chief(_OneOfMany):
    """
    The process that has the index.
    """

    def __init__(self, commons: Commons, members: Members) -> None:
        super().__init__(commons)
        self._members = members

    def suspended(self) -> Suspended:
        """See :meth:`Alone.suspended`."""
        members = self._members
        return CommonSuspended(
            # One that hangs may think later that an upload is unknown, and no worse.
            lambda waiting: members.ask_soon("waits", waiting),
            lambda id: members.tell("goes on", id),
        )

    def backlog(
        self, index: IIndex, clock: IReactorTime, threads: IThreads, parts: Parts, pace: Pace
    ) -> Backlog:
        """See :meth:`Alone.backlog`."""
        return ChiefBacklog(index, clock, threads, parts, pace, self.commons, self._members)

    def cut(self, ids: Iterable[bytes]) -> None:
        """See :meth:`Alone.cut`."""
        self._members.tell("cut", list(ids))

    def unmake(self, name: StoredName) -> Deferred[None]:
        """See :meth:`Alone.unmake`."""
        return self._members.ask("unmake", name)


class Member(_OneOfMany):
    """
    A process that receives and serves, and asks its chief for the rest.
    """

    first = False

    def __init__(self, commons: Commons, chief: Others, charter: Charter, guard: int) -> None:
        """
        :param guard: the inherited lock of the store.
        """
        super().__init__(commons)
        self.retention: Retention = charter.retention
        self._chief = chief
        self._charter = charter
        self._guard = guard

    def area(self, disk: IDisk, root: str, network: bool) -> Area:
        """See :func:`hmacfs.store.area.join_area`."""
        return join_area(disk, root, self._charter.area, self._guard)

    def suspended(self) -> CommonSuspended:
        """See :meth:`Alone.suspended`."""
        chief = self._chief
        suspended = CommonSuspended(
            # Without a chief the next start finds it.
            lambda waiting: chief.ask("waits", waiting).addErrback(_over),
            lambda id: chief.tell("goes on", id),
        )
        for waiting in self._charter.waiting:
            suspended.heard(waiting)
        return suspended

    def quota(self, index: IDatabase, most: int) -> Quota:
        """See :meth:`Alone.quota`."""
        return MemberQuota(index, most, self._chief)

    def backlog(
        self, index: IIndex, clock: IReactorTime, threads: IThreads, parts: Parts, pace: Pace
    ) -> Backlog:
        """See :meth:`Alone.backlog`."""
        return MemberBacklog(index, clock, threads, parts, pace, self.commons, self._chief)


class _CommonBacklog(Backlog):
    """
    The rows of one process among several.
    """

    def __init__(
        self,
        index: IIndex,
        clock: IReactorTime,
        threads: IThreads,
        parts: Parts,
        pace: Pace,
        commons: Commons,
        others: Others,
    ) -> None:
        super().__init__(index, clock, threads, parts, pace)
        self._commons = commons
        self._others = others


class ChiefBacklog(_CommonBacklog):
    """
    The rows that all of them have still to write.

    Where it is a matter of some names only those are asked that may have
    something of them: one that does not answer is in nobody else's way.
    """

    _others: Members

    def flush(self, names: Collection[str] | None = None) -> Deferred[None]:
        """See :meth:`Backlog.flush`."""
        own = super().flush
        asked = self._others.ask("flush") if names is None else self._ask(names, "flush")
        return asked.addCallback(lambda _: own())

    def discard(self, names: Iterable[str]) -> Deferred[None]:
        """See :meth:`Backlog.discard`."""
        own, gone = super().discard, list(names)
        return self._ask(gone, "discard", gone).addCallback(lambda _: own(gone))

    def _ask(self, names: Collection[str], what: str, *args: Any) -> Deferred[Any]:
        concerned = self._commons.concerned(name.encode() for name in names)
        return self._others.ask_at(concerned, what, *args)


class MemberBacklog(_CommonBacklog):
    """
    The rows of a member, which the chief writes down.
    """

    def _owed(self, name: str) -> None:
        self._commons.owe(name.encode())

    def _done(self, batch: Iterable[Pending]) -> None:
        for pending in batch:
            self._commons.settle(pending.row.name.encode())

    def _hand_over(self, batch: Sequence[Pending]) -> Deferred[None]:
        # Together, for a sum must count either of them, and not both.
        shares = [share for pending in batch for share in pending.shares]
        return self._others.ask(
            "rows", Rows.of(batch), [share.key for share in shares if share.key]
        )


class MemberQuota(Quota):
    """
    What owners may keep, as the chief counts it.
    """

    def __init__(self, index: IDatabase, most: int, chief: Others) -> None:
        super().__init__(index, most)
        self._chief = chief
        self._last = 0

    def share(self, owner: str | None) -> Share:
        """See :meth:`Quota.share`."""
        self._last += 1
        counted = owner if self.most else None
        return MemberShare(self, counted, f"{self._last:x}", self._chief)


class MemberShare(Share):
    """
    A share that the chief holds.
    """

    def __init__(self, quota: Quota, owner: str | None, key: str, chief: Others) -> None:
        super().__init__(quota, owner, key if owner is not None else "")
        self._of = owner
        self._chief = chief
        self._held = False

    def ask(self, size: int) -> Deferred[None]:
        """See :meth:`Share.ask`."""
        if not self.counts:
            return succeed(None)
        self._held = True
        return self._chief.ask("share", self.key, self._of, size)

    def drop(self) -> None:
        """See :meth:`Share.drop`."""
        if self._held:
            self._held = False
            self._chief.tell("unshare", self.key)


def _over(failure: Failure) -> None:
    failure.trap(ShuttingDown)
