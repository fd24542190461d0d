"""
What goes, from the request to the tombstone.

1.  What waits for the index is written, so that no part and no row of the name
    is on its way.
2.  What is to go is written down, with the tombstone of its name.  From then
    on nothing is committed there.
3.  In a thread, under the lock of the name, it is looked at again, and goes.
    What goes is synced.
4.  The index is told, and only then whoever asked for it.

A start that finds 2 without 4 does 3 and 4: see :mod:`hmacfs.store.starting`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from secrets import token_hex
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks

from hmacfs.errors import NotStored
from hmacfs.names import StoredName
from hmacfs.records import Due, FileRecord, Removed
from hmacfs.store import bookkeeping
from hmacfs.store.kept import Plan
from hmacfs.store.opened import Opened
from hmacfs.store.removal import ANY, Errand, Outcome
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.troubles import refusal
from hmacfs.store.versions import Rows

PATIENCE = 3600
"""Seconds until what the disk did not let go is due again."""


class Retiring:
    """
    The removals of one open store.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        # What failed on the way, by name: to be gone on with, not begun anew.
        self._stuck: dict[str, Errand] = {}
        self._put_off: dict[tuple[str, str], float] = {}

    def remove(self, name: StoredName) -> Deferred[FileRecord]:
        """See :meth:`hmacfs.abilities.IRemoves.remove`."""
        return self._opened.turns.run([name.text], self._remove, name)

    def remove_version(self, name: StoredName, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.abilities.IVersioned.remove_version`."""
        return self._opened.turns.run([name.text], self._remove_version, name, id)

    def take_down(self, name: StoredName, ban: bool) -> Deferred[Sequence[Removed]]:
        """See :meth:`hmacfs.abilities.IRemoves.take_down`."""
        return self._opened.turns.run([name.text], self._take_down, name, ban)

    def forget(self, name: StoredName) -> Deferred[bool]:
        """See :meth:`hmacfs.abilities.IRemoves.forget`."""
        index, now = self._opened.index, self._opened.clock.seconds()
        return self._opened.turns.run([name.text], index.run, bookkeeping.forget, name.text, now)

    @inlineCallbacks
    def due(self, now: float, most: int) -> Generator[Deferred[Any], Any, Sequence[Due]]:
        """See :meth:`hmacfs.abilities.IExpires.due`."""
        self._put_off = {key: until for key, until in self._put_off.items() if until > now}
        bound = self._opened.policy.max_versions
        asked = most + len(self._put_off)
        found = yield self._opened.index.run(bookkeeping.due, now, bound, asked)
        return [due for due in found if (due.name, due.version) not in self._put_off][:most]

    @inlineCallbacks
    def overdue(self, now: float, most: int) -> Generator[Deferred[Any], Any, tuple[int, int]]:
        """See :meth:`hmacfs.abilities.IExpires.overdue`."""
        index = self._opened.index
        bound = self._opened.policy.max_versions
        count = yield index.run(bookkeeping.count_due, now, bound, most)
        totals = index.totals()
        return count, totals.files.count + totals.versions.count

    def retire(self, due: Sequence[Due], now: float) -> Deferred[Sequence[Removed]]:
        """See :meth:`hmacfs.abilities.IExpires.retire`."""
        names = {each.name for each in due}
        return self._opened.turns.run(names, self._retire, names, due, now)

    @inlineCallbacks
    def carry(
        self,
        errands: Sequence[Errand],
        rows: Mapping[str, Rows],
        trashed: Sequence[TrashRow] = (),
    ) -> Generator[Deferred[Any], Any, Sequence[Outcome]]:
        """
        Do *errands*, which are the only ones at their names.

        :param rows: what the index has of the names.
        """
        opened = self._opened
        for errand in errands:
            if errand.file:
                opened.refusing.add(errand.name)
        try:
            yield opened.index.insist(bookkeeping.begin, errands, opened.clock.seconds())
        except OSError as error:
            raise refusal(error) or error from error
        self._stuck.update((errand.name, errand) for errand in errands)
        done = yield opened.threads.run(opened.removal.carry_out, errands, rows, trashed)
        outcomes: Sequence[Outcome] = done
        # Of a name that is buried: what came in the last moment is gone as well.
        yield opened.backlog.discard(
            outcome.errand.name
            for outcome in outcomes
            if outcome.errand.file and outcome.stays is None and not outcome.failed
        )
        yield opened.index.insist(bookkeeping.finish, outcomes)
        for outcome in outcomes:
            if not (outcome.failed and outcome.changed):
                del self._stuck[outcome.errand.name]
        return outcomes

    @inlineCallbacks
    def _remove(self, name: StoredName) -> Generator[Deferred[Any], Any, FileRecord]:
        opened, now = self._opened, self._opened.clock.seconds()
        rows = yield self._rows([name.text])
        known = yield opened.threads.run(opened.kept.file, name, now, rows[name.text].get(""))
        yield self._do(Errand(name.text, ANY, (ANY,), until=self._until(now)), rows)
        record: FileRecord = known.record
        return record

    @inlineCallbacks
    def _remove_version(self, name: StoredName, id: str) -> Generator[Deferred[Any], Any, None]:
        opened, now = self._opened, self._opened.clock.seconds()
        rows = yield self._rows([name.text])
        yield opened.threads.run(opened.versions.find, name, id, now, rows[name.text])
        yield self._do(Errand(name.text, versions=(id,)), rows)

    @inlineCallbacks
    def _take_down(
        self, name: StoredName, ban: bool
    ) -> Generator[Deferred[Any], Any, Sequence[Removed]]:
        opened, now = self._opened, self._opened.clock.seconds()
        rows = yield self._rows([name.text])
        trashed = yield opened.index.run(bookkeeping.trashed, name.text)
        if ban:
            digests = yield opened.threads.run(opened.kept.digests, name, rows[name.text], trashed)
            yield opened.refusing.ban_all(digests)
        errand = Errand(name.text, ANY, (ANY,), until=self._until(now), everywhere=True)
        # Before the parts are looked at: one that is made from now on goes by this.
        yield opened.company.unmake(name)
        opened.unmake(name)
        outcome = yield self._do(errand, rows, trashed)
        for id in outcome.parts:
            opened.suspended.remove(id)
        opened.cut.update(opened.writing.keys() & outcome.parts)
        opened.company.cut(outcome.parts)
        return _told(outcome)

    @inlineCallbacks
    def _retire(
        self, names: set[str], due: Sequence[Due], now: float
    ) -> Generator[Deferred[Any], Any, Sequence[Removed]]:
        opened = self._opened
        rows = yield self._rows(names)
        batch = ""
        if opened.policy.trash_ttl:
            batch = opened.stamps.next(now, token_hex(8))
        like = Errand("", batch=batch, removed=now, until=self._until(now))
        planned = yield opened.threads.run(opened.kept.plan, due, now, rows, like)
        plan: Plan = planned
        if plan.files or plan.versions:
            yield opened.index.run(bookkeeping.mend, plan)
        errands = [self._stuck.get(errand.name, errand) for errand in plan.errands]
        outcomes = yield self.carry(errands, rows)
        gone = [each for outcome in outcomes if not outcome.failed for each in _told(outcome)]
        went = {(each.name, each.version) for each in gone}
        for each in due:
            if (each.name, each.version) not in went:
                self._put_off[each.name, each.version] = now + PATIENCE
        return gone

    @inlineCallbacks
    def _do(
        self, errand: Errand, rows: Mapping[str, Rows], trashed: Sequence[TrashRow] = ()
    ) -> Generator[Deferred[Any], Any, Outcome]:
        """
        :raise NotStored: it was not done, or not to the end.
        """
        (outcome,) = yield self.carry([errand], rows, trashed)
        if outcome.failed:
            raise NotStored("The disk did not remove it.")
        done: Outcome = outcome
        return done

    @inlineCallbacks
    def _rows(self, names: Sequence[str] | set[str]) -> Generator[Deferred[Any], Any, Any]:
        """
        :return: fires with what the index has of *names*, all that was stored
            by now included.
        """
        yield self._opened.backlog.flush(names)
        rows = yield self._opened.index.run(bookkeeping.rows_of, names)
        return rows

    def _until(self, now: float) -> int:
        ttl = self._opened.policy.tombstone_ttl
        return int(now) + ttl if ttl else 0


def _told(outcome: Outcome) -> list[Removed]:
    name = outcome.errand.name
    return [Removed(name, gone.version, gone.size, gone.kind) for gone in outcome.gone]
