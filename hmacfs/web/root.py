"""
The tree of resources, and the site over it.

==================  =====================================================
``/``               403: nothing is listed
``/health``         200 while the process answers
``/ready``          200 while uploads can be taken, else 503, and why
``/<sub>/<path>``   the files: GET, HEAD, PUT, DELETE, OPTIONS; POST begins an
                    upload that goes on at ``/<sub>/.hmacfs/uploads/<id>``; what
                    they were before by ``?versions`` and its like
all else            404
==================  =====================================================
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.error import UnsupportedMethod
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from hmacfs.abilities import IHolds, IRemoves, IVersioned
from hmacfs.config import Settings
from hmacfs.errors import Forbidden, NotFound, Refusal
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.metadata import ILedger
from hmacfs.interfaces.store import IResumes, IStore
from hmacfs.interfaces.web import IBody, INeighbours, ITakesBodies
from hmacfs.names import RESERVED, split_prefix
from hmacfs.operations import asked
from hmacfs.permission import download_verdict
from hmacfs.records import Figures
from hmacfs.rules import Rules
from hmacfs.web import pages
from hmacfs.web.admission import Admission
from hmacfs.web.announcing import Announcing
from hmacfs.web.answers import Terms as AnswerTerms
from hmacfs.web.deletion import Deletion
from hmacfs.web.download import Download
from hmacfs.web.echo import Echoes
from hmacfs.web.engine import Terms, head_of
from hmacfs.web.judging import Judging
from hmacfs.web.request import UploadRequest
from hmacfs.web.resumption import Resumption
from hmacfs.web.site import Limits, UploadSite
from hmacfs.web.versions import Versions

PIECES_WAITING = 2
"""How many pieces of ``ChunkSize`` of one upload may wait for the disk."""

Faults = Callable[[], Sequence[str]]
"""Tells what an operator should know, a sentence each."""


def _not_found() -> NotFound:
    return NotFound("Nothing is kept under this name.")


class Page(Resource):
    """
    What answers by itself, OPTIONS with what it allows.  Nothing is below it.
    """

    allowedMethods: Sequence[bytes] = (b"GET", b"HEAD", b"OPTIONS")

    def render_OPTIONS(self, request: UploadRequest) -> int:
        """Tell what is allowed here."""
        pages.preflight(request, b", ".join(self.allowedMethods))
        return NOT_DONE_YET

    def getChild(self, path: bytes, request: UploadRequest) -> Resource:
        """404."""
        return Refusing(_not_found)


class Refusing(Resource):
    """
    Every path that is none: refused, whatever the method.
    """

    isLeaf = True

    def __init__(self, refusal: Callable[[], Refusal]) -> None:
        super().__init__()
        self._refusal = refusal

    def render(self, request: UploadRequest) -> int:
        """Refuse."""
        raise self._refusal()


class Folder(Resource):
    """
    A segment of the tree above the files.
    """

    def getChild(self, path: bytes, request: UploadRequest) -> Resource:
        """The root and its like are 403, what is unknown is 404."""
        if path == b"" and not request.postpath:
            return Refusing(lambda: Forbidden("Folders are not served."))
        return Refusing(_not_found)

    def render(self, request: UploadRequest) -> int:
        """The same without the slash."""
        raise Forbidden("Folders are not served.")


class Health(Page):
    """
    Whether the process answers: it does, or nobody would say so.
    """

    def render_GET(self, request: UploadRequest) -> int:
        """200, always."""
        pages.tell(request, 200, {"status": "ok"})
        return NOT_DONE_YET

    render_HEAD = render_GET


class Ready(Page):
    """
    Whether uploads can be taken now.

    ``status`` is ``ok``; ``degraded`` (200), with what an operator should
    know of the store, of Redis and of the sweeps; or ``unavailable`` (503),
    with why.
    """

    log = Logger()

    def __init__(self, store: IStore, metadata: ILedger, faults: Faults) -> None:
        super().__init__()
        self._store = store
        self._metadata = metadata
        self._faults = faults

    def render_GET(self, request: UploadRequest) -> int:
        """Ask the store."""
        asked: Deferred[Any] = self._store.figures()
        asked.addErrback(self._failed)
        asked.addCallback(lambda figures: self._tell(request, figures))
        asked.addErrback(request.processingFailed)
        return NOT_DONE_YET

    render_HEAD = render_GET

    def _failed(self, failure: Failure) -> None:
        self.log.failure("the store tells no figures", failure)

    def _tell(self, request: UploadRequest, figures: Figures | None) -> None:
        if request.channel is None:
            return
        problems = [*self._store.faults(), *self._metadata.faults(), *self._faults()]
        unavailable = []
        if request.site.draining:
            unavailable.append("The daemon is about to stop.")
        if figures is None:
            unavailable.append("The store does not answer.")
        elif figures.free <= 0:
            unavailable.append("The store has no space left for uploads.")
        status = "unavailable" if unavailable else "degraded" if problems else "ok"
        pages.tell(
            request,
            503 if unavailable else 200,
            {"status": status, "problems": unavailable + problems},
        )


class Below(Folder):
    """
    The prefix: every path below it is a file's, but those of the uploads.
    """

    def __init__(
        self, files: Files, versions: Versions | None, uploads: Callable[[str], Resource] | None
    ) -> None:
        """
        :param versions: ``None`` where the store keeps none.
        :param uploads: gives the resource of the upload with an id; ``None``
            where none is gone on with.
        """
        super().__init__()
        self._files = files
        self._versions = versions
        self._uploads = uploads

    def getChild(self, path: bytes, request: UploadRequest) -> Resource:
        """An upload's own URL, a file's, or that of what a file was."""
        below = request.postpath or []
        if path == RESERVED and below[:1] == [b"uploads"] and len(below) == 2 and self._uploads:
            return self._uploads(below[1].decode("latin-1"))
        # An upload is judged with all that stands in its query.
        if (
            self._versions is not None
            and request.method != b"PUT"
            and asked(head_of(request).query)
        ):
            return self._versions
        return self._files


@implementer(ITakesBodies)
class Files(Page):
    """
    The files below the prefix.
    """

    isLeaf = True
    body_methods = frozenset([b"POST", b"PUT"])

    def __init__(
        self,
        admission: Admission,
        download: Download,
        deletion: Deletion | None,
        judging: Judging,
        announcing: Announcing,
    ) -> None:
        """
        :param deletion: ``None`` where the store removes nothing.
        """
        super().__init__()
        self._announcing = announcing
        begins = [b"POST"] if announcing.resumable else []
        ends = [b"DELETE"] if deletion is not None else []
        self.allowedMethods = (*ends, b"GET", b"HEAD", b"OPTIONS", *begins, b"PUT")
        self._admission = admission
        self._download = download
        self._deletion = deletion
        self._judging = judging

    def admit(self, request: UploadRequest) -> Deferred[IBody]:
        """See :meth:`hmacfs.interfaces.web.ITakesBodies.admit`."""
        return self._admission.admit(request)

    def render_OPTIONS(self, request: UploadRequest) -> int:
        """Tell what is allowed here, and how uploads go on."""
        allowed = b", ".join(self.allowedMethods)
        pages.preflight(request, allowed, self._announcing.fields(request))
        return NOT_DONE_YET

    def render_GET(self, request: UploadRequest) -> int:
        """Serve a file, or a part of it."""
        return self._download.render(request, self._judging.download(request))

    render_HEAD = render_GET

    def render_DELETE(self, request: UploadRequest) -> int:
        """Remove a file."""
        if self._deletion is None:
            raise UnsupportedMethod(self.allowedMethods)
        return self._deletion.render(request)


def make_site(
    store: IStore,
    metadata: ILedger,
    hub: IHub,
    settings: Settings,
    reactor: IReactorTime,
    faults: Faults = tuple,
    neighbours: INeighbours | None = None,
) -> UploadSite:
    """
    Build the public site.

    :param reactor: the clock of every timer and time stamp.
    :param faults: tells what else an operator should know, for ``/ready``.
    :param neighbours: other processes that serve the same names.
    """
    rules = Rules.of(settings)
    terms = Terms(
        chunking=settings.chunking_enabled,
        expiry=settings.upload_expiry,
        node=settings.public_url if settings.redis_url else "",
        high_water=PIECES_WAITING * settings.chunk_size,
        hashed=settings.digests,
    )
    parts = IResumes(store, None) if settings.resumable_uploads_enabled else None
    resumable = parts is not None
    admission = Admission(store, parts, metadata, hub, reactor, rules, terms, neighbours)
    announcing = Announcing(resumable, settings.max_upload_size, settings.upload_expiry)
    download = Download(store, hub, settings, reactor)
    first, holds = None, IHolds(store, None)
    if holds is not None:
        allowed = partial(download_verdict, rules=rules)
        first = Echoes(holds, hub, reactor, download.go_on, allowed, AnswerTerms.of(settings))
    judging = Judging(hub, reactor, rules)
    removes, versioned = IRemoves(store, None), IVersioned(store, None)
    deletion = None if removes is None else Deletion(store, removes, judging, hub, reactor)
    versions = None
    if versioned is not None:
        versioning = settings.enable_versioning
        versions = Versions(versioned, download, judging, hub, reactor, versioning)
    files = Files(admission, download, deletion, judging, announcing)
    root = Folder()
    folder = root
    *above, last = split_prefix(settings.upload_sub_dir)
    for segment in above:
        child = Folder()
        folder.putChild(segment, child)
        folder = child
    uploads = (lambda id: Resumption(admission, announcing, id)) if resumable else None
    folder.putChild(last, Below(files, versions, uploads))
    root.putChild(b"health", Health())
    root.putChild(b"ready", Ready(store, metadata, faults))
    return UploadSite(
        root,
        hub,
        reactor,
        pages.Manners.for_origins(settings.cors_origins),
        Limits(
            header_timeout=settings.header_timeout,
            idle_timeout=settings.idle_timeout,
            read_size=settings.chunk_size,
            trusted=settings.trusted_proxies,
            informational=settings.informational_responses,
            public_url=settings.public_url.encode(),
            prefix="/" + quote(settings.upload_sub_dir),
        ),
        secrets.token_hex(4),
        admission.wholes,
        first,
    )
