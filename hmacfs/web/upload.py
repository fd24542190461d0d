"""
One upload, from the first byte of its body to its 201.

It ends in one of three ways, and the first one holds: it is committed and
answered; it fails and is answered with the refusal; it is given up without an
answer, since the client went or the daemon stops.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProducer, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.errors import Refusal, Superseded
from hmacfs.events import UploadCompleted, UploadFailed, UploadSuspended
from hmacfs.interfaces import IBody, IHub, IUpload
from hmacfs.records import FileRecord
from hmacfs.web.repetition import Repetition
from hmacfs.web.request import UploadRequest
from hmacfs.web.sinks import FileSink

SUSPENDING = "shutting-down"
"""The one reason for which a part is kept: nothing was wrong with it."""


def superseded() -> Superseded:
    """
    :return: what an upload hears whose name a newer one took.
    """
    return Superseded("A newer upload to this name took this one's place.")


@implementer(IBody)
class Upload:
    """
    The body of one admitted PUT, on its way into *part*.

    :ivar ended: fires with ``None`` when the store has let go of the part.
    """

    log = Logger()

    def __init__(
        self,
        request: UploadRequest,
        part: IUpload,
        hub: IHub,
        clock: IReactorTime,
        high_water: int,
    ) -> None:
        """
        :param high_water: bytes that may wait for the disk.
        """
        self.ended: Deferred[None] = Deferred()
        self._request = request
        self._part = part
        self._hub = hub
        self._clock = clock
        self._over = False
        self._repeats = isinstance(part, Repetition)
        self._sink = FileSink(part.append, high_water, self._fail)

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """The client, to be held back when the disk is slower."""
        self._sink.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """The body is here, or will never be."""
        self._sink.unregisterProducer()

    def write(self, data: bytes) -> None:
        """See :meth:`hmacfs.web.sinks.FileSink.write`."""
        if not self._over:
            self._sink.write(data)

    def finished(self) -> None:
        """Commit what came, once it is stored, and say 201."""
        self._sink.quiet().addCallback(lambda _: self._commit())

    def lost(self, reason: str) -> None:
        """The body will not be completed: put the part away."""
        if not self._over:
            self._over = True
            self._put_away(reason, keep=reason == SUSPENDING and not self._repeats)

    def supersede(self) -> None:
        """
        Make room for a newer upload to the same name.  One that is being
        committed already is not held up by this.
        """
        self._fail(Failure(superseded()))

    def _commit(self) -> None:
        if not self._over:
            self._over = True
            committed = self._part.commit()
            committed.addCallbacks(self._committed, self._refused)
            committed.addErrback(self._request.processingFailed)

    def _committed(self, record: FileRecord) -> None:
        request, now = self._request, self._clock.seconds()
        self.ended.callback(None)
        self._hub.emit(
            UploadCompleted(
                at=now,
                request=request.id,
                name=self._name,
                size=record.size,
                duration=now - request.started,
                repeated=self._repeats,
                owner=record.owner,
            )
        )
        if request.channel is not None:
            request.setResponseCode(201)
            request.setHeader(b"ETag", b'"%s"' % record.etag.encode())
            request.setHeader(b"Content-Length", b"0")
            request.finish()

    def _fail(self, failure: Failure) -> None:
        if not self._over:
            self._over = True
            self._refused(failure)

    def _refused(self, failure: Failure) -> None:
        refusal = failure.value
        reason = refusal.code if isinstance(refusal, Refusal) else "internal"
        self._put_away(reason, keep=False)
        self._request.processingFailed(failure)

    def _put_away(self, reason: str, keep: bool) -> None:
        """
        Let the store suspend or discard the part, once no write is under way.
        """
        self._sink.drop()
        done: Deferred[Any] = self._sink.quiet()
        done.addCallback(lambda _: self._part.suspend() if keep else self._part.discard())
        done.addCallbacks(lambda _: keep, self._log_failure)
        done.addCallback(self._tell_end, reason)
        done.addBoth(lambda _: self.ended.callback(None))

    def _log_failure(self, failure: Failure) -> bool:
        self.log.failure("the part of upload {request} stays", failure, request=self._request.id)
        return False

    def _tell_end(self, kept: bool, reason: str) -> None:
        at, request = self._clock.seconds(), self._request.id
        if kept:
            self._hub.emit(UploadSuspended(at, request, self._name, self._part.offset, reason))
        else:
            self._hub.emit(UploadFailed(at, request, self._name, reason))

    @property
    def _name(self) -> str:
        name: str = self._part.slot.name.text
        return name
