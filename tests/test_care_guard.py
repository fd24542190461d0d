"""
Tests for :mod:`hmacfs.care.guard`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.care.duty import Round, unheard
from hmacfs.care.guard import KEEP_EVERY, KEY, Guard, elapsed, guarded
from hmacfs.events import SweepHalted, SweepReleased
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.tables import state
from tests.hub import Heard

NOW = 1_700_000_000
YEARS = 10 * 365 * 86400


class GuardTests(SynchronousTestCase):
    """
    Nothing is removed by mistake: too much at once, and a clock that jumped, halt it.
    """

    def setUp(self) -> None:
        self.clock, self.hub, self.index = Clock(), Heard(), MemoryIndex()
        self.clock.advance(NOW)
        self.elapsed = 1000.0
        self.boot = "this one"
        self.guard = self.another()

    def another(self) -> Guard:
        """
        :return: the guard of a daemon that was started again.
        """
        return Guard(self.index, self.hub, self.clock, self.boot, lambda: self.elapsed)

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.elapsed += seconds

    def result(self, coroutine: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def look(self) -> bool:
        return self.result(self.guard.look())

    def test_usual(self) -> None:
        """
        As long as all is as it should be nothing is halted.
        """
        self.assertIs(self.look(), True)
        self.wait(86400)
        self.assertIs(self.look(), True)
        self.assertIs(self.guard.allows(1000, 1000), True)
        self.assertEqual((self.guard.halted, self.guard.faults(), self.hub.events), (None, [], []))

    def test_too_much(self) -> None:
        """
        More than a thousand, and more than a twentieth, are too many; it is said once.
        """
        self.assertIs(self.guard.allows(1001, 20_020), True)
        self.assertIs(self.guard.allows(1001, 20_019), False)
        self.assertIs(self.guard.allows(1001, 20_019), False)
        why = (
            "The sweep has halted: more than 1,000 of 20,019 files and versions would go at once. "
            '"hmacfs gc --dry-run" says what would go, "hmacfs gc --confirm" lets it go on.'
        )
        self.assertEqual(self.guard.faults(), [why])
        self.assertEqual(self.hub.events, [SweepHalted(NOW, why)])

    def test_confirmed(self) -> None:
        """
        What the operator confirms goes, and what is too much later halts again.
        """
        self.guard.allows(5000, 5000)
        self.result(self.guard.confirm())
        self.assertIs(self.guard.allows(5000, 5000), True)
        self.assertIs(self.guard.allows(5000, 5000), True)
        self.guard.swept()
        self.assertIs(self.guard.allows(5000, 5000), False)
        self.assertEqual(self.hub.events[1], SweepReleased(NOW, True))

    def test_corrected(self) -> None:
        """
        Where it is not too much any more it is released by itself.
        """
        self.guard.allows(5000, 5000)
        self.guard.allows(10, 5000)
        self.assertEqual(
            (self.guard.halted, self.hub.events[1:]), (None, [SweepReleased(NOW, False)])
        )

    def test_jump(self) -> None:
        """
        A clock that was set ten years ahead halts, until it is set back.
        """
        self.look()
        self.clock.advance(YEARS)
        self.assertIs(self.look(), False)
        self.assertEqual(
            self.guard.halted,
            "The sweep has halted: the clock has jumped ahead, by 3650d. It goes on when the "
            'clock is back; where it is right, "hmacfs gc --confirm" lets it go on.',
        )
        self.clock.rightNow -= YEARS
        self.assertIs(self.look(), True)
        kinds = [type(event) for event in self.hub.events]
        self.assertEqual((self.guard.halted, kinds), (None, [SweepHalted, SweepReleased]))

    def test_jump_confirmed(self) -> None:
        """
        Where the operator says that the clock is right, it is.
        """
        self.look()
        self.clock.advance(YEARS)
        self.look()
        self.result(self.guard.confirm())
        self.assertIs(self.look(), True)

    def test_restart(self) -> None:
        """
        A jump that happened while the daemon did not run is seen, and not forgotten by
        another start.
        """
        self.look()
        self.clock.advance(YEARS)
        for _ in range(2):
            self.guard = self.another()
            self.assertIs(self.look(), False)

    def test_kept(self) -> None:
        """
        The look is kept, but not each time.
        """
        self.look()
        self.wait(KEEP_EVERY - 1)
        self.look()
        kept = self.successResultOf(self.index.run(state.get, KEY))
        self.assertEqual(kept, {"wall": NOW, "elapsed": 1000.0, "boot": "this one"})
        self.wait(1)
        self.look()
        kept = self.successResultOf(self.index.run(state.get, KEY))
        self.assertEqual(kept["elapsed"], 1000.0 + KEEP_EVERY)

    def test_guarded(self) -> None:
        """
        What removes waits until nothing is halted; counting does not.
        """
        done: list[bool] = []

        async def deed(round: Round) -> None:
            done.append(round.dry)

        def run(dry: bool) -> None:
            round = Round("it", dry, lambda: False, unheard)
            self.result(guarded(self.guard, deed)(round))

        run(dry=False)
        self.guard.allows(5000, 5000)
        run(dry=False)
        run(dry=True)
        self.guard.allows(0, 5000)
        self.clock.advance(YEARS)
        run(dry=False)
        self.assertEqual(done, [False, True])

    def test_elapsed(self) -> None:
        """
        The machine counts the seconds since its start.
        """
        self.assertLess(0, elapsed())
