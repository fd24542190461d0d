"""
The answer that needs no request, and is given again.

Nearly all who ask want a file, or a part of it, and may say so to everybody: what
they get follows from the words of their head and from the file, which the store
has at hand.  So they are answered on the spot; the tree of resources is not
walked, since it leads to the same verdict and to the same answer.

Who asks for a file as somebody did before, and finds it as it was, gets the same
answer but for its time and its id.  Whether it is the same file is asked each
time, of the store.

No request is made for that, unless the client does not take all of the answer
at once: then one goes on with the rest of it.  Whatever is refused, or has to be
waited for, goes the ordinary way (:mod:`hmacfs.web.download`) from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.interfaces import IReactorTime

from hmacfs.abilities import IHolds
from hmacfs.errors import Refusal
from hmacfs.events import DownloadCompleted, DownloadStarted, RequestCompleted, RequestReceived
from hmacfs.http1 import Head
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.store import IHasDescriptor, IHeld
from hmacfs.names import StoredName
from hmacfs.ranges import Span
from hmacfs.records import FileRecord
from hmacfs.web.answer_fields import date, lines
from hmacfs.web.answers import Terms, answer
from hmacfs.web.outlet import PlainOutlet
from hmacfs.web.request import UploadRequest
from hmacfs.web.wording import Wording

if TYPE_CHECKING:
    from hmacfs.web.channel import UploadChannel

LONGEST = 256 * 1024
"""Bytes of a body that is sent again, at most; of a longer one the rest would cost no less."""

_DIGESTS = frozenset({b"want-content-digest", b"want-repr-digest"})

# What is answered by the time of day as well.
_TIMED = frozenset({b"if-modified-since", b"if-range", b"if-unmodified-since"})

# The fields of who asks for the file and no more.
_NONE: Mapping[bytes, bytes] = {}

_LINES = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())
    for status in (200, 206, 304)
}

GoOn = Callable[[UploadRequest, StoredName, IHasDescriptor, Span, int], None]
"""
Sends the rest of a body: for this request, of this file, to be closed, this part,
behind so many bytes.
"""


@attrs.frozen
class Echoes:
    """
    What answers the first who asks, and remembers it for the next.

    :ivar store: has files at hand.
    :ivar name: which file a head asks for, at a time; it raises what
        :func:`hmacfs.permission.download_verdict` does.
    """

    store: IHolds
    hub: IHub
    clock: IReactorTime
    go_on: GoOn
    name: Callable[[Head, float], StoredName]
    terms: Terms

    def send(self, channel: UploadChannel, words: Wording) -> bool:
        """See :meth:`hmacfs.web.wording.Repeats.send`."""
        started = self.clock.seconds()
        try:
            name = self.name(words.head, started)
        except Refusal:
            return False
        file = self.store.held(name)
        return file is not None and self.answer(channel, words, name, file, started)

    def answer(
        self,
        channel: UploadChannel,
        words: Wording,
        name: StoredName,
        file: IHeld | IHasDescriptor,
        started: float,
    ) -> bool:
        """
        Answer with *file*, which is closed in any case, and so from now on whoever
        asks the same.

        :return: as :meth:`send`.
        """
        question = words.question
        assert question is not None
        try:
            echo = self._echo(channel, words.head, question.plain, name, file, started)
        except Refusal:
            echo = None
        # What nobody can repeat goes the ordinary way at once the next time.
        question.again = echo
        if echo is None:
            file.close()
            return False
        return echo.answer(channel, words, file, started)

    def _echo(
        self,
        channel: UploadChannel,
        head: Head,
        plain: bool,
        name: StoredName,
        file: IHeld | IHasDescriptor,
        now: float,
    ) -> Echo | None:
        """
        :param plain: see :class:`hmacfs.web.wording.Question`.
        :return: what answers with *file* who asks so, if that can be done again.
        """
        if not plain and head.has_any(_DIGESTS):
            # It may have to be computed first.
            return None
        record: FileRecord = file.record
        get = _NONE.get if plain else head.get
        found = answer(head.method, get, record, name.segments[-1], now, self.terms)
        part = None
        if head.method != b"HEAD" and found.status != 304:
            whole = found.pieces or (Span(0, 0),)
            # The boundary of many parts is made for each answer.
            if len(whole) > 1 or not isinstance(whole[0], Span):
                return None
            part = whole[0]
            if part.stop - part.start > LONGEST:
                return None
        # An age, and a date that is cut to this moment, change with the time.
        lasts = record.expires is None and record.stored <= now
        timed = not lasts or (not plain and head.has_any(_TIMED))
        shared = channel.site.manners.lines(get(b"origin"))
        kind = Echo if part is None or IHeld.providedBy(file) else FileEcho
        return kind(
            self,
            name,
            record,
            found.status,
            _LINES[found.status] + shared + b"Date: ",
            b"\r\n" + lines(found.headers) + b"\r\n",
            part,
            int(now) if timed else None,
        )


@attrs.frozen(eq=False)
class Echo:
    """
    Answers one question for one file, with bytes that are in memory
    or with none.

    :ivar record: of the file as it was.
    :ivar before: the answer up to the value of ``Date``.
    :ivar behind: its head from behind the id on.
    :ivar part: the part of the file that follows; ``None`` where nothing is sent
        of it.
    :ivar second: the unix second in which the answer is so; ``None`` where
        time changes nothing.
    """

    echoes: Echoes
    name: StoredName
    record: FileRecord
    status: int
    before: bytes
    behind: bytes
    part: Span | None
    second: int | None
    _text: str = attrs.field(init=False)

    @_text.default
    def _name_text(self) -> str:
        return self.name.text

    def send(self, channel: UploadChannel, words: Wording) -> bool:
        """See :meth:`hmacfs.web.wording.Repeats.send`."""
        started = self.echoes.clock.seconds()
        file = self.echoes.store.held(self.name)
        if file is None:
            return False
        # An equal one may be of a file that is in memory no longer, or is now.
        same = file.record is self.record
        if same and (self.second is None or self.second == int(started)):
            return self.answer(channel, words, file, started)
        return self.echoes.answer(channel, words, self.name, file, started)

    def answer(self, channel: UploadChannel, words: Wording, file: Any, started: float) -> bool:
        """
        Answer with *file*, which is closed in any case.

        :param file: it is in memory where a part of it is sent.
        :return: as :meth:`send`.
        """
        part, body, id = self.part, b"", channel.site.request_id()
        if part is not None:
            body = file.content[part.start : part.stop]
        file.close()
        channel.outlet.write(b"".join((*self._head(id, started), body)))
        self._tell(channel, words, id, started, len(body), True)
        return True

    def _head(self, id: str, started: float) -> tuple[bytes, ...]:
        """
        :return: the head of the answer, in pieces.
        """
        now = date(int(started))
        return self.before, now, b"\r\nX-Request-ID: ", id.encode(), self.behind

    def _tell(
        self,
        channel: UploadChannel,
        words: Wording,
        id: str,
        started: float,
        sent: int,
        whole: bool,
    ) -> None:
        """
        Tell what happened, in one go, since each call would cost a tenth of it.

        :param sent: bytes of the body.
        :param whole: whether that was all of it.
        """
        echoes, name, number = self.echoes, self._text, channel.number
        emit, now = echoes.hub.emit, echoes.clock.seconds()
        client = channel.site.client(channel.peer, words.head)
        emit(RequestReceived(started, id, number, client, words.method, words.path))
        if self.part is not None:
            emit(DownloadStarted(started, id, name))
        if not whole:
            return
        duration = now - started
        if self.part is not None:
            emit(DownloadCompleted(now, id, name, sent, duration))
        emit(
            RequestCompleted(
                at=now,
                request=id,
                connection=number,
                client=client,
                method=words.method,
                path=words.path,
                status=self.status,
                code="",
                received=0,
                sent=sent,
                duration=duration,
                agent=words.agent,
            )
        )


class FileEcho(Echo):
    """
    Answers with bytes that the kernel has in memory.
    """

    __slots__ = ()

    def answer(self, channel: UploadChannel, words: Wording, file: Any, started: float) -> bool:
        """See :meth:`Echo.answer`; *file* has a descriptor."""
        outlet, part = channel.outlet, self.part
        assert part is not None
        size = part.stop - part.start
        if not isinstance(outlet, PlainOutlet) or not _is_at_hand(file, part):
            file.close()
            return False
        id = channel.site.request_id()
        head = b"".join(self._head(id, started))
        sent = outlet.send_file(head, file.fileno(), part.start, size)
        self._tell(channel, words, id, started, sent, sent == size)
        if sent == size:
            file.close()
        else:
            request = channel.go_on(words, id, started, self.status)
            rest = Span(part.start + sent, part.stop)
            self.echoes.go_on(request, self.name, file, rest, sent)
        return True


def _is_at_hand(file: IHasDescriptor, part: Span) -> bool:
    """
    :return: whether nobody has to wait for the disk; else it is asked for them.
    """
    fetching = file.fetch(part.start, part.stop - part.start)
    if fetching is not None:
        # Whoever asks for the file now is told what is wrong with it.
        fetching.addErrback(lambda _: None)
    return fetching is None
