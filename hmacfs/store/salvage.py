"""
What a member left that died, found while the others go on.

It is a start for its parts alone: see :mod:`hmacfs.store.recovery`.  Those
that somebody writes to are locked, and let be; so is one without a label, for
it has just been made.  One that became a file may be a living member's, whose
row is on its way: then the same is written twice.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred
from twisted.logger import Logger

from hmacfs.errors import MalformedName, NotFound
from hmacfs.names import StoredName, recall
from hmacfs.store import bookkeeping
from hmacfs.store.backlog import Rows, write_newest
from hmacfs.store.opened import Opened
from hmacfs.store.parts import ID
from hmacfs.store.recovery import Finished, Recovered


class Salvage:
    """
    One look at all parts of a store that is open.
    """

    log = Logger()

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    @inlineCallbacks
    def run(self) -> Generator[Deferred[Any], Any, list[str]]:
        """
        Let wait what waits, and write down what was finished.

        :return: fires with the ids of the uploads that were.
        """
        opened = self._opened
        known = {waiting.id for waiting in opened.suspended.every()}
        parts = yield opened.threads.run(self._unknown, known)
        finished: list[str] = []
        for id, name in parts:
            try:
                done = yield opened.turns.run([name.text], self._one, id, name)
            except Exception:
                # The next start looks again, and the others are to be found now.
                self.log.failure("part {id} is left to the next start", id=id.decode())
            else:
                finished.extend(done)
        return finished

    def _unknown(self, known: set[bytes]) -> list[tuple[bytes, StoredName]]:
        found = []
        for id in self._opened.parts.names():
            ours = ID.fullmatch(id)
            if ours and not ours[2] and id not in known:
                name = self._name(id)
                if name is not None:
                    found.append((id, name))
        return found

    def _name(self, id: bytes) -> StoredName | None:
        disk, parts = self._opened.disk, self._opened.parts
        try:
            file = disk.open(parts.folder, id)
        except OSError:
            return None
        try:
            label = parts.label(id, file)
            return None if label is None or label.name is None else recall(label.name.encode())
        except (OSError, MalformedName, NotFound):
            return None
        finally:
            disk.close(file)

    @inlineCallbacks
    def _one(self, id: bytes, name: StoredName) -> Generator[Deferred[Any], Any, list[str]]:
        opened = self._opened
        found = yield opened.threads.run(self._decide, id, name)
        for waiting in found.waiting:
            yield maybeDeferred(opened.suspended.add, waiting)
        for finished in found.finished:
            yield self._write_down(finished)
        return [finished.id.decode() for finished in found.finished]

    def _decide(self, id: bytes, name: StoredName) -> Recovered:
        opened, found = self._opened, Recovered()
        try:
            with opened.parts.reopened(id), opened.locks.held(name):
                opened.recovery.decide(id, found, sure=True)
        except (BlockingIOError, NotFound):
            pass  # Somebody writes to it, or it has just gone.
        return found

    @inlineCallbacks
    def _write_down(self, finished: Finished) -> Generator[Deferred[Any], Any, None]:
        opened, name = self._opened, finished.name.text
        rows = yield opened.index.run(bookkeeping.rows_of, [name])
        told = [] if finished.version is None else [finished.version]
        agreed = yield opened.threads.run(
            opened.reconciling.agree,
            finished.name,
            rows[name],
            {version.id: version.row for version in told},
            [],
        )
        files = [] if finished.row is None else [finished.row]
        gone: Sequence[tuple[str, str]] = [(name, version) for version in agreed.gone]
        yield opened.index.run(write_newest, Rows(files, agreed.made, gone))
        yield opened.threads.run(opened.parts.drop, finished.id)
