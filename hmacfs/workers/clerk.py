"""
What the supervisor does for one worker.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from hmacfs.interfaces.metadata import ILedger
from hmacfs.reunion import Reunion
from hmacfs.store.chief import Service
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.workers.ledger import DEEDS


class Clerk:
    """
    The store and the metadata, for one worker.
    """

    def __init__(self, store: FilesystemStore, metadata: ILedger, reunion: Reunion) -> None:
        self._store = Service(store)
        self._metadata = metadata
        self._reunion = reunion

    def heard(self, what: str, *args: Any) -> Any:
        """
        Do what the worker asks for.

        :return: the answer, or a Deferred that fires with it.
        """
        if what != "metadata":
            return self._store.heard(what, *args)
        deed, *rest = args
        if deed not in DEEDS:
            raise ValueError(f"{deed!r} is not to be asked for")
        return getattr(self._metadata, deed)(*rest)

    def end(self) -> Deferred[None]:
        """
        The worker is no more.

        :return: fires when all that it left has been found.
        """
        return Deferred.fromCoroutine(self._end())

    async def _end(self) -> None:
        await self._reunion.finished(await self._store.ended())
