"""
The same errands where no daemon runs: the store is opened for one of them.

The reactor is one of its own, run until the store is closed again.  SIGINT and
SIGTERM let the errand end at its next step, as a client does that goes away.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from zope.interface import implementer

from hmacfs.care.care import Care
from hmacfs.control.asking import Gone
from hmacfs.control.desk import Desk
from hmacfs.control.errands import Errands
from hmacfs.control.lines import Message
from hmacfs.hub import Hub
from hmacfs.metadata.opening import open_metadata
from hmacfs.settings import Settings
from hmacfs.store.opening import open_filesystem


def ask(
    settings: Settings,
    request: Message,
    hear: Callable[[Message], object],
    say: Callable[[str], object],
) -> Message:
    """
    Open the store, do what is asked for, and close it.

    :param hear: is told each message but the last.
    :param say: is told what the log of a daemon would warn of.
    :return: the last one, ``{"done": ...}`` or ``{"error": sentence}``.
    :raise StoreProblem: it cannot be opened; somebody has it, mostly.
    :raise KeyboardInterrupt: the errand was interrupted, and ended cleanly.
    """
    observer = _Warnings(say)
    globalLogPublisher.addObserver(observer)
    try:
        # What is in Redis goes by itself, and other nodes are not to hear of an errand.
        own = attrs.evolve(settings, redis_url="")
        return _Alone(own, hear, EPollReactor()).run(request)
    finally:
        globalLogPublisher.removeObserver(observer)


class _Alone:
    """
    One errand and its reactor; the :class:`~hmacfs.control.asking.Asker` of it.
    """

    def __init__(self, settings: Settings, hear: Callable[[Message], object], reactor: Any) -> None:
        self.who = f"user {os.getuid()}"
        self._settings, self._hear, self._reactor = settings, hear, reactor
        self._last: Message | None = None
        self._trouble: BaseException | None = None
        self._gone = False

    def run(self, request: Message) -> Message:
        """See :func:`ask`."""
        self._reactor.callWhenRunning(self._begin, request)
        with _signalled(self._leave):
            # Its own handlers would stop it, and leave the store as it is.
            self._reactor.run(installSignalHandlers=False)
        if self._trouble is not None:
            raise self._trouble
        if self._last is None:
            raise KeyboardInterrupt
        return self._last

    async def row(self, row: Message) -> None:
        """See :meth:`hmacfs.control.asking.Asker.row`."""
        self._tell({"row": row})

    def progress(self, what: str, done: int, total: int | None, unit: str) -> None:
        """See :meth:`hmacfs.control.asking.Asker.progress`."""
        self._tell({"progress": {"what": what, "done": done, "total": total, "unit": unit}})

    def _tell(self, message: Message) -> None:
        if self._gone:
            raise Gone()
        try:
            self._hear(message)
        except BaseException as error:
            # Of no concern to the errand: who asked for it cannot hear any more.
            self._trouble = error
            self._gone = True
            raise Gone() from error

    def _begin(self, request: Message) -> None:
        Deferred.fromCoroutine(self._do(request)).addBoth(self._end)

    async def _do(self, request: Message) -> None:
        settings, reactor = self._settings, self._reactor
        store, database = open_filesystem(settings, reactor)
        hub = Hub(reactor)
        metadata = open_metadata(settings, database, hub, reactor)
        care = Care(settings, store, metadata, database, hub, reactor, rest=0)
        await store.start()
        try:
            await metadata.start()
            try:
                errands = Errands(Desk(store, database, care, reactor))
                self._last = await errands.perform(request, self)
            finally:
                await metadata.stop()
        except Gone:
            pass
        finally:
            await store.stop()

    def _end(self, result: Any) -> None:
        if result is not None:
            self._trouble = result.value
        self._reactor.stop()

    def _leave(self) -> None:
        self._gone = True


@contextmanager
def _signalled(leave: Callable[[], object]) -> Iterator[None]:
    former = [
        (number, signal.signal(number, lambda *_: leave()))
        for number in (signal.SIGINT, signal.SIGTERM)
    ]
    try:
        yield
    finally:
        for number, handler in former:
            signal.signal(number, handler)


@implementer(ILogObserver)
class _Warnings:
    """
    Says what a log would warn of, save what the errands tell by themselves.
    What is critical Twisted prints as long as nobody keeps a log.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say

    def __call__(self, event: LogEvent) -> None:
        own = event.get("log_namespace", "").startswith("hmacfs.control.")
        if event.get("log_level") in (LogLevel.warn, LogLevel.error) and not own:
            self._say(formatEvent(event))
