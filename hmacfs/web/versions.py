"""
What a file was before: ``?versions``, ``?version=<id>`` and ``?restore=<id>``.

Which of them a request asks for, and whether it may, is decided in
:mod:`hmacfs.permission`; here it is done and told.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from hmacfs.abilities import IVersioned
from hmacfs.errors import Exists
from hmacfs.events import VersionRemoved, VersionRestored
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.store import IFile
from hmacfs.names import StoredName
from hmacfs.operations import METHODS, Operation
from hmacfs.records import FileRecord
from hmacfs.web import pages
from hmacfs.web.answers import LAST_DATE
from hmacfs.web.deletion import check
from hmacfs.web.download import Download
from hmacfs.web.judging import Judging
from hmacfs.web.request import UploadRequest

_ALLOWED = b", ".join(sorted({b"OPTIONS", *chain.from_iterable(METHODS.values())}))


class Versions(Resource):
    """
    The files below the prefix, as their queries ask for what they were.

    No request has a body here; one that comes all the same is not read, and
    ends its connection.
    """

    isLeaf = True

    def __init__(
        self,
        store: IVersioned,
        download: Download,
        judging: Judging,
        hub: IHub,
        clock: IReactorTime,
        versioning: bool,
    ) -> None:
        """
        :param versioning: ``EnableVersioning``.  Without it what was kept
            before is still told and served, and nothing replaces a file.
        """
        super().__init__()
        self._store = store
        self._download = download
        self._judging = judging
        self._hub = hub
        self._clock = clock
        self._versioning = versioning

    def render(self, request: UploadRequest) -> int:
        """Do what is asked for, whatever the method; OPTIONS is told what could be."""
        if request.method == b"OPTIONS":
            pages.preflight(request, _ALLOWED)
            return NOT_DONE_YET
        name, operation = self._judging.operation(request)
        if operation.kind == "version" and request.method != b"DELETE":
            return self._download.render_version(request, name, operation.id)
        done = Deferred.fromCoroutine(self._do(request, name, operation))
        request.site.watch(done)
        done.addErrback(request.processingFailed)
        return NOT_DONE_YET

    async def _do(self, request: UploadRequest, name: StoredName, operation: Operation) -> None:
        if operation.kind == "versions":
            found = await self._store.versions(name)
            _tell(request, [{"id": each.id, **_described(each.record)} for each in found])
        elif operation.kind == "restore":
            await self._restore(request, name, operation.id)
        else:
            await self._remove(request, name, operation.id)

    async def _restore(self, request: UploadRequest, name: StoredName, id: str) -> None:
        """
        :raise Exists: without versioning a file is never replaced, as its
            answers promise to caches.
        """
        if not self._versioning:
            raise Exists("Without versioning a file is not replaced, by a version neither.")
        record: FileRecord = await self._store.restore(name, id)
        now = self._clock.seconds()
        self._hub.emit(VersionRestored(now, request.id, name.text, id, record.size))
        _tell(request, _described(record))

    async def _remove(self, request: UploadRequest, name: StoredName, id: str) -> None:
        file: IFile = await self._store.open_version(name, id)
        file.close()
        check(request, file.record)
        await self._store.remove_version(name, id)
        now, size = self._clock.seconds(), file.record.size
        self._hub.emit(VersionRemoved(now, request.id, name.text, id, size))
        pages.done(request)


def _tell(request: UploadRequest, found: object) -> None:
    if request.channel is not None:
        pages.tell(request, 200, found)


def _described(record: FileRecord) -> dict[str, Any]:
    """
    :return: what is told of a file or a version, for JSON.
    """
    return {
        "size": record.size,
        "type": record.content_type,
        "sha256": record.sha256,
        "stored": _moment(record.stored),
        "expires": None if record.expires is None else _moment(record.expires),
    }


def _moment(seconds: float) -> str:
    """
    :param seconds: unix seconds; an mtime may be any number.
    :return: the date and time of RFC 3339, in UTC, to the second.
    """
    at = datetime.fromtimestamp(int(max(0, min(seconds, LAST_DATE))), UTC)
    return at.isoformat().replace("+00:00", "Z")
