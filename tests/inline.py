"""
Threads that are none: what is asked for is done at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.interfaces.disk import ISyncs, IThreads

T = TypeVar("T")


@implementer(IThreads)
class Inline:
    """
    :ivar running: whether they were started, and not stopped since.
    """

    running = False

    def start(self) -> None:
        self.running = True

    def stop(self) -> Deferred[None]:
        self.running = False
        return succeed(None)

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        return maybeDeferred(function, *args)

    def ask(self, function: Callable[..., Deferred[T]], *args: Any) -> T:
        answers: list[Any] = []
        function(*args).addBoth(answers.append)
        if isinstance(answers[0], Failure):
            answers[0].raiseException()
        answer: T = answers[0]
        return answer


@implementer(ISyncs)
class LeavesSyncs:
    """One that has room for every order, and leaves each to a thread: to the disk of a test."""

    most = 256

    def start(self) -> None:
        """There is nothing to do."""

    def stop(self) -> None:
        """There is nothing to do."""

    def order(self, descriptor: int) -> Deferred[None] | None:
        return None
