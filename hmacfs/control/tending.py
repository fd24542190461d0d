"""
The errands that look after the whole store.
"""

from __future__ import annotations

import attrs

from hmacfs.care.duty import Round
from hmacfs.control.asking import Asker, Impossible
from hmacfs.control.desk import Desk
from hmacfs.control.lines import Message
from hmacfs.store.tables.totals import totals

SLICE = 200
"""Files that are checked at a time."""

UNIT = "items"


async def gc(desk: Desk, asker: Asker, dry: bool, confirm: bool) -> Message:
    """
    Do all duties of care at once, and tell what went.
    """

    def progress(what: str, done: int, total: int | None) -> None:
        asker.progress(what, done, total, UNIT)

    await desk.store.settled()
    collected = await desk.care.collecting.collect(dry, confirm, progress)
    for duty, went in collected.went:
        await asker.row({"duty": duty, **attrs.asdict(went)})
    return {
        "rows": len(collected.went),
        "halted": collected.halted,
        "broken": list(collected.broken),
    }


async def reindex(desk: Desk, asker: Asker) -> Message:
    """
    Make the index anew.
    """

    def progress(what: str, done: int, total: int | None) -> None:
        asker.progress(what, done, total, UNIT)

    await desk.care.reindex(progress)
    found = await desk.ask(totals)
    return {
        "files": found.files.count,
        "versions": found.versions.count,
        "trash": found.trash.count,
    }


async def fsck(desk: Desk, asker: Asker, repair: bool) -> Message:
    """
    Tell all that does not agree, and mend it.
    """
    looked = found = mended = 0
    more = True

    async def check(round: Round) -> None:
        nonlocal looked, found, mended, more
        cursor = None
        while more and round.going:
            checked = await desk.store.check(cursor, SLICE)
            cursor, more = checked.cursor, checked.cursor is not None
            looked, found = looked + checked.looked, found + len(checked.found)
            asker.progress("checking", looked, None, UNIT)
            for each in checked.found:
                await asker.row(attrs.asdict(each))
            if repair and checked.found:
                mended += await desk.store.mend(checked.found)

    # Never beside a crawl: both go through the same tree.
    await desk.care.crawl.run(deed=check)
    if more:
        raise Impossible("The daemon is stopping; not all was checked.")
    return {"looked": looked, "found": found, "mended": mended}
