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
from hmacfs.config import Problem, Problems, Settings
from hmacfs.daemon import Daemon, Part, settle
from hmacfs.drain import Drain
from hmacfs.foundation import Foundation
from hmacfs.greeting import Greeting
from hmacfs.listeners import Listeners
from hmacfs.loading import Loaded
from hmacfs.metrics_site import MetricsSite
from hmacfs.ports import Ports
from hmacfs.request_lines import RequestLines
from hmacfs.signals import Signals
from hmacfs.timers import Timers


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

    # What a supervisor has no use for: 3 MB.
    from hmacfs.web.root import make_site

    listeners = Listeners(settings, output, reactor, straight(options, settings, output))
    hub, metrics = listeners.hub, listeners.metrics
    base = Foundation(settings, listeners, reactor)
    store, metadata, care = base.store, base.metadata, base.care
    site = make_site(store, metadata, hub, settings, reactor, care.guard.faults)
    mode = settings.unix_socket_mode
    public = Ports(reactor, "ListenPort", settings.listen_port, mode, site)
    private = base.metrics_site(MetricsSite(metrics.registry, reactor, listeners.refresh))
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
        *base.parts(),
        Part("the transfers", stop=drain.run),
        Part("the collector", settle),
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
