"""
Tests for :mod:`hmacfs.metadata.breaker`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import MetadataUnavailable
from hmacfs.events import Event, RedisBack, RedisLost
from hmacfs.metadata.breaker import PROBE_EVERY, STEPS, Breaker
from tests.hub import Heard


class StepsTests(SynchronousTestCase):
    """
    The table knows three states, and each is left by failing or by going on.
    """

    def test_steps(self) -> None:
        """
        Redis is used only once it has caught up, and left alone as soon as it fails.
        """
        ways = {
            (before, happened, behind)
            for happened, steps in STEPS.items()
            for before, behind in steps.items()
        }
        self.assertEqual(
            ways,
            {
                ("local", "answered", "rejoining"),
                ("rejoining", "caught up", "redis"),
                ("rejoining", "failed", "local"),
                ("redis", "restarted", "rejoining"),
                ("redis", "failed", "local"),
            },
        )


class BreakerTests(SynchronousTestCase):
    """
    One failure opens the breaker; a probe that is answered, and all that was
    missed, close it.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.hub = Heard()
        self.probes: list[Deferred[str]] = []
        self.rejoins: list[tuple[str, Deferred[int]]] = []
        self.breaker = Breaker(self.probe, self.rejoin, self.hub, self.clock)
        self.started = self.breaker.start()

    def probe(self) -> Deferred[str]:
        self.probes.append(Deferred())
        return self.probes[-1]

    def rejoin(self, server: str) -> Deferred[int]:
        self.rejoins.append((server, Deferred()))
        return self.rejoins[-1][1]

    def answer(self, server: str = "one") -> None:
        """The probe that is under way is answered."""
        self.probes.pop().callback(server)

    def refuse(self, reason: str = "no answer") -> None:
        """The probe that is under way is not answered."""
        self.probes.pop().errback(MetadataUnavailable(reason))

    def catch_up(self, missed: int = 0) -> str:
        """
        :return: the server that was told what it missed.
        """
        server, done = self.rejoins.pop()
        done.callback(missed)
        return server

    def join(self, server: str = "one") -> None:
        """All is well from the beginning."""
        self.answer(server)
        self.catch_up()

    def wait(self) -> None:
        """Let the time to the next probe go by."""
        self.clock.advance(PROBE_EVERY)

    def assert_stands(self, state: str, *events: Event) -> None:
        """
        The breaker is in *state*, and *events* is all that was told.
        """
        self.assertEqual((self.breaker.state, self.hub.events), (state, list(events)))

    def test_start(self) -> None:
        """
        A server that answers from the beginning is told what it missed, and then used.
        """
        self.assertNoResult(self.started)
        self.assert_stands("local")
        self.answer("one")
        self.successResultOf(self.started)
        self.assert_stands("rejoining")
        self.assertEqual(self.catch_up(), "one")
        self.assert_stands("redis")

    def test_absent(self) -> None:
        """
        A server that is not there is probed again and again, and told of once.
        """
        self.refuse("refused")
        self.successResultOf(self.started)
        for _ in range(3):
            self.wait()
            self.refuse("refused again")

        self.assert_stands("local", RedisLost(at=0.0, reason="refused"))

    def test_late(self) -> None:
        """
        A server that comes back is used once it was told what it missed.
        """
        self.refuse("refused")
        self.wait()
        self.answer()
        self.assert_stands("rejoining", RedisLost(at=0.0, reason="refused"))
        self.catch_up(7)
        self.assert_stands(
            "redis",
            RedisLost(at=0.0, reason="refused"),
            RedisBack(at=PROBE_EVERY, missed=7, duration=PROBE_EVERY),
        )

    def test_failed(self) -> None:
        """
        One failure of anybody is enough, and a later one is no news.
        """
        self.join()
        self.clock.advance(0.5)
        self.breaker.failed("no answer")
        self.breaker.failed("no answer either")

        self.assert_stands("local", RedisLost(at=0.5, reason="no answer"))

    def test_silent_loss(self) -> None:
        """
        A server that goes away while nobody asks is noticed.
        """
        self.join()
        self.wait()
        self.refuse("no answer")

        self.assert_stands("local", RedisLost(at=PROBE_EVERY, reason="no answer"))

    def test_still_there(self) -> None:
        """
        A server that goes on answering is used without being told anything.
        """
        self.join("one")
        for _ in range(3):
            self.wait()
            self.answer("one")

        self.assert_stands("redis")
        self.assertEqual(self.rejoins, [])

    def test_started_anew(self) -> None:
        """
        A server that was started anew is told what it may have lost.
        """
        self.join("one")
        self.wait()
        self.answer("two")
        self.assert_stands("rejoining")
        self.assertEqual(self.catch_up(), "two")
        self.assert_stands("redis")

    def test_lost_while_rejoining(self) -> None:
        """
        A server that goes again before it caught up is one outage, not two.
        """
        self.refuse("refused")
        self.wait()
        self.answer()
        self.rejoins.pop()[1].errback(MetadataUnavailable("no answer"))
        self.assert_stands("local", RedisLost(at=0.0, reason="refused"))
        self.wait()
        self.join()
        self.assertEqual(self.hub.events[1:], [RedisBack(at=2.0, missed=0, duration=2.0)])

    def test_failed_while_rejoining(self) -> None:
        """
        Who failed is not used for having caught up meanwhile, but rejoined once more.
        """
        self.answer()
        self.breaker.failed("no answer")
        self.catch_up()
        self.assert_stands("local", RedisLost(at=0.0, reason="no answer"))
        self.wait()
        self.answer()
        self.assertEqual(self.catch_up(), "one")
        self.assertEqual(self.breaker.state, "redis")

    def test_one_at_a_time(self) -> None:
        """
        No probe is sent while another is under way, nor while Redis is told what it missed.
        """
        self.wait()
        self.assertEqual(len(self.probes), 1)
        self.answer()
        self.wait()
        self.assertEqual((len(self.probes), len(self.rejoins)), (0, 1))

    def test_our_fault(self) -> None:
        """
        A fault of ours is logged, leaves Redis alone, and does not end the probing.
        """
        self.answer()
        self.rejoins.pop()[1].errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assert_stands("local", RedisLost(at=0.0, reason="internal"))
        self.wait()
        self.join()
        self.assertEqual(self.breaker.state, "redis")

    def test_stop_at_once(self) -> None:
        """
        A start that is broken off comes to its end too.
        """
        stopped = self.breaker.stop()
        self.refuse()
        self.successResultOf(self.started)
        self.successResultOf(stopped)
        self.assert_stands("local")

    def test_stop(self) -> None:
        """
        It has stopped when its last probe has ended, and says nothing more.
        """
        self.join()
        self.wait()
        stopped = self.breaker.stop()
        self.assertNoResult(stopped)
        self.refuse()
        self.successResultOf(stopped)
        self.assertEqual((self.hub.events, self.clock.getDelayedCalls()), ([], []))
