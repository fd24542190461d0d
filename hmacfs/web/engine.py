"""
What every door of the store leads to: one request's bytes, into one part.

Behind it all protocols are one.  A request takes its turn at the name of its
file, has a part opened for it, and becomes a body on its way into that part.
"""

from __future__ import annotations

from secrets import token_hex

import attrs
from twisted.internet.interfaces import IReactorTime

from hmacfs.digests import wanted
from hmacfs.errors import ChunkingDisabled, NotFound, ShuttingDown
from hmacfs.events import UploadResumed, UploadStarted
from hmacfs.http1 import Head
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.store import IFile, IStore, IUpload
from hmacfs.interfaces.web import IBody, INeighbours
from hmacfs.names import StoredName
from hmacfs.records import FileRecord
from hmacfs.resumable.steps import Append, Create, Probe, Step
from hmacfs.uploads import Slot, UploadRecord, remembered
from hmacfs.verdict import Verdict
from hmacfs.web.kept import Kept
from hmacfs.web.plan import Plan
from hmacfs.web.protocol import Protocol, describe
from hmacfs.web.records import Records
from hmacfs.web.repetition import taken
from hmacfs.web.reply import Reply
from hmacfs.web.request import UploadRequest
from hmacfs.web.turns import Turn, Turns
from hmacfs.web.upload import Upload


@attrs.frozen
class Terms:
    """
    What the settings say about uploads.

    :ivar chunking: whether a request may bring less than all that is missing
        (``ChunkingEnabled``).
    :ivar expiry: seconds that an unfinished one waits.
    :ivar node: ``PublicURL``, where other nodes send their clients.
    :ivar high_water: bytes of one upload that may wait for the disk.
    :ivar hashed: whether the SHA-256 of every file is computed (``Digests``).
    """

    chunking: bool = True
    expiry: int = 86400
    node: str = ""
    high_water: int = 2 * 1024 * 1024
    hashed: bool = False


def head_of(request: UploadRequest) -> Head:
    """
    :return: the head of a request that has one: all but those that exist only
        to be refused.
    """
    assert request.head is not None
    return request.head


