"""
The daemon as twistd sees it: parts that start in order and stop in reverse.

What one part needs stands before it, so that nothing is open before what it
opens on is there, and nothing is gone before who uses it has ended.
"""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.application.service import IServiceCollection, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized

from hmacfs.config import Problems
from hmacfs.errors import StoreProblem


def nothing() -> None:
    """What a part does that has nothing to do."""


def settle() -> None:
    """
    Take all that is in memory now for what stays, the last part of a start.

    Python's collector went through it time and again, the modules and their
    classes, and nobody was served for the 20 ms that it took.
    """
    gc.collect()
    gc.freeze()


@attrs.frozen
class Part:
    """
    :ivar name: what a log line about it calls it.
    :ivar start: called, and waited for where it returns a Deferred or is a
        coroutine.
    :ivar stop: the same; called only where *start* went well.
    """

    name: str
    start: Callable[[], Any] = nothing
    stop: Callable[[], Any] = nothing


def fail() -> None:
    """
    Make this process end with status 1, once all is stopped and twistd has
    removed its pid file.  twistd itself knows no other status than 0 for a
    reactor that ran.
    """
    atexit.register(os._exit, 1)


class Daemon(Service):
    """
    Starts and stops the parts.
    """

    log = Logger()

    def __init__(
        self,
        parts: Sequence[Part],
        reactor: Any,
        observer: ILogObserver,
        fail: Callable[[], object] = fail,
    ) -> None:
        """
        :param reactor: is stopped where a part cannot start.
        :param observer: the log of the whole process.
        :param fail: called before that, to be remembered in the exit status.
        """
        self._parts, self._reactor, self._observer, self._fail = parts, reactor, observer, fail
        self._started: list[Part] = []
        self._starting: Deferred[None] | None = None

    def setServiceParent(self, parent: IServiceCollection) -> None:
        """
        Bring our log along: twistd takes the observer that the application
        has, and makes one of its own, unredacted, only where it has none.
        """
        if isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(parent)

    def startService(self) -> None:
        """
        Start when the reactor runs, for most parts wait for threads.
        """
        super().startService()
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> Deferred[None]:
        """
        :return: fires when every part has stopped.
        """
        super().stopService()
        return Deferred.fromCoroutine(self._down())

    def _begin(self) -> None:
        if self.running:
            self._starting = Deferred.fromCoroutine(self._up())

    async def _up(self) -> None:
        try:
            for part in self._parts:
                if not self.running:
                    return
                await maybeDeferred(part.start)
                self._started.append(part)
        except Problems as found:
            for problem in found.problems:
                self.log.critical("{problem}", problem=str(problem))
        except StoreProblem as problem:
            self.log.critical("StoreDir: {problem}", problem=str(problem))
        except Exception:
            self.log.failure("{part} did not start", part=part.name)
        else:
            return
        self._fail()
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            self.log.debug("the reactor is stopping already")

    async def _down(self) -> None:
        if self._starting is not None:
            await self._starting
        while self._started:
            part = self._started.pop()
            try:
                await maybeDeferred(part.stop)
            except Exception:
                # The others are to stop whatever one of them does.
                self.log.failure("{part} did not stop well", part=part.name)
        self.log.info("stopped")
