"""
The connection: heads before bodies, one request after the other.

twisted.web's channel says ``100 Continue`` by itself, reads a body before
anybody is asked, and closes a refused connection with the body unread, so
that the client sees a reset in place of the answer.  This channel keeps
HTTPChannel's writing half, which the Request class stands on, and replaces
its reading half:

=========  ==================================================================
state      what arrives is
=========  ==================================================================
``HEAD``   collected until the head is whole, within ``HeaderTimeout``; that of a
           small upload which comes alone waits for the body for :data:`MOMENT`
``BODY``   fed to whoever takes the body, ``IdleTimeout`` between two pieces
``BUSY``   kept, up to :data:`KEPT` bytes, until the answer is out; the next
           requests may stand there already
``LINGER`` dropped, bounded in bytes and time, behind the last answer
=========  ==================================================================

A request whose answer is complete before its body was read ends the
connection: half-closed, so that the client can still read the answer, and its
body can never pose as the next request.

The client is held back (its socket is not read) for any of the reasons in
:class:`_Hold`; while it is held by us no timer runs.

What is not public of twisted.web is touched in this file alone, and what is not
of its transports in :mod:`hmacfs.web.outlet` and :mod:`hmacfs.web.secure_outlet`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IPushProducer,
    IReactorFDSet,
    ISSLTransport,
    ITCPTransport,
    IUNIXTransport,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, _NoPushProducer
from zope.interface import implementer

from hmacfs.errors import Headers as Headers104
from hmacfs.errors import MalformedRequest, Refusal, TooSlow, WrongLength
from hmacfs.http1 import Chunked, Head, Sized, head_end
from hmacfs.interfaces.web import IBody
from hmacfs.web.answer_fields import AnswerFields
from hmacfs.web.deadline import Deadline
from hmacfs.web.intake import LEAST, Intake
from hmacfs.web.request import UploadRequest
from hmacfs.web.secure_inlet import SecureInlet
from hmacfs.web.secure_outlet import SecureOutlet, outlet
from hmacfs.web.wording import LONGEST, Wording

if TYPE_CHECKING:
    from hmacfs.web.site import UploadSite

KEPT = 64 * 1024
"""Bytes taken from a client that is being answered, or held back, at most."""

LINGER_BYTES = 64 * 1024 * 1024
"""
Bytes read and dropped behind an answer.  Generous, since many clients (Python's
http.client, a browser) read no answer before they have sent the whole file.
"""

LINGER_SECONDS = 10.0

MOMENT = 0.01
"""Seconds that a small body may come behind its head and be stored as if with it."""

PIECE = 64 * 1024
"""Bytes that one turn of the reactor reads from a client, as Twisted has it."""

STALL_FACTOR = 4
"""
A reader may stand still so many times longer than a writer (``IdleTimeout``):
on loopback the kernel opens its window in steps of 64 KB, which a client of
1 kB/s takes a minute for.
"""

LEAST_RATE = 64
"""
Bytes a second that the reader of an answer has to take, over that time, or all
that there are.
"""


STEPS = 16
"""
Requests of one connection that are begun in one turn of the reactor, where they
all came in one piece: small uploads take some 0.2 ms each.
"""


class _State(Enum):
    HEAD = "head"
    BODY = "body"
    BUSY = "busy"
    LINGER = "linger"


class _Hold(Enum):
    """Why the client is not being read."""

    VERDICT = "somebody decides on its request"
    DISK = "the disk is slower than the client"
    PIPELINE = "it has sent enough of its next requests"
    READER = "it does not read our answers"
    DRAWN = "a thread reads it"
    SHARE = "it has had its share of this turn"


@implementer(IPushProducer)
class _BodyProducer:
    """The client, as who takes its body sees it."""

    def __init__(self, channel: UploadChannel) -> None:
        self._channel = channel

    def pauseProducing(self) -> None:
        self._channel.hold(_Hold.DISK)

    def resumeProducing(self) -> None:
        self._channel.release(_Hold.DISK)

    def stopProducing(self) -> None:
        self._channel.transport.abortConnection()


@implementer(IHalfCloseableProtocol)
class UploadChannel(HTTPChannel):
    """
    One connection of a client.

    :ivar site: the :class:`hmacfs.web.site.UploadSite` it belongs to.
    :ivar number: which connection of this process it is.
    :ivar peer: ``"192.0.2.1:4711"``, ``"[2001:db8::1]:4711"`` or ``"unix"``;
        who a PROXY header tells of, once it is here.
    :ivar why_lost: what :class:`hmacfs.events.RequestFailed` says when the
        connection ends now.
    """

    site: UploadSite
    requestFactory: Any = UploadRequest
    # The kinds of transport share no interface that says all of what is used here.
    transport: Any
    _networkProducer: Any
    number = 0
    peer = ""
    why_lost = "disconnected"

    def __init__(self) -> None:
        super().__init__()
        self._state = _State.HEAD
        self._inbox = b""
        # A head that was read, whose body may come this moment.
        self._words: Wording | None = None
        self._blank_skipped = False
        self._head_due = False
        self._advancing = False
        self._holds: set[_Hold] = set()
        self._intake: Intake | None = None
        self._drawn_once = False
        self._reader: Sized | Chunked = Sized(0)
        self._body: IBody | None = None
        self._body_pending = False
        self._expects = False
        self._ended = False
        self._dropped = 0
        self._taken_before = 0
        self._secure = False
        self._ends: tuple[Any, Any] = (None, None)
        self._met = True
        self._inlet: SecureInlet | None = None

    # The connection

    def connectionMade(self) -> None:
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self._secure = ISSLTransport.providedBy(self.transport)
        stretch = self.site.stretch
        self.outlet = outlet(self.transport, stretch)
        if isinstance(self.outlet, SecureOutlet):
            self._inlet = SecureInlet(self.transport, stretch)
        self._read_in(PIECE)
        self._deadline = Deadline(self.site.clock, self.timeoutConnection)
        self._networkProducer = IPushProducer(self.transport, _NoPushProducer())
        self._networkProducer.registerProducer(self, True)
        self._meet()
        self._met = not isinstance(self.transport, ProtocolWrapper)
        self.number = self.site.opened(self)
        self.setTimeout(min(self.site.header_timeout, self.site.idle_timeout))
        if self.site.draining:
            self.retire()

    def _meet(self) -> None:
        self._ends = self.transport.getPeer(), self.transport.getHost()
        self.peer = _address(self._ends[0])

    def getPeer(self) -> Any:
        """The client's address, known beforehand: each request wants to know it."""
        return self._ends[0]

    def getHost(self) -> Any:
        """Our own."""
        return self._ends[1]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._deadline.end()
        self._read_in(PIECE)
        self._inbox = b""
        # A thread that still draws is heard of later, and nothing goes on then.
        self._state = _State.LINGER
        self._lose_body(self.why_lost)
        # TLS would know us for ever, and be known by us.
        self._networkProducer.unregisterProducer()
        super().connectionLost(reason)
        self.site.closed(self)

    def readConnectionLost(self) -> None:
        """
        The client will send no more; it may still read, and what it has sent
        is still answered.
        """
        self._ended = True
        self._go_on_from_head()
        self._advance()

    def writeConnectionLost(self) -> None:
        """
        Our half is closed: what is left is to read until the client closes its own.
        """

    def cut(self, reason: str) -> None:
        """
        End the connection at once, whatever is under way.

        :param reason: what the events shall say.
        """
        self.why_lost = reason
        self.transport.abortConnection()

    def retire(self) -> None:
        """
        End the connection as soon as nothing is under way on it.
        """
        self._go_on_from_head()
        self.persistent = False
        if self._state is not _State.HEAD:
            return
        if self._holds or self.outlet.unsent:
            # Answers are on their way, and maybe more requests, not read yet.
            self._linger()
        else:
            self._close()

    def inform(self, fields: Headers104) -> None:
        """
        Send a 104 (Upload Resumption Supported) before the answer, where it
        may be: some proxies take it for the answer.
        """
        if self.site.informs(self.peer):
            lines = [b"HTTP/1.1 104 Upload Resumption Supported"]
            lines += [b"%b: %b" % field for field in fields]
            self.outlet.write(b"\r\n".join([*lines, b"", b""]))

    # Reading

    def dataReceived(self, data: bytes) -> None:
        if self._inlet is not None and self._inlet.gathers(data):
            return
        if not self._met:
            # The header of the PROXY protocol comes before all else, and only
            # then a "haproxy:" endpoint knows whose connection this is.
            self._met = True
            self._meet()
        if self._state is _State.LINGER:
            self._dropped += len(data)
            if self._dropped > LINGER_BYTES:
                self.transport.abortConnection()
            return
        self._inbox = self._inbox + data if self._inbox else data
        self._advance()

    def _advance(self) -> None:
        """
        Take from the inbox what can be taken now.

        A loop, since an answer that is written at once brings the next
        request: recursion would end at its depth.
        """
        if self._advancing:
            return
        self._advancing = True
        try:
            steps = 0
            while self._inbox and self._step():
                steps += 1
                if steps == STEPS and self._inbox:
                    self.hold(_Hold.SHARE)
                    self.site.clock.callLater(0, self._advance_again)
        finally:
            self._advancing = False
        if self._ended:
            self._input_ended()

    def _advance_again(self) -> None:
        """
        Others have had their share of the reactor.
        """
        if self._state is not _State.LINGER:
            self.release(_Hold.SHARE)
            self._advance()

    @property
    def _may_begin(self) -> bool:
        # To look into an empty set would cost each request a call of the Enum.
        return not self._waitingForTransport and not (self._holds and _Hold.SHARE in self._holds)

    def _step(self) -> bool:
        """
        :return: whether there may be more to take.
        """
        if self._state is _State.HEAD and self._may_begin:
            return self._read_head()
        if self._state is _State.BODY and not self._holds:
            data, self._inbox = self._inbox, b""
            self._read_body(data)
            return True
        if self._state is _State.BUSY and len(self._inbox) > KEPT:
            self.hold(_Hold.PIPELINE)
        return False

    def _input_ended(self) -> None:
        """
        What can be taken is taken, and nothing will follow it.
        """
        if self._state is _State.BODY and not self._holds:
            self._break_off(
                WrongLength("The body ended before the length that was promised."), vanished=True
            )
        elif self._state is _State.HEAD and (self._may_begin or not self._inbox):
            self._close()
        elif self._state is _State.LINGER:
            self.transport.loseConnection()

    def _read_head(self) -> bool:
        if self._words is not None:
            whole = len(self._inbox) >= (self._words.head.length or 0)
            if whole:
                self._go_on_from_head()
            return whole
        if not self._blank_skipped and self._inbox.startswith(b"\r\n"):
            # RFC 9112 section 2.2: one empty line before a request is ignored.
            self._blank_skipped = True
            self._inbox = self._inbox[2:]
            return True
        site, inbox = self.site, self._inbox
        # Where a body follows at once, it is none that is kept.
        words = site.wordings.find(inbox) if len(inbox) <= LONGEST else None
        if words is not None:
            self._inbox = b""
        else:
            try:
                end = head_end(inbox)
                if end < 0:
                    self._await_head()
                    return False
                words = site.wordings.read(inbox[:end])
            except Refusal as refusal:
                self._refuse_head(refusal)
                return False
            self._inbox = inbox[end:]
        if self._answer_again(words):
            return True
        self._words = words
        if self._may_come_whole(words.head):
            self.setTimeout(MOMENT)
            return False
        self._go_on_from_head()
        return True

    def _may_come_whole(self, head: Head) -> bool:
        """
        :return: whether the body of a small upload may come this moment.  Most
            clients send it right behind the head, in pieces of its own, and it
            costs two thirds where all of it is taken together.
        """
        door = self.site.whole_door
        return (
            door is not None
            and not self._inbox
            and bool(head.length)
            and door.fits(head)
            and not self._ended
        )

    def _go_on_from_head(self) -> None:
        """
        Begin the request whose head was read, with what is here of its body.
        """
        words, self._words = self._words, None
        if words is not None and not self._take_whole(words):
            self._begin(words)

    def _answer_again(self, words: Wording) -> bool:
        """
        Answer without a request, as the same was answered before maybe.
        """
        question = words.question
        if question is None or question.again is None or self.site.ending:
            return False
        if not question.again.send(self, words):
            return False
        if self._state is _State.HEAD:
            self._next_head()
        return True

    def _take_whole(self, words: Wording) -> bool:
        """
        Have a small upload stored of which all is here.
        """
        door, inbox, length = self.site.whole_door, self._inbox, words.head.length or 0
        if door is None or not 0 < length <= len(inbox) or not door.fits(words.head):
            return False
        self._inbox = inbox[length:]
        if door.takes(self, words, inbox[:length]):
            return True
        self._inbox = inbox
        return False

    def answered(self) -> None:
        """
        Go on behind an answer that was written without a request.
        """
        if self.persistent:
            self._next_head()
        else:
            self._linger()

    def _await_head(self) -> None:
        """
        The first bytes of a head are here: all of it is due in time, however
        often a byte drips in.
        """
        if not self._head_due:
            self._head_due = True
            self.setTimeout(self.site.header_timeout)

    def _refuse_head(self, refusal: Refusal) -> None:
        self._inbox = b""
        self._body_pending = True
        self._state = _State.BUSY
        self.setTimeout(None)
        request = self.requestFactory(self)
        self.requests.append(request)
        request.refuse_head(refusal)

    def _next_head(self) -> None:
        """
        The next request is expected.
        """
        self._blank_skipped = False
        self._head_due = False
        self.setTimeout(self.site.idle_timeout)

    def go_on(self, words: Wording, id: str, started: float, status: int) -> UploadRequest:
        """
        Have a request for the rest of an answer that has begun without one.

        :param status: that of the answer.
        """
        request = self._make_request(words.head)
        request.go_on(words, id, started, status)
        return request

    def meet(self, words: Wording, received: int) -> UploadRequest:
        """
        Have a request for a body that was taken already.

        :param received: its bytes.
        """
        request = self._make_request(words.head)
        self._body_pending = False
        request.received = received
        request.enter(words)
        return request

    def _make_request(self, head: Head) -> UploadRequest:
        self.persistent = head.keep_alive
        self._reader = Chunked() if head.chunked else Sized(head.length or 0)
        self._body_pending = head.has_body
        self._expects = head.expects
        self._drawn_once = False
        self._state = _State.BUSY
        self.setTimeout(None)
        request: UploadRequest = self.requestFactory(self)
        self.requests.append(request)
        return request

    def _begin(self, words: Wording) -> None:
        head = words.head
        request = self._make_request(head)
        if head.has_body:
            # Mostly it is decided within this call, and the socket is left as it is.
            self._holds.add(_Hold.VERDICT)
        request.begin(words)
        if _Hold.VERDICT in self._holds:
            self._networkProducer.pauseProducing()

    def take(self, body: IBody) -> None:
        """
        Let *body* have what the client sends: the request is admitted.
        """
        self._body = body
        body.registerProducer(_BodyProducer(self), True)
        if not self._body_pending:
            self._body_read(self._inbox)
            return
        if self._expects and not self._inbox and not self._ended:
            self.outlet.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._fit_reads()
        self._state = _State.BODY
        # What was kept is the beginning of the body, and no next request.
        self._holds.discard(_Hold.PIPELINE)
        self.release(_Hold.VERDICT)
        if not self._inbox:
            self._draw()

    def _read_body(self, data: bytes) -> None:
        request = self.requests[0]
        try:
            pieces, rest = self._reader.feed(data)
        except MalformedRequest as refusal:
            self._break_off(refusal)
            return
        body = self._body
        assert body is not None
        for piece in pieces:
            request.received += len(piece)
            body.write(piece)
            if self._state is not _State.BODY:
                return
        if self._reader.finished:
            self._body_read(rest)
            return
        self._fit_reads()
        if not self._holds:
            self.resetTimeout()
        self._draw()

    def _draw(self) -> None:
        """
        Let a thread take the rest of a large body off the socket, where it can.

        Not off a UNIX socket, which never holds much more than 200 KB: a thread
        that is called for each of them costs more than to read it.
        """
        reader, body = self._reader, self._body
        if (
            self._state is _State.BODY
            and not self._drawn_once
            and isinstance(reader, Sized)
            and reader.left >= LEAST
            and body is not None
            and body.draws
            and self.site.draws
            and not self._secure
            and not IUNIXTransport.providedBy(self.transport)
            and not self._ended
        ):
            self._drawn_once = True
            reactor = IReactorFDSet(self.site.clock)
            try:
                self._intake = Intake(
                    self.transport.fileno(),
                    reactor,
                    body.draw,
                    reader.left,
                    self._drawn,
                    self._wait_for_more,
                    self._draw_no_more,
                )
            except OSError:
                # Too many files are open: then it is read.
                return
            self.hold(_Hold.DRAWN)
            self._intake.start()

    def _drawn(self, size: int) -> None:
        assert isinstance(self._reader, Sized)
        self._reader.skip(size)
        self.requests[0].received += size

    def _wait_for_more(self, waiting: bool) -> None:
        self.setTimeout(self.site.idle_timeout if waiting else None)

    def _draw_no_more(self) -> None:
        self._intake = None
        if self._state is not _State.BODY:
            self._holds.discard(_Hold.DRAWN)
        elif self._reader.finished:
            self._holds.discard(_Hold.DRAWN)
            self._body_read(b"")
        else:
            self.release(_Hold.DRAWN)

    def _body_read(self, rest: bytes) -> None:
        """
        The body is complete; *rest* is the beginning of the next request.
        """
        self._inbox = rest
        self._body_pending = False
        self._state = _State.BUSY
        self.setTimeout(None)
        body, self._body = self._body, None
        assert body is not None
        body.unregisterProducer()
        self.release(_Hold.DISK)
        body.finished()

    def _break_off(self, refusal: Refusal, vanished: bool = False) -> None:
        """
        No more of the body can be read: whoever takes it hears so, and the
        client is told.
        """
        self._lose_body("disconnected" if vanished else refusal.code)
        self.requests[0].processingFailed(Failure(refusal))

    def _lose_body(self, reason: str) -> None:
        intake, self._intake = self._intake, None
        if intake is not None:
            intake.stop(lambda: self.release(_Hold.DRAWN))
        body, self._body = self._body, None
        if body is not None:
            body.unregisterProducer()
            body.lost(reason)

    # Holding the client back

    def hold(self, why: _Hold) -> None:
        """
        Read the client no further until the matching :meth:`release`.
        """
        if not self._holds:
            self._networkProducer.pauseProducing()
            if self._state is _State.BODY:
                self.setTimeout(None)
        self._holds.add(why)

    def release(self, why: _Hold) -> None:
        """
        Take one reason away; with the last one the client is read again.
        """
        self._holds.discard(why)
        if self._holds:
            return
        if not self._ended:
            self._networkProducer.resumeProducing()
        if self._state is _State.BODY:
            self.setTimeout(self.site.idle_timeout)
            self._advance()

    # Writing

    def writeHeaders(
        self, version: bytes, code: bytes, reason: bytes, headers: AnswerFields
    ) -> None:
        """
        Keep the head of an answer for its first bytes to go with.
        """
        line = b"%b %b %b\r\n" % (version, code, reason)
        self.outlet.begin(b"".join((line, headers.lines, self._farewell(), b"\r\n")))

    def send_whole(self, head: bytes, body: bytes) -> None:
        """
        Send an answer in one piece.

        :param head: its status line and its fields.
        """
        self.outlet.write(b"".join((head, self._farewell(), b"\r\n", body)))

    def _farewell(self) -> bytes:
        """
        :return: the line of a head that says that the connection ends behind
            the answer, where it does.
        """
        if self._body_pending or self.site.ending:
            self.persistent = False
        return b"" if self.persistent else b"Connection: close\r\n"

    def write(self, data: bytes) -> None:
        """
        Send a piece of an answer.
        """
        if self._requestProducer is None:
            self.outlet.write(data)
        else:
            self.outlet.queue(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """
        Send pieces of an answer.
        """
        self.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """
        A long answer begins: the client is to take it.
        """
        super().registerProducer(producer, streaming)
        self.outlet.hasten()
        self._watch()

    def unregisterProducer(self) -> None:
        """
        It is over.
        """
        super().unregisterProducer()
        if self._state is _State.BUSY:
            self._deadline.drop()

    def pauseProducing(self) -> None:
        """
        The transport is full: whoever answers shall wait, and no further
        request is read.
        """
        self._waitingForTransport = True
        if self._requestProducer is not None:
            self._requestProducer.pauseProducing()
        if self._state is _State.HEAD:
            self.hold(_Hold.READER)
        elif self._state is _State.BUSY and not self._deadline.set:
            self._watch()

    def resumeProducing(self) -> None:
        """
        The transport has room again.
        """
        self._waitingForTransport = False
        if self._requestProducer is not None:
            self._requestProducer.resumeProducing()
        self.release(_Hold.READER)
        self._advance()

    def requestDone(self, request: UploadRequest) -> None:
        """
        The answer is written: go on with the next request, or end in peace.
        """
        self.requests.remove(request)
        self.outlet.flush()
        self._lose_body("refused")
        self._read_in(PIECE)
        if self._body_pending or not self.persistent:
            self._linger()
            return
        self._state = _State.HEAD
        self._next_head()
        if self._waitingForTransport:
            self.hold(_Hold.READER)
        self.release(_Hold.PIPELINE)
        self._advance()

    def _linger(self) -> None:
        """
        Close so that the answer arrives.

        Closing a socket with unread bytes resets it, and a reset may overtake
        the answer: so only our half is closed.  TLS does the same by itself:
        it says its goodbye and goes on reading until the client has said its own.
        """
        if self._ended or self._secure:
            self._close()
        else:
            self._leave()
            self.transport.loseWriteConnection()

    def _close(self) -> None:
        """
        Close behind what is written.
        """
        self._leave()
        self.transport.loseConnection()

    def _leave(self) -> None:
        """
        From here on nothing is answered any more, and a client that neither
        reads nor closes is waited for no longer than :data:`LINGER_SECONDS`.
        """
        self._inbox = b""
        self._state = _State.LINGER
        # A thread may still be at it, for some milliseconds.
        self._holds &= {_Hold.DRAWN}
        self._networkProducer.unregisterProducer()
        if not self._holds:
            self._networkProducer.resumeProducing()
        self.setTimeout(LINGER_SECONDS)

    def _fit_reads(self) -> None:
        """
        Read a large body in large pieces, and never far past its end: what
        follows it is kept in memory.
        """
        # A chunked body may be a million chunks of one byte: no more of these in a turn.
        if isinstance(self._reader, Sized):
            self._read_in(min(self.site.read_size, max(self._reader.left, PIECE)))

    def _read_in(self, size: int) -> None:
        """
        Read the client in pieces of *size* bytes.
        """
        if self._inlet is not None:
            self._inlet.read_in(size)
        elif not self._secure:
            self.transport.bufferSize = size

    # Time

    def setTimeout(self, period: float | None) -> None:
        """
        Expect something within *period* seconds, or nothing for ``None``.
        """
        if period is None:
            self._deadline.drop()
        else:
            self._deadline.move(period)

    def resetTimeout(self) -> None:
        """
        What was expected has come: expect the next.
        """
        if self._deadline.set:
            self._deadline.move(self._deadline.period)

    def timeoutConnection(self) -> None:
        """
        Nothing happened for as long as the state allows.
        """
        if self._words is not None:
            self._go_on_from_head()
        elif self._state is not _State.BODY and self._takes():
            self._watch()
        elif self._state is _State.HEAD and self._inbox:
            self._refuse_head(TooSlow("The head of the request did not come in time."))
        elif self._state is _State.HEAD:
            self._close()
        elif self._state is _State.BODY:
            self._break_off(TooSlow("The body did not go on in time."))
        else:
            self.cut("too-slow")

    def _watch(self) -> None:
        """
        Look in a while whether the client takes what is sent to it.
        """
        self._taken_before = self.outlet.taken
        self._deadline.move(self._stall)

    def _takes(self) -> bool:
        """
        :return: whether an answer is going out, and is taken.
        """
        if not self.outlet.unsent:
            # Where nothing is left to take while we answer, it is us who are slow.
            return self._state is _State.BUSY
        watched = self._deadline.period
        taken = self.outlet.taken - self._taken_before
        # Before that nobody has looked at what it takes.
        return watched < self._stall or taken >= watched * LEAST_RATE

    @property
    def _stall(self) -> float:
        return self.site.idle_timeout * STALL_FACTOR


def _address(address: Any) -> str:
    """
    :return: *address* as the log shows it.
    """
    host = getattr(address, "host", None)
    if host is None:
        return "unix"
    return f"[{host}]:{address.port}" if ":" in host else f"{host}:{address.port}"
