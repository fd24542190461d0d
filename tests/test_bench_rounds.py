"""
Tests for :mod:`bench.rounds`.
"""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from bench.figures import Figure
from bench.rounds import Work, measure


@attrs.define
class Worker:
    """
    A server that takes a second for each work.
    """

    name: str
    taken: float = 0.0

    def seconds(self) -> float:
        return self.taken


class MeasureTests(SynchronousTestCase):
    """
    Each server does each round, and ours is held against the others.
    """

    def setUp(self) -> None:
        self.order: list[str] = []
        self.servers = {name: Worker(name) for name in ("ours", "other", "third")}

    def run_once(self, server: Worker) -> float:
        self.order.append(server.name)
        server.taken += 1
        return {"ours": 6.0, "other": 3.0, "third": 12.0}[server.name]

    def test_figures(self) -> None:
        """
        Of each is told how fast it was and what it took, of ours the ratios.
        """
        servers = {name: self.servers[name] for name in ("ours", "other")}
        work = Work("work", "1/s", self.run_once, servers, {"other": 1.5}, ours="ours")
        self.assertEqual(
            list(measure(work, 3)),
            [
                Figure("work, ours", 6.0, "1/s"),
                Figure("work, ours, a round", 1.0, "s of a processor"),
                Figure("work, other", 3.0, "1/s"),
                Figure("work, other, a round", 1.0, "s of a processor"),
                Figure("work, over other, median", 2.0, "times"),
                Figure("work, over other, lower bound", 2.0, "times", least=1.5),
            ],
        )

    def test_order(self) -> None:
        """
        Nobody is always the first.
        """
        list(measure(Work("work", "1/s", self.run_once, self.servers, {}, ours="ours"), 3))
        self.assertEqual([self.order[0], self.order[3], self.order[6]], list(self.servers))
        self.assertEqual(sorted(self.order), sorted([*self.servers] * 3))
