"""
Tests for :mod:`hmacfs.drain`.
"""

from __future__ import annotations

import gc

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hmacfs.drain import Drain
from hmacfs.events import Event, ShutdownStarted
from hmacfs.interfaces.hub import IHub


class Site:
    """
    A site that ends when it is told to.
    """

    def __init__(self, transfers: int) -> None:
        self.transfers = transfers
        self.drained: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self.asked: list[str] = []

    def drain(self) -> Deferred[None]:
        self.asked.append("drain")
        return self.drained

    def cut(self) -> Deferred[None]:
        self.asked.append("cut")
        return self.ended


@implementer(IHub)
class Ear:
    """
    A hub that keeps what it hears.
    """

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def emit(self, event: Event) -> None:
        self.heard.append(event)


class DrainTests(SynchronousTestCase):
    """
    Transfers under way may end; what does not end in time is cut.
    """

    def setUp(self) -> None:
        self.clock, self.hub, self.site = Clock(), Ear(), Site(transfers=2)

    def run_drain(self, timeout: float = 30.0) -> Deferred[None]:
        drain = Drain(self.site, self.hub, self.clock, timeout)
        return Deferred.fromCoroutine(drain.run())

    def test_told(self) -> None:
        """
        Whoever listens hears how many transfers are under way.
        """
        self.clock.advance(7)
        self.run_drain()
        self.assertEqual(self.hub.heard, [ShutdownStarted(at=7.0, transfers=2)])

    def test_in_time(self) -> None:
        """
        When all transfers have ended, that is all.
        """
        done = self.run_drain()
        self.clock.advance(29)
        self.assertNoResult(done)
        self.site.drained.callback(None)
        self.successResultOf(done)
        self.assertEqual((self.site.asked, self.clock.getDelayedCalls()), (["drain"], []))

    def test_too_slow(self) -> None:
        """
        What has not ended in time is cut, and its end is waited for.
        """
        done = self.run_drain()
        self.clock.advance(30)
        self.assertEqual(self.site.asked, ["drain", "cut"])
        self.assertNoResult(done)
        self.site.ended.callback(None)
        self.successResultOf(done)

    def test_not_cancelled(self) -> None:
        """
        What the cut waits for is not given up when time is over.
        """
        self.run_drain()
        self.clock.advance(30)
        self.assertNoResult(self.site.drained)

    def test_no_time(self) -> None:
        """
        With no time to wait all is cut at once.
        """
        self.run_drain(timeout=0.0)
        self.clock.advance(0)
        self.assertEqual(self.site.asked, ["drain", "cut"])

    def test_nothing_under_way(self) -> None:
        """
        With nothing under way it ends at once, even with no time to wait.
        """
        self.site.drained.callback(None)
        self.successResultOf(self.run_drain(timeout=0.0))
        self.assertEqual((self.site.asked, self.clock.getDelayedCalls()), (["drain"], []))

    def test_broken_site(self) -> None:
        """
        A site that cannot drain says so to whoever drains it, and once.
        """
        done = self.run_drain()
        self.site.drained.errback(RuntimeError("lost count"))
        self.failureResultOf(done)
        # A failure that is left in a Deferred is logged when that goes.
        del done, self.site, self.clock
        gc.collect()
        self.assertEqual(self.flushLoggedErrors(), [])
