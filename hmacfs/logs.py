"""
The log of the daemon: one event, one line, in text or in JSON.

Of an event of :mod:`twisted.logger` nothing is written but what
:mod:`hmacfs.messages` makes of it, redacted and with control characters made
visible.  A text line looks like this, what it drags along (a traceback)
indented below it, so that nothing a client sends can pose as a line::

    2026-11-22T12:00:00.123Z info  192.0.2.1 PUT /uploads/a.txt 201 ...

Twisted tells of each port and factory at ``info``; at that level the operator
hears of hmacfs, and of Twisted from ``warn`` on.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import BinaryIO

from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
    PredicateResult,
)
from zope.interface import implementer

from hmacfs import messages, redis_url
from hmacfs.gathering import Gathering
from hmacfs.redaction import Redaction
from hmacfs.request_lines import RequestLines
from hmacfs.settings import Settings

#: What other code than ours logs under: Twisted itself, and its former log.
FOREIGN = ("twisted", "log_legacy")

#: Makes lines of an event, as they may be seen.
Format = Callable[[LogEvent, Redaction, int], str]

#: Whether what a namespace says at a level is written.
Wanted = Callable[[str | None, LogLevel | None], bool]


def as_text(event: LogEvent, redaction: Redaction, worker: int = 0) -> str:
    """
    :param worker: as of :func:`hmacfs.messages.line`.
    :return: *event* for a person: one line, what it drags along indented below it.
    """
    text = messages.message(event, redaction)
    if "log_failure" in event and (traceback := _traceback(event, redaction)):
        text = f"{text}\n{traceback}"
    if "\n" in text:
        text = text.replace("\n", "\n    ")
    return messages.line(event.get("log_time", 0.0), event["log_level"].name, worker, text)


def as_json(event: LogEvent, redaction: Redaction, worker: int = 0) -> str:
    """
    :param worker: as of :func:`as_text`.
    :return: *event* for a program: one object, the words and numbers that the
        text was made of beside it.
    """
    told = {
        "time": messages.moment(event.get("log_time", 0.0)),
        "level": event["log_level"].name,
        "logger": event["log_namespace"],
        "message": messages.message(event, redaction),
        "traceback": _traceback(event, redaction),
        "worker": worker,
    }
    own = {name: value for name, value in told.items() if value}
    # What is its own comes first, and no field can pose as it.
    return json.dumps(own | messages.fields(event, redaction) | own) + "\n"


def _traceback(event: LogEvent, redaction: Redaction) -> str:
    """
    :return: that of the failure that is logged, or ``""``.
    """
    failure = event.get("log_failure")
    return messages.several(redaction.clean(failure.getTraceback())) if failure else ""


FORMATS: Mapping[str, Format] = {"text": as_text, "json": as_json}


class LogFile(Gathering):
    """
    Where the lines go: a file that can be opened anew once it was rotated.
    """

    def __init__(self, path: str) -> None:
        """
        :raise OSError: it cannot be opened.
        """
        self._path = path
        super().__init__(self._open())

    def reopen(self) -> None:
        """
        Go on in the file that has the name now.

        :raise OSError: it cannot be opened; the former one stays in use.
        """
        former, self._file = self._file, self._open()
        former.close()

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    def _open(self) -> BinaryIO:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return open(os.open(self._path, flags, 0o640), "ab")


class Stream(Gathering):
    """
    Where the lines go without a file: standard output, which stays what it is.
    """

    def reopen(self) -> None:
        """There is nothing to open."""


@implementer(ILogObserver)
class LogWriter:
    """
    Writes every event that it hears and that is wanted.
    """

    def __init__(
        self,
        wanted: Wanted,
        redaction: Redaction,
        format: Format,
        write: Callable[[bytes], object],
        worker: int = 0,
    ) -> None:
        self._wanted, self._redaction = wanted, redaction
        self._format, self._write, self._worker = format, write, worker

    def __call__(self, event: LogEvent) -> None:
        if self._wanted(event.get("log_namespace"), event.get("log_level")):
            text = self._format(event, self._redaction, self._worker)
            self._write(text.encode("utf-8", "backslashreplace"))


def wanted(least: LogLevel) -> Wanted:
    """
    :param least: the level from which on it is written.
    :return: tells whether what a namespace says at a level is written; it
        remembers, since a logger says most things many times.
    """
    predicate = LogLevelFilterPredicate(defaultLogLevel=least)
    if least > LogLevel.debug:
        for namespace in FOREIGN:
            predicate.setLogLevelForNamespace(namespace, max(least, LogLevel.warn))

    @lru_cache(maxsize=1000)
    def told(namespace: str | None, level: LogLevel | None) -> bool:
        event = {"log_namespace": namespace, "log_level": level}
        return bool(predicate(event) is not PredicateResult.no)

    return told


def observer(
    level: str,
    format: str,
    secrets: Iterable[bytes],
    write: Callable[[bytes], object],
    worker: int = 0,
) -> ILogObserver:
    """
    :param level: ``debug``, ``info``, ``warn``, ``error`` or ``critical``: the
        least that is written.
    :param format: a key of :data:`FORMATS`.
    :param secrets: what no line may hold.
    :param write: takes the bytes of a line.
    :param worker: as of :func:`as_text`.
    :return: what the log of the process is to be told to.
    """
    least = LogLevel.levelWithName(level)
    return LogWriter(wanted(least), Redaction(secrets), FORMATS[format], write, worker)


def opened(settings: Settings) -> LogFile | Stream:
    """
    :return: where *settings* want the log.
    :raise OSError: the file cannot be opened.
    """
    if not settings.log_file:
        return Stream(sys.stdout.buffer)
    return LogFile(settings.log_file)


def of_settings(settings: Settings, output: LogFile | Stream, worker: int = 0) -> ILogObserver:
    """
    :param worker: as of :func:`as_text`.
    :return: what writes the log to *output*; what is critical also goes to
        standard error where that is a file, for whoever sees nothing come up.
    """
    secrets = secrets_of(settings)
    told = observer(settings.log_level, settings.log_format, secrets, output.write, worker)
    if not settings.log_file:
        return told
    stderr = Stream(sys.stderr.buffer)
    return LogPublisher(told, observer("critical", "text", secrets, stderr.write, worker))


def straight(settings: Settings, output: LogFile | Stream, worker: int = 0) -> RequestLines:
    """
    :param worker: as of :func:`as_text`.
    :return: what writes answered requests to *output*.
    """
    return RequestLines(secrets_of(settings), output.write, worker, settings.log_format)


def secrets_of(settings: Settings) -> list[bytes]:
    """
    :return: what no line of the log may hold.
    """
    secrets = [*settings.keys, settings.delete_secret]
    if settings.redis_url:
        secrets.append((redis_url.parse(settings.redis_url).password or "").encode())
    return secrets
