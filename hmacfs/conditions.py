"""
Preconditions: does the client still want the file, and may it have a part
(RFC 9110 section 13).

The order is section 13.2.2's: ``If-Match``, else ``If-Unmodified-Since``; then
``If-None-Match``, else ``If-Modified-Since``; then, where a range is asked for,
``If-Range``.  A date that is none is ignored, as that section says; tags that
are none match nothing.  Either way the client gets what it would have got
without them, or 412, and never the wrong bytes.

A validator is one of two.  The entity tag is strong: it changes with the
bytes.  The date counts whole seconds, so it tells one state of a file from the
next only once some time has passed over it.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable
from datetime import UTC, date, datetime

import attrs

from hmacfs.errors import PreconditionFailed

#: Seconds after which a ``Last-Modified`` counts as a strong validator.
SETTLED = 60

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# Section 5.6.7: the one that is sent, and the two that are still understood.
#
#   IMF-fixdate   Sun, 06 Nov 1994 08:49:37 GMT
#   rfc850-date   Sunday, 06-Nov-94 08:49:37 GMT
#   asctime-date  Sun Nov  6 08:49:37 1994
_DAY = "(?:" + "|".join(_DAYS) + ")"
_LONG_DAY = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_MONTH = "(?P<month>" + "|".join(_MONTHS) + ")"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_DATES = tuple(
    re.compile(form.encode())
    for form in (
        rf"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",
        rf"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",
        rf"{_DAY} {_MONTH} (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})",
    )
)

# Section 8.8.3, one element of a list and the comma behind it:
#
#   entity-tag = [ "W/" ] DQUOTE *( "!" / %x23-7E / obs-text ) DQUOTE
#
# A tag may hold commas.
_TAG = re.compile(rb'(?P<weak>W/)?"(?P<opaque>[!#-~\x80-\xff]*+)"')
_ELEMENT = re.compile(rb"[ \t]*+(?:" + _TAG.pattern + rb"[ \t]*+)?(?:,|\Z)")

#: A request's field by its name in lower case, its lines joined, or ``None``.
Get = Callable[[bytes], bytes | None]


@attrs.frozen
class Validators:
    """
    What tells one state of a file from another.

    :ivar etag: the opaque tag of the strong entity tag, without its quotes.
    :ivar modified: the ``Last-Modified`` of the answer, whole unix seconds,
        never later than its ``Date``.
    """

    etag: bytes
    modified: int


def format_date(seconds: int) -> bytes:
    """
    :param seconds: unix seconds of the years 1 to 9999.
    :return: the IMF-fixdate, whatever the locale.
    """
    at = datetime.fromtimestamp(seconds, UTC)
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    return (
        f"{day}, {at.day:02} {month} {at.year:04} {at.hour:02}:{at.minute:02}:{at.second:02} GMT"
    ).encode()


def parse_date(value: bytes, now: float) -> int | None:
    """
    :param value: one date in any of the three forms.
    :param now: unix seconds, by which a year of two digits is understood.
    :return: unix seconds, or ``None`` where *value* is no date.
    """
    for form in _DATES:
        if found := form.fullmatch(value):
            break
    else:
        return None
    year, day, hour, minute, second = (
        int(found[part]) for part in ("year", "day", "hour", "minute", "second")
    )
    rest = (_MONTHS.index(found["month"].decode()) + 1, day, hour, minute, second)
    if len(found["year"]) == 2:
        year = _full_year(year, rest, now)
    try:
        date(year, *rest[:2])
    except ValueError:
        return None
    # A second 60 is a leap second (section 5.6.7).
    if hour > 23 or minute > 59 or second > 60:
        return None
    return timegm((year, *rest))


def _full_year(year: int, rest: tuple[int, ...], now: float) -> int:
    """
    :param year: its last two digits.
    :param rest: month, day, hour, minute, second.
    :return: the latest such year in which the date is not more than 50 years
        ahead.
    """
    today = datetime.fromtimestamp(now, UTC)
    bound = (today.year + 50, *today.timetuple()[1:6])
    year += today.year - today.year % 100 + 100
    while (year, *rest) > bound:
        year -= 100
    return year


def _matches(value: bytes, etag: bytes, strongly: bool) -> bool:
    """
    :param value: a list of entity tags, or ``*``, which any file matches.
    :param strongly: whether a weak tag matches nothing (section 8.8.3.2).
    """
    if value == b"*":
        return True
    matched = False
    place = 0
    while place < len(value):
        element = _ELEMENT.match(value, place)
        if element is None:
            return False
        if element["opaque"] == etag and not (strongly and element["weak"]):
            matched = True
        place = element.end()
    return matched


def wanted(get: Get, validators: Validators, now: float) -> bool:
    """
    Whether a GET or HEAD still wants the file.

    :param get: the request's fields.
    :param now: unix seconds.
    :return: ``False`` where the client has the file already: 304.
    :raise PreconditionFailed: it wants another state of the file only.
    """
    _check_state(get, validators, now)
    if (value := get(b"if-none-match")) is not None:
        return not _matches(value, validators.etag, strongly=False)
    if (value := get(b"if-modified-since")) is not None:
        since = parse_date(value, now)
        return since is None or validators.modified > since
    return True


def check_unchanged(get: Get, validators: Validators, now: float) -> None:
    """
    Whether a file may be removed, for a client that wants that of one state of
    it only.  ``If-Modified-Since`` says nothing there (section 13.1.3).

    :param get: the request's fields.
    :param now: unix seconds.
    :raise PreconditionFailed: it is in another.
    """
    _check_state(get, validators, now)
    value = get(b"if-none-match")
    if value is not None and _matches(value, validators.etag, strongly=False):
        raise PreconditionFailed("An entity tag in If-None-Match is that of the file.")


def _check_state(get: Get, validators: Validators, now: float) -> None:
    """
    :raise PreconditionFailed: the client wants another state of the file only.
    """
    if (value := get(b"if-match")) is not None:
        if not _matches(value, validators.etag, strongly=True):
            raise PreconditionFailed("No entity tag in If-Match is that of the file.")
    elif (value := get(b"if-unmodified-since")) is not None:
        since = parse_date(value, now)
        if since is not None and validators.modified > since:
            raise PreconditionFailed("The file is newer than If-Unmodified-Since.")


def range_holds(get: Get, validators: Validators, now: float) -> bool:
    """
    Whether ``If-Range``, if it is there, lets a range of the file be sent.

    One strong tag, or one date that is exactly the file's and had a minute to
    settle (sections 13.1.5 and 8.8.2.2).  Lists, weak tags and everything else
    hold for no file, so that no client glues parts of two files together.

    :param get: the request's fields.
    :param now: unix seconds of the answer's ``Date``.
    """
    value = get(b"if-range")
    if value is None:
        return True
    if tag := _TAG.fullmatch(value):
        return not tag["weak"] and tag["opaque"] == validators.etag
    return parse_date(value, now) == validators.modified and now - validators.modified >= SETTLED
