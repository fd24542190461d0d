"""
Heads that come again in the same words.

A client asks for the next file as it asked for the last one, and a proxy asks
for the same file again and again: byte for byte the same head.  What follows
from the words alone is found out once, and so is what was answered, for as long
as that holds (:mod:`hmacfs.web.echo`).

Only what anybody may say is kept: a head that holds a query, credentials or a
cookie is read anew each time, and so is one that does not go on as most do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hmacfs.http1 import Head, parse_head

if TYPE_CHECKING:
    from hmacfs.web.channel import UploadChannel

MOST = 512
"""Heads that are kept, at most."""

LONGEST = 1024
"""Bytes of a head that is kept, at most."""

AGENT_LENGTH = 200

# Who is allowed what, and who is who.
_PERSONAL = (b"authorization", b"cookie", b"proxy-authorization")


class Repeats(Protocol):
    """What answers a request whose like was answered before."""

    def send(self, channel: UploadChannel) -> bool:
        """
        Answer on *channel*, on which nothing else is under way.

        :return: ``False`` where what was answered before does not hold any more:
            nothing was sent.
        """


class Wording:
    """
    A head, and what follows from its words.

    :ivar head: the head.
    :ivar method: its method, for the events.
    :ivar path: its path as it was sent, for the events.
    :ivar agent: its ``User-Agent``, for the events.
    :ivar kept: whether the next head in the same words finds it.
    :ivar again: what answers the next one, or ``None``.
    """

    __slots__ = ("again", "agent", "head", "kept", "method", "path")

    def __init__(self, head: Head, kept: bool = False) -> None:
        self.head = head
        self.method = _text(head.method)
        self.path = _text(head.path)
        self.agent = _text(b",".join(head.all(b"user-agent")))[:AGENT_LENGTH]
        self.kept = kept
        self.again: Repeats | None = None


class Wordings:
    """
    The heads that came last to one site, each by its bytes.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, Wording] = {}
        self.find = self._kept.get

    def read(self, data: bytes) -> Wording:
        """
        :param data: a whole head, as :func:`hmacfs.http1.head_end` found it.
        :raise Refusal: as :func:`hmacfs.http1.parse_head`.
        """
        found = self._kept.get(data)
        if found is not None:
            return found
        head = parse_head(data)
        found = Wording(head, len(data) <= LONGEST and _is_common(head))
        if found.kept:
            if len(self._kept) >= MOST:
                # Who came first goes first: whoever is asked for comes again at once.
                del self._kept[next(iter(self._kept))]
            self._kept[data] = found
        return found


def _is_common(head: Head) -> bool:
    """
    :return: whether others may ask so too, and the connection goes on behind it.
    """
    return (
        head.method in (b"GET", b"HEAD")
        and head.version == b"HTTP/1.1"
        and head.keep_alive
        and not head.has_body
        and b"?" not in head.target
        and all(head.get(name) is None for name in _PERSONAL)
    )


def _text(value: bytes) -> str:
    """
    :return: *value* as text, what is no UTF-8 as escapes.
    """
    return value.decode("utf-8", "backslashreplace")


UNREADABLE = Wording(Head(b"", b"", b"HTTP/1.1", ()))
"""That of a head that could not be read."""
