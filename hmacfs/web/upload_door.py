"""
Where an upload goes on that has a URL of its own.
"""

from __future__ import annotations

from hmacfs.errors import Elsewhere
from hmacfs.interfaces.web import IBody
from hmacfs.resumable.draft import DRAFT
from hmacfs.resumable.fronts import front_of
from hmacfs.resumable.steps import Append, Cancel, Probe
from hmacfs.uploads import UploadRecord, follow
from hmacfs.verdict import Rules, verify_again
from hmacfs.web.engine import Engine, head_of
from hmacfs.web.kept import Kept
from hmacfs.web.plan import Plan
from hmacfs.web.protocol import Protocol
from hmacfs.web.records import Records
from hmacfs.web.reply import Reply
from hmacfs.web.request import UploadRequest


class UploadDoor:
    """
    Goes on with uploads, tells of them, and gives them up.
    """

    def __init__(self, engine: Engine, records: Records, kept: Kept, rules: Rules) -> None:
        self._engine = engine
        self._records = records
        self._kept = kept
        self._rules = rules

    async def enter(self, request: UploadRequest, id: str) -> IBody:
        """
        :return: what takes the body of *request*, or answers when it is in.
        :raise NotFound: there is no upload *id*.
        :raise Elsewhere: another node has it.
        """
        head = head_of(request)
        protocol = Protocol(request, front_of(head) or DRAFT, self._rules.most)
        step = protocol.front.resume(head)
        record = await self._records.known(id)
        if record.node and record.node != self._engine.terms.node:
            raise Elsewhere(record.node.encode() + head.target)
        verify_again(head, record, self._rules)
        if isinstance(step, Append):
            return await self._append(request, record, step, protocol)
        assert isinstance(step, Probe | Cancel)
        turn = await self._engine.take(request, record.slot, going_on=True)
        try:
            record = await self._records.known(id)
            if isinstance(step, Cancel):
                follow(record.state, "cancel")
                await self._kept.drop(record)
            else:
                follow(record.state, "probe")
                if record.state == "open":
                    return await self._engine.tell(request, turn, record, self._kept, protocol)
                protocol.stands(record, record.length)
        except BaseException:
            turn.end()
            raise
        turn.end()
        return Reply(lambda: protocol.answer(step))

    async def _append(
        self, request: UploadRequest, record: UploadRecord, step: Append, protocol: Protocol
    ) -> IBody:
        self._engine.check(request, step, record.length - step.offset)
        turn = await self._engine.take(request, record.slot, going_on=True)
        try:
            record = await self._records.known(record.id)
            if record.state == "finished":
                protocol.stands(record, record.length)
            follow(record.state, "append")
            part = await self._kept.resume(record, step, protocol)
            try:
                turn.check()
            except BaseException:
                await part.suspend()
                raise
        except BaseException:
            turn.end()
            raise
        self._engine.resumed(request, part)
        plan = Plan(part.record or record, protocol.front, step, step.offset)
        return self._engine.body(request, turn, part, plan, protocol)
