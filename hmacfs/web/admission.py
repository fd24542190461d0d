"""
Who may upload now: the verdict on a head, and the order among uploads to one name.

There is one upload at most for a name.  The newest goes on, the older ones are
answered 409; one that is being committed already is waited for, so that the
same file sent again meets the file and not the race.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.interfaces import IReactorTime

from hmacfs.errors import Exists, NotFound, Refusal, ShuttingDown
from hmacfs.events import UploadRefused, UploadStarted
from hmacfs.interfaces import IBody, IFile, IHub, IStore, IUpload
from hmacfs.names import StoredName
from hmacfs.uploads import Slot
from hmacfs.verdict import Rules, verdict
from hmacfs.web.repetition import Repetition, taken
from hmacfs.web.request import UploadRequest
from hmacfs.web.upload import Upload, superseded


class _Turn:
    """
    One request's turn at a name, from its verdict on.

    :ivar upload: once the store has begun it.
    :ivar ended: fires with ``None`` when the name is free again.
    """

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred()
        self.superseded = False
        self.upload: Upload | None = None

    def supersede(self) -> None:
        self.superseded = True
        if self.upload is not None:
            self.upload.supersede()

    def check(self) -> None:
        """
        :raise Superseded: a newer request wants the name.
        """
        if self.superseded:
            raise superseded()


class Admission:
    """
    The door of the store.
    """

    def __init__(
        self, store: IStore, hub: IHub, clock: IReactorTime, rules: Rules, high_water: int
    ) -> None:
        """
        :param high_water: bytes of one upload that may wait for the disk.
        """
        self._store = store
        self._hub = hub
        self._clock = clock
        self._rules = rules
        self._high_water = high_water
        self._turns: dict[StoredName, _Turn] = {}

    @inlineCallbacks
    def admit(self, request: UploadRequest) -> Generator[Deferred[Any], Any, IBody]:
        """
        Decide on a PUT by its head, and make ready for its body.

        :raise Refusal: it may not go on.
        """
        try:
            assert request.head is not None
            found = verdict(request.head, request.started, self._rules)
            if request.site.draining:
                raise ShuttingDown("The server is about to stop.", [(b"Retry-After", b"5")])
            upload: Upload = yield self._in_turn(request, found.slot)
        except Refusal as refusal:
            self._hub.emit(
                UploadRefused(
                    at=self._clock.seconds(),
                    request=request.id,
                    status=refusal.status,
                    code=refusal.code,
                    hint=refusal.hint,
                )
            )
            raise
        self._hub.emit(
            UploadStarted(
                at=self._clock.seconds(),
                request=request.id,
                name=found.slot.name.text,
                size=found.slot.size,
                dialect=found.dialect,
            )
        )
        return upload

    @inlineCallbacks
    def _in_turn(self, request: UploadRequest, slot: Slot) -> Generator[Deferred[Any], Any, Upload]:
        turn = _Turn()
        before = self._turns.get(slot.name)
        self._turns[slot.name] = turn
        turn.ended.addCallback(lambda _: self._forget(slot.name, turn))
        request.site.watch(turn.ended)
        try:
            if before is not None:
                before.supersede()
                yield before.ended
            turn.check()
            part: IUpload = yield self._open(slot)
            if turn.superseded:
                yield part.discard()
            turn.check()
        except BaseException:
            turn.ended.callback(None)
            raise
        upload = Upload(request, part, self._hub, self._clock, self._high_water)
        turn.upload = upload
        upload.ended.addCallback(turn.ended.callback)
        return upload

    @inlineCallbacks
    def _open(self, slot: Slot) -> Generator[Deferred[Any], Any, IUpload]:
        """
        :return: a part, or what compares where the name is taken.
        """
        try:
            part: IUpload = yield self._store.begin(slot)
            return part
        except Exists:
            pass
        try:
            file: IFile = yield self._store.open(slot.name)
        except NotFound:
            # It has expired, or went this very moment.
            raise taken() from None
        if slot.size not in (None, file.record.size):
            file.close()
            raise taken()
        return Repetition(slot, file)

    def _forget(self, name: StoredName, turn: _Turn) -> None:
        if self._turns.get(name) is turn:
            del self._turns[name]
