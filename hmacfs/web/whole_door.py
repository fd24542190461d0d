"""
Where a small file begins and ends at once: all of it is here.

A plain PUT of which nothing special is asked needs no part that can be told of,
no turn that can be taken over and no consumer that can be held back; it is
handed to the store with one call.  Where that has stored it, the answer is
written there and then, and no request is even made, which took a quarter of the time;
a request is for whom something has to be waited for, or refused.

Whatever is unusual goes through :mod:`hmacfs.web.slot_door` as ever, and where
the store leaves it to that, the body is handed on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from hmacfs.abilities import IStoresWhole
from hmacfs.errors import Refusal
from hmacfs.events import (
    RequestCompleted,
    RequestReceived,
    UploadCompleted,
    UploadFailed,
    UploadStarted,
)
from hmacfs.http1 import Head
from hmacfs.interfaces.hub import IHub
from hmacfs.records import FileRecord
from hmacfs.resumable.fronts import MARKS
from hmacfs.verdict import Rules, Verdict, verdict
from hmacfs.web.answer_fields import date, lines
from hmacfs.web.answers import identity
from hmacfs.web.engine import Engine, head_of
from hmacfs.web.request import UploadRequest
from hmacfs.web.slot_door import SlotDoor, whole
from hmacfs.web.turns import Turn
from hmacfs.web.wording import Wording

if TYPE_CHECKING:
    from hmacfs.web.channel import UploadChannel

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

    def fits(self, head: Head) -> bool:
        """
        :return: whether *head* begins an upload that may be taken here, once all
            of its body has come.
        """
        return (
            head.method == b"PUT"
            and (head.length or 0) <= self._most
            and not head.expects
            and not head.has_any(_SPECIAL)
        )

    def takes(self, channel: UploadChannel, words: Wording, content: bytes) -> bool:
        """
        Take an upload that fits, and answer it.

        :param channel: where it came; nothing else is under way there.
        :param content: all of its body.
        :return: whether it was taken; else nothing was done.
        """
        started = self._clock.seconds()
        try:
            found = verdict(words.head, started, self._rules)
        except Refusal:
            # Whoever finds that again says it, with the body unread.
            return False
        if channel.site.draining or not self._engine.vacant(found.slot.name):
            return False
        try:
            file = self._store.store_now(found.slot, content)
        except Exception:
            # Be it a fault of ours, it is answered as every failure.
            request = channel.meet(words, len(content))
            request.processingFailed(self._failed(Failure(), request, found))
            return True
        if file is None:
            self._wait(channel.meet(words, len(content)), found, content)
        else:
            self._answer(channel, words, found, file, started)
        return True

    def _answer(
        self,
        channel: UploadChannel,
        words: Wording,
        found: Verdict,
        file: FileRecord,
        started: float,
    ) -> None:
        """
        Answer without a request, and tell what happened as one would.
        """
        head, site, emit = words.head, channel.site, self._hub.emit
        id = site.request_id()
        channel.persistent = head.keep_alive
        channel.send_whole(
            b"%b 201 Created\r\n%bDate: %b\r\nX-Request-ID: %b\r\n%b"
            % (
                head.version,
                site.manners.lines(head.get(b"origin")),
                date(int(started)),
                id.encode(),
                _about(file, head),
            ),
            b"",
        )
        now, client = self._clock.seconds(), site.client(channel.peer, head)
        number, method, path = channel.number, words.method, words.path
        emit(RequestReceived(started, id, number, client, method, path))
        duration = now - started
        self._tell(id, found, file, now, duration)
        emit(
            RequestCompleted(
                at=now,
                request=id,
                connection=number,
                client=client,
                method=method,
                path=path,
                status=201,
                code="",
                received=file.size,
                sent=0,
                duration=duration,
                agent=words.agent,
            )
        )
        channel.answered()

    def _tell(self, id: str, found: Verdict, file: FileRecord, now: float, duration: float) -> None:
        emit, name = self._hub.emit, found.slot.name.text
        emit(UploadStarted(now, id, name, found.slot.size, found.dialect))
        done = UploadCompleted(now, id, name, file.size, duration, repeated=False, owner=file.owner)
        emit(done)

    def _wait(self, request: UploadRequest, found: Verdict, content: bytes) -> None:
        """
        Store what nobody can store at once.
        """
        stored: Deferred[FileRecord | None]
        stored = maybeDeferred(self._store.store, found.slot, content)
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
        now = self._clock.seconds()
        self._tell(request.id, found, file, now, now - request.started)
        if request.channel is not None:
            request.send_whole(201, _about(file, head_of(request)), b"")
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


def _about(file: FileRecord, head: Head) -> bytes:
    """
    :return: the lines of the answer that are about *file*.
    """
    return lines([*identity(file, head.get), (b"Content-Length", b"0")])


def _over(result: None, turn: Turn) -> None:
    turn.end()
