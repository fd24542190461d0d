"""
Tests for :mod:`hmacfs.workers.balancing`.
"""

from __future__ import annotations

from functools import partial

import attrs
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.workers.balancing import EVERY, LOOKS, Balancing
from hmacfs.workers.numbers import Numbers


@attrs.define(eq=False)
class Hand:
    """
    A worker that tells how busy it is.
    """

    numbers: Numbers | None = None

    def work(self, seconds: float) -> None:
        busy = 0.0 if self.numbers is None else self.numbers.busy
        self.numbers = Numbers({}, {}, busy + seconds)


class BalancingTests(SynchronousTestCase):
    """
    Workers come with the work, and go with it.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.hands = [Hand()]
        self.processors = 2.0
        self.counts: list[int] = []
        self.balancing = Balancing(self, 1, 3, lambda: self.processors, self.clock)
        self.balancing.startService()
        self.addCleanup(self.balancing.stopService)

    def resize(self, count: int) -> None:
        self.counts.append(count)
        self.hands = [*self.hands, Hand()][:count]

    def pass_by(self, busy: float, looks: int = 1) -> list[int]:
        """
        :param busy: of a processor, by each worker.
        :return: how many workers were wanted meanwhile.
        """
        self.counts.clear()
        for _ in range(looks):
            for hand in self.hands:
                hand.work(busy * EVERY)
            self.clock.advance(EVERY)
        return self.counts

    def test_first(self) -> None:
        """
        There is one for each processor to begin with, within the bounds.
        """
        firsts = [
            Balancing(self, 2, 3, partial(float, count), self.clock).first
            for count in (0.5, 2.0, 2.6, 64.0)
        ]
        self.assertEqual(firsts, [2, 2, 3, 3])

    def test_work(self) -> None:
        """
        Work that lasts brings one more; when it ends one goes.
        """
        self.assertEqual(self.pass_by(0.9), [])
        self.assertEqual(self.pass_by(0.9), [2])
        self.assertEqual(self.pass_by(0.05, 2), [1])

    def test_processors(self) -> None:
        """
        Each minute it is looked how many processors there are.
        """
        self.pass_by(0.9, 2)
        self.processors = 3.0
        self.assertEqual(self.pass_by(0.9, LOOKS), [3])

    def test_newcomer(self) -> None:
        """
        As long as one has not told twice nothing is decided.
        """
        self.pass_by(0.05)
        self.hands.append(Hand())
        self.assertEqual(self.pass_by(0.05), [])
