"""
Tests for :mod:`hmacfs.care.collecting`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.care.collecting import Collected, Collecting
from hmacfs.care.duty import Deed, Duty, Round
from hmacfs.care.guard import Guard
from hmacfs.records import Went
from hmacfs.store.memory_index import MemoryIndex
from tests.hub import Heard


class CollectingTests(SynchronousTestCase):
    """
    All duties are done at once, and it is said what went.
    """

    def setUp(self) -> None:
        self.clock, self.did = Clock(), []
        self.guard = Guard(MemoryIndex(), Heard(), self.clock, "", self.clock.seconds)
        duties = [
            Duty(what, self.deed(what), Heard(), self.clock, 60) for what in ("one", "two", "three")
        ]
        self.collecting = Collecting(duties, self.guard)
        self.broken: set[str] = set()

    def deed(self, what: str) -> Deed:
        async def deed(round: Round) -> None:
            self.did.append((what, round.dry, self.guard.halted))
            if what in self.broken:
                raise OSError("the disk is gone")
            round.tell(1)
            round.count("file", what, 5)

        return deed

    def collect(self, **how: Any) -> Collected:
        return self.successResultOf(Deferred.fromCoroutine(self.collecting.collect(**how)))

    def test_all(self) -> None:
        """
        Each duty is done once, in order, and progress is told.
        """
        told: list[tuple[str, int, int | None]] = []
        collected = self.collect(progress=lambda *args: told.append(args))
        went = [(what, Went("file", what, 1, 5)) for what in ("one", "two", "three")]
        self.assertEqual(collected, Collected(went, None, []))
        self.assertEqual(
            told, [(what, n, None) for what in ("one", "two", "three") for n in (0, 1)]
        )

    def test_one_breaks(self) -> None:
        """
        One that breaks off is named, and the others are done.
        """
        self.broken = {"two"}
        collected = self.collect()
        self.assertEqual((len(collected.went), collected.broken), (2, ["two"]))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_nobody_waits(self) -> None:
        """
        Where who asked has gone away nothing more is begun.
        """

        def progress(what: str, done: int, total: int | None) -> None:
            if done:
                raise EOFError

        collecting = Deferred.fromCoroutine(self.collecting.collect(progress=progress))
        self.failureResultOf(collecting, EOFError)
        self.assertEqual(len(self.did), 1)

    def test_halted(self) -> None:
        """
        What halts the sweep is told, and confirmed where the operator says so.
        """
        self.guard.allows(5000, 5000)
        self.assertEqual(self.collect().halted, self.guard.halted)
        self.assertIsNone(self.collect(confirm=True).halted)
        self.assertEqual([halted is None for *_, halted in self.did], [False] * 3 + [True] * 3)

    def test_dry(self) -> None:
        """
        A dry run confirms nothing.
        """
        self.guard.allows(5000, 5000)
        self.assertIsNotNone(self.collect(dry_run=True, confirm=True).halted)
        self.assertEqual([dry for _, dry, _ in self.did], [True] * 3)
