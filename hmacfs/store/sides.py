"""
The three trees of a store, each with the table that lists it.

A side is the files as they are served, the versions, or the trash.  It knows
what lies under a key in the tree and in the index, so that the two can be held
against each other: see :mod:`hmacfs.store.checking`.

A key is what a row is found by: ``(name,)``, ``(name, id)`` or ``(batch, name,
version)``; an item is that row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, ClassVar

import attrs

from hmacfs.errors import MalformedName, NotFound
from hmacfs.interfaces.disk import IDisk
from hmacfs.names import RESERVED, StoredName, recall
from hmacfs.records import Row
from hmacfs.store.folders import Folders, Segments
from hmacfs.store.known import Knowing, Known
from hmacfs.store.tables import files, trash, versions
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.tables.versions import VersionRow
from hmacfs.store.trees import Trees, shelf
from hmacfs.store.troubles import MISSING
from hmacfs.store.versions import ID

Key = tuple[str, ...]


@attrs.frozen
class Place:
    """
    Where the file of a key is.

    :ivar folder: below the root of the side.
    :ivar entry: of that folder.
    :ivar name: of the file as it is, was, or had been served.
    """

    folder: Segments
    entry: bytes
    name: StoredName


class Side:
    """
    What the three have in common.  What asks the disk blocks: never
    on the reactor's thread.

    :cvar kind: as of :class:`hmacfs.records.Removed`.
    :cvar spared: paths of the tree that are not its own.
    :cvar first: less than every key.
    :ivar folders: those of the tree.
    """

    kind: ClassVar[str]
    spared: ClassVar[frozenset[Segments]] = frozenset()
    first: ClassVar[Key]

    def __init__(self, disk: IDisk, folders: Folders, knowing: Knowing) -> None:
        self.folders = folders
        self._disk = disk
        self._knowing = knowing

    def key(self, path: Segments) -> Key | None:
        """
        :param path: of a file in the tree.
        :return: its key; ``None`` where it can have none.
        """
        raise NotImplementedError

    def place(self, key: Key) -> Place:
        """
        :return: where the file of *key* is.
        """
        raise NotImplementedError

    def named(self, key: Key) -> tuple[str, str, str]:
        """
        :return: the name, the version and the batch of *key*, ``""`` each that
            it has not.
        """
        raise NotImplementedError

    def key_of(self, name: str, version: str, batch: str) -> Key:
        """
        :return: what :meth:`named` was given.
        """
        raise NotImplementedError

    def find(self, database: sqlite3.Connection, key: Key) -> Any:
        """
        :return: the item of *key*, or ``None``.
        """
        raise NotImplementedError

    def page(self, database: sqlite3.Connection, after: Key, most: int) -> list[Key]:
        """
        :return: up to *most* keys of the table behind *after*, in order.
        """
        raise NotImplementedError

    def mend(self, database: sqlite3.Connection, changes: Iterable[tuple[Any, Any]]) -> int:
        """See :func:`hmacfs.store.tables.files.mend`."""
        raise NotImplementedError

    def row(self, item: Any) -> Row:
        """
        :return: what *item* says of its file.
        """
        raise NotImplementedError

    def item(self, key: Key, row: Row, seen: Any) -> Any:
        """
        :param row: as the file in the tree says it.
        :param seen: the item of *key* as it is, or ``None``.
        :return: the item as it should be.
        """
        raise NotImplementedError

    def look(self, key: Key, seen: Any) -> Any:
        """
        :param seen: as of :meth:`item`.
        :return: the item as it should be by what lies in the tree, ``None``
            where nothing does.
        """
        place, row = self.place(key), None if seen is None else self.row(seen)
        try:
            with self.folders.at(place.folder) as folder:
                if self._disk.look(folder, place.entry).kind != "file":
                    return None
                known = self._knowing.look(
                    place.name, folder, place.entry, None if self._knowing.attributes else row
                )
        except OSError as error:
            if error.errno in MISSING:
                return None
            raise
        return self.item(key, _digested(known, row), seen)

    def there(self, key: Key) -> bool:
        """
        :return: whether there is a file; less than :meth:`look` asks.
        """
        place = self.place(key)
        try:
            with self.folders.at(place.folder) as folder:
                return self._disk.look(folder, place.entry).kind == "file"
        except OSError as error:
            if error.errno in MISSING:
                return False
            raise


class Files(Side):
    """
    The files as they are served.
    """

    kind = "file"
    # Every ext4 has one at its root, and keeps it to itself.
    spared = frozenset({(RESERVED,), (b"lost+found",)})
    first = ("",)

    def key(self, path: Segments) -> Key | None:
        """See :meth:`Side.key`."""
        name = _name(path)
        return None if name is None else (name.text,)

    def place(self, key: Key) -> Place:
        """See :meth:`Side.place`."""
        name = recall(key[0].encode())
        return Place(name.segments[:-1], name.segments[-1], name)

    def named(self, key: Key) -> tuple[str, str, str]:
        """See :meth:`Side.named`."""
        return key[0], "", ""

    def key_of(self, name: str, version: str, batch: str) -> Key:
        """See :meth:`Side.key_of`."""
        return (name,)

    def find(self, database: sqlite3.Connection, key: Key) -> Row | None:
        """See :meth:`Side.find`."""
        return files.find(database, key[0])

    def page(self, database: sqlite3.Connection, after: Key, most: int) -> list[Key]:
        """See :meth:`Side.page`."""
        return [(row.name,) for row in files.page(database, after[0], most)]

    def mend(self, database: sqlite3.Connection, changes: Iterable[tuple[Any, Any]]) -> int:
        """See :meth:`Side.mend`."""
        return files.mend(database, changes)

    def row(self, item: Row) -> Row:
        """See :meth:`Side.row`."""
        return item

    def item(self, key: Key, row: Row, seen: Row | None) -> Row:
        """See :meth:`Side.item`."""
        return row


class Versions(Side):
    """
    What the files were before.
    """

    kind = "version"
    first = ("", "")

    def key(self, path: Segments) -> Key | None:
        """See :meth:`Side.key`."""
        name, id = _name(path[:-1]), _id(path[-1])
        return None if name is None or id is None else (name.text, id)

    def place(self, key: Key) -> Place:
        """See :meth:`Side.place`."""
        name = recall(key[0].encode())
        return Place(name.segments, key[1].encode(), name)

    def named(self, key: Key) -> tuple[str, str, str]:
        """See :meth:`Side.named`."""
        return key[0], key[1], ""

    def key_of(self, name: str, version: str, batch: str) -> Key:
        """See :meth:`Side.key_of`."""
        return name, version

    def find(self, database: sqlite3.Connection, key: Key) -> VersionRow | None:
        """See :meth:`Side.find`."""
        return versions.find(database, key[0], key[1])

    def page(self, database: sqlite3.Connection, after: Key, most: int) -> list[Key]:
        """See :meth:`Side.page`."""
        return [each.key for each in versions.page(database, (after[0], after[1]), most)]

    def mend(self, database: sqlite3.Connection, changes: Iterable[tuple[Any, Any]]) -> int:
        """See :meth:`Side.mend`."""
        return versions.mend(database, changes)

    def row(self, item: VersionRow) -> Row:
        """See :meth:`Side.row`."""
        return item.row

    def item(self, key: Key, row: Row, seen: VersionRow | None) -> VersionRow:
        """See :meth:`Side.item`."""
        return VersionRow(key[1], row)


class Trash(Side):
    """
    What sweeps took away.
    """

    kind = "trash"
    first = ("", "", "")

    def key(self, path: Segments) -> Key | None:
        """See :meth:`Side.key`."""
        batch = _id(path[0])
        for below, version in ((path[2:], ""), (path[2:-1], _id(path[-1]))):
            name = _name(below)
            if batch is not None and name is not None and version is not None:
                folder, entry = shelf(batch, name, version)
                if (*folder, entry) == path:
                    return batch, name.text, version
        return None

    def place(self, key: Key) -> Place:
        """See :meth:`Side.place`."""
        batch, name, version = key
        stored = recall(name.encode())
        return Place(*shelf(batch, stored, version), stored)

    def named(self, key: Key) -> tuple[str, str, str]:
        """See :meth:`Side.named`."""
        return key[1], key[2], key[0]

    def key_of(self, name: str, version: str, batch: str) -> Key:
        """See :meth:`Side.key_of`."""
        return batch, name, version

    def find(self, database: sqlite3.Connection, key: Key) -> TrashRow | None:
        """See :meth:`Side.find`."""
        return trash.get(database, key[0], key[1], key[2])

    def page(self, database: sqlite3.Connection, after: Key, most: int) -> list[Key]:
        """See :meth:`Side.page`."""
        return [each.key for each in trash.page(database, (after[0], after[1], after[2]), most)]

    def mend(self, database: sqlite3.Connection, changes: Iterable[tuple[Any, Any]]) -> int:
        """See :meth:`Side.mend`."""
        return trash.mend(database, changes)

    def row(self, item: TrashRow) -> Row:
        """See :meth:`Side.row`."""
        return item.row

    def item(self, key: Key, row: Row, seen: TrashRow | None) -> TrashRow:
        """
        See :meth:`Side.item`.  What rests here expires no more; its label may
        tell of the new term that it got from an undo which broke off.
        """
        if seen is None:
            return TrashRow(key[0], key[2], removed_at(key[0]), row)
        was = seen.row
        row = attrs.evolve(row, expires=was.expires, own=was.own, counted=was.counted)
        return attrs.evolve(seen, row=row)


def all_sides(disk: IDisk, trees: Trees, knowing: Knowing) -> tuple[Side, ...]:
    """
    :return: the three of a store.
    """
    return (
        Files(disk, trees.files, knowing),
        Versions(disk, trees.versions, knowing),
        Trash(disk, trees.trash, knowing),
    )


def removed_at(batch: str) -> float:
    """
    :return: when a batch of the trash was begun, unix seconds; 0 of one that
        does not tell.
    """
    try:
        return int(batch[:14], 16) / 1_000_000
    except ValueError:
        return 0.0


def _digested(known: Known, seen: Row | None) -> Row:
    """
    :return: the row of a file, with the digest that the index has of it where
        it has none by itself: it was computed since.
    """
    row = known.row
    if seen is None or row.sha256 is not None or (seen.size, seen.stored) != (row.size, row.stored):
        return row
    return attrs.evolve(row, sha256=seen.sha256)


def _name(path: Segments) -> StoredName | None:
    try:
        return recall(b"/".join(path))
    except (MalformedName, NotFound):
        return None


def _id(segment: bytes) -> str | None:
    return segment.decode() if ID.fullmatch(segment) else None
