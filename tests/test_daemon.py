"""
Tests for :mod:`hmacfs.daemon`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from twisted.application.service import Application
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import ILogObserver, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hmacfs.config import Problem, Problems
from hmacfs.daemon import Daemon, Part, settle
from hmacfs.errors import StoreProblem


class Reactor:
    """
    A reactor that runs when the test says so.
    """

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []
        self.stopped = 0

    def callWhenRunning(self, what: Callable[[], object]) -> None:
        self.waiting.append(what)

    def stop(self) -> None:
        self.stopped += 1
        if self.stopped > 1:
            raise ReactorNotRunning

    def run(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


@implementer(ILogObserver)
class Observer:
    def __call__(self, event: object) -> None:
        """Hear nothing."""


class DaemonTests(SynchronousTestCase):
    """
    Parts start in order, stop in reverse, and fail together.
    """

    def setUp(self) -> None:
        self.reactor, self.observer = Reactor(), Observer()
        self.done: list[str] = []

    def part(self, name: str, start: Callable[[], object] = bool) -> Part:
        """
        :return: a part that takes note of what is asked of it.
        """

        def begin() -> object:
            self.done.append(f"{name} up")
            return start()

        return Part(name, begin, lambda: self.done.append(f"{name} down"))

    def daemon(self, *parts: Part) -> Daemon:
        return Daemon(parts, self.reactor, self.observer, lambda: self.done.append("failed"))

    def started(self, *parts: Part) -> Daemon:
        daemon = self.daemon(*parts)
        daemon.startService()
        self.reactor.run()
        return daemon

    def told(self, *parts: Part) -> list[str]:
        """
        :return: what is logged while *parts* start.
        """
        with capturedLogs() as captured:
            self.started(*parts)
        return [str(formatEvent(event)) for event in captured]

    def test_order(self) -> None:
        """
        Parts start in order and stop in reverse.
        """
        daemon = self.started(self.part("a"), self.part("b"))
        self.successResultOf(daemon.stopService())
        self.assertEqual(self.done, ["a up", "b up", "b down", "a down"])

    def test_reactor_first(self) -> None:
        """
        Nothing starts before the reactor runs.
        """
        self.daemon(self.part("a")).startService()
        self.assertEqual(self.done, [])

    def test_waiting(self) -> None:
        """
        A part that takes its time is waited for, on the way up and on the way down.
        """
        ready: Deferred[None] = Deferred()
        gone: Deferred[None] = Deferred()
        daemon = self.started(Part("slow", lambda: ready, lambda: gone), self.part("b"))
        self.assertEqual(self.done, [])
        ready.callback(None)
        self.assertEqual(self.done, ["b up"])
        stopped = daemon.stopService()
        self.assertNoResult(stopped)
        gone.callback(None)
        self.successResultOf(stopped)

    def test_stopped_while_starting(self) -> None:
        """
        A daemon that is stopped while it starts goes no further up.
        """
        ready: Deferred[None] = Deferred()
        daemon = self.started(self.part("slow", lambda: ready), self.part("b"))
        stopped = daemon.stopService()
        self.assertNoResult(stopped)
        ready.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(self.done, ["slow up", "slow down"])

    def test_stopped_before(self) -> None:
        """
        A daemon that is stopped before the reactor runs does not start.
        """
        daemon = self.daemon(self.part("a"))
        daemon.startService()
        self.successResultOf(daemon.stopService())
        self.reactor.run()
        self.assertEqual(self.done, [])

    def test_cannot_listen(self) -> None:
        """
        Every port that cannot be had is told of, and the process ends with status 1.
        """

        def refuse() -> None:
            raise Problems([Problem("ListenPort", "a is taken."), Problem("ListenPort", "b too.")])

        told = self.told(self.part("a"), self.part("ports", refuse), self.part("c"))
        self.assertEqual(told, ["ListenPort: a is taken.", "ListenPort: b too."])
        self.assertEqual((self.done, self.reactor.stopped), (["a up", "ports up", "failed"], 1))

    def test_store_problem(self) -> None:
        """
        A store that cannot be used is told of in one sentence.
        """

        def refuse() -> None:
            raise StoreProblem("/srv is read-only.")

        self.assertEqual(self.told(self.part("store", refuse)), ["StoreDir: /srv is read-only."])
        self.assertEqual((self.done, self.reactor.stopped), (["store up", "failed"], 1))

    def test_unforeseen(self) -> None:
        """
        What nobody foresaw is logged whole, and the process ends with status 1.
        """
        self.started(self.part("store", lambda: {}["row"]))
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertEqual((self.done, self.reactor.stopped), (["store up", "failed"], 1))

    def test_failed_and_stopped(self) -> None:
        """
        After a failure only what had started is stopped.
        """
        daemon = self.started(self.part("a"), self.part("b", lambda: {}["row"]))
        self.flushLoggedErrors(KeyError)
        self.successResultOf(daemon.stopService())
        self.assertEqual(self.done, ["a up", "b up", "failed", "a down"])

    def test_failed_while_stopping(self) -> None:
        """
        A part that fails while the reactor stops already is no second stop.
        """
        ready: Deferred[None] = Deferred()
        daemon = self.started(self.part("slow", lambda: ready))
        self.reactor.stop()
        stopped = daemon.stopService()
        ready.errback(StoreProblem("/srv is gone."))
        self.successResultOf(stopped)
        self.assertEqual(self.done, ["slow up", "failed"])

    def test_stops_badly(self) -> None:
        """
        A part that does not stop well is logged, and the others stop nevertheless.
        """
        daemon = self.started(self.part("a"), Part("bad", stop=lambda: {}["row"]), self.part("c"))
        self.successResultOf(daemon.stopService())
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertEqual(self.done, ["a up", "c up", "c down", "a down"])

    def test_observer(self) -> None:
        """
        The application it is put in logs as it does.
        """
        application = Application("hmacfs")
        self.daemon().setServiceParent(application)
        self.assertIs(application.getComponent(ILogObserver), self.observer)


class SettleTests(SynchronousTestCase):
    """
    What a start has left in memory is not gone through again.
    """

    def test_frozen(self) -> None:
        """
        The collector looks at what comes later alone.
        """
        self.addCleanup(gc.unfreeze)
        settle()
        self.assertLess(len(gc.get_objects()), gc.get_freeze_count() // 10)
