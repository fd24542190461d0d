"""
The text of an event of the log, its fields and its time, as they may be seen.

:func:`carefully` looks at each value: what is secret is cut out, what no eye
can see gets an escape.  Nearly every text needs neither, and that shows in the
finished text: what is not in it is in none of its parts.  So :func:`quickly`
writes it down first and looks then, at a quarter of the cost; where it finds
anything, or meets what is not a word or a number, the careful way is gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from string import Formatter
from typing import Any

import attrs
from twisted.logger import LogEvent, formatEvent

from hmacfs.redaction import FIELDS, Redaction, visible

#: Of these ``%s`` makes what ``{}`` makes.
_PLAIN = frozenset({str, int, float, bool, type(None)})
_FIXED = re.compile(r"\.\d+f")


@attrs.frozen
class Wording:
    """
    What a template says.

    :ivar pattern: for the ``%`` operator, which takes a third of the time.
    :ivar values: takes what goes into it out of an event.
    """

    pattern: str
    values: Callable[[Mapping[str, Any]], tuple[Any, ...]]


@lru_cache(maxsize=500)
def wording(template: str) -> Wording | None:
    """
    :return: what *template* says, or ``None`` where it is more than names
        and digits behind the point, or tells what is never to be told.
    """
    pattern, names = "", []
    try:
        pieces = list(Formatter().parse(template))
    except ValueError:
        return None
    for literal, name, form, conversion in pieces:
        pattern += literal.replace("%", "%%")
        if name is None:
            continue
        if not name.isidentifier() or name.lower() in FIELDS or conversion:
            return None
        if form and not _FIXED.fullmatch(form):
            return None
        pattern += f"%{form or 's'}"
        names.append(name)
    if len(names) > 1:
        return Wording(pattern, itemgetter(*names))
    return Wording(pattern, lambda event: tuple(event[name] for name in names))


def message(event: LogEvent, redaction: Redaction) -> str:
    """
    :return: the text of *event*; only one of Twisted's has several lines.
    """
    text = quickly(event, redaction)
    return carefully(event, redaction) if text is None else text


def quickly(event: LogEvent, redaction: Redaction) -> str | None:
    """
    :return: what :func:`carefully` would return, or ``None`` where only that
        knows.
    """
    template = event.get("log_format")
    said = wording(template) if isinstance(template, str) else None
    if said is None or "log_flattened" in event:
        return None
    try:
        values = said.values(event)
        if not _PLAIN.issuperset(map(type, values)):
            return None
        text = said.pattern % values
    except (KeyError, TypeError, OverflowError):
        return None
    return text.rstrip() if text.isprintable() and not redaction.suspects(text) else None


def carefully(event: LogEvent, redaction: Redaction) -> str:
    """
    :return: the text of *event*, each value looked at, and the whole.
    """
    safe = {
        name: value if name.startswith("log_") else redaction.field(name, value)
        for name, value in event.items()
    }
    return several(redaction.clean(_formatted(safe)))


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


def several(text: str) -> str:
    """
    :return: *text*, each of its lines visible, without blanks at its end.
    """
    if text.isprintable():
        return text.rstrip()
    return "\n".join(visible(part) for part in text.rstrip().split("\n"))


def fields(event: LogEvent, redaction: Redaction) -> dict[str, object]:
    """
    :return: the words and numbers of *event*, for programs.
    """
    if "log_text" in event:
        # An event of Twisted's former log has its text there; its fields say
        # the same again.
        return {}
    own = {name: value for name, value in event.items() if not name.startswith("log_")}
    words = " ".join([value for value in own.values() if isinstance(value, str)])
    if _secret(tuple(own)) or not words.isprintable() or redaction.suspects(words):
        own = {name: redaction.field(name, value) for name, value in own.items()}
    if _PLAIN.issuperset(map(type, own.values())):
        return own
    kinds = (str, int, float, type(None))
    return {name: value for name, value in own.items() if isinstance(value, kinds)}


@lru_cache(maxsize=500)
def _secret(names: tuple[str, ...]) -> bool:
    """
    :return: whether one of *names* is of what is secret whatever it looks like.
    """
    return not FIELDS.isdisjoint(map(str.lower, names))


def line(seconds: float, level: str, worker: int, text: str) -> str:
    """
    :param seconds: unix seconds.
    :param worker: the number of the process that says it, 0 where there are no
        workers, or of the one that has them.
    :return: *text* as it stands in the log.
    """
    mark = f"[{worker}] " if worker else ""
    return f"{moment(seconds)} {level:<5} {mark}{text}\n"


def moment(seconds: float) -> str:
    """
    :param seconds: unix seconds.
    :return: RFC 3339, in UTC, to the millisecond, cut off: no line is from the
        future.
    """
    whole = int(seconds)
    return _moment(whole, int((seconds - whole) * 1000))


@lru_cache(maxsize=2)
def _moment(seconds: int, thousandths: int) -> str:
    return f"{_second(seconds)}.{thousandths:03}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
