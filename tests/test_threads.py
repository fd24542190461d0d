"""
Tests for :mod:`hmacfs.store.threads`.
"""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import gatherResults, inlineCallbacks
from twisted.trial.unittest import TestCase

from hmacfs.store.threads import Threads


class ThreadsTests(TestCase):
    """
    What may block is done elsewhere, and told here.
    """

    def setUp(self) -> None:
        self.threads = Threads(reactor, 2, "test")
        self.threads.start()

    @inlineCallbacks
    def test_elsewhere(self) -> Any:
        """
        A call is made in another thread, and its result comes back to this one.
        """
        self.addCleanup(self.threads.stop)
        ident = yield self.threads.run(threading.get_ident)
        self.assertNotEqual(ident, threading.get_ident())

    @inlineCallbacks
    def test_raises(self) -> Any:
        """
        What a call raises comes back too.
        """
        self.addCleanup(self.threads.stop)
        yield self.assertFailure(self.threads.run(int, "x"), ValueError)

    @inlineCallbacks
    def test_stop(self) -> Any:
        """
        To stop is to wait for all that was asked for.
        """
        gate, done = threading.Event(), []
        results = [self.threads.run(lambda: done.append(gate.wait(10))) for _ in range(4)]
        stopped = self.threads.stop()
        gate.set()
        yield gatherResults([stopped, *results])
        self.assertEqual(done, [True] * 4)
