"""
Where a small file begins and ends at once: its body came with its head.

A plain PUT of which nothing special is asked needs no part that can be told of,
no turn that can be taken over and no consumer that can be held back; it is
handed to the store with one call.  Whatever is unusual goes through
:mod:`hmacfs.web.slot_door` as ever, and where the store leaves it to that, the
body is handed on.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from hmacfs.abilities import IStoresWhole
from hmacfs.errors import Refusal
from hmacfs.events import UploadCompleted, UploadFailed
from hmacfs.interfaces import IHub
from hmacfs.records import FileRecord
from hmacfs.resumable.fronts import MARKS
from hmacfs.verdict import Rules, Verdict, verdict
from hmacfs.web.answer_fields import lines
from hmacfs.web.answers import identity
from hmacfs.web.engine import Engine, head_of
from hmacfs.web.request import UploadRequest
from hmacfs.web.slot_door import SlotDoor, whole
from hmacfs.web.turns import Turn

_SPECIAL = MARKS | {b"content-digest", b"repr-digest", b"want-repr-digest"}
"""Fields that ask for something, of :mod:`hmacfs.resumable` or of RFC 9530."""


class WholeDoor:
    """
    Stores small files.
    """

    def __init__(
        self,
        store: IStoresWhole,
        engine: Engine,
        slots: SlotDoor,
        hub: IHub,
        clock: IReactorTime,
        rules: Rules,
        refused: Callable[[UploadRequest, Refusal], None],
    ) -> None:
        """
        :param slots: for what the store does not take like this.
        :param refused: tells of an upload that was not admitted.
        """
        self._refused = refused
        self._store = store
        self._most: int = store.most
        self._engine = engine
        self._slots = slots
        self._hub = hub
        self._clock = clock
        self._rules = rules

    def takes(self, request: UploadRequest) -> bool:
        """
        Take *request* with all of its body, and answer it.

        :return: whether it was; else nothing was done.
        :raise Refusal: it may not be stored.
        """
        head = head_of(request)
        if (
            not head.length
            or head.length > self._most
            or head.method != b"PUT"
            or head.expects
            or head.has_any(_SPECIAL)
            or not request.whole
        ):
            return False
        found = verdict(head, request.started, self._rules)
        self._engine.check_open(request)
        if not self._engine.vacant(found.slot.name):
            return False
        content = request.take_whole()
        stored: Deferred[FileRecord | None] = self._store.store(found.slot, content)
        # Whoever comes for this name meanwhile waits for the file, and its answer.
        turn = None if stored.called else self._engine.occupy(request, found.slot)
        stored.addCallbacks(
            self._stored,
            self._failed,
            callbackArgs=(request, found, content, turn),
            errbackArgs=(request, found),
        )
        stored.addErrback(request.processingFailed)
        if turn is not None:
            stored.addBoth(_over, turn)
        return True

    def _stored(
        self,
        file: FileRecord | None,
        request: UploadRequest,
        found: Verdict,
        content: bytes,
        turn: Turn | None,
    ) -> Deferred[None] | None:
        if file is None:
            if turn is not None:
                turn.end()
            return Deferred.fromCoroutine(self._go_round(request, found, content))
        self._engine.begun(request, found)
        now = self._clock.seconds()
        self._hub.emit(
            UploadCompleted(
                at=now,
                request=request.id,
                name=found.slot.name.text,
                size=file.size,
                duration=now - request.started,
                repeated=False,
                owner=file.owner,
            )
        )
        if request.channel is not None:
            fields = identity(file, head_of(request).get)
            fields.append((b"Content-Length", b"0"))
            request.send_whole(201, lines(fields), b"")
        return None

    def _failed(self, failure: Failure, request: UploadRequest, found: Verdict) -> Failure:
        refusal = failure.value
        if isinstance(refusal, Refusal) and refusal.status < 500:
            # Of a name that takes no file: where the body comes later, that is said first.
            self._refused(request, refusal)
            return failure
        reason = refusal.code if isinstance(refusal, Refusal) else "internal"
        self._engine.begun(request, found)
        now, name = self._clock.seconds(), found.slot.name.text
        self._hub.emit(UploadFailed(now, request.id, name, reason))
        return failure

    async def _go_round(self, request: UploadRequest, found: Verdict, content: bytes) -> None:
        step = whole(head_of(request), found.slot)
        try:
            body = await self._slots.enter(request, found, step, None)
        except Refusal as refusal:
            self._refused(request, refusal)
            raise
        body.write(content)
        body.finished()


def _over(result: None, turn: Turn) -> None:
    turn.end()
