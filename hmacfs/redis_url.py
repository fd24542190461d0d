"""
``RedisURL``: where a Redis server is, and who we are there.

====================================  =======================================
``redis://user:password@host:6379/0``  TCP; the user may be left out
``rediss://...``                       the same in TLS
``redis+unix://user:password@/path``   a UNIX socket, the database as ``?db=0``
====================================  =======================================

What stands in a password and means something in a URL is percent-encoded.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urlsplit

import attrs

_PORT = 6379
_NUMBER = re.compile(r"[0-9]{1,4}")
_ESCAPE = "/ ? # @ and % in a password are percent-encoded"


@attrs.frozen
class RedisPlace:
    """
    :ivar host: a name or an address; ``""`` with a *path*.
    :ivar path: of the UNIX socket, or ``""``.
    :ivar username: of an ACL user, or ``None``.
    :ivar database: its number, or ``None``, where it need not be selected.
    """

    host: str = ""
    port: int = _PORT
    path: str = ""
    tls: bool = False
    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    database: int | None = None

    @property
    def shown(self) -> str:
        """Where it is, for people; not who we are there."""
        if self.path:
            return f"redis+unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}"


def parse(text: str) -> RedisPlace:
    """
    :raise ValueError: *text* is no URL of a Redis server.  The message says
        why and repeats nothing of it, since it may hold a password.
    """
    try:
        url = urlsplit(text)
        port = _PORT if url.port is None else url.port
    except ValueError:
        raise ValueError(_ESCAPE) from None
    if url.scheme not in ("redis", "rediss", "redis+unix"):
        raise ValueError("its scheme is another")
    if url.fragment or " " in text or not unquote(text).isprintable():
        raise ValueError(_ESCAPE)
    username, password = _read_user(url)
    if url.scheme == "redis+unix":
        if url.hostname or not url.path.strip("/"):
            raise ValueError("a UNIX socket has a path and no host")
        if url.query and not url.query.startswith("db="):
            raise ValueError("all that may follow the path is ?db=0")
        return RedisPlace(
            path=unquote(url.path),
            username=username,
            password=password,
            database=_read_database(url.query.removeprefix("db=")),
        )
    if not url.hostname or url.query:
        raise ValueError(_ESCAPE)
    return RedisPlace(
        host=url.hostname,
        port=port,
        tls=url.scheme == "rediss",
        username=username,
        password=password,
        database=_read_database(url.path.removeprefix("/")),
    )


def _read_user(url: SplitResult) -> tuple[str | None, str | None]:
    username, password = unquote(url.username or ""), unquote(url.password or "")
    if username and not password:
        raise ValueError("a user needs a password")
    return username or None, password or None


def _read_database(text: str) -> int | None:
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise ValueError("a database is a number")
    return int(text)
