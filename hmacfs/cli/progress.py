"""
How far a transfer is, for who looks on.

On a terminal a bar of tqdm shows bytes, rate and time left.  tqdm was taken
since it is kept well, draws to any terminal, and brings nothing along; it is
an extra all the same, ``hmacfs[cli]``, for the daemon has no use of it.
Without it, or where nobody looks, a line says what there is to say.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Protocol, TextIO

from hmacfs.redaction import visible
from hmacfs.units import format_duration, format_size

BYTES = "B"
"""The unit that is written as people write sizes."""

HINT = "pip install 'hmacfs[cli]' shows how far it is."


class Progress(Protocol):
    """What a transfer tells of itself."""

    def begin(self, what: str, total: int | None, offset: int, unit: str = BYTES) -> None:
        """
        Say how it stands; more than once where it begins anew.

        :param what: ``"uploading photo.jpg"``.
        :param total: bytes of all of it, or ``None`` where nobody knows.
        :param offset: bytes that are over already.
        :param unit: what else than bytes is counted: ``"files"``.
        """

    def at(self, offset: int) -> None:
        """So many bytes are over; fewer than before where it went back."""

    def say(self, text: str) -> None:
        """Print a line, without breaking what is drawn."""

    def end(self) -> None:
        """Leave the terminal as it was found.  Harmless when called again."""


class Lines:
    """
    :class:`Progress` in words.
    """

    def __init__(self, stream: TextIO, hint: str = "") -> None:
        """
        :param hint: what else to say when a transfer begins; with none,
            nothing at all is said of it.
        """
        self._stream = stream
        self._hint = hint

    def begin(self, what: str, total: int | None, offset: int, unit: str = BYTES) -> None:
        """See :meth:`Progress.begin`."""
        if self._hint:
            size = "" if total is None else f", {_counted(total, unit)}"
            self.say(f"{what}{size}; {self._hint}")
            self._hint = ""

    def at(self, offset: int) -> None:
        """See :meth:`Progress.at`."""

    def say(self, text: str) -> None:
        """See :meth:`Progress.say`."""
        print(_shown(text), file=self._stream, flush=True)

    def end(self) -> None:
        """See :meth:`Progress.end`."""


class Bar:
    """
    :class:`Progress` as a bar of tqdm.
    """

    def __init__(self, stream: TextIO, tqdm: Any, stays: bool = True) -> None:
        """
        :param tqdm: the class ``tqdm.tqdm``.
        :param stays: whether what is drawn is still there at the end.
        """
        self._stream = stream
        self._tqdm = tqdm
        self._stays = stays
        self._bar: Any = None

    def begin(self, what: str, total: int | None, offset: int, unit: str = BYTES) -> None:
        """See :meth:`Progress.begin`."""
        self.end()
        self._bar = self._tqdm(
            desc=_shown(what),
            total=total,
            initial=offset,
            unit=unit if unit == BYTES else f" {unit}",
            unit_scale=unit == BYTES,
            unit_divisor=1024,
            dynamic_ncols=True,
            leave=self._stays,
            file=self._stream,
        )

    def at(self, offset: int) -> None:
        """See :meth:`Progress.at`."""
        if self._bar is not None:
            self._bar.update(offset - self._bar.n)

    def say(self, text: str) -> None:
        """See :meth:`Progress.say`."""
        self._tqdm.write(_shown(text), file=self._stream)

    def end(self) -> None:
        """See :meth:`Progress.end`."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def on(stream: TextIO, stays: bool = True) -> Progress:
    """
    :param stream: where to show it: standard error, as a rule.
    :param stays: whether what is drawn is still there at the end.
    """
    if not stream.isatty():
        return Lines(stream)
    try:
        tqdm = import_module("tqdm").tqdm
    except ImportError:
        return Lines(stream, HINT)
    return Bar(stream, tqdm, stays)


def on_terminal(stays: bool = True) -> Progress:
    """
    :param stays: as of :func:`on`.
    :return: what shows it on standard error, which leaves standard output to results.
    """
    return on(sys.stderr, stays)


def took(seconds: float) -> str:
    """
    :return: how long it took, as exactly as anybody wants to know.
    """
    return format_duration(round(seconds)) if seconds >= 60 else f"{seconds:.1f} s"


def _counted(number: int, unit: str) -> str:
    return format_size(number) if unit == BYTES else f"{number} {unit}"


def _shown(text: str) -> str:
    """
    :return: *text* without what a name or a server could do to the terminal.
    """
    return "\n".join(map(visible, text.split("\n")))
