"""
The daemon with workers, on one screen: what :mod:`hmacfs.tap` makes where
``Workers`` is not 1.

The supervisor opens the sockets, has the store, its index and its duties, the
metadata, the control socket and the metrics site; the workers do the rest, see
:mod:`hmacfs.worker`.
"""

from __future__ import annotations

import os
from typing import Any

from prometheus_client import Counter, Gauge
from twisted.internet.protocol import Factory
from twisted.logger import ILogObserver, Logger

from hmacfs import descriptors, systemd
from hmacfs.commons import Commons
from hmacfs.daemon import Daemon, Part, settle
from hmacfs.foundation import Foundation
from hmacfs.greeting import Greeting
from hmacfs.listeners import Listeners
from hmacfs.loading import Loaded
from hmacfs.logs import LogFile, Stream
from hmacfs.metrics_site import MetricsSite
from hmacfs.ports import Ports
from hmacfs.settings import MOST_WORKERS
from hmacfs.signals import Signals
from hmacfs.store.chief import charter, guard
from hmacfs.store.company import Chief
from hmacfs.store.member import Standing
from hmacfs.timers import Timers
from hmacfs.workers.balancing import Balancing
from hmacfs.workers.clerk import Clerk
from hmacfs.workers.crew import Crew
from hmacfs.workers.launching import Launcher
from hmacfs.workers.numbers import Numbers, Sum
from hmacfs.workers.processors import usable
from hmacfs.workers.sockets import Lending, lend
from hmacfs.workers.welcome import Welcome

GRACE = 10.0
"""Seconds that a worker has beyond ``ShutdownTimeout`` to put all away."""

log = Logger()


def make_supervisor(
    loaded: Loaded, output: LogFile | Stream, observer: ILogObserver, reactor: Any
) -> Daemon:
    """
    :param output: where the log goes.
    :param observer: the log.
    """
    settings = loaded.settings
    listeners = Listeners(settings, output, reactor)
    metrics = listeners.metrics
    total = Sum(metrics.registry)
    deaths = Counter(
        "hmacfs_worker_deaths", "Workers that ended unasked.", registry=metrics.registry
    )

    commons = Commons.make()
    public = Ports(
        Lending(reactor),
        "ListenPort",
        settings.listen_port,
        settings.unix_socket_mode,
        # Who accepts nothing needs none that works.
        Factory(),
    )

    def inherited() -> list[int]:
        sockets = [port.socket.fileno() for _, port in public.opened]
        return [commons.file, guard(store), *sockets]

    def told(place: int, numbers: Numbers | None) -> None:
        if numbers is not None:
            total.add(place, numbers)
        else:
            total.forget(place)
            commons.clear(place)

    crew = Crew(
        Launcher(reactor, inherited), reactor, told, deaths.inc, settings.shutdown_timeout + GRACE
    )
    serving = Gauge("hmacfs_workers", "Workers that serve.", registry=metrics.registry)
    serving.set_function(lambda: len(crew.hands))
    base = Foundation(settings, listeners, reactor, Chief(commons, crew))
    store, database, metadata, care = base.store, base.database, base.metadata, base.care
    private = base.metrics_site(MetricsSite(total, reactor, crew.refresh))

    crew.employ(
        serve=lambda place: Clerk(store, metadata, base.reunion),
        welcome=lambda place: Welcome(
            place, settings, charter(store), tuple(address for address, _ in public.opened)
        ),
        standing=lambda: Standing(
            database.totals(),
            tuple(database.faults()),
            (*metadata.faults(), *care.guard.faults(), *crew.faults()),
        ),
    )
    processors = usable()
    most = min(settings.max_workers or max(1, round(processors)), MOST_WORKERS)
    balancing = Balancing(crew, settings.min_workers, most, usable, reactor)
    count = balancing.first if settings.workers is None else settings.workers

    timers = Timers(reactor)
    greeting = Greeting(loaded, store, metadata, public, private)
    supervisor = os.environ.get(systemd.VARIABLE, "")

    def hung_up() -> None:
        output.reopen()
        crew.renew().addErrback(lambda failure: log.failure("no new workers", failure))

    def tell_workers() -> None:
        least = settings.min_workers
        bounds = "" if settings.workers else f", and from {least} to {max(least, most)} by the work"
        text = "workers: {count}{bounds}; each begins its lines with its number in brackets"
        log.info(text, count=len(crew.hands), bounds=bounds)

    async def leave() -> None:
        # Nobody is to come any more when the first of them ends.
        await public.close()
        await crew.stop()

    parts = [
        Part("the signals", Signals(reactor, hung_up).install),
        Part("the timers", timers.start, timers.stop),
        Part("the first lines", greeting.introduce),
        # The workers inherit it.
        Part("the descriptors", descriptors.raise_bound),
        Part("the metrics site", lambda: private.open_before(public), private.close),
        *base.parts(),
        Part("the public sockets", lambda: lend(public), public.close),
        Part("the collector", settle),
        Part("the workers", lambda: crew.start(count), leave),
        Part("the number of workers", tell_workers),
        Part("the next lines", greeting.tell_places),
        Part(
            "the supervisor",
            lambda: systemd.notify("READY=1", supervisor),
            lambda: systemd.notify("STOPPING=1", supervisor),
        ),
        Part("the care", care.startService, care.stopService),
    ]
    if settings.workers is None:
        parts.append(Part("the balance", balancing.startService, balancing.stopService))
    return Daemon(parts, reactor, observer)
