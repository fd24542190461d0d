"""
Where a file comes part by part: a PUT with ``Content-Range``, at the URL that
was signed.

There is no other URL that could say which upload is meant: it is the one that
was begun with the same signature, whichever way.  So a signature whose time is
over begins nothing, and still goes on with what it began.
"""

from __future__ import annotations

from hmacfs.errors import Exists, Expired, Refusal, WrongOffset
from hmacfs.interfaces.store import IFile, IStore, IUpload
from hmacfs.interfaces.web import IBody
from hmacfs.resumable.steps import Append, Probe
from hmacfs.uploads import Slot, UploadRecord
from hmacfs.verdict import Rules, Verdict, creation_verdict
from hmacfs.web.engine import Engine, head_of
from hmacfs.web.kept import Kept
from hmacfs.web.plan import Plan
from hmacfs.web.protocol import Protocol
from hmacfs.web.repetition import Repetition
from hmacfs.web.reply import Reply
from hmacfs.web.request import UploadRequest


class RangeDoor:
    """
    Goes on with what a PUT to the same URL left, or begins.
    """

    def __init__(self, engine: Engine, kept: Kept, files: IStore, rules: Rules) -> None:
        self._engine = engine
        self._kept = kept
        self._files = files
        self._rules = rules

    async def enter(self, request: UploadRequest, step: Append, protocol: Protocol) -> IBody:
        """
        Take a part of a file: the first, or the next.

        :return: what takes the body of *request*.
        """
        assert step.length is not None
        found, over = await self._judge(request, step.length, step.content_type)
        slot = found.slot
        assert slot.size is not None
        self._engine.check(request, step, slot.size - step.offset)
        turn = await self._engine.take(request, slot, going_on=True)
        try:
            record, part = await self._part(request, found, over, step, protocol)
            try:
                turn.check()
            except BaseException:
                await part.suspend()
                raise
        except BaseException:
            turn.end()
            raise
        if step.offset == 0 or isinstance(part, Repetition):
            self._engine.begun(request, found)
        else:
            self._engine.resumed(request, part)
        plan = Plan(record, protocol.front, step, step.offset)
        return self._engine.body(request, turn, part, plan, protocol)

    async def _judge(
        self, request: UploadRequest, length: int, declared: bytes | None
    ) -> tuple[Verdict, Expired | None]:
        """
        :return: what the signature allows; and where its time is over what
            refuses to begin anything by it.
        """
        head = head_of(request)
        try:
            return creation_verdict(head, length, declared, request.started, self._rules), None
        except Expired as over:
            found = creation_verdict(head, length, declared, None, self._rules)
            if not await self._there(found):
                raise
            return found, over

    async def _there(self, found: Verdict) -> bool:
        """
        :return: whether there is an upload or a file that *found* may have begun.
        """
        slot = found.slot
        if await self._engine.coming(slot.name) == slot.size or await self._kept.same(found):
            return True
        return await self._stored(slot)

    async def _stored(self, slot: Slot) -> bool:
        """
        :return: whether there is a file that *slot* may have been for.
        """
        try:
            (await self._engine.file(slot)).close()
        except Exists:
            return False
        return True

    async def _part(
        self,
        request: UploadRequest,
        found: Verdict,
        over: Expired | None,
        step: Append,
        protocol: Protocol,
    ) -> tuple[UploadRecord, IUpload]:
        """
        :return: what is remembered of the upload, and a part or what compares.
        """
        kept = await self._kept.same(found)
        if kept is not None:
            return kept, await self._kept.resume(kept, step, protocol)
        if over is not None:
            raise over
        record = self._engine.record(request, found, step, protocol.front.name)
        protocol.stands(record, 0)
        slot = found.slot
        if step.offset == 0:
            try:
                return record, await self._engine.begin(slot, record)
            except Exists:
                pass
        try:
            file = await self._engine.file(slot)
        except Exists:
            if step.offset == 0:
                raise
            raise WrongOffset(0, step.offset) from None
        # The answer to its last part was lost: it is held against the file.
        return record, Repetition(slot, file, step.offset)

    async def ask(self, request: UploadRequest, step: Probe, protocol: Protocol) -> IBody:
        """
        Tell how the upload at this URL stands.
        """
        length = step.length if step.length is not None else await self._length(request)
        found, over = await self._judge(request, length, step.content_type)
        turn = await self._engine.take(request, found.slot, going_on=True)
        try:
            kept = await self._kept.same(found)
            if kept is not None:
                return await self._engine.tell(request, turn, kept, self._kept, protocol)
            await self._kept.check(found.slot.name)
            record = self._engine.record(request, found, step, protocol.front.name)
            if await self._stored(found.slot):
                protocol.stands(record.changed(state="finished"), record.length)
            elif over is not None:
                raise over
            else:
                protocol.stands(record, 0)
        except BaseException:
            turn.end()
            raise
        turn.end()
        return Reply(lambda: protocol.answer(step))

    async def _length(self, request: UploadRequest) -> int:
        """
        :return: the length of the upload or the file at this URL; 0 where there
            is none, which no signature but that of an empty file fits.
        """
        name = self._rules.name(head_of(request))
        coming = await self._engine.coming(name)
        if coming is not None:
            # Whoever asks may be there before it is known that the line of
            # the one who sends broke.
            return coming
        for record in await self._kept.waiting(name):
            return record.length
        try:
            file: IFile = await self._files.open(name)
        except Refusal:
            return 0
        file.close()
        size: int = file.record.size
        return size
