"""
Where an upload begins: at the URL that was signed.

A plain PUT brings all of a file; tus and the draft create an upload there,
which has a URL of its own from then on.
"""

from __future__ import annotations

from hmacfs.digests import promised, promised_whole
from hmacfs.errors import Exists
from hmacfs.http1 import Head
from hmacfs.interfaces.store import IUpload
from hmacfs.interfaces.web import IBody
from hmacfs.resumable.steps import Create
from hmacfs.uploads import Slot, UploadRecord
from hmacfs.verdict import Verdict
from hmacfs.web.engine import Engine, head_of
from hmacfs.web.kept import Kept
from hmacfs.web.plan import Plan
from hmacfs.web.protocol import Protocol
from hmacfs.web.records import Records
from hmacfs.web.repetition import Repetition
from hmacfs.web.request import UploadRequest


class SlotDoor:
    """
    Begins uploads, each in the place of every other to its name.
    """

    def __init__(self, engine: Engine, records: Records, kept: Kept | None) -> None:
        """
        :param kept: ``None`` where no upload is gone on with.
        """
        self._engine = engine
        self._records = records
        self._kept = kept

    async def enter(
        self, request: UploadRequest, found: Verdict, step: Create, protocol: Protocol | None
    ) -> IBody:
        """
        Begin an upload.

        :param protocol: ``None`` of a plain PUT.
        :return: what takes the body of *request*.
        """
        slot, head = found.slot, head_of(request)
        self._engine.check(request, step, slot.size)
        record, location = None, b""
        if self._kept is not None and slot.size is not None:
            front = "put" if protocol is None else protocol.front.name
            record = self._engine.record(request, found, step, front)
            if protocol is not None:
                # Now: the connection that tells the host may be gone later.
                location = request.site.location(request, record.id)
        turn = await self._engine.take(request, slot, going_on=False)
        try:
            part = await self._open(slot, record, head, step, protocol)
            try:
                if protocol is not None and record is not None:
                    await self._records.create(record)
                    protocol.stands(record, 0, location)
                turn.check()
            except BaseException:
                await part.discard()
                if record is not None:
                    await self._records.forget(record)
                raise
        except BaseException:
            turn.end()
            raise
        if protocol is not None and not isinstance(part, Repetition):
            protocol.inform()
        self._engine.begun(request, found)
        front_of_it = None if protocol is None else protocol.front
        plan = Plan(record, front_of_it, step, location=location)
        return self._engine.body(request, turn, part, plan, protocol)

    async def _open(
        self,
        slot: Slot,
        record: UploadRecord | None,
        head: Head,
        step: Create,
        protocol: Protocol | None,
    ) -> IUpload:
        """
        :return: a part, or what compares where the name is taken.
        """
        try:
            # A plain PUT is told of to nobody; and who waits to be invited shall
            # hear first what there is to be said against it.
            soon = protocol is None and not head.expects
            part = await self._engine.begin(slot, record, soon)
        except Exists:
            if not head.chunked and (head.length or 0) != step.length:
                # Only who sends all of it can be compared.
                raise
            return Repetition(slot, await self._engine.file(slot))
        if self._kept is not None:
            try:
                # What was kept of others is not gone on with any more.
                await self._kept.clear(slot.name)
            except BaseException:
                await part.discard()
                raise
        return part


def whole(head: Head, slot: Slot) -> Create:
    """
    :return: what a plain PUT wants: all of a file.
    """
    return Create(
        length=slot.size or 0,
        complete=True,
        promised=promised_whole(head.get(b"repr-digest")),
        digests=promised("Content-Digest", head.get(b"content-digest")),
    )
