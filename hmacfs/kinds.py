"""
What the value of one setting may be.

Each :class:`Kind` turns what TOML said into what the program works with, once,
or refuses it with a sentence that says what to write instead.  Kinds know
nothing of keys, and nothing of each other.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import attrs

from hmacfs import addresses, redis_url, units
from hmacfs.addresses import Address
from hmacfs.placeholders import is_placeholder
from hmacfs.quoting import shown

T = TypeVar("T")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

HOW_TO_MAKE_ONE = '"openssl rand -hex 32" prints a good one.'

#: Of versions and processes nobody has more.
MOST = 1_000_000

#: ``sun_path`` of Linux has 108 bytes, one of them for the NUL at its end.
LONGEST_SOCKET = 107


@attrs.frozen
class Place:
    """
    What a value may depend on besides itself.

    :ivar folder: absolute; relative paths begin here.
    :ivar unix: ``UnixSocket`` is true.
    """

    folder: str
    unix: bool = False

    def absolute(self, path: str) -> str:
        """
        *path*, from the folder on where it is relative.
        """
        if not path.startswith("/"):
            path = f"{self.folder.rstrip('/')}/{path.removeprefix('./')}"
        return path.rstrip("/") or "/"


@attrs.frozen
class Kind:
    """
    :ivar form: what to write, for the comments of the example configuration.
    :ivar read: makes the value that the program works with; raises
        ``ValueError`` with sentences for the operator, one each argument.
    """

    form: str
    read: Callable[[object, Place], Any]


def _refused(value: object, noun: str, form: str) -> ValueError:
    return ValueError(f"{shown(value)} is no {noun}; write {form}.")


def _text(value: object, form: str) -> str:
    """
    *value*, where it is text on one line.
    """
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no text; write {form}, between quotation marks.")
    if _CONTROL.search(value):
        raise ValueError(f"{shown(value)} holds a control character; write {form}.")
    return value


def _each(items: list[Any], read: Callable[[Any], T]) -> tuple[T, ...]:
    """
    :return: what *read* makes of every one of *items*.
    :raise ValueError: with a sentence for each that it refuses.
    """
    done, sentences = [], []
    for item in items:
        try:
            done.append(read(item))
        except ValueError as error:
            sentences.append(str(error))
    if sentences:
        raise ValueError(" ".join(dict.fromkeys(sentences)))
    return tuple(done)


def _read_switch(value: object, place: Place) -> bool:
    if not isinstance(value, bool):
        raise _refused(value, "switch", "true or false, without quotation marks")
    return value


SWITCH = Kind("true or false", _read_switch)


def whole(least: int, auto: bool = False, most: int = MOST) -> Kind:
    """
    A whole number from *least* on; with *auto* also ``"auto"``, read as ``None``.
    """
    form = f"a whole number from {least} to {most}" + (', or "auto"' if auto else "")

    def read(value: object, place: Place) -> int | None:
        if auto and value == "auto":
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise _refused(value, "such number", form)
        if not least <= value <= most:
            raise _refused(value, "such number", form)
        return value

    return Kind(form, read)


def size(least: int = 0, most: int = units.LARGEST, unbounded: bool = False) -> Kind:
    """
    Bytes; with *unbounded* 0 is read as ``None``.
    """

    def read(value: object, place: Place) -> int | None:
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise _refused(value, "size", units.SIZE_FORM)
        parsed = units.parse_size(value)
        if not least <= parsed <= most:
            bounds = f"a size from {units.format_size(least)} to {units.format_size(most)}"
            raise _refused(value, "size that works here", bounds)
        return None if unbounded and parsed == 0 else parsed

    return Kind(units.SIZE_FORM, read)


def duration(positive: bool = True, whole_seconds: bool = True, never: bool = False) -> Kind:
    """
    Seconds; with *never* ``""`` is read as ``None``.
    """
    form = units.WHOLE_DURATION_FORM if whole_seconds else units.DURATION_FORM

    def read(value: object, place: Place) -> float | None:
        if never and value == "":
            return None
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise _refused(value, "duration", form)
        parsed = units.parse_duration(value)
        if positive and parsed == 0:
            raise _refused(value, "duration that works here", 'more than "0s"')
        if whole_seconds and not isinstance(parsed, int):
            raise _refused(value, "number of whole seconds", 'one, such as "1s" or "2m"')
        return parsed

    return Kind(form, read)


def choice(*words: str) -> Kind:
    """
    One of *words*.
    """
    *others, last = (f'"{word}"' for word in words)
    form = f"{', '.join(others)} or {last}"

    def read(value: object, place: Place) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"{shown(value)} is not known here; write {form}.")
        return value

    return Kind(form, read)


def _read_plain(value: object, place: Place) -> str:
    return _text(value, "text")


TEXT = Kind("text", _read_plain)


def _read_secret(value: object, place: Place) -> bytes:
    # No message repeats any of it.
    if not isinstance(value, str):
        raise ValueError(
            f"this is no text; write the secret between quotation marks: {HOW_TO_MAKE_ONE}"
        )
    if _CONTROL.search(value):
        raise ValueError(
            "this holds a line break or another control character, which the other side can hardly "
            "have as well; write the secret on one line."
        )
    if is_placeholder(value):
        raise ValueError(
            f"this is a placeholder, which anybody can guess; write a secret: {HOW_TO_MAKE_ONE}"
        )
    return value.encode()


def _read_secrets(value: object, place: Place) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        raise ValueError('this is no list; write secrets as in ["the former one"].')
    if "" in value:
        raise ValueError("one of the secrets is empty; leave it out.")
    return _each(value, lambda item: _read_secret(item, place))


SECRET = Kind("text, the same on both sides", _read_secret)
SECRETS = Kind("a list of texts", _read_secrets)


def path(form: str, optional: bool = False) -> Kind:
    """
    A path, made absolute; with *optional* ``""`` stays ``""``.
    """

    def read(value: object, place: Place) -> str:
        text = _text(value, form)
        if not text and optional:
            return ""
        if not text:
            raise _refused(value, "path", form)
        if text.startswith("~"):
            raise ValueError(f'{shown(text)}: "~" stands for nothing here; write the whole path.')
        return place.absolute(text)

    return Kind(form, read)


def _read_mode(value: object, place: Place) -> int:
    # 660 without quotation marks is decimal and means 01224; 0o660 is right and
    # looks the same once TOML has read it.  So numbers are refused, all of them.
    form = 'three octal digits between quotation marks, such as "0660"'
    if not isinstance(value, str) or not re.fullmatch(r"0?[0-7]{3}", value):
        raise _refused(value, "file mode", form)
    return int(value, 8)


MODE = Kind('octal digits, such as "0660"', _read_mode)


def _addresses(value: object, place: Place, unix: bool) -> tuple[Address, ...]:
    items = value if isinstance(value, list) else [value]
    if not items:
        raise ValueError(f"this list is empty; write {addresses.FORM}.")
    return _each(items, lambda item: _address(item, place, unix))


def _address(item: object, place: Place, unix: bool) -> Address:
    if isinstance(item, int) and 0 <= item <= 65535 and not isinstance(item, bool):
        item = str(item)
    if not isinstance(item, str):
        raise _refused(item, "address", addresses.FORM)
    address = addresses.parse(item, unix)
    if isinstance(address, addresses.Endpoint):
        return addresses.located(address, place.folder)
    if isinstance(address, addresses.Unix):
        address = addresses.Unix(place.absolute(address.path))
        if len(address.path.encode("utf-8", "surrogateescape")) > LONGEST_SOCKET:
            raise ValueError(
                f"the path {shown(address.path)} has more than the {LONGEST_SOCKET} bytes that "
                "the system allows for a socket; write a shorter one."
            )
    return address


LISTEN = Kind(
    f"{addresses.FORM}; or a list of these",
    lambda value, place: _addresses(value, place, place.unix),
)
LISTEN_TCP = Kind(
    f"{addresses.FORM}; or a list of these",
    lambda value, place: _addresses(value, place, False),
)


def _read_segments(value: object, place: Place) -> str:
    form = 'letters, digits, ".", "_" and "-" in one or more segments, such as "uploads" or "a/b"'
    text = _text(value, form).strip("/")
    if not text:
        # Files at the root would hide behind /health and /ready.
        raise ValueError(
            f'{shown(value)} leaves no prefix for the files; write one, such as "uploads".'
        )
    segments = text.split("/")
    if any(
        segment in (".", "..", ".hmacfs") or not re.fullmatch(r"[0-9A-Za-z._~-]{1,255}", segment)
        for segment in segments
    ):
        raise _refused(value, "prefix of a URL", form)
    if segments[0] in ("health", "ready"):
        raise ValueError(f"{shown(value)} begins at the daemon's own page; write another prefix.")
    return text


SEGMENTS = Kind('one or more segments of a URL, such as "uploads" or "a/b"', _read_segments)


def _texts(value: object, form: str, read: Callable[[str], T]) -> tuple[T, ...]:
    """
    Every text of the list *value*, read.
    """
    if not isinstance(value, list):
        raise _refused(value, "list", form)
    return _each(value, lambda item: read(_text(item, form)))


def _read_networks(value: object, place: Place) -> tuple[Network, ...]:
    form = 'a list of addresses and networks, such as ["127.0.0.1", "10.0.0.0/8"]'
    return _texts(value, form, lambda text: _network(text, form))


def _network(text: str, form: str) -> Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _refused(text, "address or network", form) from None
    if ipaddress.ip_interface(text).ip != network.network_address:
        raise ValueError(f'{shown(text)} has bits beyond its prefix; write "{network}".')
    return network


NETWORKS = Kind("a list of addresses and networks", _read_networks)


def _read_origins(value: object, place: Place) -> tuple[str, ...]:
    form = 'a list of origins, such as ["https://chat.example.org"], or ["*"]'
    return _texts(value, form, lambda text: _origin(text, form))


def _origin(text: str, form: str) -> str:
    if text == "*":
        return text
    split = _split_url(text)
    if split is None or split.path or "@" in split.netloc or "?" in text or "#" in text:
        raise _refused(text, "origin (RFC 6454: scheme, host, port, and no slash at the end)", form)
    # Browsers send both in lower case, and origins are compared byte by byte.
    return text.lower()


ORIGINS = Kind('a list of origins, such as ["https://chat.example.org"]', _read_origins)


def _split_url(text: str) -> SplitResult | None:
    """
    *text*, where it is an absolute URL of HTTP in ASCII.
    """
    if not text.isascii() or " " in text:
        return None
    try:
        split = urlsplit(text)
        if split.scheme not in ("http", "https") or not split.hostname or split.port == 0:
            return None
    except ValueError:
        return None
    return split


def _read_public_url(value: object, place: Place) -> str:
    form = 'the address that clients use, such as "https://files.example.org"'
    text = _text(value, form)
    if not text:
        return ""
    split = _split_url(text)
    if split is None or "@" in split.netloc or "?" in text or "#" in text:
        raise _refused(text, "such URL", form)
    return text.rstrip("/")


PUBLIC_URL = Kind('a URL, such as "https://files.example.org"', _read_public_url)


def _read_redis_url(value: object, place: Place) -> str:
    form = '"redis://host:6379/0", "rediss://..." with TLS, or "redis+unix:///path"'
    if not isinstance(value, str):
        raise _refused(value, "text", form)
    # Never repeated in a message: it may hold a password.
    try:
        if value:
            redis_url.parse(value)
    except ValueError as error:
        raise ValueError(f"this is no URL of a Redis server ({error}); write {form}.") from None
    return value


REDIS_URL = Kind('a URL: "redis://...", "rediss://..." or "redis+unix://..."', _read_redis_url)
