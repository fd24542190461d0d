"""
Tests for :mod:`hmacfs.web.turns`; with whole requests in
``tests/test_admission.py``.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import Locked, Superseded
from hmacfs.uploads import Slot
from hmacfs.web.turns import Turn, Turns
from tests.serving import name

NAME = name("a/b")


class Writer:
    """An upload that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def supersede(self, keep: bool) -> None:
        self.told.append(keep)


class TurnsTests(SynchronousTestCase):
    """
    There is one writer at a name, and the newest request is next.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.turns = Turns(self.clock)

    def take(self, going_on: bool = True, of: Any = NAME, size: int = 3) -> Deferred[Turn]:
        return Deferred.fromCoroutine(self.turns.take(Slot(of, size, "text/plain"), going_on))

    def size(self) -> int | None:
        return self.successResultOf(Deferred.fromCoroutine(self.turns.size(NAME)))

    def taken(self) -> Turn:
        return self.successResultOf(self.take())

    def test_free(self) -> None:
        """
        A name that nobody has is had at once, and so is another one.
        """
        self.taken()
        self.successResultOf(self.take(of=name("a/c")))

    def test_occupied(self) -> None:
        """
        Who is committing already takes a name that nobody has; the next one waits.
        """
        self.assertTrue(self.turns.vacant(NAME))
        turn = self.turns.occupy(Slot(NAME, 3, "text/plain"))
        self.assertEqual((self.turns.vacant(NAME), self.size()), (False, 3))
        second = self.take(going_on=False)
        self.assertNoResult(second)
        turn.end()
        self.successResultOf(second).end()
        self.assertTrue(self.turns.vacant(NAME))

    def test_size(self) -> None:
        """
        As long as somebody has a name it is known how long its file will be.
        """
        self.assertEqual(self.size(), None)
        turn = self.successResultOf(self.take(size=5))
        self.assertEqual(self.size(), 5)
        turn.end()
        self.assertEqual(self.size(), None)

    def test_ended(self) -> None:
        """
        What was let go of is free again.
        """
        self.taken().end()
        self.assertIs(self.taken().upload, None)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_waits(self) -> None:
        """
        The next one has it when the former has ended, and nothing is left of the wait.
        """
        first = self.taken()
        second = self.take()
        self.assertNoResult(second)
        first.end()
        self.successResultOf(second)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_told(self) -> None:
        """
        The former hears whether what it sent is gone on with.
        """
        writer = Writer()
        first: Any = self.taken()
        first.upload = writer
        self.failureResultOf(self.late(self.take(going_on=True)), Locked)
        self.take(going_on=False)
        self.assertEqual(writer.told, [True, False])
        self.assertRaises(Superseded, first.check)

    def late(self, taking: Deferred[Turn]) -> Deferred[Turn]:
        """
        Let the time go by that a request waits.
        """
        self.clock.advance(Locked.wait)
        return taking

    def test_locked(self) -> None:
        """
        Who goes on waits one second, and hears when to try again.
        """
        self.taken()
        second = self.take()
        self.clock.advance(0.9)
        self.assertNoResult(second)
        self.clock.advance(0.1)
        refusal = self.failureResultOf(second, Locked).value
        self.assertEqual((refusal.status, refusal.headers), (423, ((b"Retry-After", b"1"),)))

    def test_begins_anew(self) -> None:
        """
        Who begins anew waits as long as a commit takes.
        """
        first = self.taken()
        second = self.take(going_on=False)
        self.clock.advance(60)
        self.assertNoResult(second)
        first.end()
        self.successResultOf(second)

    def test_still_had(self) -> None:
        """
        Behind who heard 423 the name is the writer's still.
        """
        first = self.taken()
        self.failureResultOf(self.late(self.take()), Locked)
        third = self.take()
        self.assertNoResult(third)
        first.end()
        self.successResultOf(third)

    def test_waits_for_writer(self) -> None:
        """
        Who waits behind one that hears 423 does not get the name from it.
        """
        first = self.taken()
        second = self.take()
        self.clock.advance(0.5)
        third = self.take(going_on=False)
        self.clock.advance(0.5)
        self.failureResultOf(second, Locked)
        self.assertNoResult(third)
        first.end()
        self.successResultOf(third)

    def test_newest(self) -> None:
        """
        Of several that wait the newest goes on.
        """
        first = self.taken()
        waiting = [self.take(), self.take(), self.take()]
        first.end()
        for taking in waiting[:-1]:
            self.failureResultOf(taking, Superseded)
        self.successResultOf(waiting[-1])

    def test_overtaken(self) -> None:
        """
        Who has the name finds out that a newer one came.
        """
        first = self.taken()
        first.check()
        self.take()
        self.assertRaises(Superseded, first.check)

    def test_nothing_left(self) -> None:
        """
        Of names that are free nothing is kept.
        """
        first = self.taken()
        self.failureResultOf(self.late(self.take()), Locked)
        second = self.take()
        first.end()
        self.successResultOf(second).end()
        again = self.taken()
        again.check()
        self.assertEqual(self.clock.getDelayedCalls(), [])
