"""
A DELETE of a file, which takes its versions with it.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.server import NOT_DONE_YET

from hmacfs.abilities import IRemoves
from hmacfs.conditions import check_unchanged
from hmacfs.events import FileRemoved
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.store import IFile, IStore
from hmacfs.names import StoredName
from hmacfs.records import FileRecord
from hmacfs.web import pages
from hmacfs.web.answers import validators_of
from hmacfs.web.engine import head_of
from hmacfs.web.judging import Judging
from hmacfs.web.request import UploadRequest


class Deletion:
    """
    Deletes files.
    """

    def __init__(
        self, files: IStore, store: IRemoves, judging: Judging, hub: IHub, clock: IReactorTime
    ) -> None:
        """
        :param files: the same store as *store*.
        """
        self._files = files
        self._store = store
        self._judging = judging
        self._hub = hub
        self._clock = clock

    def render(self, request: UploadRequest) -> int:
        """
        Answer a DELETE: 204 when no power cut brings the file back.  A body,
        which means nothing, is not read, and ends the connection.

        :return: ``NOT_DONE_YET``: the store answers later.
        :raise Refusal: it may not.
        """
        name = self._judging.deletion(request)
        done = Deferred.fromCoroutine(self._delete(request, name))
        # A daemon that stops waits for it: the client may be gone by then.
        request.site.watch(done)
        done.addErrback(request.processingFailed)
        return NOT_DONE_YET

    async def _delete(self, request: UploadRequest, name: StoredName) -> None:
        await self._check(request, name)
        record: FileRecord = await self._store.remove(name)
        now = self._clock.seconds()
        self._hub.emit(FileRemoved(now, request.id, name.text, record.size))
        pages.done(request)

    async def _check(self, request: UploadRequest, name: StoredName) -> None:
        """
        Hold the file against the request's preconditions.  What replaces it in
        the moment between this and its end goes with it.

        :raise PreconditionFailed: they do not hold.
        """
        file: IFile = await self._files.open(name)
        file.close()
        check(request, file.record)


def check(request: UploadRequest, record: FileRecord) -> None:
    """
    :param record: of what a request is to remove.
    :raise PreconditionFailed: the client wants that of another state only.
    """
    now = request.started
    check_unchanged(head_of(request).get, validators_of(record, now), now)
