"""
Tests for :mod:`hmacfs.commons`, and for what stands on it in the store.
"""

from __future__ import annotations

import os

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.commons import FOLDERS, NAMES, PLACES, Commons
from hmacfs.errors import NoSpace
from hmacfs.names import StoredName
from hmacfs.store.folders import CommonUnsynced
from hmacfs.store.space import CommonSpace, Promise
from hmacfs.store.suspended import CommonSuspended, Waiting
from hmacfs.store.tombstones import Tombstones

NAME = StoredName((b"a", b"b.txt"))


class CommonsCase(SynchronousTestCase):
    """
    Two processes that look at one memory; here, for once, they are one.
    """

    def setUp(self) -> None:
        self.first = Commons.make()
        self.addCleanup(os.close, self.first.file)
        self.other = Commons(self.first.file, 5)


class CommonsTests(CommonsCase):
    """
    What one process says, the others know at once.
    """

    def test_turns(self) -> None:
        """
        Who comes to a name hears who is there, and gets a greater number.
        """
        self.assertEqual(self.first.enter(b"a"), (1, []))
        self.assertEqual(self.other.enter(b"a"), (2, [0]))
        self.assertEqual(self.first.enter(b"b"), (3, []))
        self.assertEqual(self.first.others(b"a"), [5])
        self.first.leave(b"a")
        self.assertEqual(self.other.enter(b"a"), (4, []))

    def test_twice(self) -> None:
        """
        One that is there twice is there until it has left twice.
        """
        self.first.enter(b"a")
        self.first.enter(b"a")
        self.first.leave(b"a")
        self.assertEqual(self.other.others(b"a"), [0])
        self.first.leave(b"a")
        self.assertEqual(self.other.others(b"a"), [])

    def test_dead(self) -> None:
        """
        Nothing is left in the place of one that is no more, and all elsewhere.
        """
        self.first.enter(b"a")
        self.first.promise(3)
        self.other.enter(b"a")
        self.other.promise(4)
        self.first.clear(5)
        self.assertEqual((self.first.promised, self.first.others(b"a")), (3, []))
        self.assertEqual(self.other.others(b"a"), [0])

    def test_concerned(self) -> None:
        """
        Who is at a name, or has a row of it to write, has to do with it.
        """
        third = Commons(self.first.file, 7)
        self.other.enter(b"a")
        third.owe(b"b")
        third.owe(b"b")
        third.settle(b"b")
        self.first.owe(b"a")
        self.assertEqual(self.first.concerned([b"a", b"b", b"c"]), {5, 7})
        self.assertEqual(self.first.concerned([b"a", b"c"]), {5})
        third.settle(b"b")
        self.other.clear(5)
        self.assertEqual(self.first.concerned([b"a", b"b"]), set())

    def test_last(self) -> None:
        """
        The last place, the last bucket and the last bit are its own as well.
        """
        last = Commons(self.first.file, PLACES - 1)
        names = [f"{each}".encode() for each in range(4 * NAMES)]
        for name in names:
            last.enter(name)
            last.owe(name)
        for each in range(4 * FOLDERS):
            last.folder(f"{each}".encode(), 1)
        self.assertEqual(bytes(self.first.tombstones), bytes(len(self.first.tombstones)))
        self.assertEqual(self.other.others(names[0]), [PLACES - 1])
        self.assertEqual((self.first.promised, self.first.step), (0, 0))

    def test_crowded(self) -> None:
        """
        One that has far more connections than another knows, unless that is no more.
        """
        self.assertFalse(self.other.crowded(100))
        self.assertFalse(self.first.crowded(1))
        self.assertTrue(self.other.crowded(4))
        self.assertFalse(self.other.crowded(3))
        self.other.clear(0)
        self.assertFalse(self.other.crowded(4))

    def test_bans(self) -> None:
        """
        That bans were changed is seen.
        """
        self.first.stepped()
        self.assertEqual(self.other.step, 1)


class SharedTests(CommonsCase):
    """
    Room, folders, tombstones and suspended uploads are those of all.
    """

    def test_space(self) -> None:
        """
        What one process has promised another one does not promise again.
        """
        one = Promise(CommonSpace(lambda: 10, 2, self.first))
        two = Promise(CommonSpace(lambda: 10, 2, self.other))
        one.ask(5)
        self.assertRaises(NoSpace, two.ask, 4)
        two.ask(3)
        one.need(1)
        two.ask(7)
        self.assertEqual(self.first.promised, 8)

    def test_folders(self) -> None:
        """
        A folder that another process makes is not trusted until it is synced.
        """
        one, two = CommonUnsynced(self.first), CommonUnsynced(self.other)
        one.count((b"a", b"b"), 1)
        self.assertTrue((b"a", b"b") in two)
        self.assertFalse((b"a",) in two)
        one.count((b"a", b"b"), -1)
        self.assertFalse((b"a", b"b") in two)

    def test_tombstones(self) -> None:
        """
        A name that one process buries may be buried for all.
        """
        one, two = Tombstones(self.first.tombstones), Tombstones(self.other.tombstones)
        one.add("a/b.txt")
        self.assertEqual((two.may_be("a/b.txt"), two.may_be("a/c.txt")), (True, False))

    def test_suspended(self) -> None:
        """
        Others are told of what waits and of what goes on, and who is told tells nobody.
        """
        told: list[object] = []

        def came(waiting: Waiting) -> Deferred[None]:
            told.append(waiting.id)
            return succeed(None)

        suspended = CommonSuspended(came, told.append)
        suspended.heard(Waiting(NAME, b"1", 100))
        suspended.add(Waiting(NAME, b"2", 100))
        suspended.missed(b"1")
        suspended.remove(b"2")
        suspended.remove(b"2")
        self.assertEqual((told, suspended.named(NAME)), ([b"2", b"2"], ()))

    def test_found_twice(self) -> None:
        """
        One that two processes tell of waits once.
        """
        suspended = CommonSuspended(lambda _: succeed(None), lambda _: None)
        for _ in range(2):
            suspended.heard(Waiting(NAME, b"1", 100))
        self.assertEqual(suspended.named(NAME), (b"1",))
