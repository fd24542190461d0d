"""
Tests for :mod:`hmacfs.care.retiring`.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hmacfs.abilities import IExpires
from hmacfs.care.duty import SLICE, Duty
from hmacfs.care.guard import Guard
from hmacfs.care.retiring import Retiring
from hmacfs.events import DutyDone, Retired
from hmacfs.records import Due, Removed, Went
from hmacfs.store.memory_index import MemoryIndex
from tests.hub import Heard

NOW = 1_700_000_000


@implementer(IExpires)
class Expiring:
    """
    A store that is nothing but what is due.

    :ivar waiting: what is due, and from when on.
    :ivar stuck: names that the disk does not let go; they are put off.
    :ivar kept: how many there are beside those.
    """

    def __init__(self) -> None:
        self.waiting: dict[Due, float] = {}
        self.stuck: set[str] = set()
        self.kept = 0
        self.asked: list[int] = []

    def due(self, now: float, most: int) -> Deferred[Sequence[Due]]:
        self.asked.append(most)
        return succeed(self._due(now)[:most])

    def overdue(self, now: float, most: int) -> Deferred[tuple[int, int]]:
        return succeed((min(most, len(self._due(now))), self.kept + len(self.waiting)))

    def retire(self, due: Sequence[Due], now: float) -> Deferred[Sequence[Removed]]:
        gone = []
        for each in due:
            if each.name in self.stuck:
                self.waiting[each] = now + 600
                continue
            del self.waiting[each]
            kind = "version" if each.version else "file"
            gone.append(Removed(each.name, each.version, 10, kind))
        return succeed(gone)

    def _due(self, now: float) -> list[Due]:
        return [each for each, when in self.waiting.items() if when <= now]


class RetiringTests(SynchronousTestCase):
    """
    What is due goes, a slice at a time, unless it is too much.
    """

    def setUp(self) -> None:
        self.clock, self.hub, self.store = Clock(), Heard(), Expiring()
        self.clock.advance(NOW)
        # Its machine was started this moment, and stands still.
        self.guard = Guard(MemoryIndex(), self.hub, self.clock, "boot", lambda: 0.0)
        sweep = Retiring(self.store, self.guard, self.hub, self.clock).sweep
        self.duty = Duty("files and versions", sweep, self.hub, self.clock, 60)

    def add(self, count: int, when: float = NOW, version: str = "", why: str = "expired") -> None:
        for number in range(count):
            self.store.waiting[Due(f"{number:05}", version, why, 10)] = when

    def sweep(self, dry: bool = False) -> tuple[Went, ...]:
        return self.successResultOf(self.duty.run(dry))

    def test_goes(self) -> None:
        """
        It is told what went and why, and what is not due yet stays.
        """
        self.add(1)
        self.add(1, version="v-1", why="over the bound")
        self.add(1, NOW + 1, version="v-2")
        went = (Went("file", "expired", 1, 10), Went("version", "over the bound", 1, 10))
        self.assertEqual(self.sweep(), went)
        self.assertEqual(
            self.hub.events,
            [
                Retired(NOW, "00000", "", 10, "expired"),
                Retired(NOW, "00000", "v-1", 10, "over the bound"),
                DutyDone(NOW, "files and versions", went, 0.0),
            ],
        )
        self.assertEqual(len(self.store.waiting), 1)

    def test_slices(self) -> None:
        """
        However many there are, they go by slices.
        """
        self.add(2 * SLICE + 1)
        self.assertEqual(self.sweep(), (Went("file", "expired", 201, 2010),))
        self.assertEqual(self.store.asked, [SLICE] * 3)

    def test_nothing(self) -> None:
        """
        Where nothing is due nothing is looked for.
        """
        self.assertEqual((self.sweep(), self.store.asked), ((), []))

    def test_stuck(self) -> None:
        """
        Those that do not go hold up neither the others nor the sweep.
        """
        self.add(2 * SLICE)
        self.store.stuck = {f"{number:05}" for number in range(SLICE)}
        self.assertEqual(self.sweep(), ())
        self.assertEqual(self.sweep(), (Went("file", "expired", SLICE, 10 * SLICE),))
        self.store.stuck.clear()
        self.clock.advance(600)
        self.assertEqual(self.sweep(), (Went("file", "expired", SLICE, 10 * SLICE),))

    def test_halted(self) -> None:
        """
        Too much stays where it is, until the operator says otherwise.
        """
        self.add(1500)
        self.store.kept = 10_000
        self.assertEqual((self.sweep(), len(self.store.waiting)), ((), 1500))
        self.assertIn("1,000 of 11,500", self.guard.halted or "")
        self.successResultOf(Deferred.fromCoroutine(self.guard.confirm()))
        self.assertEqual(self.sweep(), (Went("file", "expired", 1500, 15_000),))
        self.add(1500)
        self.assertEqual(self.sweep(), ())

    def test_many_of_many(self) -> None:
        """
        Of a large store more than a thousand may go.
        """
        self.add(1500)
        self.store.kept = 30_000
        self.assertEqual(self.sweep(), (Went("file", "expired", 1500, 15_000),))

    def test_jump(self) -> None:
        """
        Nothing goes by a clock that has jumped.
        """
        self.sweep()
        self.add(1)
        self.clock.advance(86400 * 365)
        self.assertEqual((self.sweep(), len(self.store.waiting)), ((), 1))

    def test_dry(self) -> None:
        """
        It can be told what would go, and whether it is too much.
        """
        self.add(1500)
        self.add(2, version="v", why="over the bound")
        self.assertEqual(
            self.sweep(dry=True),
            (Went("file", "expired", 1500, 15_000), Went("version", "over the bound", 2, 20)),
        )
        self.assertEqual(len(self.store.waiting), 1502)
        self.assertIn("more than 1,000 of 1,502", self.guard.halted or "")
