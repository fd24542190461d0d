"""
Who may upload now: the verdict on a head, and which door it opens.

Two kinds of URL lead to one engine: the one that was signed
(:meth:`Admission.admit`), where an upload begins, and the upload's own
(:meth:`Admission.resume`), where it goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from hmacfs.abilities import IStoresWhole
from hmacfs.errors import MethodNotAllowed, NotFound, Refusal
from hmacfs.events import UploadRefused
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.metadata import IMetadata
from hmacfs.interfaces.store import IResumes, IStore
from hmacfs.interfaces.web import IBody, INeighbours
from hmacfs.resumable.fronts import front_of
from hmacfs.resumable.steps import Append, Create, Probe
from hmacfs.verdict import Rules, creation_verdict, verdict
from hmacfs.web.engine import Engine, Terms, head_of
from hmacfs.web.kept import Kept
from hmacfs.web.protocol import Protocol
from hmacfs.web.range_door import RangeDoor
from hmacfs.web.records import Records
from hmacfs.web.request import UploadRequest
from hmacfs.web.slot_door import SlotDoor, whole
from hmacfs.web.upload_door import UploadDoor
from hmacfs.web.whole_door import WholeDoor


class Admission:
    """
    The doors of the store.

    :ivar wholes: the one for small files that are all here; ``None`` where each
        goes through the others.
    """

    def __init__(
        self,
        files: IStore,
        parts: IResumes | None,
        metadata: IMetadata,
        hub: IHub,
        clock: IReactorTime,
        rules: Rules,
        terms: Terms,
        neighbours: INeighbours | None = None,
    ) -> None:
        """
        :param files: where uploads become files.
        :param parts: where they wait before that, the same store mostly;
            ``None`` where none of them is gone on with.
        """
        self._hub = hub
        self._clock = clock
        self._rules = rules
        records = Records(metadata, clock, terms.expiry)
        engine = Engine(files, records, hub, clock, terms, neighbours)
        kept = None if parts is None else Kept(parts, records)
        self._slots = SlotDoor(engine, records, kept)
        self._ranges = None if kept is None else RangeDoor(engine, kept, files, rules)
        self._uploads = None if kept is None else UploadDoor(engine, records, kept, rules)
        stores = IStoresWhole(files, None)
        self.wholes = None
        if stores is not None and not terms.hashed:
            self.wholes = WholeDoor(stores, engine, self._slots, hub, clock, rules, self._tell)

    def admit(self, request: UploadRequest) -> Deferred[IBody]:
        """
        Decide on a request to a URL that was signed, and make ready for its body.

        :raise Refusal: it may not go on.
        """
        return self._decided(request, self._admit(request))

    def resume(self, request: UploadRequest, id: str) -> Deferred[IBody]:
        """
        Decide on a request to the URL of the upload *id*.

        :raise Refusal: it may not go on.
        """
        return self._decided(request, self._resume(request, id))

    def _decided(self, request: UploadRequest, deciding: Awaitable[IBody]) -> Deferred[IBody]:
        async def decide() -> IBody:
            try:
                return await deciding
            except Refusal as refusal:
                self._tell(request, refusal)
                raise

        return Deferred.fromCoroutine(decide())

    def _tell(self, request: UploadRequest, refusal: Refusal) -> None:
        self._hub.emit(
            UploadRefused(
                at=self._clock.seconds(),
                request=request.id,
                status=refusal.status,
                code=refusal.code,
                hint=refusal.hint,
            )
        )

    async def _admit(self, request: UploadRequest) -> IBody:
        head = head_of(request)
        front = None if self._ranges is None else front_of(head)
        if self._ranges is None or front is None:
            if head.method != b"PUT":
                raise MethodNotAllowed(
                    "This method is not known here.",
                    [(b"Allow", b"DELETE, GET, HEAD, OPTIONS, PUT")],
                )
            found = verdict(head, request.started, self._rules)
            return await self._slots.enter(request, found, whole(head, found.slot), None)
        protocol = Protocol(request, front, self._rules.most)
        step = front.create(head)
        if isinstance(step, Probe):
            return await self._ranges.ask(request, step, protocol)
        if isinstance(step, Append):
            return await self._ranges.enter(request, step, protocol)
        assert isinstance(step, Create)
        found = creation_verdict(head, step.length, step.content_type, request.started, self._rules)
        return await self._slots.enter(request, found, step, protocol)

    async def _resume(self, request: UploadRequest, id: str) -> IBody:
        if self._uploads is None:
            raise NotFound("There is no such upload.")
        return await self._uploads.enter(request, id)
