"""
Errands on a store of a test's own, and who hears what becomes of them.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from hmacfs import loading
from hmacfs.care.care import Care
from hmacfs.control.asking import Gone
from hmacfs.control.desk import Desk
from hmacfs.control.errands import Errands
from hmacfs.control.lines import Message
from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.records import FileRecord
from hmacfs.retention import Retention
from hmacfs.store.filesystem import FilesystemStore
from tests.commands import write_settings
from tests.contracts import slot
from tests.hub import Heard
from tests.on_disk import OnDisk


class Hearer:
    """
    An asker who keeps what he hears.

    :ivar patience: how many rows he waits for before he goes away; ``None`` for all.
    """

    who = "user 1000"

    def __init__(self, patience: int | None = None) -> None:
        self.rows: list[Message] = []
        self.told: list[tuple[str, int, int | None, str]] = []
        self.patience = patience

    async def row(self, row: Message) -> None:
        self._check()
        self.rows.append(row)

    def progress(self, what: str, done: int, total: int | None, unit: str) -> None:
        self._check()
        self.told.append((what, done, total, unit))

    def _check(self) -> None:
        if self.patience is not None and len(self.rows) >= self.patience:
            raise Gone()


class WithErrands(OnDisk):
    """
    A test case that has errands done.

    :ivar ttl: seconds that a file is kept, ``None`` for ever.
    :ivar asker: of the last errand.
    """

    ttl: int | None = None

    def make_store(self, clock: Clock) -> FilesystemStore:
        store = super().make_store(clock)
        keys = {} if self.ttl is None else {"FileTTL": self.ttl}
        settings = loading.load(write_settings(self.mktemp(), **keys), "/").settings
        metadata = MemoryMetadata(clock, 86400)
        care = Care(settings, store, metadata, self.index, Heard(), clock, rest=0)
        self.errands = Errands(Desk(store, self.index, care, clock))
        return store

    def another_store(self, **policy: object) -> FilesystemStore:
        return super().another_store(retention=Retention((), self.ttl), **policy)

    def write(self, path: str, data: bytes, **more: Any) -> FileRecord:
        """
        Store *data*, and let be done what is done behind the answer.
        """
        record = self.put(slot(path, len(data), overwrite=True, **more), data)
        self.clock.advance(1)
        return record

    def perform(self, do: str, patience: int | None = None, **told: Any) -> Deferred[Message]:
        self.asker = Hearer(patience)
        return Deferred.fromCoroutine(self.errands.perform({"do": do, **told}, self.asker))

    def done(self, do: str, **told: Any) -> Any:
        """
        Have an errand done.

        :return: what is told at its end.
        """
        last = self.successResultOf(self.perform(do, **told))
        self.assertEqual(list(last), ["done"], last)
        return last["done"]

    def error(self, do: str, **told: Any) -> str:
        """
        :return: why an errand is not done.
        """
        error: str = self.successResultOf(self.perform(do, **told))["error"]
        return error

    def told(self, *keys: str) -> list[tuple[Any, ...]]:
        """
        :return: these of each row of the last errand.
        """
        return [tuple(row.get(key) for key in keys) for row in self.asker.rows]
