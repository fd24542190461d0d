"""
Where the store blocks: a pool of threads of its own.

The reactor's pool resolves host names; a slow disk that filled it would take
the whole daemon with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import blockingCallFromThread, deferToThreadPool
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from hmacfs.interfaces import IThreads

T = TypeVar("T")


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
        self._pool = ThreadPool(minthreads=0, maxthreads=size, name=name)
        self._busy = 0
        self._idle: Deferred[None] | None = None

    def start(self) -> None:
        """See :meth:`hmacfs.interfaces.IThreads.start`."""
        self._pool.start()

    def stop(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.IThreads.stop`."""
        if self._busy:
            self._idle = Deferred()
        else:
            self._idle = succeed(None)
        # Whoever was told of the last result has heard it by then.
        return self._idle.addCallback(lambda _: self._pool.stop())

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        """See :meth:`hmacfs.interfaces.IThreads.run`."""
        self._busy += 1
        done: Deferred[T] = deferToThreadPool(self._reactor, self._pool, function, *args)
        return done.addBoth(self._done)

    def ask(self, function: Callable[..., Deferred[T]], *args: Any) -> T:
        """See :meth:`hmacfs.interfaces.IThreads.ask`."""
        call: Callable[..., Any] = function
        answer: T = blockingCallFromThread(self._reactor, call, *args)
        return answer

    def _done(self, result: T) -> T:
        self._busy -= 1
        if self._idle is not None and not self._busy:
            # In a later turn: the result goes to who asked for it first.
            self._reactor.callFromThread(self._idle.callback, None)
        return result
