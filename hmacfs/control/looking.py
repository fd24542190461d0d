"""
Errands that change nothing.

What is listed is what the index says, a moment behind the files at most.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from hmacfs.control.asking import Asker
from hmacfs.control.desk import PAGE, Desk
from hmacfs.control.lines import Message
from hmacfs.errors import NotFound
from hmacfs.names import StoredName, recall
from hmacfs.records import FileRecord, Row
from hmacfs.store.tables import files, trash, versions


async def ls(desk: Desk, asker: Asker, prefix: str) -> Message:
    """
    Tell the files whose names begin with *prefix*, in the order of names.
    """
    await desk.store.settled()
    count = size = 0
    async for row in _beginning(desk, prefix):
        await asker.row({"name": row.name, **_told(row)})
        count, size = count + 1, size + row.size
    return {"files": count, "size": size}


async def stat(desk: Desk, asker: Asker, name: str) -> Message:
    """
    Tell all that is known of one name.
    """
    stored = named(name)
    await desk.store.settled()
    row = await desk.ask(files.find, name)
    kept = await desk.ask(versions.of, name)
    trashed = await desk.ask(trash.find, name, PAGE)
    buried = await desk.store.buried(stored)
    known: Row | FileRecord | None = row
    try:
        file = await desk.store.open(stored)
        known, state = file.record, "served"
        file.close()
    except NotFound:
        state = "expired" if row is not None else "deleted" if buried else "absent"
    return {
        "name": name,
        "state": state,
        **({} if known is None else _told(known)),
        "versions": len(kept),
        "versions_size": sum(version.row.size for version in kept),
        "trash": len(trashed),
        "trash_size": sum(item.row.size for item in trashed),
        "uploads": len(desk.store.waiting(stored)),
        "buried": buried,
    }


async def versions_of(desk: Desk, asker: Asker, name: str) -> Message:
    """
    Tell what the file *name* was before, the newest first.
    """
    found = await desk.store.versions(named(name))
    for version in found:
        await asker.row({"id": version.id, **_told(version.record)})
    return {"versions": len(found), "size": sum(each.record.size for each in found)}


async def bans(desk: Desk, asker: Asker) -> Message:
    """
    Tell what is refused whatever its name.
    """
    found = await desk.store.banned()
    for sha256 in found:
        await asker.row({"sha256": sha256})
    return {"bans": len(found)}


async def trashed(desk: Desk, asker: Asker) -> Message:
    """
    Tell what rests in the trash, the oldest first.
    """
    await desk.store.settled()
    count = size = 0
    async for item in desk.trash(trash.page):
        row = item.row
        told = {"name": row.name, "version": item.version, "size": row.size}
        await asker.row({**told, "removed": item.removed})
        count, size = count + 1, size + row.size
    return {"count": count, "size": size}


def named(name: str) -> StoredName:
    """
    :raise Refusal: it can be the name of no file.
    """
    return recall(name.encode(errors="surrogatepass"))


async def _beginning(desk: Desk, prefix: str) -> AsyncIterator[Row]:
    # They stand together in the order of names, and the one that is the prefix comes first.
    first = await desk.ask(files.find, prefix)
    if first is not None:
        yield first
    async for row in desk.files(files.page, after=prefix):
        if not row.name.startswith(prefix):
            return
        yield row


def _told(known: Row | FileRecord) -> Message:
    return {
        "size": known.size,
        "type": known.content_type,
        "stored": known.stored,
        "expires": known.expires,
        "sha256": known.sha256,
        "owner": known.owner,
    }
