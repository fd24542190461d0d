"""
The access log: what happens, line by line.

A listener of the hub.  Each event is logged with all its values as fields, so
that the JSON log tells what the text leaves out.  A request stands in it once,
at its end; how it came to that end is there at ``debug``, and the id between
brackets holds the lines of one request together.
"""

from __future__ import annotations

import attrs
from twisted.logger import Logger, LogLevel

from hmacfs import events

DEBUG, INFO, WARN = LogLevel.debug, LogLevel.info, LogLevel.warn

#: What follows the status of a request, whatever its end.
_SUMS = "in={received} out={sent} {duration:.3f}s [{request}]"

_LINES = {
    events.ConnectionOpened: (DEBUG, "{peer} connection {connection} opened"),
    events.ConnectionClosed: (DEBUG, "{peer} connection {connection} closed, {duration:.3f}s"),
    events.RequestReceived: (DEBUG, "{client} {method} {path} received [{request}]"),
    events.RequestCompleted: (
        INFO,
        "{client} {method} {path} {status} " + _SUMS + " {agent}",
    ),
    events.RequestFailed: (
        INFO,
        "{client} {method} {path} {status} broke off: {reason} " + _SUMS,
    ),
    events.UploadStarted: (
        DEBUG,
        "upload of {name} started, {size} bytes by {dialect} [{request}]",
    ),
    events.UploadCompleted: (DEBUG, "upload of {name} stored, {size} bytes [{request}]"),
    events.UploadSuspended: (
        INFO,
        "upload of {name} suspended at {offset} bytes: {reason} [{request}]",
    ),
    events.UploadResumed: (DEBUG, "upload of {name} goes on at {offset} bytes [{request}]"),
    events.UploadExpired: (INFO, "upload of {name} waited too long and is gone [{id}]"),
    events.UploadFailed: (INFO, "upload of {name} failed: {reason} [{request}]"),
    events.UploadRefused: (INFO, "upload refused: {status} {code}: {hint} [{request}]"),
    events.DownloadStarted: (DEBUG, "download of {name} started [{request}]"),
    events.DownloadCompleted: (DEBUG, "download of {name} complete, {sent} bytes [{request}]"),
    events.DownloadFailed: (
        DEBUG,
        "download of {name} broke off at {sent} bytes: {reason} [{request}]",
    ),
    events.AccessRefused: (INFO, "request refused: {status} {code}: {hint} [{request}]"),
    events.FileRemoved: (INFO, "{name} deleted, {size} bytes [{request}]"),
    events.VersionRemoved: (INFO, "version {version} of {name} deleted, {size} bytes [{request}]"),
    events.VersionRestored: (
        INFO,
        "version {version} of {name} restored, {size} bytes [{request}]",
    ),
    events.RedisLost: (WARN, "Redis is lost, uploads go on without it: {reason}"),
    events.RedisBack: (
        INFO,
        "Redis is back after {duration:.1f}s, and was told {missed} changes that it had missed",
    ),
    events.Retired: (INFO, "swept: version {version} of {name}, {size} bytes, {why}"),
    # The guard says these two itself, and louder.
    events.SweepHalted: (DEBUG, "sweep halted: {why}"),
    events.SweepReleased: (DEBUG, "sweep released, confirmed: {confirmed}"),
    events.DutyDone: (DEBUG, "{duty} done in {duration:.3f}s"),
    events.ShutdownStarted: (
        INFO,
        "shutting down: no new connections; {transfers} transfers under way may finish",
    ),
}


class AccessLog:
    """
    Logs what the hub tells.
    """

    log = Logger()

    def __init__(self, level: str = "debug") -> None:
        """
        :param level: the least that is written: what is below costs nothing.
        """
        least = LogLevel.levelWithName(level)
        # Looked up once: the class makes a new one each time it is asked.
        self._emit = self.log.emit
        self._lines = {
            kind: (at, template, tuple(field.name for field in attrs.fields(kind)))
            for kind, (at, template) in _LINES.items()
            # A request that the server is to blame for is a warning.
            if at >= least or kind is events.RequestCompleted
        }
        self._least = least

    def heard(self, event: events.Event) -> None:
        """
        Log *event*: the listener for the hub.  An answer that blames the
        server is a warning.
        """
        found = self._lines.get(type(event))
        if found is None:
            return
        level, template, names = found
        if isinstance(event, events.RequestCompleted):
            if event.code:
                template = template.replace("{status}", "{status} {code}")
            if event.status >= 500:
                level = WARN
            elif level < self._least:
                return
        elif isinstance(event, events.UploadRefused) and not event.hint:
            template = template.replace(": {hint}", "")
        elif isinstance(event, events.Retired) and not event.version:
            template = template.replace("version {version} of ", "")
        self._emit(level, template, **{name: getattr(event, name) for name in names})
