"""
Tests for :mod:`hmacfs.store.flushing`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hmacfs.disk import Disk
from hmacfs.interfaces.disk import ISyncs
from hmacfs.store.flushing import Flushing
from tests.inline import Inline


@implementer(ISyncs)
class Kernel:
    """
    One that syncs when the test says so.

    :ivar orders: the descriptors, and whom to tell.
    :ivar takes: whether it takes any.
    :ivar most: how many it says that it takes.
    """

    most = 256

    def __init__(self) -> None:
        self.orders: list[tuple[int, Deferred[None]]] = []
        self.takes = True

    def start(self) -> None:
        """There is nothing to do."""

    def stop(self) -> None:
        """There is nothing to do."""

    def order(self, descriptor: int) -> Deferred[None] | None:
        if not self.takes:
            return None
        done: Deferred[None] = Deferred()
        self.orders.append((descriptor, done))
        return done

    def carry_out(self, error: OSError | None = None) -> None:
        """Do the oldest one."""
        _, done = self.orders.pop(0)
        if error is None:
            done.callback(None)
        else:
            done.errback(error)


class NoThreads(Inline):
    """Where the system has no more threads."""

    def run(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        raise RuntimeError("can't start new thread")


class FlushingTests(SynchronousTestCase):
    """
    Everyone waits for a sync that begins behind him.
    """

    def setUp(self) -> None:
        self.kernel = Kernel()
        self.flushing = Flushing(Disk(), Inline(), True, self.kernel)
        self.first, self.second = (self.folder() for _ in range(2))

    def folder(self, path: str | None = None) -> int:
        """
        :return: one that is open.
        """
        path = path or self.mktemp()
        os.makedirs(path, exist_ok=True)
        folder = os.open(path, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        return folder

    def asked(self) -> list[int]:
        """
        :return: what the kernel was asked for, and has not done.
        """
        return [descriptor for descriptor, _ in self.kernel.orders]

    def test_file(self) -> None:
        """
        Each file is synced for itself.
        """
        done = [self.flushing.file(self.first) for _ in range(2)]
        self.assertEqual(self.asked(), [self.first] * 2)
        self.kernel.carry_out()
        self.assertIsNone(self.successResultOf(done[0]))
        self.assertNoResult(done[1])

    def test_folder(self) -> None:
        """
        Who comes while a folder is synced waits for the next time, with all who do.
        """
        again = os.dup(self.first)
        self.addCleanup(os.close, again)
        first = self.flushing.folder(self.first)
        later = [self.flushing.folder(each) for each in (again, self.first)]
        self.assertEqual(self.asked(), [self.first])
        self.kernel.carry_out()
        self.assertIsNone(self.successResultOf(first))
        self.assertEqual(self.asked(), [again])
        for each in later:
            self.assertNoResult(each)
        self.kernel.carry_out()
        self.assertEqual([self.successResultOf(each) for each in later], [None, None])
        self.assertEqual(self.asked(), [])

    def test_folders(self) -> None:
        """
        Two folders do not wait for each other.
        """
        for each in (self.first, self.second):
            self.flushing.folder(each)
        self.assertEqual(self.asked(), [self.first, self.second])

    def test_fails(self) -> None:
        """
        What fails fails for those whom it was for, and for nobody else.
        """
        first, later = self.flushing.folder(self.first), self.flushing.folder(self.first)
        self.kernel.carry_out(OSError(errno.EIO, "broken"))
        self.failureResultOf(first, OSError)
        self.kernel.carry_out()
        self.assertIsNone(self.successResultOf(later))

    def test_not_taken(self) -> None:
        """
        What the kernel does not take a thread does.
        """
        self.kernel.takes = False
        self.assertIsNone(self.successResultOf(self.flushing.file(self.first)))
        self.assertIsNone(self.successResultOf(self.flushing.folder(self.first)))

    def test_not_begun(self) -> None:
        """
        Where the system has no thread for it that fails, and the next begins anew.
        """
        self.kernel.takes = False
        flushing = Flushing(Disk(), NoThreads(), True, self.kernel)
        for _ in range(2):
            self.failureResultOf(flushing.folder(self.first), RuntimeError)

    def test_room(self) -> None:
        """
        There is room for as many as the kernel takes, and for all where nothing is
        synced.
        """
        self.kernel.most = 2
        self.assertEqual([self.flushing.room(n) for n in range(4)], [True, True, False, False])
        self.assertFalse(Flushing(Disk(), Inline(), True).room(0))
        self.assertTrue(Flushing(Disk(durable=False), Inline(), False).room(1000))

    def test_fast(self) -> None:
        """
        Where nothing is synced nobody is asked.
        """
        flushing = Flushing(Disk(durable=False), Inline(), False, self.kernel)
        self.assertIsNone(self.successResultOf(flushing.file(self.first)))
        self.assertIsNone(self.successResultOf(flushing.folder(self.first)))
        self.assertEqual(self.asked(), [])
