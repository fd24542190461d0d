"""
A GET or HEAD, from its name to its last byte.

The file is opened once, and everything is said and sent of what was opened: a
replacement never mixes bytes.
"""

from __future__ import annotations

from contextlib import ExitStack

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.server import NOT_DONE_YET

from hmacfs.config import Settings
from hmacfs.events import DownloadCompleted, DownloadFailed, DownloadStarted
from hmacfs.interfaces import IHub, IStore
from hmacfs.names import StoredName
from hmacfs.ranges import total
from hmacfs.web.answers import Answer, Terms, answer
from hmacfs.web.request import UploadRequest
from hmacfs.web.sources import FileSource, read_whole

SMALL = 64 * 1024
"""Bytes of a body up to which it is read at once and goes out with its headers."""

HELD = 16 * 1024 * 1024
"""
Bytes that the chunks of all other bodies share: a client that asks and does
not read keeps us two chunks, and itself none, for as long as it is borne with.
"""


class Download:
    """
    Serves stored files.
    """

    def __init__(self, store: IStore, hub: IHub, settings: Settings, clock: IReactorTime) -> None:
        self._store = store
        self._hub = hub
        self._terms = Terms.of(settings)
        self._clock = clock
        self._streaming = 0

    def render(self, request: UploadRequest, name: StoredName) -> int:
        """
        Answer a GET or HEAD of *name*, which is allowed to this client.

        :return: ``NOT_DONE_YET``: the store answers later.
        """
        Deferred.fromCoroutine(self._serve(request, name)).addErrback(request.processingFailed)
        return NOT_DONE_YET

    async def _serve(self, request: UploadRequest, name: StoredName) -> None:
        assert request.head is not None
        with ExitStack() as owned:
            file = await self._store.open(name)
            owned.callback(file.close)
            if request.channel is None:
                # The client left while the file was being opened.
                return
            found = answer(
                request.method,
                request.head.get,
                file.record,
                name.segments[-1],
                request.started,
                self._terms,
            )
            if request.method == b"HEAD" or found.status == 304:
                _begin(request, found)
                request.finish()
            elif total(found.pieces) <= SMALL:
                body = await read_whole(file, found.pieces)
                if request.channel is not None:
                    self._send(request, name, found, body)
            else:
                # The source closes the file from here on.
                owned.pop_all()
                source = FileSource(file, found.pieces, self._chunk_size)
                await self._stream(request, name, found, source)

    def _send(self, request: UploadRequest, name: StoredName, found: Answer, body: bytes) -> None:
        """
        Send a small body together with its headers.
        """
        self._started(request, name)
        _begin(request, found)
        request.write(body)
        self._completed(request, name, len(body))

    async def _stream(
        self, request: UploadRequest, name: StoredName, found: Answer, source: FileSource
    ) -> None:
        """
        Send a body at the client's pace.

        :raise Truncated: or whatever else breaks it off; the length is
            promised, so the connection is to be cut.
        """
        channel = request.channel
        self._started(request, name)
        _begin(request, found)
        request.notifyFinish().addErrback(lambda _: source.stopProducing())
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
        request.finish()

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


def _begin(request: UploadRequest, found: Answer) -> None:
    """
    Set the status and the headers; they go out with the first byte.
    """
    request.setResponseCode(found.status)
    for name, value in found.headers:
        request.responseHeaders.setRawHeaders(name, [value])
