"""
The answer that is given again.

Who asks for a file in the same words as somebody before, and finds it as it
was, gets the same answer but for its time and its id.  So the tree of resources
is not walked, nothing is judged, and nothing is said of the file anew.  Whether
it is the same file is asked each time, of whoever holds it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import attrs
from twisted.internet.interfaces import IReactorTime

from hmacfs.abilities import IHolds
from hmacfs.events import DownloadCompleted, DownloadStarted, RequestCompleted, RequestReceived
from hmacfs.interfaces import IHub
from hmacfs.names import StoredName
from hmacfs.records import FileRecord
from hmacfs.web.answer_fields import date
from hmacfs.web.wording import Wording

if TYPE_CHECKING:
    from hmacfs.web.channel import UploadChannel


@attrs.frozen(eq=False, kw_only=True)
class Echo:
    """
    Answers who asks for one file in one wording.

    :ivar record: of the file as it was.
    :ivar shared: the lines of the head that stand before ``Date``.
    :ivar fields: the lines that are about the file.
    :ivar part: the part of it that follows the head; ``None`` where nothing is
        sent of it.
    :ivar second: the unix second in which the answer is so; ``None`` where
        time changes nothing.
    """

    store: IHolds
    hub: IHub
    clock: IReactorTime
    words: Wording
    name: StoredName
    record: FileRecord
    status: int
    shared: bytes
    fields: bytes
    part: slice | None
    second: int | None
    # What is the same in each answer.
    _before: bytes = attrs.field(init=False)
    _behind: bytes = attrs.field(init=False)
    _text: str = attrs.field(init=False)

    @_before.default
    def _before_date(self) -> bytes:
        line = b"HTTP/1.1 %d %b\r\n" % (self.status, HTTPStatus(self.status).phrase.encode())
        return line + self.shared + b"Date: "

    @_behind.default
    def _behind_id(self) -> bytes:
        return b"\r\n" + self.fields + b"\r\n"

    @_text.default
    def _name_text(self) -> str:
        return self.name.text

    def send(self, channel: UploadChannel) -> bool:
        """See :meth:`hmacfs.web.wording.Repeats.send`."""
        started = self.clock.seconds()
        now = int(started)
        if self.second is not None and self.second != now:
            return False
        file = self.store.held(self.name)
        if file is None or file.record is not self.record:
            return False
        words, site, part = self.words, channel.site, self.part
        id = site.request_id()
        client = site.client(channel.peer, words.head)
        body: bytes = b"" if part is None else file.content[part]
        head = (self._before, date(now), b"\r\nX-Request-ID: ", id.encode(), self._behind)
        channel.outlet.write(b"".join((*head, body)))
        ended = self.clock.seconds()
        number, method, path = channel.number, words.method, words.path
        size, took = len(body), ended - started
        emit = self.hub.emit
        emit(RequestReceived(started, id, number, client, method, path))
        if part is not None:
            emit(DownloadStarted(started, id, self._text))
            emit(DownloadCompleted(ended, id, self._text, size, took))
        # at, request, connection, client, method, path, status, code, received, sent,
        # duration, agent
        done = (number, client, method, path, self.status, "", 0, size, took, words.agent)
        emit(RequestCompleted(ended, id, *done))
        return True
