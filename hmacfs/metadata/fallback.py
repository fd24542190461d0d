"""
SQLite and Redis, joined: this node's own records, which other nodes can find.

What SQLite holds is the truth, and answers.  Redis follows: a change is kept
here first, and a request that made it is answered; then all that Redis has
missed, this change or a thousand, is looked up in SQLite and pushed.  So
nothing is ever queued, an outage costs no memory, and writing behind and
catching up are one and the same thing.

Redis is asked only for an upload that this node has never heard of, and only
while the breaker says that it answers.  So nothing that it tells is this
node's: it is of another node, whose ``PublicURL`` stands in it, or nobody can
be sent there and it is as good as unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, DeferredLock, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.errors import MetadataUnavailable
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.metadata import ILedger, ISharedMetadata, ISharing
from hmacfs.metadata.breaker import PROBE_EVERY, Breaker
from hmacfs.metadata.sqlite import SqliteMetadata
from hmacfs.records import Sharing
from hmacfs.uploads import UploadRecord

SLICE = 100
"""Changes that are looked up, pushed and noted at a time."""

STOP_WITHIN = 0.25
"""Seconds that a stop waits for what is being pushed: as long as Redis has to answer."""


@implementer(ILedger, ISharing)
class FallbackMetadata:
    """
    The records of one node among several.
    """

    log = Logger()

    def __init__(
        self,
        own: SqliteMetadata,
        shared: ISharedMetadata,
        node: str,
        hub: IHub,
        clock: IReactorTime,
        every: float = PROBE_EVERY,
    ) -> None:
        """
        :param node: this one's ``PublicURL``, ``""`` where it has none.
        :param every: seconds between two probes of *shared*.
        """
        self._own, self._shared, self._node, self._clock = own, shared, node, clock
        self._breaker = Breaker(shared.server, self._rejoin, hub, clock, every)
        self._pushing = DeferredLock()

    def start(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.start`."""
        return Deferred.fromCoroutine(self._start())

    def stop(self) -> Deferred[None]:
        """
        See :meth:`hmacfs.interfaces.metadata.IMetadata.stop`.  What is being pushed
        has :data:`STOP_WITHIN`; the rest is pushed after the next start.
        """
        return Deferred.fromCoroutine(self._stop())

    def put(self, record: UploadRecord) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.put`."""
        return self._own.put(record).addCallback(self._changed)

    def get(self, id: str) -> Deferred[UploadRecord | None]:
        """
        See :meth:`hmacfs.interfaces.metadata.IMetadata.get`.

        :return: fires with this node's record, or with that of a node which
            says where it is; with ``None``, in time, also where Redis might
            have known it and does not answer.
        """
        return Deferred.fromCoroutine(self._get(id))

    def remove(self, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.remove`."""
        return self._own.remove(id).addCallback(self._changed)

    def all(self) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.metadata.ILedger.all`."""
        return self._own.all()

    def expired(self, now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.metadata.ILedger.expired`."""
        return self._own.expired(now, most)

    def faults(self) -> Sequence[str]:
        """See :meth:`hmacfs.interfaces.metadata.ILedger.faults`."""
        if self._breaker.state == "local":
            return ["Redis does not answer: uploads of other nodes are not found."]
        return ()

    def sharing(self) -> Deferred[Sharing]:
        """See :meth:`hmacfs.interfaces.metadata.ISharing.sharing`."""
        return self._own.backlog().addCallback(lambda count: Sharing(self._breaker.state, count))

    async def _start(self) -> None:
        await self._own.start()
        await self._shared.start()
        # Until then, other nodes' uploads would not be found.
        await self._breaker.start()

    async def _stop(self) -> None:
        watched = self._breaker.stop()
        pushed = self._pushing.run(lambda: None).addTimeout(STOP_WITHIN, self._clock)
        await pushed.addErrback(lambda failure: failure.trap(TimeoutError))
        await self._shared.stop()  # whatever is still being pushed fails now
        await watched
        await self._pushing.run(lambda: None)
        await self._own.stop()

    async def _get(self, id: str) -> UploadRecord | None:
        change = await self._own.recall(id)
        if change is not None:
            return change.record
        if self._breaker.state == "local":
            return None
        try:
            found = await self._shared.get(id)
        except MetadataUnavailable as trouble:
            self._breaker.failed(str(trouble))
            return None
        return None if found is None or found.node in ("", self._node) else found

    def _changed(self, result: None) -> None:
        # While something is pushed already, it goes on until nothing is
        # behind, and this change was kept before it looked for the last time.
        if self._breaker.state == "redis" and not self._pushing.locked:
            self._pushing.run(self._push).addErrback(self._not_pushed)

    async def _push(self) -> int:
        count = 0
        while changes := await self._own.behind(SLICE):
            for change in changes:
                if change.record is None:
                    await self._shared.remove(change.id)
                else:
                    await self._shared.put(change.record)
            await self._own.pushed(changes)
            count += len(changes)
        return count

    def _not_pushed(self, failure: Failure) -> None:
        if failure.check(MetadataUnavailable):
            self._breaker.failed(failure.getErrorMessage())
        else:
            # A fault of ours, and nobody waits who could be told: the change
            # stays behind, and goes with the next one.
            self.log.failure("a change was not pushed", failure)

    def _rejoin(self, server: str) -> Deferred[int]:
        # Behind a push that is still under way, since what that one notes as
        # pushed may have gone to a server that is no more.
        return self._pushing.run(self._catch_up, server)

    async def _catch_up(self, server: str) -> int:
        await self._own.joined(server)
        return await self._push()
