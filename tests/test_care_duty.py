"""
Tests for :mod:`hmacfs.care.duty`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.care.duty import Duty, Round
from hmacfs.events import DutyDone
from hmacfs.records import Went
from tests.hub import Heard


class DutyTests(SynchronousTestCase):
    """
    A duty is done at its beats and on request, and never twice at a time.
    """

    def setUp(self) -> None:
        self.clock, self.hub = Clock(), Heard()
        self.rounds: list[Round] = []
        self.waits: list[Deferred[None]] = []
        self.duty = Duty("the trash", self.deed, self.hub, self.clock, 60)

    async def deed(self, round: Round) -> None:
        self.rounds.append(round)
        if self.waits:
            await self.waits.pop(0)
        round.count("trash", "expired", 10)

    def start(self) -> None:
        self.duty.startService()
        self.addCleanup(self.duty.stopService)

    def test_beats(self) -> None:
        """
        It is done at once and at each beat, and each time is told.
        """
        self.start()
        self.clock.advance(60)
        went = (Went("trash", "expired", 1, 10),)
        self.assertEqual(
            self.hub.events,
            [DutyDone(0.0, "the trash", went, 0.0), DutyDone(60.0, "the trash", went, 0.0)],
        )

    def test_on_request(self) -> None:
        """
        On request it is done now, and who asked hears how far it is and what went.
        """
        told: list[tuple[str, int, int | None]] = []
        self.waits.append(waits := Deferred())
        went = self.duty.run(progress=lambda *args: told.append(args))
        self.rounds[0].tell(1, 3)
        waits.callback(None)
        self.assertEqual(self.successResultOf(went), (Went("trash", "expired", 1, 10),))
        self.assertEqual(told, [("the trash", 1, 3)])

    def test_one_at_a_time(self) -> None:
        """
        Who asks while it is being done waits for his turn.
        """
        self.waits.append(waits := Deferred())
        self.start()
        asked = self.duty.run()
        self.assertEqual(len(self.rounds), 1)
        waits.callback(None)
        self.successResultOf(asked)
        self.assertEqual(len(self.rounds), 2)

    def test_dry(self) -> None:
        """
        A dry round is told to who asked, and to nobody else.
        """
        self.successResultOf(self.duty.run(dry=True))
        self.assertEqual(([round.dry for round in self.rounds], self.hub.events), ([True], []))

    def test_stop(self) -> None:
        """
        It ends at the next breath, whoever asked for it.
        """
        self.waits.append(waits := Deferred())
        self.duty.startService()
        asked = self.duty.run()
        stopped = self.duty.stopService()
        self.assertNoResult(stopped)
        waits.callback(None)
        self.successResultOf(asked)
        self.successResultOf(stopped)
        self.assertEqual([round.going for round in self.rounds], [False, False])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_breaks_off(self) -> None:
        """
        A round that breaks off is logged, and the next one comes.
        """
        self.waits.append(waits := Deferred())
        self.start()
        waits.errback(OSError("the disk is gone"))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.clock.advance(60)
        self.assertEqual([event.went for event in self.hub.events][1:], [self.rounds[1].went])

    def test_fails(self) -> None:
        """
        Who asked hears that it broke off.
        """
        self.waits.append(waits := Deferred())
        asked = self.duty.run()
        waits.errback(OSError("the disk is gone"))
        self.failureResultOf(asked, OSError)
