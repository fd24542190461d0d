"""
One request: answered by a resource of the tree, or its body taken by one.

twisted.web calls a resource when the whole body is in.  Here a resource is
found when the head is in: one that takes bodies is asked first and then gets
the bytes as they come; every other is rendered at once.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.error import UnsupportedMethod
from twisted.web.resource import IResource
from twisted.web.server import NOT_DONE_YET, Request

from hmacfs.errors import Internal, MethodNotAllowed, Overloaded, Refusal
from hmacfs.events import RequestCompleted, RequestFailed, RequestReceived
from hmacfs.http1 import Head
from hmacfs.interfaces.web import IBody, ITakesBodies
from hmacfs.web import pages
from hmacfs.web.answer_fields import date
from hmacfs.web.wording import UNREADABLE, Wording

if TYPE_CHECKING:
    from hmacfs.web.channel import UploadChannel
    from hmacfs.web.protocol import Protocol
    from hmacfs.web.sendfile import SendfileSource
    from hmacfs.web.site import UploadSite
    from hmacfs.web.sources import FileSource

_TOO_MANY = frozenset({errno.EMFILE, errno.ENFILE})


class UploadRequest(Request):
    """
    A request whose head is in.

    :ivar head: its :class:`hmacfs.http1.Head`; ``None`` where the head could
        not be read and the request exists only to be refused.
    :ivar words: what follows from the words of the head.
    :ivar id: its name in the log, and in ``X-Request-ID`` of the answer.
    :ivar client: the client's address, a trusted proxy's word counted.
    :ivar started: when the head was in, by the reactor's clock, unix seconds.
    :ivar received: bytes of the body that have come in.
    :ivar channel: the connection, ``None`` once the answer is out or the
        connection gone.
    :ivar protocol: the protocol of resumable uploads that it speaks, once that
        is known, or ``None``.
    :ivar source: what produces the body of the answer, ``None`` where it was written.
    :ivar code_told: the code of the refusal that was answered, or ``""``.
    """

    defaultContentType = None
    code_told = ""
    received = 0
    head: Head | None = None
    words = UNREADABLE
    protocol: Protocol | None = None
    source: FileSource | SendfileSource | None = None
    site: UploadSite
    responseHeaders: Any
    # twisted.web deletes the attribute behind the answer, and sets it to None
    # when the connection is lost.
    channel: Any = None

    _log = Logger()

    def __init__(self, channel: UploadChannel) -> None:
        super().__init__(channel, parsePOSTFormSubmission=False)
        site = self.site = channel.site
        self.id = site.request_id()
        self.started = site.clock.seconds()
        self.client = channel.peer
        self.method, self.uri, self.path, self.clientproto = b"", b"", b"", b"HTTP/1.1"
        self.args = {}

    def begin(self, words: Wording) -> None:
        """
        Find who answers and let it.  What goes wrong is answered, never raised.
        """
        head = self.enter(words)
        try:
            if head.target == b"*":
                pages.preflight(self, pages.METHODS)
                return
            self.prepath = []
            self.postpath = [unquote_to_bytes(part) for part in head.path[1:].split(b"/")]
            resource = self.site.getResourceFor(self)
            if ITakesBodies.providedBy(resource) and self.method in resource.body_methods:
                admitted = resource.admit(self)
                admitted.addCallback(self._admitted).addErrback(self.processingFailed)
            else:
                self.render(resource)
        except Exception:
            # Whatever a resource raises is answered in one place.
            self.processingFailed(Failure())

    def enter(self, words: Wording) -> Head:
        """
        Begin with *words*, and leave it to the caller who answers.
        """
        head = self._know(words)
        self._dress(head.get(b"origin"))
        self._emit_received()
        return head

    def go_on(self, words: Wording, id: str, started: float, status: int) -> None:
        """
        Go on with an answer whose head is out.
        """
        self._know(words)
        self.id = id
        self.started = started
        self.startedWriting = 1
        self.setResponseCode(status)

    def _know(self, words: Wording) -> Head:
        self.words = words
        self.head = head = words.head
        self.method, self.uri, self.path = head.method, head.target, head.path
        self.clientproto = head.version
        self.client = self.site.client(self.channel.peer, head)
        return head

    def refuse_head(self, refusal: Refusal) -> None:
        """
        Answer a head that could not be read.
        """
        self._dress(None)
        self._emit_received()
        pages.refuse(self, refusal)

    def _dress(self, origin: bytes | None) -> None:
        self.responseHeaders = self.site.manners.headers(origin)
        self.responseHeaders.setRawHeaders(b"Date", [date(int(self.started))])
        self.responseHeaders.setRawHeaders(b"X-Request-ID", [self.id.encode()])

    def _admitted(self, body: IBody) -> None:
        if self.channel is None:
            body.lost("disconnected")
        else:
            self.channel.take(body)

    def render(self, resource: IResource) -> None:
        """
        Let *resource* answer; a method that it does not know is 405 with ``Allow``.
        """
        try:
            body = resource.render(self)
        except UnsupportedMethod as unsupported:
            allowed = b", ".join(sorted(unsupported.allowedMethods))
            raise MethodNotAllowed(
                "This method is not known here.", [(b"Allow", allowed)]
            ) from None
        if body is not NOT_DONE_YET:
            raise TypeError(f"{resource!r} must answer by itself")

    def send_whole(self, status: int, fields: bytes, body: bytes) -> None:
        """
        Answer in one piece.

        :param fields: the lines that are about *body*, as
            :func:`hmacfs.web.answer_fields.lines` makes them; the others are added.
        """
        self.setResponseCode(status)
        self.startedWriting = 1
        self.sentLength = len(body)
        line = b"%b %d %b\r\n" % (self.clientproto, status, self.code_message)
        self.channel.send_whole(b"".join((line, self.responseHeaders.lines, fields)), body)
        self.finish()

    def processingFailed(self, reason: Failure) -> None:
        """
        Answer a :class:`hmacfs.errors.Refusal` as it says, a want of
        descriptors as 503, and everything else, once it is logged, as 500.
        """
        refusal = reason.value
        if isinstance(refusal, OSError) and refusal.errno in _TOO_MANY:
            refusal = Overloaded()
        if isinstance(refusal, Overloaded):
            # As many tracebacks as there are clients would tell no more.
            self._log.warn(
                "request {request} was turned away: too many open files", request=self.id
            )
        elif not isinstance(refusal, Refusal):
            self._log.failure("request {request} failed", failure=reason, request=self.id)
            refusal = Internal("The server met a fault of its own.")
        if self.channel is None:
            return
        if self.startedWriting:
            self.abort()
        else:
            pages.refuse(self, refusal)

    def abort(self) -> None:
        """
        Cut the connection: the answer cannot be completed, and must not look complete.
        """
        if self.channel is not None:
            self.channel.cut("internal")

    def finish(self) -> None:
        """
        The whole answer was written.
        """
        if self.channel is not None:
            if not self.startedWriting:
                self.write(b"")
            self.site.hub.emit(
                RequestCompleted(
                    **self._account(), status=self.code, code=self.code_told, agent=self.words.agent
                )
            )
        super().finish()

    def connectionLost(self, reason: Failure) -> None:
        """
        The connection went before the whole answer was out.
        """
        self.site.hub.emit(
            RequestFailed(
                **self._account(),
                status=self.code if self.startedWriting else 0,
                reason=self.channel.why_lost,
            )
        )
        super().connectionLost(reason)

    def _emit_received(self) -> None:
        self.site.hub.emit(
            RequestReceived(
                at=self.started,
                request=self.id,
                connection=self.channel.number,
                client=self.client,
                method=self.words.method,
                path=self.words.path,
            )
        )

    def _account(self) -> dict[str, Any]:
        now = self.site.clock.seconds()
        return {
            "at": now,
            "request": self.id,
            "connection": self.channel.number,
            "client": self.client,
            "method": self.words.method,
            "path": self.words.path,
            "received": self.received,
            # What the kernel sends was never written here.
            "sent": self.sentLength if self.source is None else self.source.sent,
            "duration": now - self.started,
        }
