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
from functools import lru_cache
from typing import BinaryIO

import attrs
from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
    formatEvent,
)
from zope.interface import implementer

from hmacfs import redis_url
from hmacfs.redaction import Redaction, visible
from hmacfs.settings import Settings

#: What other code than ours logs under: Twisted itself, and its former log.
FOREIGN = ("twisted", "log_legacy")


@attrs.frozen
class Line:
    """
    One event as it may be seen.

    :ivar time: RFC 3339, in UTC, to the millisecond.
    :ivar level: ``debug``, ``info``, ``warn``, ``error`` or ``critical``.
    :ivar worker: the number of the process that says it, 0 where there are no
        workers, or of the one that has them.
    :ivar logger: who says it, a dotted name.
    :ivar message: the text; only Twisted's own has several lines.
    :ivar fields: what the text was made of, for programs.
    :ivar traceback: of the failure that is logged, or ``""``.
    """

    time: str
    level: str
    logger: str
    message: str
    fields: Mapping[str, object]
    traceback: str
    worker: int = 0


def line(event: LogEvent, redaction: Redaction, worker: int = 0) -> Line:
    """
    :return: what may be seen of *event*.
    """
    safe = {
        name: value if name.startswith("log_") else redaction.field(name, value)
        for name, value in event.items()
    }
    failure = event.get("log_failure")
    return Line(
        time=_written(event.get("log_time", 0.0)),
        level=event.get("log_level", LogLevel.info).name,
        logger=event.get("log_namespace", "-"),
        message=_several(redaction.clean(_formatted(safe))),
        # An event of Twisted's former log has its text in "log_text"; its
        # fields say the same again.
        fields={} if "log_text" in event else _fields(safe),
        traceback=_several(redaction.clean(failure.getTraceback())) if failure else "",
        worker=worker,
    )


def _formatted(event: LogEvent) -> str:
    """
    As :func:`twisted.logger.formatEvent`, which takes 30 us for a line of the
    access log; all that it knows and :meth:`str.format_map` does not is a call,
    ``{name()}``.
    """
    template = event.get("log_format")
    if isinstance(template, str) and "()" not in template and "log_flattened" not in event:
        try:
            return template.format_map(event)
        except Exception:
            # A value whose text is a fault of its own: Twisted says so in its place.
            return formatEvent(event)
    return formatEvent(event)


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _written(seconds: float) -> str:
    # Cut off, as isoformat does: no line is from the future.
    whole = int(seconds // 1)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03}Z"


def _several(text: str) -> str:
    """
    :return: *text*, each of its lines visible, without blanks at its end.
    """
    if text.isprintable():
        return text.rstrip()
    return "\n".join(visible(part) for part in text.rstrip().split("\n"))


def _fields(event: Mapping[str, object]) -> dict[str, object]:
    return {
        name: value
        for name, value in event.items()
        if not name.startswith("log_") and isinstance(value, str | int | float | None)
    }


def as_text(line: Line) -> str:
    """
    :return: *line* for a person.
    """
    text = f"{line.message}\n{line.traceback}" if line.traceback else line.message
    worker = f"[{line.worker}] " if line.worker else ""
    return f"{line.time} {line.level:<5} {worker}" + text.replace("\n", "\n    ") + "\n"


def as_json(line: Line) -> str:
    """
    :return: *line* for a program: one object, the fields beside the text.
    """
    own = attrs.asdict(
        line, filter=lambda field, value: field.name != "fields" and value not in ("", 0)
    )
    return json.dumps({**own, **{k: v for k, v in line.fields.items() if k not in own}}) + "\n"


FORMATS: Mapping[str, Callable[[Line], str]] = {"text": as_text, "json": as_json}


class LogFile:
    """
    Where the lines go: a file that can be opened anew once it was rotated.
    """

    def __init__(self, path: str) -> None:
        """
        :raise OSError: it cannot be opened.
        """
        self._path = path
        self._file = self._open()

    def write(self, data: bytes) -> None:
        """Add *data* at the end, and hand it to the system."""
        self._file.write(data)
        self._file.flush()

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


class Stream:
    """
    Where the lines go without a file: standard output, which stays what it is.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Write *data* at once, for it may be a pipe that somebody watches."""
        self._stream.write(data)
        self._stream.flush()

    def reopen(self) -> None:
        """There is nothing to open."""


@implementer(ILogObserver)
class LogWriter:
    """
    Writes every event that it hears.
    """

    def __init__(
        self,
        redaction: Redaction,
        format: Callable[[Line], str],
        write: Callable[[bytes], object],
        worker: int = 0,
    ) -> None:
        self._redaction, self._format, self._write = redaction, format, write
        self._worker = worker

    def __call__(self, event: LogEvent) -> None:
        text = self._format(line(event, self._redaction, self._worker))
        self._write(text.encode("utf-8", "backslashreplace"))


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
    wanted = LogLevelFilterPredicate(defaultLogLevel=least)
    if least > LogLevel.debug:
        for namespace in FOREIGN:
            wanted.setLogLevelForNamespace(namespace, max(least, LogLevel.warn))
    return FilteringLogObserver(
        LogWriter(Redaction(secrets), FORMATS[format], write, worker), [wanted]
    )


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
