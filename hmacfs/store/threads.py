"""
Where the store blocks: a pool of threads of its own.

The reactor's pool resolves host names; a slow disk that filled it would take
the whole daemon with it.  It also costs more than a small file does, locks and
a copied context for each call: here a call is an item of a queue that is
written in C, and results that come while the reactor is busy wake it once for
all of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import blockingCallFromThread
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.interfaces.disk import IThreads

T = TypeVar("T")

_Job = tuple["Deferred[Any]", Callable[..., Any], tuple[Any, ...]]


@implementer(IThreads)
class Threads:
    """
    At most *size* threads, started as they are needed.
    """

    def __init__(self, reactor: IReactorFromThreads, size: int, name: str) -> None:
        """
        :param name: what the threads are called in a debugger.
        """
        self._reactor = reactor
        self._size = size
        self._name = name
        self._threads: list[Thread] = []
        # None ends the thread that gets it.
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._results: deque[tuple[Deferred[Any], Any]] = deque()
        self._told = False
        self._busy = 0
        self._idle: Deferred[None] | None = None

    def start(self) -> None:
        """See :meth:`hmacfs.interfaces.disk.IThreads.start`."""

    def stop(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.disk.IThreads.stop`."""
        if self._busy:
            self._idle = Deferred()
        else:
            self._idle = succeed(None)
        # Whoever was told of the last result has heard it by then.
        return self._idle.addCallback(lambda _: self._end())

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """See :meth:`hmacfs.interfaces.disk.IThreads.run`."""
        done: Deferred[T] = Deferred()
        self._busy += 1
        if len(self._threads) < min(self._busy, self._size):
            name = f"{self._name}-{len(self._threads)}"
            thread = Thread(target=self._work, name=name)
            self._threads.append(thread)
            thread.start()
        self._jobs.put((done, function, args))
        return done

    def ask(self, function: Callable[..., Deferred[T]], *args: Any) -> T:
        """See :meth:`hmacfs.interfaces.disk.IThreads.ask`."""
        call: Callable[..., Any] = function
        answer: T = blockingCallFromThread(self._reactor, call, *args)
        return answer

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            done, function, args = job
            try:
                result = function(*args)
            except BaseException:
                # Whatever it is, it is for who asked.
                result = Failure()
            self._results.append((done, result))
            # Only _tell sets it back, before it looks for results: so it is
            # called once more, or sees this one.
            if not self._told:
                self._told = True
                self._reactor.callFromThread(self._tell)
            del job, done, function, args, result

    def _tell(self) -> None:
        self._told = False
        for _ in range(len(self._results)):
            done, result = self._results.popleft()
            self._busy -= 1
            done.callback(result)
        if self._idle is not None and not self._busy and not self._idle.called:
            # In a later turn: what was told may have asked for more.
            self._reactor.callFromThread(self._settle)

    def _settle(self) -> None:
        if self._idle is not None and not self._busy and not self._idle.called:
            self._idle.callback(None)

    def _end(self) -> None:
        threads, self._threads = self._threads, []
        for _ in threads:
            self._jobs.put(None)
        for thread in threads:
            thread.join()
