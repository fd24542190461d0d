"""
Threads that are none: what is asked for is done at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.interfaces.disk import IThreads

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
