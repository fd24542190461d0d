"""
Where bytes are kept, found by their digest or their owner.

A file has a digest where somebody wanted it; the digests of the others are
computed here.  Bytes of another length are others, so once one place is known
only files of that size are read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256 as SHA256

import attrs

from hmacfs.control.asking import Asker
from hmacfs.control.desk import PAGE, Desk
from hmacfs.control.looking import named
from hmacfs.errors import Refusal
from hmacfs.interfaces.store import IFile
from hmacfs.names import StoredName
from hmacfs.records import Row, Trashed
from hmacfs.store.tables import files, trash, versions
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.tables.versions import VersionRow

CHUNK = 2**18
"""Bytes that are hashed at a time, on the reactor's thread: less than a millisecond."""


LARGE = 2**28
"""Bytes, from which on a file is read piece by piece, to be told of and broken
off: its digest is not remembered then."""


@attrs.frozen
class Place:
    """
    Where bytes are kept.

    :ivar kind: as of :class:`hmacfs.records.Removed`.
    :ivar version: its id, ``""`` of a file.
    :ivar sha256: where it is known.
    :ivar trashed: what it is in the trash, ``None`` where it is not there.
    :ivar id: of an upload, ``""`` of all others.
    """

    kind: str
    name: str
    version: str = ""
    size: int = 0
    sha256: str | None = None
    trashed: Trashed | None = None
    id: str = ""


async def by_owner(desk: Desk, owner: str) -> AsyncIterator[Place]:
    """
    :return: files, then versions, trash, and uploads that wait.
    """
    async for row in desk.files(files.by_owner, owner):
        yield _file(row)
    async for version in desk.versions(versions.by_owner, owner):
        yield _version(version)
    async for item in desk.trash(trash.by_owner, owner):
        yield _trashed(item)
    for record in desk.store.unfinished():
        if record.slot.owner == owner:
            yield await _part(desk, record.name, record.id)


async def by_digest(desk: Desk, asker: Asker, sha256: str) -> AsyncIterator[Place]:
    """
    :param sha256: lower-case hexadecimal.
    :return: files, then versions and trash; then those of which nobody had
        known that they are these bytes.
    """
    sizes = set()
    async for row in desk.files(files.by_digest, sha256):
        sizes.add(row.size)
        yield _file(row)
    async for version in desk.versions(versions.by_digest, sha256):
        sizes.add(version.row.size)
        yield _version(version)
    async for item in desk.trash(trash.by_digest, sha256):
        sizes.add(item.row.size)
        yield _trashed(item)
    async for place in _undigested(desk, sizes):
        if await digest(desk, asker, place) == sha256:
            yield place


async def of_name(desk: Desk, name: StoredName) -> AsyncIterator[Place]:
    """
    :return: all that is kept under *name*.
    """
    row = await desk.ask(files.find, name.text)
    if row is not None:
        yield _file(row)
    for version in await desk.ask(versions.of, name.text):
        yield _version(version)
    for item in await desk.ask(trash.find, name.text, PAGE):
        yield _trashed(item)
    for id in desk.store.waiting(name):
        yield await _part(desk, name.text, id)


async def digest(desk: Desk, asker: Asker, place: Place) -> str:
    """
    :return: that of the bytes at *place*, which are read where it is not
        known; ``""`` where they went meanwhile.
    """
    if place.sha256 is not None:
        return place.sha256
    asker.progress(f"reading {place.name}", 0, place.size, "B")
    try:
        if place.trashed is not None:
            file = await desk.store.open_trashed(place.trashed)
        elif place.version:
            file = await desk.store.open_version(named(place.name), place.version)
        elif place.size >= LARGE:
            file = await desk.store.open(named(place.name))
        else:
            return await desk.store.digest(named(place.name))
    except Refusal:
        return ""
    try:
        return await _read(file, asker, place)
    finally:
        file.close()


async def _undigested(desk: Desk, sizes: set[int]) -> AsyncIterator[Place]:
    def wanted(row: Row) -> bool:
        return row.sha256 is None and (not sizes or row.size in sizes)

    async for row in desk.files(files.page):
        if wanted(row):
            yield _file(row)
    async for version in desk.versions(versions.page):
        if wanted(version.row):
            yield _version(version)
    async for item in desk.trash(trash.page):
        if wanted(item.row):
            yield _trashed(item)


async def _read(file: IFile, asker: Asker, place: Place) -> str:
    reading, offset = SHA256(), 0
    while data := await file.read(offset, CHUNK):
        reading.update(data)
        offset += len(data)
        asker.progress(f"reading {place.name}", offset, place.size, "B")
    return reading.hexdigest()


async def _part(desk: Desk, name: str, id: str) -> Place:
    recorded = await desk.store.recorded(id)
    return Place("part", name, size=recorded[1] if recorded else 0, id=id)


def _file(row: Row) -> Place:
    return Place("file", row.name, "", row.size, row.sha256)


def _version(version: VersionRow) -> Place:
    row = version.row
    return Place("version", row.name, version.id, row.size, row.sha256)


def _trashed(item: TrashRow) -> Place:
    row = item.row
    trashed = Trashed(item.batch, row.name, item.version, row.size, item.removed)
    return Place("trash", row.name, item.version, row.size, row.sha256, trashed)
