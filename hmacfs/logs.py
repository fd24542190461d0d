"""
The log of the daemon: one event, one line, in text or in JSON.

Every event of :mod:`twisted.logger` is first made a :class:`Line`, redacted
and with control characters made visible; nothing downstream ever sees the
event itself.  A text line looks like this, what it drags along (a traceback)
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
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import BinaryIO

import attrs
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
from hmacfs.settings import Settings

#: What other code than ours logs under: Twisted itself, and its former log.
FOREIGN = ("twisted", "log_legacy")

#: Whether what a namespace says at a level is written.
Wanted = Callable[[str | None, LogLevel | None], bool]


# Not frozen: to make it takes a quarter of the time.
@attrs.define
class Line:
    """
    One event as it may be seen.

    :ivar time: RFC 3339, in UTC, to the millisecond.
    :ivar level: ``debug``, ``info``, ``warn``, ``error`` or ``critical``.
    :ivar worker: the number of the process that says it, 0 where there are no
        workers, or of the one that has them.
    :ivar logger: who says it, a dotted name.
    :ivar message: the text; only Twisted's own has several lines.
    :ivar fields: tells what the text was made of, for programs.
    :ivar traceback: of the failure that is logged, or ``""``.
    """

    time: str
    level: str
    logger: str
    message: str
    fields: Callable[[], Mapping[str, object]]
    traceback: str
    worker: int = 0


def line(event: LogEvent, redaction: Redaction, worker: int = 0) -> Line:
    """
    :return: what may be seen of *event*.
    """
    failure = event.get("log_failure")
    return Line(
        _written(event.get("log_time", 0.0)),
        event.get("log_level", LogLevel.info).name,
        event.get("log_namespace", "-"),
        messages.message(event, redaction),
        partial(messages.fields, event, redaction),
        messages.several(redaction.clean(failure.getTraceback())) if failure else "",
        worker,
    )


def _written(seconds: float) -> str:
    # Cut off, as isoformat does: no line is from the future.
    whole = int(seconds // 1)
    return _moment(whole, int((seconds - whole) * 1000))


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=2)
def _moment(seconds: int, thousandths: int) -> str:
    return f"{_second(seconds)}.{thousandths:03}Z"


def as_text(line: Line) -> str:
    """
    :return: *line* for a person.
    """
    text = f"{line.message}\n{line.traceback}" if line.traceback else line.message
    worker = f"[{line.worker}] " if line.worker else ""
    return f"{line.time} {line.level:<5} {worker}" + text.replace("\n", "\n    ") + "\n"


_OWN = tuple(field.name for field in attrs.fields(Line) if field.name != "fields")


def as_json(line: Line) -> str:
    """
    :return: *line* for a program: one object, the fields beside the text.
    """
    told = [(name, getattr(line, name)) for name in _OWN]
    own = {name: value for name, value in told if value not in ("", 0)}
    return json.dumps({**own, **{k: v for k, v in line.fields().items() if k not in own}}) + "\n"


FORMATS: Mapping[str, Callable[[Line], str]] = {"text": as_text, "json": as_json}


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
        format: Callable[[Line], str],
        write: Callable[[bytes], object],
        worker: int = 0,
    ) -> None:
        self._wanted, self._redaction = wanted, redaction
        self._format, self._write, self._worker = format, write, worker

    def __call__(self, event: LogEvent) -> None:
        if self._wanted(event.get("log_namespace"), event.get("log_level")):
            text = self._format(line(event, self._redaction, self._worker))
            self._write(text.encode("utf-8", "backslashreplace"))


def wanted(least: LogLevel) -> Wanted:
    """
    :param least: the least that is written.
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
    :param level: as of :class:`Line`: the least that is written.
    :param format: a key of :data:`FORMATS`.
    :param secrets: what no line may hold.
    :param write: takes the bytes of a line.
    :param worker: as of :class:`Line`.
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
    :param worker: as of :class:`Line`.
    :return: what writes the log to *output*; what is critical also goes to
        standard error where that is a file, for whoever sees nothing come up.
    """
    secrets = [*settings.keys, settings.delete_secret]
    if settings.redis_url:
        secrets.append((redis_url.parse(settings.redis_url).password or "").encode())
    told = observer(settings.log_level, settings.log_format, secrets, output.write, worker)
    if not settings.log_file:
        return told
    stderr = Stream(sys.stderr.buffer)
    return LogPublisher(told, observer("critical", "text", secrets, stderr.write, worker))
