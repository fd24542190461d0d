"""
Heads that come again in the same words, and questions that come again in others.

A client asks for the next file as it asked for the last one, and a proxy asks
for the same file again and again: byte for byte the same head.  It is read once.

Others ask the same and have more to say, a number of the request, say: what the
answer depends on is a part of the head, the :class:`Question`.  What was
answered to it is said again, for as long as that holds (:mod:`hmacfs.web.echo`).

Only what anybody may say is kept: never a query, nor credentials, nor a cookie.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol, TypeVar

from hmacfs.http1 import Head, parse_head

if TYPE_CHECKING:
    from hmacfs.web.channel import UploadChannel

K = TypeVar("K")
V = TypeVar("V")

MOST = 512
"""Heads, and questions, that are kept, at most."""

LONGEST = 1024
"""Bytes of a head that is kept, at most."""

ASKED = (
    b"if-match",
    b"if-modified-since",
    b"if-none-match",
    b"if-range",
    b"if-unmodified-since",
    b"origin",
    b"range",
    b"want-content-digest",
    b"want-repr-digest",
)
"""The fields on which the answer with a file depends, beside method, target and host."""

AGENT_LENGTH = 200

_ALL_ASKED = frozenset(ASKED)

_CREDENTIALS = frozenset({b"authorization", b"proxy-authorization"})

_NOT_KEPT = _CREDENTIALS | {b"cookie"}


class Repeats(Protocol):
    """What answers a question without a request."""

    def send(self, channel: UploadChannel, words: Wording) -> bool:
        """
        Answer on *channel*, on which nothing else is under way.

        :param words: in which it is asked.
        :return: ``False`` where it is to be answered the ordinary way: nothing was
            sent.
        """


class Question:
    """
    What is asked, in whatever words.

    :ivar again: what answers the next who asks it; ``None`` where he goes the
        ordinary way.
    :ivar plain: whether none of :data:`ASKED` is a part of it.
    """

    __slots__ = ("again", "plain")

    def __init__(self, again: Repeats | None, plain: bool) -> None:
        self.again = again
        self.plain = plain


class Wording:
    """
    A head, and what follows from its words.

    :ivar head: the head.
    :ivar method: its method, for the events.
    :ivar path: its path as it was sent, for the events.
    :ivar agent: its ``User-Agent``, for the events.
    :ivar question: what it asks; ``None`` where the answer is not to be given again.
    """

    __slots__ = ("agent", "head", "method", "path", "question")

    def __init__(self, head: Head, question: Question | None = None) -> None:
        self.head = head
        self.method = _text(head.method)
        self.path = _text(head.path)
        self.agent = _text(b",".join(head.all(b"user-agent")))[:AGENT_LENGTH]
        self.question = question


class Wordings:
    """
    The heads that came last to one site, each by its bytes.
    """

    def __init__(self, first: Repeats | None = None) -> None:
        """
        :param first: answers what was never asked before.
        """
        self._first = first
        self._kept: OrderedDict[bytes, Wording] = OrderedDict()
        self._questions: OrderedDict[tuple[bytes | None, ...], Question] = OrderedDict()
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
        if not _is_common(head):
            return Wording(head)
        found = Wording(head, self._question(head))
        if len(data) <= LONGEST and not head.has_any(_NOT_KEPT):
            _keep(self._kept, data, found)
        return found

    def _question(self, head: Head) -> Question:
        asked: tuple[bytes | None, ...] = (head.method, head.target, head.host)
        plain = not head.has_any(_ALL_ASKED)
        if not plain:
            asked += tuple(map(head.get, ASKED))
        question = self._questions.get(asked)
        if question is None:
            question = Question(self._first, plain)
            _keep(self._questions, asked, question)
        return question


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
        and not head.has_any(_CREDENTIALS)
    )


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    """
    Who came first goes first; whoever is asked for comes again at once.
    """
    if len(kept) >= MOST:
        kept.popitem(last=False)
    kept[key] = value


def _text(value: bytes) -> str:
    """
    :return: *value* as text, what is no UTF-8 as escapes.
    """
    return value.decode("utf-8", "backslashreplace")


UNREADABLE = Wording(Head(b"", b"", b"HTTP/1.1", ()))
"""That of a head that could not be read."""
