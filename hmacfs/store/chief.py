"""
What the chief of a store does for its members: see :mod:`hmacfs.store.company`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger

from hmacfs.names import StoredName
from hmacfs.records import Disagreement, FileRecord
from hmacfs.store.backlog import Rows, write_newest
from hmacfs.store.company import Charter
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.member import QUESTIONS
from hmacfs.store.quota import Share
from hmacfs.store.salvage import Salvage
from hmacfs.store.suspended import Waiting


def charter(store: FilesystemStore) -> Charter:
    """
    :return: what a new member has to know of *store*, which is open.
    """
    opened = store.opened
    return Charter(opened.area, opened.knowing.retention, opened.suspended.every())


def guard(store: FilesystemStore) -> int:
    """
    :return: the descriptor of the lock of *store*, which a member inherits.
    """
    return store.opened.area.guard


class Service:
    """
    What one member asks for.
    """

    log = Logger()

    def __init__(self, store: FilesystemStore) -> None:
        self._store = store
        self._shares: dict[str, Share] = {}
        self._services: Mapping[str, Callable[..., Any]] = {
            "run": self._run,
            "note": self._note,
            "insist": self._insist,
            "rows": self._rows,
            "share": self._share,
            "unshare": self._unshare,
            "waits": self._waits,
            "goes on": self._goes_on,
            "remove": self._remove,
            "remove version": self._remove_version,
            "restore": self._restore,
        }

    def heard(self, what: str, *args: Any) -> Any:
        """
        Do what it asks for.

        :return: the answer, or a Deferred that fires with it.
        :raise KeyError: nobody here knows of *what*.
        """
        return self._services[what](*args)

    def ended(self) -> Deferred[list[str]]:
        """
        The member is no more.

        :return: fires when nothing is left of it but files and parts that
            wait, with the ids of uploads that it may have finished.
        """
        self._drop(list(self._shares))
        return Salvage(self._store.opened).run()

    def _run(self, question: str, *args: Any) -> Deferred[Any]:
        return self._store.opened.index.run(QUESTIONS[question], *args)

    def _note(self, question: str, *args: Any) -> Deferred[Any]:
        return self._store.opened.index.note(QUESTIONS[question], *args)

    def _insist(self, question: str, *args: Any) -> Deferred[Any]:
        return self._store.opened.index.insist(QUESTIONS[question], *args)

    def _rows(self, rows: Rows, shares: Sequence[str]) -> Deferred[None]:
        # Before anything that the index was asked for later is answered; where
        # there is no room for the rows the shares are held until there is.
        written = self._store.opened.index.run(write_newest, rows)
        return written.addCallback(lambda _: self._drop(shares))

    def _share(self, key: str, owner: str, size: int) -> Deferred[None]:
        if key not in self._shares:
            self._shares[key] = self._store.opened.quota.share(owner)
        return self._shares[key].ask(size)

    def _drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            share = self._shares.pop(key, None)
            if share is not None:
                share.drop()

    def _unshare(self, key: str) -> None:
        self._drop([key])

    def _waits(self, waiting: Waiting) -> Deferred[None] | None:
        return self._store.opened.suspended.add(waiting)

    def _goes_on(self, id: bytes) -> None:
        self._store.opened.suspended.remove(id)

    def _remove(self, name: StoredName) -> Deferred[FileRecord]:
        removed = self._store.remove(name)
        # With a tombstone nothing was stored there since.
        return removed if self._store.opened.policy.tombstone_ttl else self._agreed(removed, name)

    def _remove_version(self, name: StoredName, id: str) -> Deferred[None]:
        return self._store.remove_version(name, id)

    def _restore(self, name: StoredName, id: str) -> Deferred[FileRecord]:
        # What is the file by now has its row first, for that is the newer one.
        settled = self._store.opened.backlog.flush([name.text])
        return self._agreed(settled.addCallback(lambda _: self._store.restore(name, id)), name)

    @inlineCallbacks
    def _agreed(
        self, done: Deferred[FileRecord], name: StoredName
    ) -> Generator[Deferred[Any], Any, FileRecord]:
        """
        :param done: of what was done to *name*.
        :return: the same, when the index says of *name* what is there: another
            member may have stored a file at this moment, of which nobody knows
            whether it came before or behind.
        """
        record: FileRecord = yield done
        doubt = Disagreement("other row", "file", name.text, "", "", "")
        try:
            yield self._store.opened.backlog.flush([name.text])
            yield self._store.mend([doubt])
        except Exception:
            # It is done all the same, and the crawl looks again.
            self.log.failure("what the index says of a file was not looked at again")
        return record
