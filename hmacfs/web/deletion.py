"""
A DELETE of a file, which takes its versions with it.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.server import NOT_DONE_YET

from hmacfs.abilities import IRemoves
from hmacfs.events import FileRemoved
from hmacfs.interfaces import IHub
from hmacfs.names import StoredName
from hmacfs.records import FileRecord
from hmacfs.web import pages
from hmacfs.web.judging import Judging
from hmacfs.web.request import UploadRequest


class Deletion:
    """
    Deletes files.
    """

    def __init__(self, store: IRemoves, judging: Judging, hub: IHub, clock: IReactorTime) -> None:
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
        record: FileRecord = await self._store.remove(name)
        now = self._clock.seconds()
        self._hub.emit(FileRemoved(now, request.id, name.text, record.size))
        pages.done(request)
