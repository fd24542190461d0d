"""
One request's bytes, on their way into a part.

It ends in one of three ways, and the first one holds: the body is here, and is
committed or kept, and answered; it fails and is answered with the refusal; it
is given up without an answer, since the client went or the daemon stops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProducer, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.digests import Digest
from hmacfs.errors import InconsistentLength, Refusal, Superseded, WrongDigest
from hmacfs.events import UploadCompleted, UploadFailed, UploadSuspended
from hmacfs.interfaces.disk import Drawn
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.store import IUpload
from hmacfs.interfaces.web import IBody
from hmacfs.records import FileRecord
from hmacfs.uploads import UploadRecord
from hmacfs.web.plan import Plan, Rest
from hmacfs.web.records import Records
from hmacfs.web.repetition import Repetition, taken
from hmacfs.web.request import UploadRequest
from hmacfs.web.sinks import FileSink

Told = Callable[[UploadRecord | None, int, FileRecord | None], None]
"""Answers a request: with the record, the offset, and the file if it is there."""


def superseded() -> Superseded:
    """
    :return: what a request hears whose upload a newer one took over.
    """
    return Superseded("A newer request took this one's place.")


@implementer(IBody)
class Upload:
    """
    The body of one admitted request, on its way into *part*.

    :ivar ended: fires with ``None`` when the store has let go of the part.
    """

    log = Logger()

    def __init__(
        self,
        request: UploadRequest,
        part: IUpload,
        plan: Plan,
        hub: IHub,
        clock: IReactorTime,
        high_water: Callable[[], int],
        answer: Told,
        records: Records,
    ) -> None:
        """
        :param high_water: tells how many bytes may wait for the disk.
        :param answer: tells the client how it ended well.
        :param records: where it is kept what became of the upload.
        """
        self.ended: Deferred[None] = Deferred()
        self._request = request
        self._part = part
        self._known = part.record
        self._plan = plan
        self._hub = hub
        self._clock = clock
        self._answer = answer
        self._records = records
        self._over = False
        self._worthless = False
        self._repeats = isinstance(part, Repetition)
        self._sink = FileSink(part.append, high_water, self._fail)
        if plan.digests:
            part.distrust()
        # What goes with the commit: it costs a call of a thread less than bytes
        # that are stored first, as they must be where somebody wants a digest.
        self._last: Sequence[bytes] = ()
        wanted = plan.hashed or plan.promised or plan.digests
        self._left = None if wanted or request.head is None else request.head.length

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """The client, to be held back when the disk is slower."""
        self._sink.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """The body is here, or will never be."""
        self._sink.unregisterProducer()

    def write(self, data: bytes) -> None:
        """See :meth:`hmacfs.web.sinks.FileSink.write`."""
        if self._over:
            return
        if self._left is not None:
            self._left -= len(data)
            end = self._part.offset + len(data)
            if not self._left and self._sink.idle and self._plan.completes(end):
                # finished() follows at once.
                self._last = [data]
                return
        self._sink.write(data)

    @property
    def draws(self) -> bool:
        """See :attr:`hmacfs.interfaces.web.IBody.draws`."""
        draws: bool = self._part.draws
        return draws

    def draw(self, socket: int, most: int) -> Deferred[Drawn]:
        """See :meth:`hmacfs.interfaces.web.IBody.draw`."""
        self._left = None
        draw = partial(self._part.draw, socket, most)
        return Deferred.fromCoroutine(self._sink.draw(draw))

    def finished(self) -> None:
        """Commit what came, or keep it, once it is stored; and say so."""
        self._sink.quiet().addCallback(lambda _: self._conclude())

    def lost(self, reason: str) -> None:
        """The body will not be completed: put the part away."""
        if not self._over:
            self._over = True
            self._put_away(reason, self._plan.rest(reason))

    def supersede(self, keep: bool) -> None:
        """
        Make room for a newer request.  One that is being committed already is
        not held up by this.

        :param keep: whether the newer request goes on with the same upload.
        """
        if not self._over:
            self._over = True
            rest = self._plan.rest("gone-on-with") if keep else Rest.GONE
            self._put_away("superseded", rest)
            self._request.processingFailed(Failure(superseded()))

    def _conclude(self) -> None:
        if not self._over:
            self._over = True
            done = Deferred.fromCoroutine(self._complete())
            done.addErrback(self._refused).addErrback(self._request.processingFailed)

    async def _complete(self) -> None:
        part, plan = self._part, self._plan
        for digest in plan.digests:
            await self._check(digest, plan.start)
        part.trust()
        if self._last or plan.completes(part.offset):
            await self._commit()
        elif self._repeats and plan.location:
            # There is no part that could be gone on with by that URL.
            raise taken()
        else:
            await part.suspend()
            self._tell_suspended("unfinished")
            self._answer(part.record or plan.record, part.offset, None)
            # The part says it all: the client need not wait, and who comes
            # next waits for this turn to end.
            await self._kept()
            self._end()

    async def _commit(self) -> None:
        part, plan = self._part, self._plan
        size = part.offset + sum(map(len, self._last))
        if plan.front is not None and plan.record and size != plan.record.length:
            raise InconsistentLength("The content ends before the length of the upload.")
        file = await part.commit(await self._sha256(), self._last)
        record = part.record or plan.record
        if record is not None:
            record = record.changed(state="finished")
        self._tell_completed(file)
        self._answer(record, file.size, file)
        if record is not None:
            # As above; and a start that finds the file writes it down as well.
            await self._records.keep(record)
        self._end()

    async def _sha256(self) -> str | None:
        """
        :return: that of the whole file, where it was promised or somebody
            wants it.
        :raise WrongDigest: another one was promised.
        """
        promised = self._plan.promised
        if not promised and (self._repeats or not self._plan.hashed):
            return None
        found = {"sha256": await self._part.digest("sha256")}
        try:
            for digest in promised:
                if digest.algorithm not in found:
                    found[digest.algorithm] = await self._part.digest(digest.algorithm)
                digest.check(found[digest.algorithm])
        except WrongDigest:
            # The whole file is another one: no byte of it is worth keeping.
            self._worthless = True
            raise
        return found["sha256"].hex()

    async def _check(self, digest: Digest, start: int) -> None:
        """
        :raise Refusal: what was kept from *start* on has another digest.
        """
        digest.check(await self._part.digest(digest.algorithm, start))

    def _tell_completed(self, file: FileRecord) -> None:
        now = self._clock.seconds()
        self._hub.emit(
            UploadCompleted(
                at=now,
                request=self._request.id,
                name=self._name,
                size=file.size,
                duration=now - self._request.started,
                repeated=self._repeats,
                owner=file.owner,
            )
        )

    def _fail(self, failure: Failure) -> None:
        if not self._over:
            self._over = True
            self._refused(failure)

    def _refused(self, failure: Failure) -> None:
        refusal = failure.value
        reason = refusal.code if isinstance(refusal, Refusal) else "internal"
        self._put_away(reason, Rest.GONE if self._worthless else self._plan.rest(reason))
        self._request.processingFailed(failure)

    def _put_away(self, reason: str, rest: Rest) -> None:
        """
        Let the store do with the part as *rest* says, once no write is under way.
        """
        if self._repeats:
            rest = Rest.GONE
        if rest is not Rest.KEPT:
            # Of what is kept, all that came is kept: nobody need send it again.
            self._sink.drop()
        done = Deferred.fromCoroutine(self._leave(rest))
        done.addErrback(self._log_failure).addCallback(self._tell_end, reason)
        done.addBoth(lambda _: self._end())

    async def _leave(self, rest: Rest) -> bool:
        """
        :return: whether the part was kept.
        """
        await self._sink.quiet()
        if rest in (Rest.KEPT, Rest.BACK):
            try:
                if rest is Rest.BACK:
                    await self._part.truncate(self._plan.start)
                await self._part.suspend()
                await self._kept()
                return True
            except Exception as error:
                # What cannot be kept goes.
                self._log_failure(Failure(error))
        await self._part.discard()
        record = self._part.record or self._plan.record
        if record is not None and rest is Rest.SPOILT:
            await self._records.keep(record.changed(state="invalid"))
        elif record is not None:
            await self._records.forget(record)
        return False

    async def _kept(self) -> None:
        """
        Write down that the part was given more time, where it was: a request
        that took no second has changed nothing, and a transaction less.
        """
        record = self._part.record
        if record is not None and record != self._known:
            await self._records.keep(record)

    def _end(self) -> None:
        self._sink.end()
        if not self.ended.called:
            self.ended.callback(None)

    def _log_failure(self, failure: Failure) -> bool:
        self.log.failure("a part cannot be put away [{request}]", failure, request=self._request.id)
        return False

    def _tell_end(self, kept: bool, reason: str) -> None:
        if kept:
            self._tell_suspended(reason)
        else:
            at = self._clock.seconds()
            self._hub.emit(UploadFailed(at, self._request.id, self._name, reason))

    def _tell_suspended(self, reason: str) -> None:
        at, offset = self._clock.seconds(), self._part.offset
        self._hub.emit(UploadSuspended(at, self._request.id, self._name, offset, reason))

    @property
    def _name(self) -> str:
        name: str = self._part.slot.name.text
        return name
