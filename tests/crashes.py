"""
Stores that crash at every call they make, and start again.

A :class:`Life` is one run of a store on a disk whose power can be cut.  Before
each call that changes something, and before each question to the index, it
keeps the moment: a copy of the disk, and
what was acknowledged by then.  :func:`explore` starts a store on every state
in which each of these moments may leave the disk, and does the same to the
moments of these starts, until nothing new comes: any number of crashes, each
of them at any call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from hmacfs.errors import NotFound
from hmacfs.interfaces.store import IUpload
from hmacfs.names import recall
from hmacfs.records import FileRecord
from hmacfs.store.backlog import DELAY
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from hmacfs.uploads import Slot
from tests.inline import Inline, LeavesSyncs
from tests.paces import SetPace
from tests.powercut import PowerCutDisk
from tests.tree import File, Folder, Tree

T = TypeVar("T")

NOW = 1_700_000_000
EXPIRY = 1000


@attrs.frozen
class Moment:
    """
    A moment at which all may end.

    :ivar index: a snapshot of the index, a database, which keeps what it has.
    :ivar listed: what that holds.
    :ivar acknowledged: the bytes that were answered 201, each by its path.
    :ivar power: whether the power was cut before, ever.
    :ivar policy: of the store.
    :ivar now: what time it is, unix seconds.
    """

    tree: Tree
    index: bytes | None
    listed: str
    acknowledged: frozenset[tuple[bytes, bytes]]
    power: bool = False
    policy: Policy = attrs.field(factory=lambda: Policy(upload_expiry=EXPIRY))
    now: float = NOW

    def ends(self, power: bool) -> Iterator[Moment]:
        """
        :param power: whether it may be cut, too.
        :return: the death of the process, and every state that a cut of the
            power may leave.
        """
        yield attrs.evolve(self, tree=self.tree.copy())
        if power:
            for tree in self.tree.states():
                yield attrs.evolve(self, tree=tree, power=True)

    def key(self) -> object:
        """
        :return: the same for moments that have the same future.
        """
        return repr((self.tree.key(), self.listed, self.acknowledged, self.power))


class Watched(MemoryIndex):
    """
    :ivar before: called before each transaction.
    """

    before: Callable[[], object] = staticmethod(lambda: None)

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        self.before()
        return super().run(function, *args)


class Life:
    """
    One store, from its start.

    :ivar moments: those before each call of the disk, while it is watched.
    """

    def __init__(
        self, disk: PowerCutDisk, moment: Moment | None = None, threads: Inline | None = None
    ) -> None:
        """
        :param threads: those that do all of it, where there are any.
        """
        self.disk = disk
        self.before = moment or Moment(disk.tree, None, "", frozenset())
        self.index = Watched(self.before.index)
        self.acknowledged = self.before.acknowledged
        self.moments: list[Moment] = []
        self.seen: set[object] = set()
        self.clock = Clock()
        self.clock.advance(self.before.now)
        self.threads = threads or Inline()
        self.store = FilesystemStore(
            disk,
            "/",
            self.index,
            self.clock,
            self.threads,
            self.before.policy,
            kernel=LeavesSyncs(),
            pace=SetPace(quick=threads is None),
        )

    def start(self) -> Life:
        """Start the store."""
        result(self.store.start())
        return self

    def watch(self) -> Life:
        """Keep every moment from now on."""
        self.disk.before = lambda call: self.keep()
        self.index.before = self.keep
        return self

    def keep(self) -> None:
        """Keep this moment, unless there was one like it."""
        moment = attrs.evolve(
            self.before,
            tree=self.disk.tree,
            listed=self.index.contents(),
            acknowledged=self.acknowledged,
        )
        key = moment.key()
        if key not in self.seen:
            self.seen.add(key)
            index = self.index.snapshot()
            self.moments.append(attrs.evolve(moment, tree=moment.tree.copy(), index=index))

    def rest(self) -> None:
        """Let be done what is done behind the answers, and keep the end."""
        self.clock.advance(DELAY)
        self.keep()

    def wait(self, seconds: float) -> None:
        """Let time pass, for every store that starts behind this one too."""
        self.before = attrs.evolve(self.before, now=self.before.now + seconds)
        self.clock.advance(seconds)

    def begin(
        self,
        path: bytes,
        data: bytes,
        overwrite: bool = False,
        owner: str | None = None,
        expires: int | None = None,
    ) -> IUpload:
        """
        Upload *data*, and do not commit it.
        """
        upload: IUpload = result(
            self.store.begin(_slot(path, data, overwrite, expires=expires, owner=owner))
        )
        result(upload.append([data]))
        return upload

    def expect(self, path: bytes, data: bytes, overwrite: bool = False) -> IUpload:
        """
        Begin an upload of *data*, which is to come with its commit.
        """
        upload: IUpload = result(self.store.begin(_slot(path, data, overwrite), None, True))
        return upload

    def commit(
        self, upload: IUpload, path: bytes, data: bytes, last: bytes = b""
    ) -> Deferred[None]:
        """
        Commit *upload*, and keep in mind when it is acknowledged.

        :param last: what has not come before.
        """
        done: Deferred[FileRecord] = upload.commit(None, [last] if last else [])
        return done.addCallback(lambda _: self.acknowledge(path, data))

    def put(
        self, path: bytes, data: bytes, overwrite: bool = False, owner: str | None = None
    ) -> None:
        """
        Upload *data*, and hear that it is stored.
        """
        result(self.commit(self.begin(path, data, overwrite, owner), path, data))

    def put_whole(self, path: bytes, data: bytes, overwrite: bool = False) -> None:
        """
        Upload *data* with one call, and hear that it is stored.
        """
        result(self.commit(self.expect(path, data, overwrite), path, data, data))

    def put_small(self, path: bytes, data: bytes) -> None:
        """
        Store *data* as a small file that is all here, and hear that it is stored.
        """
        assert result(self.store.store(_slot(path, data, False), data)), "it was not taken"
        self.acknowledge(path, data)

    def acknowledge(self, path: bytes, data: bytes) -> None:
        """Have told a client that *data* is stored."""
        self.acknowledged |= {(path, data)}

    def get(self, path: bytes) -> tuple[FileRecord, bytes] | None:
        """
        :return: a file, ``None`` where there is none.
        """
        try:
            file = result(self.store.open(recall(path)))
        except NotFound:
            return None
        data: bytes = result(file.read(0, 2**20))
        file.close()
        return file.record, data

    def folder(self, *path: bytes) -> Folder:
        """
        :return: a folder of the disk, as the system shows it; empty where it
            is not there.
        """
        node: File | Folder = self.disk.tree.root
        for name in path:
            assert isinstance(node, Folder)
            node = node.entries.get(name) or Folder(0)
        assert isinstance(node, Folder)
        return node


def _slot(path: bytes, data: bytes, overwrite: bool, **more: Any) -> Slot:
    return Slot(recall(path), len(data), kind(data), len(data), overwrite, **more)


def kind(data: bytes) -> str:
    """
    :return: the type that *data* is uploaded with, so that each has its own.
    """
    return f"text/x-{data.decode()}"


def result(deferred: Deferred[T]) -> T:
    """
    :return: what *deferred* has fired with.
    """
    fired: list[Any] = []
    deferred.addBoth(fired.append)
    if isinstance(fired[0], Failure):
        fired[0].raiseException()
    value: T = fired[0]
    return value


def explore(
    moments: Iterable[Moment],
    make: Callable[[Tree], PowerCutDisk],
    check: Callable[[Life], None],
    again: bool,
    power: bool = True,
) -> int:
    """
    Start a store on every state that *moments* may leave, and on all that
    these starts may leave.

    :param make: makes a disk of a tree.
    :param check: says, by an AssertionError, what is wrong with a store that
        has started; what it does to the store is explored as well.
    :param again: whether the starts crash as well.
    :param power: whether more than the process may end.
    :return: how many starts that were.
    """
    started, seen, waiting = set[object](), set[object](), list(moments)
    while waiting:
        for end in waiting.pop().ends(power):
            key = end.key()
            if key not in started:
                started.add(key)
                life = Life(make(end.tree), end).watch()
                life.seen = seen
                life.start()
                life.keep()
                check(life)
                if again:
                    waiting.extend(life.moments)
    return len(started)
