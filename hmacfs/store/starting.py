"""
A start, behind whatever ended the daemon before.

First the removals that were begun are finished, so that nothing of them is
taken for something else; then what was going from the trash; then the parts,
each of which says how far something came.  The index is told last.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks

from hmacfs.store import bookkeeping, removal
from hmacfs.store.opened import Opened
from hmacfs.store.reconciling import Agreement
from hmacfs.store.recovery import Finished
from hmacfs.store.tables import files, tombstones, trash, versions
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.versions import Rows

SLICE = 100
"""Names that are looked at, and told of, at a time."""


@inlineCallbacks
def recover(opened: Opened) -> Generator[Deferred[Any], Any, None]:
    """
    Finish or undo what was under way.

    :raise StoreProblem: it cannot be.
    """
    index, threads = opened.index, opened.threads
    yield opened.refusing.start()
    burials = yield index.run(tombstones.unfinished)
    errands = [removal.decode(burial.doing) for burial in burials]
    for some in _slices(errands):
        names = [errand.name for errand in some]
        rows = yield index.run(bookkeeping.rows_of, names)
        rubbish = yield index.run(_trashed, names)
        items = [item for found in rubbish.values() for item in found]
        outcomes = yield threads.run(opened.removal.carry_out, some, rows, items, True)
        yield index.run(bookkeeping.finish, outcomes)
    items = yield index.run(bookkeeping.purging)
    gone = yield threads.run(opened.rubbish.shred, items)
    yield index.run(bookkeeping.purged, gone)
    found = yield threads.run(opened.recovery.recover, opened.clock.seconds())
    for waiting in found.waiting:
        opened.suspended.add(waiting)
    # All parts of one name together, since each of them may tell of a version.
    for some in _slices(sorted(found.finished, key=lambda each: each.name.text)):
        names = [finished.name.text for finished in some]
        rows = yield index.run(bookkeeping.rows_of, names)
        rubbish = yield index.run(_trashed, names)
        agreed = yield threads.run(_agree, opened, some, rows, rubbish)
        yield index.run(_write, some, agreed)
        yield threads.run(_drop, opened, some)


def _slices(everything: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (everything[at : at + SLICE] for at in range(0, len(everything), SLICE))


def _trashed(database: sqlite3.Connection, names: Iterable[str]) -> dict[str, list[TrashRow]]:
    return {name: bookkeeping.trashed(database, name) for name in names}


def _agree(
    opened: Opened,
    finished: Sequence[Finished],
    rows: Mapping[str, Rows],
    rubbish: Mapping[str, Sequence[TrashRow]],
) -> list[Agreement]:
    agreed = []
    for name in dict.fromkeys(each.name for each in finished):
        known = dict(rows[name.text])
        told = [each.version for each in finished if each.name == name and each.version]
        told_rows = {version.id: version.row for version in told}
        agreed.append(opened.reconciling.agree(name, known, told_rows, rubbish[name.text]))
    return agreed


def _write(
    database: sqlite3.Connection, finished: Iterable[Finished], agreed: Iterable[Agreement]
) -> None:
    rows = [each.row for each in finished if each.row is not None]
    # Where something came back from the trash its name was buried until now.
    tombstones.exhume(database, [row.name for row in rows])
    files.write(database, rows)
    for each in agreed:
        versions.drop(database, ((each.name.text, id) for id in each.gone))
        versions.write(database, each.made)
        trash.drop(database, each.back)


def _drop(opened: Opened, finished: Iterable[Finished]) -> None:
    for each in finished:
        opened.parts.drop(each.id)
