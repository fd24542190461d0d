"""
``python -m hmacfs.worker``: one worker, begun by a supervisor and by nobody else.

It knows nothing until it is told, over the line that it inherits; then it is a
daemon of its own, but for what :mod:`hmacfs.store.company` leaves to the chief.
It ends when it is told to, when it gets a signal, or when the line does.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger, globalLogBeginner

from hmacfs import logs
from hmacfs.commons import Commons
from hmacfs.daemon import Daemon, Part, settle
from hmacfs.drain import Drain
from hmacfs.listeners import Listeners
from hmacfs.readings import Readings
from hmacfs.signals import Signals
from hmacfs.store.company import Member
from hmacfs.store.member import AskedIndex, MemberStore, Standing
from hmacfs.store.opening import join_filesystem
from hmacfs.timers import Timers
from hmacfs.web.root import make_site
from hmacfs.web.site import UploadSite
from hmacfs.workers.elsewhere import Elsewhere
from hmacfs.workers.launching import COMMONS, GUARD, LINE, SOCKETS, adopt
from hmacfs.workers.ledger import AskedLedger
from hmacfs.workers.numbers import Growth, Numbers
from hmacfs.workers.sockets import Doors
from hmacfs.workers.welcome import Welcome


class Worker:
    """
    One worker, from its first word on.
    """

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        """
        :param reactor: not running yet.
        """
        self._reactor = reactor
        self._told: list[Callable[[], object]] = []
        self._serves: Serving | None = None
        self._leaving = False
        with socket.socket(fileno=LINE) as connected:
            self._line = adopt(reactor, connected, self._heard, self._lost)

    def _heard(self, what: str, *args: Any) -> Any:
        if what == "welcome":
            return self._begin(*args)
        if self._serves is None:
            # What is told before there is a store is told to it first of all.
            self._told.append(lambda: self._serving().heard(what, *args))
            return None
        if what == "leave":
            self._leaving = True
        return self._serving().heard(what, *args)

    def _serving(self) -> Serving:
        assert self._serves is not None
        return self._serves

    def _begin(self, welcome: Welcome) -> Deferred[None]:
        """
        :return: fires when it serves.
        """
        output = logs.opened(welcome.settings)
        observer = logs.of_settings(welcome.settings, output, welcome.place)
        globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
        serving = Serving(welcome, self._line, output, self._reactor)
        began: Deferred[None] = Deferred()

        def begun() -> None:
            self._serves = serving
            for told in self._told:
                told()
            began.callback(None)

        daemon = Daemon([*serving.parts(), Part("the welcome", begun)], self._reactor, observer)
        daemon.startService()

        async def end() -> None:
            # It may have been a signal, of which the supervisor knows nothing.
            self._line.tell("leaves")
            await daemon.stopService()
            self._line.tell("numbers", serving.numbers())
            await self._line.hang_up()

        self._reactor.addSystemEventTrigger(
            "before", "shutdown", lambda: Deferred.fromCoroutine(end())
        )
        return began

    def _lost(self) -> None:
        """
        The supervisor is no more, or has heard all that there was to say.
        """
        if self._serves is not None and self._leaving:
            # It did not wait for us.
            self._serves.hurry()
        stop(self._reactor)


class Serving:
    """
    What a worker is made of once it knows what it is to do.
    """

    def __init__(
        self, welcome: Welcome, line: Any, output: logs.LogFile | logs.Stream, reactor: Any
    ) -> None:
        """
        :param output: where the log goes.
        """
        settings = welcome.settings
        self._reactor, self._reopen = reactor, output.reopen
        straight = logs.straight(settings, output, welcome.place)
        listeners = Listeners(settings, output, reactor, straight)
        self._hub, self._metrics = hub, metrics = listeners.hub, listeners.metrics
        self._growth = Growth(metrics.registry)
        self._lag = 0.0

        commons = Commons(COMMONS, welcome.place)
        company = Member(commons, line, welcome.charter, GUARD)
        self._store: MemberStore
        self._index: AskedIndex
        self._store, self._index = join_filesystem(settings, reactor, company, line)
        self._elsewhere = Elsewhere(commons, line)
        self._site: UploadSite = make_site(
            self._store,
            AskedLedger(line),
            hub,
            settings,
            reactor,
            lambda: self._index.standing.others,
            self._elsewhere,
        )
        sockets = range(SOCKETS, SOCKETS + len(welcome.addresses))
        self._doors = Doors(
            reactor,
            welcome.addresses,
            sockets,
            self._site,
            lambda: commons.crowded(self._site.connections),
        )
        self._drain = Drain(self._site, hub, reactor, settings.shutdown_timeout)
        self._timers = Timers(reactor)
        self._readings = Readings([], self._lagged, reactor)
        self._services: dict[str, Callable[..., Any]] = {
            "beat": self._beat,
            "close": self._doors.close,
            "coming": self._elsewhere.coming,
            "leave": lambda: stop(reactor),
            "reopen": output.reopen,
            "retire": self._retire,
            "turn": self._elsewhere.wanted,
        }

    def parts(self) -> list[Part]:
        """
        :return: as of :class:`hmacfs.daemon.Daemon`.
        """
        return [
            Part("the signals", Signals(self._reactor, self._reopen).install),
            Part("the timers", self._timers.start, self._timers.stop),
            Part("the event hub", stop=self._hub.flush),
            Part("the store", self._store.start, self._store.stop),
            Part("the readings", self._readings.startService, self._readings.stopService),
            Part("the transfers", stop=self._drain.run),
            Part("the collector", settle),
            Part("the public site", self._doors.open, self._doors.close),
        ]

    def heard(self, what: str, *args: Any) -> Any:
        """
        Do what the supervisor asks for.

        :return: the answer, or a Deferred that fires with it.
        """
        service = self._services.get(what)
        return self._store.heard(what, *args) if service is None else service(*args)

    def numbers(self) -> Numbers:
        """
        :return: how it is, and what it counted since it told last.
        """
        self._hub.flush()
        grown, states = self._growth.take()
        lag, self._lag = self._lag, 0.0
        return Numbers(grown, states, time.process_time(), lag)

    def hurry(self) -> None:
        """Cut what does not end by itself: nobody waits for it."""
        maybeDeferred(self._site.cut)

    def _beat(self, standing: Standing) -> Numbers:
        self._index.standing = standing
        return self.numbers()

    def _lagged(self, seconds: float) -> None:
        self._metrics.lagged(seconds)
        self._lag = max(self._lag, seconds)

    def _retire(self) -> None:
        """
        Another worker is in the place of this one: take nothing new, and end
        when all that is under way has, however long that takes.
        """
        self._doors.close()
        self._site.retire().addCallback(lambda _: stop(self._reactor))


def stop(reactor: Any) -> None:
    """
    Stop *reactor*, if it is not stopping already.
    """
    with suppress(ReactorNotRunning):
        reactor.stop()


def main() -> None:
    """
    Be a worker.
    """
    from twisted.internet import reactor

    Worker(reactor)
    reactor.run()


if __name__ == "__main__":
    main()
