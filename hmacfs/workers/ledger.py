"""
The metadata of uploads, as a worker has it: the supervisor keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from hmacfs.interfaces.metadata import ILedger
from hmacfs.store.company import Others
from hmacfs.uploads import UploadRecord

DEEDS = frozenset({"all", "expired", "get", "put", "remove"})
"""What a worker may ask of it."""


@implementer(ILedger)
class AskedLedger:
    """
    The ledger of the supervisor.
    """

    def __init__(self, supervisor: Others) -> None:
        self._supervisor = supervisor

    def start(self) -> Deferred[None]:
        """It has begun already."""
        return succeed(None)

    def stop(self) -> Deferred[None]:
        """It is not ours to end."""
        return succeed(None)

    def put(self, record: UploadRecord) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.put`."""
        return self._ask("put", record)

    def get(self, id: str) -> Deferred[UploadRecord | None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.get`."""
        return self._ask("get", id)

    def remove(self, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.remove`."""
        return self._ask("remove", id)

    def all(self) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.metadata.ILedger.all`."""
        return self._ask("all")

    def expired(self, now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """See :meth:`hmacfs.interfaces.metadata.ILedger.expired`."""
        return self._ask("expired", now, most)

    def faults(self) -> Sequence[str]:
        """The supervisor tells them with all others."""
        return ()

    def _ask(self, deed: str, *args: Any) -> Deferred[Any]:
        return self._supervisor.ask("metadata", deed, *args)
