"""
A GET or HEAD of a file or a version, from its name to its last byte.

The file is opened once, and everything is said and sent of what was opened: a
replacement never mixes bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from hashlib import sha256

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.server import NOT_DONE_YET

from hmacfs.abilities import IVersioned
from hmacfs.conditions import Get
from hmacfs.config import Settings
from hmacfs.digests import format_sha256, wanted
from hmacfs.events import DownloadCompleted, DownloadFailed, DownloadStarted
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.store import IDigests, IFile, IHasDescriptor, IHeld, IStore
from hmacfs.names import StoredName
from hmacfs.ranges import Piece, Span, total
from hmacfs.records import FileRecord
from hmacfs.web.answer_fields import lines
from hmacfs.web.answers import Answer, Terms, answer
from hmacfs.web.digesting import Digesting
from hmacfs.web.outlet import PlainOutlet
from hmacfs.web.request import UploadRequest
from hmacfs.web.secure_outlet import SecureOutlet
from hmacfs.web.sendfile import SendfileSource
from hmacfs.web.sources import FileSource, read_whole

SMALL = 64 * 1024
"""Bytes of a body up to which it is read at once and goes out with its headers."""

HELD = 16 * 1024 * 1024
"""
Bytes that the chunks of all other bodies share: a client that asks and does
not read keeps us two chunks, and itself none, for as long as it is borne with.
"""


SENT = 2 * 1024 * 1024
"""
Bytes that are sent in one turn of the reactor to all clients together: about a
millisecond, for which everybody else waits.
"""

LEAST_SENT = 128 * 1024
"""Bytes that it sends to each at least; less costs more turns than it spares others."""

Source = FileSource | SendfileSource


@attrs.frozen
class _Subject:
    """
    What is asked for.

    :ivar version: its id, ``""`` of the file itself.
    """

    name: StoredName
    version: str = ""


class Download:
    """
    Serves stored files, and what they were before.
    """

    def __init__(self, store: IStore, hub: IHub, settings: Settings, clock: IReactorTime) -> None:
        self._store = store
        self._hub = hub
        self._terms = Terms.of(settings)
        # Only who signs sees a version, which may go at any time.
        self._terms_before = attrs.evolve(self._terms, versioned=True, private=True)
        self._clock = clock
        self._streaming = 0
        self._digesting = Digesting(store) if IDigests.providedBy(store) else None

    def render(self, request: UploadRequest, name: StoredName) -> int:
        """
        Answer a GET or HEAD of *name*, which is allowed to this client.

        :return: ``NOT_DONE_YET``: the store answers later.
        """
        return self._render(request, _Subject(name))

    def render_version(self, request: UploadRequest, name: StoredName, id: str) -> int:
        """
        Answer a GET or HEAD of the version *id* of *name*, which is allowed to
        this client; the store is one that has versions.

        :return: as :meth:`render`.
        """
        return self._render(request, _Subject(name, id))

    def _render(self, request: UploadRequest, subject: _Subject) -> int:
        opening = self._open(subject).addCallback(self._opened, request, subject)
        opening.addErrback(request.processingFailed)
        return NOT_DONE_YET

    def _opened(
        self, file: IFile, request: UploadRequest, subject: _Subject
    ) -> Deferred[None] | None:
        if request.channel is None:
            # The client left while the file was being opened.
            file.close()
        elif IHeld.providedBy(file) and not _wants_digest(request):
            self._send_held(request, subject, file)
        else:
            return Deferred.fromCoroutine(self._serve(request, subject, file))
        return None

    def _send_held(self, request: UploadRequest, subject: _Subject, file: IHeld) -> None:
        """
        Answer as most are: with a small file that is at hand, or a part of it, or
        nothing of it.
        """
        record: FileRecord = file.record
        found = self._answer(request, subject, record)
        body = b""
        if _has_body(request, found):
            body = _cut(file.content, found.pieces)
            self._started(request, subject.name)
            self._told(request, subject.name, len(body))
        request.send_whole(found.status, lines(found.headers), body)

    async def _serve(self, request: UploadRequest, subject: _Subject, file: IFile) -> None:
        name = subject.name
        with ExitStack() as owned:
            owned.callback(file.close)
            found = self._answer(request, subject, file.record)
            if not subject.version and self._lacks_digest(request, file.record, found):
                file, found = await self._digested(request, subject, file, owned)
                if request.channel is None:
                    return
            if not _has_body(request, found):
                _begin(request, found)
                request.finish()
            elif total(found.pieces) <= SMALL:
                body = await read_whole(file, found.pieces)
                if request.channel is not None:
                    self._send(request, name, found, body)
            else:
                # The source closes the file from here on.
                owned.pop_all()
                await self._stream(request, name, found, self._source(request, file, found))

    def _open(self, subject: _Subject) -> Deferred[IFile]:
        if subject.version:
            return IVersioned(self._store).open_version(subject.name, subject.version)
        return self._store.open(subject.name)

    def _answer(self, request: UploadRequest, subject: _Subject, record: FileRecord) -> Answer:
        get, filename = _fields(request), subject.name.segments[-1]
        terms = self._terms_before if subject.version else self._terms
        return answer(request.method, get, record, filename, request.started, terms)

    def _lacks_digest(self, request: UploadRequest, record: FileRecord, found: Answer) -> bool:
        """
        :return: whether the client wants a digest that nobody has computed.
        """
        asked = record.sha256 is None and wanted(_fields(request)(b"want-repr-digest"))
        return self._digesting is not None and asked is True and found.status != 304

    async def _digested(
        self, request: UploadRequest, subject: _Subject, file: IFile, owned: ExitStack
    ) -> tuple[IFile, Answer]:
        """
        Have the digest computed; the file is opened anew, since nobody knows
        how long that takes, and which file the name has then.
        """
        assert self._digesting is not None
        before: FileRecord = file.record
        owned.close()
        digest = await self._digesting.sha256(subject.name)
        file = await self._open(subject)
        owned.callback(file.close)
        record: FileRecord = file.record
        if record.etag == before.etag:
            # Where files carry nothing, the record does not know it even now.
            record = attrs.evolve(record, sha256=digest)
        return file, self._answer(request, subject, record)

    def _send(self, request: UploadRequest, name: StoredName, found: Answer, body: bytes) -> None:
        """
        Send a small body together with its headers.
        """
        self._started(request, name)
        _begin(request, found)
        if wanted(_fields(request)(b"want-content-digest")):
            digest = format_sha256(sha256(body).hexdigest())
            request.responseHeaders.setRawHeaders(b"Content-Digest", [digest])
        request.write(body)
        self._completed(request, name, len(body))

    def _source(self, request: UploadRequest, file: IFile, found: Answer) -> Source:
        outlet = request.channel.outlet
        if isinstance(outlet, PlainOutlet | SecureOutlet) and IHasDescriptor.providedBy(file):
            return SendfileSource(file, found.pieces, outlet, self._turn_size)
        return FileSource(file, found.pieces, self._chunk_size)

    async def _stream(
        self, request: UploadRequest, name: StoredName, found: Answer, source: Source
    ) -> None:
        """
        Send a body at the client's pace.

        :raise Truncated: or whatever else breaks it off; the length is
            promised, so the connection is to be cut.
        """
        self._started(request, name)
        _begin(request, found)
        await self._send_rest(request, name, source)

    def go_on(
        self,
        request: UploadRequest,
        name: StoredName,
        file: IHasDescriptor,
        rest: Span,
        sent: int,
    ) -> None:
        """
        See :data:`hmacfs.web.echo.GoOn`.
        """
        source = SendfileSource(file, [rest], request.channel.outlet, self._turn_size)
        source.sent = sent
        sending = Deferred.fromCoroutine(self._send_rest(request, name, source))
        sending.addErrback(request.processingFailed)

    async def _send_rest(self, request: UploadRequest, name: StoredName, source: Source) -> None:
        """
        Send what *source* gives, behind what has been sent.

        :raise Truncated: as :meth:`_stream`.
        """
        channel = request.channel
        request.notifyFinish().addErrback(lambda _: source.stopProducing())
        request.source = source
        self._streaming += 1
        try:
            complete = await source.send(request)
        except Exception:
            self._failed(request, name, source.sent, "internal")
            raise
        finally:
            self._streaming -= 1
        if complete:
            self._completed(request, name, source.sent)
        else:
            self._failed(request, name, source.sent, channel.why_lost)

    def _turn_size(self) -> int:
        """
        :return: bytes to send at once: fewer for each, the more there are.
        """
        return max(LEAST_SENT, SENT // max(1, self._streaming))

    def _chunk_size(self) -> int:
        """
        :return: bytes to read at once: fewer for each, the more there are.
        """
        return min(self._terms.chunk_size, max(SMALL, HELD // self._streaming))

    def _started(self, request: UploadRequest, name: StoredName) -> None:
        self._hub.emit(
            DownloadStarted(at=self._clock.seconds(), request=request.id, name=name.text)
        )

    def _completed(self, request: UploadRequest, name: StoredName, sent: int) -> None:
        self._told(request, name, sent)
        request.finish()

    def _told(self, request: UploadRequest, name: StoredName, sent: int) -> None:
        now = self._clock.seconds()
        self._hub.emit(
            DownloadCompleted(
                at=now,
                request=request.id,
                name=name.text,
                sent=sent,
                duration=now - request.started,
            )
        )

    def _failed(self, request: UploadRequest, name: StoredName, sent: int, reason: str) -> None:
        self._hub.emit(
            DownloadFailed(
                at=self._clock.seconds(),
                request=request.id,
                name=name.text,
                sent=sent,
                reason=reason,
            )
        )


def _fields(request: UploadRequest) -> Get:
    """
    :return: what looks a field of *request* up.
    """
    assert request.head is not None
    return request.head.get


def _wants_digest(request: UploadRequest) -> bool:
    """
    :return: whether it says something of digests.
    """
    get = _fields(request)
    return get(b"want-repr-digest") is not None or get(b"want-content-digest") is not None


def _has_body(request: UploadRequest, found: Answer) -> bool:
    """
    :return: whether bytes of the file follow the head of the answer.
    """
    return request.method != b"HEAD" and found.status != 304


def _cut(content: bytes, pieces: Iterable[Piece]) -> bytes:
    """
    :return: *pieces* of a file, all of which is *content*.
    """
    return b"".join(
        content[piece.start : piece.stop] if isinstance(piece, Span) else piece for piece in pieces
    )


def _begin(request: UploadRequest, found: Answer) -> None:
    """
    Set the status and the headers; they go out with the first byte.
    """
    request.setResponseCode(found.status)
    for name, value in found.headers:
        request.responseHeaders.setRawHeaders(name, [value])
