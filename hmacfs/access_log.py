"""
The access log: what happens, line by line.

A listener of the hub.  Each event is logged with all its values as fields, so
that the JSON log tells what the text leaves out.  A request stands in it once,
at its end; how it came to that end is there at ``debug``, and the id between
brackets holds the lines of one request together.
"""

from __future__ import annotations

from time import time

import attrs
from twisted.logger import LogEvent, Logger, LogLevel

from hmacfs import events
from hmacfs.messages import wording
from hmacfs.request_lines import RequestLines

DEBUG, INFO, WARN = LogLevel.debug, LogLevel.info, LogLevel.warn

#: What follows the status of a request, whatever its end.
_SUMS = "in={received} out={sent} {duration:.3f}s [{request}]"

_LINES = {
    events.ConnectionOpened: (DEBUG, "{peer} connection {connection} opened"),
    events.ConnectionClosed: (DEBUG, "{peer} connection {connection} closed, {duration:.3f}s"),
    events.RequestReceived: (DEBUG, "{client} {method} {path} received [{request}]"),
    events.RequestCompleted: (
        INFO,
        "{client} {method} {path} {status} {code} " + _SUMS + " {agent}",
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


#: What is left out of a line where the field has nothing to tell.
_OPTIONAL = {
    events.RequestCompleted: ("code", " {code}"),
    events.UploadRefused: ("hint", ": {hint}"),
    events.Retired: ("version", "version {version} of "),
}


@attrs.frozen
class _Saying:
    """
    How one kind of event is logged.

    :ivar whole: all of the log's event that is the same each time.
    :ivar optional: the field that may have nothing to tell, or ``""``.
    :ivar short: as *whole*, where it has nothing.
    """

    whole: LogEvent
    optional: str
    short: LogEvent


class AccessLog:
    """
    Logs what the hub tells.

    It hands the observers of the log what :meth:`Logger.emit` would; but that
    takes four times as long, since it looks at everything anew.

    :ivar kinds: the events that it wants to hear of.
    """

    log = Logger()

    def __init__(self, level: str = "debug", straight: RequestLines | None = None) -> None:
        """
        :param level: the least that is written: what is below costs nothing.
        :param straight: takes answered requests past the observers of the log,
            where nobody but the log of this daemon observes.
        """
        self._straight = straight
        least = LogLevel.levelWithName(level)
        self._log = self.log
        self._observe = self._log.observer
        self._sayings = {
            kind: self._saying(kind, at) for kind, (at, _) in _LINES.items() if at >= least
        }
        #: A request that the server is to blame for is a warning.
        self._blamed = self._saying(events.RequestCompleted, WARN) if least <= WARN else None
        self.kinds = frozenset(self._sayings)
        if self._blamed is not None:
            self.kinds |= {events.RequestCompleted}

    def _saying(self, kind: type[events.Event], level: LogLevel) -> _Saying:
        _, template = _LINES[kind]
        optional, part = _OPTIONAL.get(kind, ("", ""))
        whole, short = (
            {
                "log_logger": self._log,
                "log_level": level,
                "log_namespace": self._log.namespace,
                "log_source": self,
                "log_format": each,
            }
            for each in (template, template.replace(part, ""))
        )
        return _Saying(whole, optional, short)

    def heard(self, event: events.Event) -> None:
        """
        Log *event*: the listener for the hub.
        """
        answered = event if type(event) is events.RequestCompleted else None
        if answered is not None and answered.status >= 500:
            saying, answered = self._blamed, None
        else:
            saying = self._sayings.get(type(event))
        if saying is None:
            return
        said = saying.whole
        if saying.optional and not getattr(event, saying.optional):
            said = saying.short
        if answered is not None and self._straight is not None:
            said_so = wording(said["log_format"])
            logger = self._log.namespace
            if said_so is not None and self._straight.write(answered, said_so, logger):
                return
        told = said | vars(event)
        told["log_time"] = time()
        self._observe(told)
