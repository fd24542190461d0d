"""
Tests for :mod:`bench.rounds`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import attrs
from twisted.trial.unittest import SynchronousTestCase

from bench.lines import REQUESTS, Line, Load, Row, Verdict
from bench.rounds import Against, Contender, Health, Work, measure


@attrs.define
class Worker:
    """
    A server that takes a second for each work, and answers ``/health`` in 4 ms,
    but in half a second before the load begins.
    """

    name: str
    taken: float = 0.0

    def seconds(self) -> float:
        return self.taken

    def peak(self) -> float:
        return 10 * self.taken

    def forget_peak(self) -> None:
        pass

    @contextmanager
    def asking(self, period: float) -> Iterator[list[tuple[float, float]]]:
        yield [(100.0, 0.5), (100.5, 2**-8), (101.0, 2**-8)]


class MeasureTests(SynchronousTestCase):
    """
    Each contender does each round, and ours is held against the others.
    """

    maxDiff = None

    def setUp(self) -> None:
        self.order: list[str] = []
        self.speeds = {"ours": 600, "other": 300, "third": 1200}

    def run_once(self, server: Worker) -> Load:
        self.order.append(server.name)
        server.taken += 1
        return Load(self.speeds[server.name], 1.0, 100.0, 0.5, 1.0, 9.0)

    def contenders(self, *names: str) -> Mapping[str, Contender]:
        servers = [Worker(name) for name in names]
        return {each.name: Contender(each, partial(self.run_once, each)) for each in servers}

    def work(self, *names: str, **more: object) -> Work:
        return Work("work", "section", "client", partial(self.contenders, *names), REQUESTS, **more)

    def test_line(self) -> None:
        """
        Of each is told how fast it was and what it took, of ours the ratio.
        """
        work = self.work("ours", "other", against=[Against("ours", "other", least=1.5, aim=2.5)])

        def row(name: str, speed: float) -> Row:
            cost, client = 1000 / speed, 500 / speed
            health, wait = (3.90625, 3.90625), (1.0, 9.0)
            values = (speed,) * 3
            return Row(name, values, speed, "1/s", cost, client, "s/1000", 30.0, health, wait)

        self.assertEqual(
            measure(work, 3),
            Line(
                "work",
                "section",
                "client",
                (row("ours", 600.0), row("other", 300.0)),
                (Verdict("ours over other", 2.0, 2.0, 2.0, least=1.5, aim=2.5),),
            ),
        )

    def test_order(self) -> None:
        """
        Nobody is always the first.
        """
        names = list(self.speeds)
        measure(self.work(*names), 3)
        self.assertEqual([self.order[0], self.order[3], self.order[6]], names)
        self.assertEqual(sorted(self.order), sorted(names * 3))

    def test_health(self) -> None:
        """
        Of ``/health`` counts what was asked while the load was under way.
        """
        work = self.work("ours", health=Health("ours", most=4, aim=1))
        (verdict,) = measure(work, 2).verdicts
        told = (verdict.median, verdict.met, verdict.reached)
        self.assertEqual(told, (3.90625, True, False))

    def test_judged(self) -> None:
        """
        A work is judged where anything is promised of it.
        """
        promises = [
            {},
            {"against": [Against("ours", "other")]},
            {"against": [Against("ours", "other", most=1.1)]},
            {"health": Health("ours", 10, 5)},
        ]
        judged = [self.work("ours", **promise).judged for promise in promises]
        self.assertEqual(judged, [False, False, True, True])

    def test_fault(self) -> None:
        """
        Of a fault is told whose it is.
        """

        def fail() -> Load:
            raise AssertionError("wrong bytes")

        work = Work("work", "section", "client", lambda: {"ours": Contender(Worker("ours"), fail)})
        fault = self.assertRaises(AssertionError, measure, work, 1)
        self.assertEqual((str(fault), fault.__notes__), ("wrong bytes", ["by ours"]))
