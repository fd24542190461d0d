"""
Tests for :mod:`hmacfs.kernel_syncs`.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hmacfs.kernel_syncs import MOST, NUMBERS, KernelSyncs

NAMES = {number: name for name, number in NUMBERS["x86_64"]._asdict().items()}


class KernelTests(TestCase):
    """
    The kernel of this machine takes orders, or says that it does not.
    """

    timeout = 60

    @inlineCallbacks
    def test_files_and_folders(self) -> Any:
        """
        Files are synced, many at once, and folders as well.
        """
        syncs = KernelSyncs(reactor)
        syncs.start()
        self.addCleanup(syncs.stop)
        path = self.mktemp()
        file = os.open(path, os.O_CREAT | os.O_RDWR)
        self.addCleanup(os.close, file)
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        self.addCleanup(os.close, folder)
        os.write(file, b"abc")
        orders = [syncs.order(each) for each in [file, folder] * 20]
        done = yield gatherResults([order for order in orders if order is not None])
        self.assertEqual(set(done), {None} if done else set())


class Kernel:
    """
    A kernel that carries out orders when it is told to.

    :ivar refused: the calls that it refuses.
    :ivar orders: what it was asked for, and has not done.
    """

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.orders: list[Any] = []
        self._results: list[tuple[int, int]] = []

    def __call__(self, number: int, *args: Any) -> int:
        name = NAMES[number]
        if name in self.refused:
            return -1
        answer: int = getattr(self, name)(*args)
        return answer

    def setup(self, most: int, context: Any) -> int:
        return 0

    def destroy(self, context: Any) -> int:
        return 0

    def submit(self, context: Any, number: int, orders: Any) -> int:
        self.orders.append(orders._obj.contents)
        return number

    def found(self, context: Any, least: int, most: int, done: Any, patience: None) -> int:
        found, self._results = self._results[:most], self._results[most:]
        for place, (data, result) in enumerate(found):
            done[place].data, done[place].result = data, result
        return len(found)

    def carry_out(self, *results: int) -> None:
        """
        :param results: of the oldest orders.
        """
        for result in results:
            order = self.orders.pop(0)
            self._results.append((order.data, result))
            os.eventfd_write(order.told, 1)


class Readers:
    """A reactor that knows who is to be read, and reads nobody."""

    def __init__(self) -> None:
        self.readers: set[Any] = set()
        self.addReader = self.readers.add
        self.removeReader = self.readers.remove


class OrderTests(SynchronousTestCase):
    """
    Each order is told of, and what is not taken is left to others.
    """

    def setUp(self) -> None:
        self.kernel, self.reactor = Kernel(), Readers()
        self.syncs = KernelSyncs(self.reactor, self.kernel, NUMBERS["x86_64"])

    def start(self) -> None:
        self.syncs.start()
        self.addCleanup(self.syncs.stop)

    def order(self, descriptor: int) -> Deferred[None]:
        """
        :return: one that is taken.
        """
        order = self.syncs.order(descriptor)
        assert order is not None
        return order

    def test_carried_out(self) -> None:
        """
        Who asks hears of his own order, however many there are, and of its failure.
        """
        self.start()
        first, second, third = (self.order(descriptor) for descriptor in (7, 8, 9))
        self.assertEqual([order.descriptor for order in self.kernel.orders], [7, 8, 9])
        self.kernel.carry_out(0, -errno.EIO)
        self.syncs.doRead()
        self.assertIsNone(self.successResultOf(first))
        self.assertEqual(self.failureResultOf(second, OSError).value.errno, errno.EIO)
        self.assertNoResult(third)
        self.kernel.carry_out(0)
        self.syncs.doRead()
        self.assertIsNone(self.successResultOf(third))

    def test_all_at_once(self) -> None:
        """
        However many are carried out at once, each is told of.
        """
        self.start()
        self.assertEqual(self.syncs.most, MOST)
        orders = [self.order(7) for _ in range(2 * MOST + 1)]
        self.kernel.carry_out(*[0] * len(orders))
        self.syncs.doRead()
        self.assertEqual({self.successResultOf(order) for order in orders}, {None})

    def test_too_many(self) -> None:
        """
        An order that is not taken is none, and those behind it may be.
        """
        self.start()
        self.kernel.refused.add("submit")
        self.assertIsNone(self.syncs.order(7))
        self.kernel.refused.clear()
        self.assertNoResult(self.order(8))

    def test_forbidden(self) -> None:
        """
        A kernel that takes none at all is not asked, and nothing is read.
        """
        self.kernel.refused.add("setup")
        self.start()
        self.assertIsNone(self.syncs.order(7))
        self.assertEqual((self.syncs.most, self.reactor.readers), (0, set()))

    def test_stopped(self) -> None:
        """
        Before the start and behind the stop nothing is taken, and nothing read.
        """
        self.assertIsNone(self.syncs.order(7))
        self.syncs.start()
        self.assertEqual(self.reactor.readers, {self.syncs})
        self.syncs.stop()
        self.assertIsNone(self.syncs.order(7))
        self.assertEqual((self.syncs.most, self.reactor.readers), (0, set()))
