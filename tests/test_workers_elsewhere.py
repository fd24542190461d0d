"""
Tests for :mod:`hmacfs.workers.elsewhere`, with the turns of :mod:`hmacfs.web.turns`.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.commons import Commons
from hmacfs.errors import Locked, Superseded
from hmacfs.uploads import Slot
from hmacfs.web.turns import Turn, Turns
from hmacfs.workers.elsewhere import Elsewhere
from hmacfs.workers.line import LineLost
from tests.serving import name

NAME = name("a/b")


class Between:
    """
    The supervisor, who hands on what it is asked; when the test says so.

    :ivar held: what it has not handed on yet, where it holds it back.
    """

    def __init__(self) -> None:
        self.others: dict[int, Elsewhere] = {}
        self.asked: list[str] = []
        self.held: list[Any] | None = None
        self.lost = False

    def ask(self, what: str, places: list[int], *args: Any) -> Deferred[Any]:
        self.asked.append(what)
        if self.lost:
            return fail(LineLost())
        told: Deferred[Any] = Deferred()

        def hand_on() -> None:
            if what == "coming":
                told.callback(self.others[places[0]].coming(*args))
                return
            over = [self.others[place].wanted(*args) for place in places]
            DeferredList(over).addCallback(lambda _: told.callback(None))

        if self.held is None:
            hand_on()
        else:
            self.held.append(hand_on)
        return told

    def tell(self, what: str, *args: Any) -> None:
        """Nothing is told."""


class ElsewhereTests(SynchronousTestCase):
    """
    There is one writer at a name, in whichever process, and the newest request
    is next.
    """

    def setUp(self) -> None:
        self.clock, self.between = Clock(), Between()
        file = Commons.make().file
        self.addCleanup(os.close, file)
        self.turns = {}
        for place in (1, 2, 3):
            elsewhere = Elsewhere(Commons(file, place), self.between)
            self.between.others[place] = elsewhere
            self.turns[place] = Turns(self.clock, elsewhere)

    def take(self, place: int, going_on: bool = True, of: Any = NAME) -> Deferred[Turn]:
        slot = Slot(of, place, "text/plain")
        return Deferred.fromCoroutine(self.turns[place].take(slot, going_on))

    def taken(self, place: int) -> Turn:
        return self.successResultOf(self.take(place))

    def test_free(self) -> None:
        """
        At a name where nobody is nobody is asked.
        """
        self.taken(1).end()
        self.successResultOf(self.take(2, of=name("a/c")))
        self.taken(3)
        self.assertEqual(self.between.asked, [])

    def test_newest(self) -> None:
        """
        A newer request ends the older one, and waits until it has.
        """
        older = self.taken(1)
        newer = self.take(2)
        self.assertRaises(Superseded, older.check)
        self.assertNoResult(newer)
        older.end()
        self.successResultOf(newer).check()

    def test_chain(self) -> None:
        """
        Of three the last goes on, and the second gives up.
        """
        first = self.taken(1)
        second, third = self.take(2), self.take(3)
        first.end()
        self.failureResultOf(second, Superseded)
        self.successResultOf(third).check()

    def test_crossing(self) -> None:
        """
        Two that come at the same moment do not wait for each other.
        """
        self.between.held = []
        one = self.taken(1)
        two, again = self.take(2), self.take(1)
        for hand_on in self.between.held:
            hand_on()
        one.end()
        self.failureResultOf(two, Superseded)
        self.successResultOf(again).check()

    def test_late(self) -> None:
        """
        Who goes on with an upload waits for a second only, and then the older
        one still has the name.
        """
        older = self.taken(1)
        newer = self.take(2)
        self.clock.advance(1)
        self.failureResultOf(newer, Locked)
        another = self.take(3)
        self.assertNoResult(another)
        older.end()
        self.successResultOf(another)

    def test_patient(self) -> None:
        """
        Who begins anew waits as long as it takes.
        """
        older = self.taken(1)
        newer = self.take(2, going_on=False)
        self.clock.advance(100)
        self.assertNoResult(newer)
        older.end()
        self.successResultOf(newer)

    def test_size(self) -> None:
        """
        It is known how long the file will be that is on its way elsewhere.
        """
        size = self.turns[2].size
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(size(NAME))), None)
        self.taken(1)
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(size(NAME))), 1)

    def test_occupied(self) -> None:
        """
        Who is committing already keeps others waiting, wherever they come, and
        takes no name that somebody has.
        """
        self.assertTrue(self.turns[1].vacant(NAME))
        turn = self.turns[1].occupy(Slot(NAME, 3, "text/plain"))
        self.assertFalse(self.turns[2].vacant(NAME))
        newer = self.take(2)
        self.assertNoResult(newer)
        turn.end()
        self.successResultOf(newer).end()
        self.assertTrue(self.turns[3].vacant(NAME))
        self.assertEqual(len(self.between.asked), 1)

    def test_left_alone(self) -> None:
        """
        Without the supervisor nobody waits for others any more.
        """
        self.taken(1)
        self.between.lost = True
        self.taken(2)
