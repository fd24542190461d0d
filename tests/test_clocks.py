"""
Tests for :mod:`hmacfs.clocks`.
"""

from __future__ import annotations

import json

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.clocks import AHEAD, Look, Watch

HOUR = 3600
DAY = 24 * HOUR
NOW = 1_700_000_000.0
FIRST = Look(NOW, 500.0, "first")
NUMBERS = st.floats(0, 1e10)
LOOKS = st.builds(Look, NUMBERS, NUMBERS, st.sampled_from(["", "first", "second"]))


def later(look: Look, seconds: float, gained: float = 0.0) -> Look:
    """
    *look*, some seconds later, the wall clock having gained on the other one.
    """
    return Look(look.wall + seconds + gained, look.elapsed + seconds, look.boot)


def started(look: Look, off: float, elapsed: float = 60.0) -> Look:
    """
    A look at the next start of the machine, which was off that long.
    """
    return Look(look.wall + off + elapsed, elapsed, "second")


def watched(*looks: Look) -> Watch:
    """
    What is known after *looks*.
    """
    watch = Watch()
    for look in looks:
        watch = watch.see(look)
    return watch


class RunningTests(SynchronousTestCase):
    """
    While the machine runs both clocks go alike.
    """

    def test_alike(self) -> None:
        """
        However long nobody looked, and however much it slept, all is well.
        """
        for seconds in (0, 60, 400 * DAY):
            self.assertEqual(watched(FIRST, later(FIRST, seconds)), Watch(later(FIRST, seconds)))

    def test_ahead(self) -> None:
        """
        A clock that gains more than an hour has jumped, and by how much is known.
        """
        self.assertFalse(watched(FIRST, later(FIRST, 60, AHEAD)).jumped)
        watch = watched(FIRST, later(FIRST, 60, 10 * 365 * DAY))
        self.assertEqual((watch.trusted, watch.ahead), (FIRST, 10 * 365 * DAY))

    def test_still_ahead(self) -> None:
        """
        It stays so however often it is looked at, until it is back.
        """
        wrong = [later(FIRST, seconds, 2 * DAY) for seconds in (60, 120, 30 * DAY)]
        self.assertTrue(watched(FIRST, *wrong).jumped)
        back = later(FIRST, 31 * DAY)
        self.assertEqual(watched(FIRST, *wrong, back), Watch(back))

    def test_back(self) -> None:
        """
        A clock that goes back has not jumped, and is trusted from then on.
        """
        back = later(FIRST, 60, -10 * 365 * DAY)
        self.assertEqual(watched(FIRST, back), Watch(back))
        self.assertTrue(watched(FIRST, back, later(FIRST, 120)).jumped)

    def test_accepted(self) -> None:
        """
        What the operator says is right is right.
        """
        wrong = later(FIRST, 60, 2 * DAY)
        watch = watched(FIRST, wrong).accept(wrong)
        self.assertEqual(watch.see(later(wrong, 60)), Watch(later(wrong, 60)))
        self.assertTrue(watch.see(later(wrong, 60, 2 * DAY)).jumped)

    def test_restarted_daemon(self) -> None:
        """
        A jump while the daemon did not run is seen when it starts again, and
        one that was seen before is not forgotten.
        """
        wrong = later(FIRST, 60, 2 * DAY)
        kept = json.loads(json.dumps(attrs.asdict(FIRST)))
        self.assertTrue(Watch(Look.recall(kept)).see(wrong).jumped)
        self.assertTrue(Watch(watched(FIRST, wrong).trusted).see(later(wrong, 60)).jumped)
        self.assertFalse(Watch(Look.recall(kept)).see(later(FIRST, 30 * DAY)).jumped)


class StartedTests(SynchronousTestCase):
    """
    Nobody knows how long a machine was off, so up to a week is believed.
    """

    def test_off(self) -> None:
        """
        Seven days are believed, and more are not, until somebody says so.
        """
        self.assertFalse(watched(FIRST, started(FIRST, 7 * DAY)).jumped)
        look = started(FIRST, 7 * DAY + 1)
        watch = watched(FIRST, look)
        self.assertEqual((watch.trusted, watch.ahead), (FIRST, 7 * DAY + 1))
        self.assertTrue(watch.see(later(look, 30 * DAY)).jumped)
        self.assertFalse(watch.accept(look).see(later(look, 60)).jumped)

    def test_set_right(self) -> None:
        """
        A clock that was wrong at the start and is set right is trusted again.
        """
        look = started(FIRST, 400 * DAY)
        right = later(look, 60, -399 * DAY)
        self.assertFalse(watched(FIRST, look, right).jumped)

    def test_no_boot_id(self) -> None:
        """
        Where starts have no names, a clock that begins anew tells of one.
        """
        first, second = (attrs.evolve(look, boot="") for look in (FIRST, started(FIRST, DAY)))
        self.assertFalse(watched(first, second).jumped)

    def test_no_battery(self) -> None:
        """
        A clock that starts in the past and is then set has not jumped, unless
        it goes further than the machine may have been off.
        """
        for wall in (0.0, FIRST.wall):
            start = Look(wall, 20.0, "second")
            for off, jumped in [(2 * HOUR, False), (7 * DAY, False), (7 * DAY + 1, True)]:
                right = started(FIRST, off)
                watch = watched(FIRST, start, later(start, 20), right)
                self.assertEqual(watch.jumped, jumped, (wall, off))

    def test_no_battery_only_once(self) -> None:
        """
        It is set once, and soon: from then on a jump is one.
        """
        start = Look(FIRST.wall, 20.0, "second")
        right = started(FIRST, 2 * HOUR)
        self.assertTrue(watched(FIRST, start, right, later(right, 60, 2 * HOUR)).jumped)
        late = later(right, 2 * HOUR)
        self.assertTrue(watched(FIRST, start, late).jumped)


class RecallTests(SynchronousTestCase):
    """
    A look is kept between two runs of the daemon.
    """

    @given(LOOKS)
    def test_round(self, look: Look) -> None:
        """
        It comes back as it was.
        """
        self.assertEqual(Look.recall(json.loads(json.dumps(attrs.asdict(look)))), look)

    def test_something_else(self) -> None:
        """
        What is none counts as never kept.
        """
        good = attrs.asdict(FIRST)
        for kept in [
            None,
            [],
            {},
            "x",
            {**good, "wall": "1"},
            {**good, "wall": float("inf")},
            {**good, "elapsed": float("nan")},
            {**good, "boot": None},
        ]:
            self.assertIsNone(Look.recall(kept), kept)

    @given(st.lists(LOOKS))
    def test_any_looks(self, looks: list[Look]) -> None:
        """
        Whatever is seen: where all is well the last look is trusted, and what
        is accepted is well.
        """
        watch = Watch()
        for look in looks:
            watch = watch.see(look)
            self.assertEqual(watch.trusted == look or watch.jumped, True)
            self.assertFalse(watch.accept(look).see(look).jumped)
