"""
A store that several processes of one daemon share, all of them this one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Container, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks, maybeDeferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides, providedBy

from hmacfs.commons import Commons
from hmacfs.interfaces.disk import IDisk
from hmacfs.interfaces.index import IIndex
from hmacfs.names import recall
from hmacfs.records import Figures
from hmacfs.store.chief import Service, charter, guard
from hmacfs.store.company import Chief, Member
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.member import AskedIndex, MemberStore, Standing
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from hmacfs.uploads import Slot
from hmacfs.workers import pickling
from hmacfs.workers.line import LineLost
from tests.inline import Inline
from tests.on_disk import FaultyDisk
from tests.resuming_contract import EXPIRY


class Straight:
    """
    The other side, asked straight away; what is said goes through bytes.
    """

    def __init__(self, *sides: Callable[..., Any]) -> None:
        self.sides = list(sides)

    def ask(self, what: str, *args: Any) -> Deferred[Any]:
        answers = [self._one(side, what, *args) for side in self.sides]
        return answers[0] if len(answers) == 1 else DeferredList(answers)

    def ask_at(self, places: Container[int], what: str, *args: Any) -> Deferred[Any]:
        sides = [side for place, side in enumerate(self.sides, 1) if place in places]
        return DeferredList([self._one(side, what, *args) for side in sides])

    ask_soon = ask

    def tell(self, what: str, *args: Any) -> None:
        self.ask(what, *args)

    def _one(self, side: Callable[..., Any], *said: Any) -> Deferred[Any]:
        done = maybeDeferred(side, *pickling.loads(pickling.dumps(said)))
        return done.addCallbacks(_carried, _failed)


def _silent(*what: Any) -> None:
    raise LineLost


def _carried(answer: object) -> Any:
    return pickling.loads(pickling.dumps(answer))


def _failed(failure: Failure) -> Any:
    raise pickling.heard(_carried(pickling.told(failure.value)))


class Joined:
    """
    A member of a company, which begins and ends with all of it; else it is
    what its store is.

    :ivar chief: the store of the chief.
    :ivar members: the stores of all members, its own the first.
    :ivar services: what the chief does for each.
    """

    def __init__(
        self, disk: IDisk, root: str, index: IIndex, clock: Clock, policy: Policy, count: int = 2
    ) -> None:
        self.commons = Commons.make()
        self.members: list[MemberStore] = []
        self.services: list[Service] = []
        self._disk, self._root, self._clock, self._policy = disk, root, clock, policy
        self._count, self._index = count, index
        self._asked: list[AskedIndex] = []
        self._all = Straight()
        company = Chief(self.commons, self._all)
        self.chief = FilesystemStore(disk, root, index, clock, Inline(), policy, None, company)
        directlyProvides(self, providedBy(self.chief))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.members[0], name)

    @inlineCallbacks
    def start(self) -> Generator[Deferred[Any], Any, None]:
        yield self.chief.start()
        for _ in range(self._count):
            yield self.join()

    @inlineCallbacks
    def stop(self) -> Generator[Deferred[Any], Any, None]:
        while self.members:
            self._all.sides.pop()
            yield self.members.pop().stop()
        yield self.chief.stop()

    def figures(self) -> Deferred[Figures]:
        """As the member tells them behind the next beat."""
        for index in self._asked:
            index.standing = Standing(self._index.totals())
        return self.members[0].figures()

    def join(self) -> Deferred[None]:
        """One more comes."""
        service = Service(self.chief)
        straight = Straight(service.heard)
        commons = Commons(self.commons.file, len(self.members) + 1)
        lock = os.dup(guard(self.chief))
        company = Member(commons, straight, charter(self.chief), lock)
        index = AskedIndex(straight)
        self._asked.append(index)
        member = MemberStore(
            self._disk,
            self._root,
            index,
            self._clock,
            Inline(),
            self._policy,
            None,
            company,
            straight,
        )
        self.members.append(member)
        self.services.append(service)
        self._all.sides.append(member.heard)
        return member.start()


class CompanyCase:
    """
    A chief and two members.
    """

    attributes = True
    policy: Any = {}

    def make_disk(self) -> Any:
        return FaultyDisk(attributes=self.attributes)

    def make_store(self, clock: Clock) -> Any:
        self.disk = self.make_disk()
        self.index = MemoryIndex()
        root = os.path.abspath(self.mktemp())
        # By descriptors: trial itself cannot remove a path that is so long.
        self.addCleanup(shutil.rmtree, root)
        policy = Policy(upload_expiry=EXPIRY, **self.policy)
        joined = Joined(self.disk, root, self.index, clock, policy)
        self.addCleanup(os.close, joined.commons.file)
        return joined


class TogetherCase(CompanyCase, SynchronousTestCase):
    """
    A company at work.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.start()

    def start(self, **policy: Any) -> None:
        self.policy = policy
        self.store = self.make_store(self.clock)
        self.successResultOf(self.store.start())
        self.addCleanup(lambda: self.successResultOf(self.store.stop()))
        self.one, self.two = self.store.members

    def begin(self, store: Any, name: str = "a/f.txt", size: int = 3, **fields: Any) -> Any:
        slot = Slot(recall(name.encode()), size, "text/plain", size, **fields)
        return self.successResultOf(store.begin(slot))

    def put(self, store: Any, name: str = "a/f.txt", data: bytes = b"abc", **fields: Any) -> Any:
        upload = self.begin(store, name, len(data), **fields)
        self.successResultOf(upload.append([data]))
        return self.successResultOf(upload.commit())

    def label(self, id: str) -> Any:
        parts = self.store.chief.opened.parts
        with parts.reopened(id.encode()) as part:
            return part.label

    @contextmanager
    def without_chief(self, member: Any) -> Iterator[None]:
        """
        A context in which the chief of *member* is no more.
        """
        chief = member._chief
        former, chief.sides = chief.sides, [_silent]
        yield
        chief.sides = former

    def all(self) -> list[Any]:
        return [self.store.chief, *self.store.members]
