"""
``twistd hmacfs``: the options, and the whole program on one screen.

:func:`makeService` is where everything meets.  What is wrong with the settings
is printed as a list, and the process ends with status 1 before it has touched
anything; what goes wrong later is logged, and ends it with the same status.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from twisted.application.service import IService
from twisted.internet.tcp import Port
from twisted.python import usage

from hmacfs import __version__, descriptors, loading, logs, systemd
from hmacfs.access_log import AccessLog
from hmacfs.care.care import Care
from hmacfs.config import Problem, Problems, Settings
from hmacfs.control.desk import Desk
from hmacfs.control.errands import Errands
from hmacfs.control.server import ControlSocket
from hmacfs.daemon import Daemon, Part
from hmacfs.drain import Drain
from hmacfs.greeting import Greeting
from hmacfs.hub import Hub
from hmacfs.interfaces import ISharing
from hmacfs.keeping_metrics import KeepingMetrics
from hmacfs.loading import Loaded
from hmacfs.metadata.opening import open_metadata
from hmacfs.metrics import Metrics
from hmacfs.metrics_site import MetricsSite
from hmacfs.ports import Ports
from hmacfs.readings import Reading, Readings
from hmacfs.request_lines import RequestLines
from hmacfs.reunion import Reunion
from hmacfs.sharing_metrics import SharingMetrics
from hmacfs.signals import Signals
from hmacfs.store.opening import open_filesystem
from hmacfs.timers import Timers
from hmacfs.web.root import make_site


class Options(usage.Options):
    """
    What stands behind ``twistd hmacfs``.
    """

    synopsis = "[--config FILE] [--check]"
    longdesc = (
        "Receives signed HTTP uploads and serves them back.  Without --config, ./config.toml is "
        "read if it is there, else the defaults hold."
    )
    optParameters = [["config", "c", None, "The file with the settings."]]
    optFlags = [["check", None, "Read the settings, say all that is wrong, and start nothing."]]

    def opt_version(self) -> None:
        """Say which hmacfs this is."""
        print(f"hmacfs {__version__}")
        raise SystemExit(0)

    def postOptions(self) -> None:
        """
        Check the settings here, where twistd has not looked for another
        daemon of this folder yet.
        """
        if self["check"]:
            check(self["config"])
            raise SystemExit(0)


def makeService(options: Options, reactor: Any = None) -> IService:
    """
    Put the daemon together.

    :raise SystemExit: the settings cannot be used; they have been printed.
    """
    if reactor is None:
        from twisted.internet import reactor

    loaded = load(options["config"])
    settings = loaded.settings
    output = open_log(settings)
    observer = logs.of_settings(settings, output)
    if settings.workers != 1:
        # What nobody else need know of.
        from hmacfs.supervisor import make_supervisor

        return make_supervisor(loaded, output, observer, reactor)

    hub = Hub(reactor, output.gathered)
    access_log = AccessLog(settings.log_level, straight(options, settings, output))
    hub.listen(access_log.heard, access_log.kinds)
    metrics = Metrics()
    for kind, deed in metrics.deeds.items():
        hub.listen(deed, [kind])

    store, database = open_filesystem(settings, reactor)
    metadata = open_metadata(settings, database, hub, reactor)
    node = settings.public_url if settings.redis_url else ""
    reunion = Reunion(store, store, metadata, node, reactor, settings.upload_expiry)
    care = Care(settings, store, metadata, database, hub, reactor)
    keeping = KeepingMetrics(metrics.registry)
    hub.listen(keeping.heard, keeping.kinds)
    errands = Errands(Desk(store, database, care, reactor))
    control = ControlSocket(settings.store_dir, errands.perform, reactor)
    site = make_site(store, metadata, hub, settings, reactor, care.guard.faults)
    mode = settings.unix_socket_mode
    public = Ports(reactor, "ListenPort", settings.listen_port, mode, site)
    private = Ports(
        reactor,
        "MetricsPort",
        settings.metrics_port if settings.metrics_enabled else (),
        mode,
        MetricsSite(metrics.registry, reactor),
    )

    asked = [
        Reading("what the store holds", store.figures, metrics.measured),
        Reading("what is kept", database.totals, keeping.measured),
        Reading("how far the crawl is", lambda: care.crawling.looked, keeping.crawled),
    ]
    if ISharing.providedBy(metadata):
        sharing = SharingMetrics(metrics.registry)
        hub.listen(sharing.heard, sharing.kinds)
        asked.append(Reading("how Redis stands", metadata.sharing, sharing.measured))
    readings = Readings(asked, metrics.lagged, reactor)
    drain = Drain(site, hub, reactor, settings.shutdown_timeout)
    signals = Signals(reactor, output.reopen)
    timers = Timers(reactor)
    greeting = Greeting(loaded, store, metadata, public, private)
    supervisor = os.environ.get(systemd.VARIABLE, "")

    async def listen() -> None:
        await public.open()
        for _, port in public.opened:
            # A plugin's may be anything.
            if isinstance(port, Port):
                descriptors.Patient(port, reactor)

    parts = [
        Part("the signals", signals.install),
        Part("the timers", timers.start, timers.stop),
        Part("the first lines", greeting.introduce),
        Part("the descriptors", descriptors.raise_bound),
        Part("the metrics site", lambda: private.open_before(public), private.close),
        Part("the event hub", stop=hub.flush),
        Part("the store", store.start, store.stop),
        Part("the metadata of uploads", metadata.start, metadata.stop),
        Part("the reunion of both", reunion.run),
        Part(
            "the number of those that wait",
            lambda: metrics.watch(lambda: len(store.unfinished())),
            lambda: metrics.watch(int),
        ),
        Part("the control socket", control.open, control.close),
        Part("the readings", readings.startService, readings.stopService),
        Part("the transfers", stop=drain.run),
        Part("the public site", listen, public.close),
        Part("the next lines", greeting.tell_places),
        Part(
            "the supervisor",
            lambda: systemd.notify("READY=1", supervisor),
            lambda: systemd.notify("STOPPING=1", supervisor),
        ),
        Part("the care", care.startService, care.stopService),
    ]
    return Daemon(parts, reactor, observer)


def check(path: str | None) -> None:
    """
    Say whether the settings can be used, and make nothing.

    :raise SystemExit: they cannot.
    """
    if path is None and not os.path.lexists(loading.CONFIG):
        print("There is no configuration: the defaults hold, and a secret is made at the start.")
        return
    loaded = load(path)
    for warning in loaded.warnings:
        print(warning)
    print(f"{loaded.source}: all is well.")


def load(path: str | None) -> Loaded:
    """
    :raise SystemExit: what is wrong has been printed.
    """
    try:
        return loading.load(path, os.getcwd())
    except Problems as problems:
        raise refused(problems) from None


def open_log(settings: Settings) -> logs.LogFile | logs.Stream:
    """
    :raise SystemExit: the log file cannot be opened.
    """
    try:
        return logs.opened(settings)
    except OSError as error:
        text = f"{settings.log_file} cannot be opened: {error.strerror}."
        raise refused(Problems([Problem("LogFile", text)])) from None


def straight(
    options: Options, settings: Settings, output: logs.LogFile | logs.Stream
) -> RequestLines | None:
    """
    :return: what writes answered requests to *output*, or ``None`` where the
        log has to, since it is not ours.
    """
    # twistd takes the log that we bring, unless it was told of another one.
    # Other runners, as "twist", have no such option, and a log of their own.
    ours = options.parent is not None and options.parent.get("logger", "") is None
    return logs.straight(settings, output) if ours else None


def refused(problems: Problems) -> SystemExit:
    """
    :return: what ends the process, once all of *problems* is printed: twistd
        would print the page of its options above a usage error.
    """
    print(f"hmacfs: {problems}", file=sys.stderr)
    return SystemExit(1)
