"""
Sizes and durations as people write them, and back.

A size is bytes: ``"10MB"`` counts by thousands, ``"10MiB"`` by 1,024, and the
case of the letters does not matter.  ``"10M"`` is refused, since one half of
the world means the one by it and one half the other.

A duration is seconds: ``"30d"``, ``"1h30m"``, ``"250ms"``.  A year has 365
days and ``m`` is a minute.
"""

from __future__ import annotations

import re

from hmacfs.quoting import shown

SIZE_FORM = 'bytes or a number with a unit, such as "100MB" or "1 GiB"'
DURATION_FORM = 'seconds or a number with a unit, such as "30d", "1h30m" or "250ms"'
WHOLE_DURATION_FORM = 'seconds or a number with a unit, such as "30d" or "1h30m"'

#: What an ``off_t`` holds: no file system stores more.
LARGEST = 2**63 - 1
#: A thousand years in seconds: dates further away cannot be written in HTTP.
LONGEST = 1000 * 365 * 86400

_BINARY = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50, "EiB": 2**60}
_DECIMAL = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15, "EB": 10**18}
_BYTES = {"": 1, "b": 1} | {unit.lower(): size for unit, size in (_BINARY | _DECIMAL).items()}
_SIZE = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,9}))? *([a-z]*)", re.IGNORECASE)

#: Milliseconds of each unit, the longest first: they are written in this order.
_MILLISECONDS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_DURATION = re.compile(
    " *".join(rf"(?:([0-9]{{1,15}}) *{unit}(?![a-z]))?" for unit in _MILLISECONDS)
)
_SECONDS = re.compile(r"[0-9]{1,15}")


def parse_size(size: str | int) -> int:
    """
    :param size: bytes as a number, or text such as ``"10MB"`` and ``"1.5 GiB"``.
    :return: bytes; a part of a byte is dropped.
    :raise ValueError: it is no size; the text is a sentence for its writer.
    """
    total = size if isinstance(size, int) else _bytes_of(size)
    if total is None or not 0 <= total <= LARGEST:
        raise ValueError(f"{shown(size)} is no size; write {SIZE_FORM}.")
    return total


def _bytes_of(text: str) -> int | None:
    match = _SIZE.fullmatch(text)
    unit = _BYTES.get(match[3].lower()) if match else None
    if match is None or unit is None:
        return None
    # Integers all the way: a float has no exact 1.1, nor sizes past 8 PiB.
    fraction: str = match[2] or "0"
    scale: int = 10 ** len(fraction)
    return int(match[1]) * unit + int(fraction) * unit // scale


def format_size(size: int) -> str:
    """
    :param size: bytes, not negative.
    :return: ``"12 B"``, ``"1 GiB"``, ``"1.5 GiB"``: exact where a whole number
        of the unit says it, else rounded to a tenth.
    """
    for unit, number in reversed(_BINARY.items()):
        if size >= number:
            whole, rest = divmod(size, number)
            return f"{size / number:.1f} {unit}" if rest else f"{whole} {unit}"
    return f"{size} B"


def parse_duration(duration: str | int) -> float:
    """
    :param duration: seconds as a number, or text such as ``"30d"``,
        ``"1h30m"`` and ``"250ms"``, the longer units first.
    :return: seconds: an ``int`` where they are whole.
    :raise ValueError: it is no duration; the text is a sentence for its writer.
    """
    if isinstance(duration, int):
        total: int | None = duration * 1000
    else:
        total = _milliseconds_of(duration)
    if total is None or not 0 <= total <= LONGEST * 1000:
        raise ValueError(f"{shown(duration)} is no duration; write {DURATION_FORM}.")
    seconds, rest = divmod(total, 1000)
    return total / 1000 if rest else seconds


def _milliseconds_of(text: str) -> int | None:
    if _SECONDS.fullmatch(text):
        return int(text) * 1000
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    return sum(
        int(number) * unit
        for number, unit in zip(match.groups(), _MILLISECONDS.values(), strict=True)
        if number
    )


def format_duration(seconds: float) -> str:
    """
    :param seconds: not negative; rounded to milliseconds.
    :return: ``"1d12h"``, ``"1m30s"``, ``"250ms"``: what
        :func:`parse_duration` reads as the same duration.
    """
    rest = round(seconds * 1000)
    text = ""
    for unit in ("d", "h", "m", "s", "ms"):
        number, rest = divmod(rest, _MILLISECONDS[unit])
        if number:
            text += f"{number}{unit}"
    return text or "0s"
