"""
Metadata that forgets: for the tests of everything above it.

It keeps the same contract as the providers that last, and answers at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.interfaces.metadata import ILedger
from hmacfs.uploads import UploadRecord


@implementer(ILedger)
class MemoryMetadata:
    """
    :ivar records: by id.
    :ivar removed: until when it is remembered that an id was removed, by id.
    """

    def __init__(self, clock: IReactorTime, expiry: int) -> None:
        """
        :param expiry: seconds that a removal is remembered.
        """
        self._clock = clock
        self._expiry = expiry
        self.records: dict[str, UploadRecord] = {}
        self.removed: dict[str, float] = {}

    def start(self) -> Deferred[None]:
        """There is nothing to get ready."""
        return succeed(None)

    def stop(self) -> Deferred[None]:
        """There is nothing to let go of."""
        return succeed(None)

    def put(self, record: UploadRecord) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.put`."""
        known = self.records.get(record.id)
        if record.id not in self.removed and (known is None or known.revision < record.revision):
            self.records[record.id] = record
        return succeed(None)

    def get(self, id: str) -> Deferred[UploadRecord | None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.get`."""
        return succeed(self.records.get(id))

    def remove(self, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.remove`."""
        now = self._clock.seconds()
        self.removed = {former: until for former, until in self.removed.items() if until > now}
        self.records.pop(id, None)
        self.removed.setdefault(id, now + self._expiry)
        return succeed(None)

    def all(self) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.metadata.ILedger.all`."""
        return succeed([self.records[id] for id in sorted(self.records)])

    def expired(self, now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.metadata.ILedger.expired`."""
        over = [record for record in self.records.values() if record.until <= now]
        return succeed(sorted(over, key=lambda record: (record.until, record.id))[:most])

    def faults(self) -> Sequence[str]:
        """Nothing can be wrong."""
        return ()
