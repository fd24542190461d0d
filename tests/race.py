"""
Two threads that go one at a time, so that what they do can be told before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from tests.inline import Inline
from tests.powercut import PowerCutDisk

T = TypeVar("T")


class Race(Inline):
    """
    Two jobs at once, in threads of their own, of which one goes at a time.

    Before its call number :attr:`first` the first job stops, and the second one
    goes as far as it can; then the first to its end, and what is left.

    :ivar first: counted from 0.
    :ivar stopped: whether the first job came so far while the second one had
        still to go.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.stopped = False
        self._calls = 0
        self._jobs: list[Callable[[], None]] = []
        self._collecting = False
        self._go = [threading.Semaphore(0), threading.Semaphore(0)]
        self._ended = [False, False]
        self._numbers: dict[int, int] = {}

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """Do it at once, or let it take part in the race."""
        if not self._collecting:
            return super().run(function, *args)
        done: Deferred[T] = Deferred()
        self._jobs.append(partial(self._job, len(self._jobs), done, partial(function, *args)))
        return done

    def race(self, disk: PowerCutDisk, begin: Callable[[], object]) -> None:
        """
        :param disk: what the jobs make their calls of.
        :param begin: asks for the two jobs.
        """
        self._collecting, keep = True, disk.before
        begin()
        self._collecting = False

        def before(call: str) -> None:
            self._turn(call)
            if call != "wait":
                keep(call)

        disk.before = before
        threads = [threading.Thread(target=job) for job in self._jobs]
        for thread in threads:
            thread.start()
        self._go[0].release()
        for thread in threads:
            thread.join()
        disk.before = keep

    def _job(self, number: int, done: Deferred[T], function: Callable[[], T]) -> None:
        self._numbers[threading.get_ident()] = number
        self._go[number].acquire()
        try:
            # Told at once, and by this thread: the other one is standing still.
            done.callback(function())
        except Exception:
            done.errback()
        self._ended[number] = True
        self._go[1 - number].release()

    def _turn(self, call: str) -> None:
        number = self._numbers.get(threading.get_ident())
        if number is None:
            return
        if call == "wait":
            assert not self._ended[1 - number], "the lock is never let go"
            self._pass_on(number)
        elif number == 0:
            self._calls += 1
            if self._calls == self.first + 1 and not self._ended[1]:
                self.stopped = True
                self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        self._go[1 - number].release()
        self._go[number].acquire()