class Engine:
    """
    The way of an upload that may begin, or go on.

    :ivar terms: what the settings say.
    """

    def __init__(
        self,
        files: IStore,
        records: Records,
        hub: IHub,
        clock: IReactorTime,
        terms: Terms,
        neighbours: INeighbours | None,
    ) -> None:
        self.terms = terms
        self._files = files
        self._records = records
        self._hub = hub
        self._clock = clock
        self._turns = Turns(clock, neighbours)

    async def take(self, request: UploadRequest, slot: Slot, going_on: bool) -> Turn:
        """
        See :meth:`hmacfs.web.turns.Turns.take`.
        """
        turn = await self._turns.take(slot, going_on)
        request.site.watch(turn.ended)
        return turn

    def vacant(self, name: StoredName) -> bool:
        """
        See :meth:`hmacfs.web.turns.Turns.vacant`.
        """
        return self._turns.vacant(name)

    def occupy(self, request: UploadRequest, slot: Slot) -> Turn:
        """
        See :meth:`hmacfs.web.turns.Turns.occupy`.
        """
        turn = self._turns.occupy(slot)
        request.site.watch(turn.ended)
        return turn

    async def coming(self, name: StoredName) -> int | None:
        """
        See :meth:`hmacfs.web.turns.Turns.size`.
        """
        return await self._turns.size(name)

    def check(self, request: UploadRequest, step: Create | Append, missing: int | None) -> None:
        """
        :param missing: bytes from where the content of this request begins to
            the end of the file; ``None`` where nobody knows.
        :raise ShuttingDown: no upload is taken any more.
        :raise ChunkingDisabled: it brings less than is missing, which may not be.
        """
        self.check_open(request)
        head = head_of(request)
        if self.terms.chunking or missing is None or not head.has_body:
            return
        # Of a chunked body the end is not known, but it may be said to be the file's.
        whole = head.length >= missing if head.length is not None else bool(step.complete)
        if step.complete is False or not whole:
            raise ChunkingDisabled("All that is missing must come in one request here.")

    def check_open(self, request: UploadRequest) -> None:
        """
        :raise ShuttingDown: as of :meth:`check`.
        """
        if request.site.draining:
            raise ShuttingDown("The server is about to stop.", [(b"Retry-After", b"5")])

    def record(
        self, request: UploadRequest, found: Verdict, step: Step, front: str
    ) -> UploadRecord:
        """
        :param front: as of :attr:`hmacfs.uploads.UploadRecord.front`.
        :return: the record of a new upload, of a known size.
        """
        slot = found.slot
        assert slot.size is not None
        return UploadRecord(
            id=token_hex(16),
            name=slot.name.text,
            length=slot.size,
            content_type=slot.content_type,
            front=front,
            dialect=found.dialect,
            state="open",
            created=request.started,
            until=int(request.started) + self.terms.expiry,
            overwrite=slot.overwrite,
            expires=slot.expires,
            owner=slot.owner,
            metadata=getattr(step, "metadata", ""),
            signed_type=found.signed_type,
            node=self.terms.node,
            **remembered(getattr(step, "promised", ())),
        )

    async def begin(self, slot: Slot, record: UploadRecord | None, soon: bool = False) -> IUpload:
        """
        See :meth:`hmacfs.interfaces.store.IStore.begin`.
        """
        part: IUpload = await self._files.begin(slot, record, soon)
        return part

    async def file(self, slot: Slot) -> IFile:
        """
        :return: the file that has the name of *slot*, of the same length.
        :raise Exists: there is none that could be the same.
        """
        try:
            file: IFile = await self._files.open(slot.name)
        except NotFound:
            # It has expired, or went this very moment.
            raise taken() from None
        if slot.size not in (None, file.record.size):
            file.close()
            raise taken()
        return file

    def begun(self, request: UploadRequest, found: Verdict) -> None:
        """Tell that an upload was admitted."""
        now, slot = self._clock.seconds(), found.slot
        self._hub.emit(UploadStarted(now, request.id, slot.name.text, slot.size, found.dialect))

    def resumed(self, request: UploadRequest, part: IUpload) -> None:
        """Tell that an upload goes on."""
        now = self._clock.seconds()
        self._hub.emit(UploadResumed(now, request.id, part.slot.name.text, part.offset))

    def body(
        self,
        request: UploadRequest,
        turn: Turn,
        part: IUpload,
        plan: Plan,
        protocol: Protocol | None,
        asked: Step | None = None,
    ) -> Upload:
        """
        :param asked: what is answered, where that is not what is done.
        :return: what takes the body of *request* into *part*, and ends *turn*.
        """

        def answer(record: UploadRecord | None, offset: int, file: FileRecord | None) -> None:
            if protocol is not None and record is not None:
                protocol.stands(record, offset, plan.location)
                protocol.answer(asked or plan.step, file)
            elif file is not None:
                _stored(request, file)

        hashed = self.terms.hashed or wanted(head_of(request).get(b"want-repr-digest")) is True
        if hashed:
            plan = attrs.evolve(plan, hashed=True)
        site, most = request.site, self.terms.high_water
        upload = Upload(
            request,
            part,
            plan,
            self._hub,
            self._clock,
            lambda: site.share(most),
            answer,
            self._records,
        )
        turn.upload = upload
        upload.ended.addCallback(lambda _: turn.end())
        return upload

    async def tell(
        self,
        request: UploadRequest,
        turn: Turn,
        record: UploadRecord,
        kept: Kept,
        protocol: Protocol,
    ) -> IBody:
        """
        Tell how the upload of *record*, which is not over, stands.

        Its last byte may be here and no file: a newer request, or the death of
        the daemon, came between.  Where the length alone tells the end, the
        client would believe that all is done, and so it is done now.

        :return: what answers, and ends *turn*.
        """
        record, offset = await kept.standing(record)
        if record.front == "draft" or offset < record.length:
            protocol.stands(record, offset)
            turn.end()
            return Reply(lambda: protocol.answer(Probe()))
        rest = Append(offset, 0)
        part = await kept.resume(record, rest, protocol)
        self.resumed(request, part)
        plan = Plan(record, protocol.front, rest, offset)
        return self.body(request, turn, part, plan, protocol, Probe())


def _stored(request: UploadRequest, file: FileRecord) -> None:
    """
    Answer a plain PUT.
    """
    if request.channel is not None:
        request.setResponseCode(201)
        describe(request, file)
        request.setHeader(b"Content-Length", b"0")
        request.finish()
