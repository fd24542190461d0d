"""
A tree, walked a slice at a time.

Of each folder on the way down nothing is held but where its listing is, so
that a folder with a million names costs no more than one with ten.  The price
is that the order is the file system's.  A walk that is to go on where another
one stopped, in a process before this one maybe, passes over what comes before;
where that place is gone it begins that folder anew.

It blocks: never on the reactor's thread, and never in two threads at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import attrs

from hmacfs.interfaces.disk import IDisk
from hmacfs.store.folders import Folders, Segments
from hmacfs.store.troubles import MISSING

DEEP = 16
"""Folders below each other whose listings are held open, two descriptors each.
Of those further down the names are read at once."""

Entries = Iterator[tuple[bytes, str]]


@attrs.define
class _Level:
    """
    A folder that is being listed.

    :ivar empty: whether nothing was found in it yet.
    """

    path: Segments
    entries: Entries
    empty: bool = True


@attrs.frozen
class Slice:
    """
    :ivar files: the paths of what is no folder.
    :ivar empty: folders with nothing in them.
    :ivar troubles: folders that could not be listed, and why.
    :ivar over: whether there is nothing more.
    """

    files: list[Segments] = attrs.field(factory=list)
    empty: list[Segments] = attrs.field(factory=list)
    troubles: list[tuple[Segments, OSError]] = attrs.field(factory=list)
    over: bool = False


class Walk:
    """
    One walk through one tree.
    """

    def __init__(
        self,
        disk: IDisk,
        folders: Folders,
        after: Segments = (),
        spared: frozenset[Segments] = frozenset(),
    ) -> None:
        """
        :param after: the path of the last file of a walk before; ``()`` to
            begin.
        :param spared: paths that are passed over.
        """
        self._disk = disk
        self._folders = folders
        self._spared = spared
        self._levels: list[_Level] = []
        self._after = after
        self._begun = False

    def take(self, most: int) -> Slice:
        """
        :param most: how many names are looked at.
        :return: what came next.
        """
        found = Slice()
        if not self._begun:
            self._begun = True
            self._begin()
        for _ in range(most):
            if not self._levels:
                break
            self._step(found)
        return attrs.evolve(found, over=not self._levels)

    def close(self) -> None:
        """Let go of what is open.  Harmless when called twice."""
        while self._levels:
            self._leave()

    def _step(self, found: Slice) -> None:
        level = self._levels[-1]
        try:
            entry = next(level.entries, None)
        except OSError as error:
            if error.errno not in MISSING:
                found.troubles.append((level.path, error))
            level.empty = False
            entry = None
        if entry is None:
            self._leave()
            if level.empty and level.path:
                found.empty.append(level.path)
            return
        level.empty = False
        name, kind = entry
        path = (*level.path, name)
        if path in self._spared:
            return
        if kind == "folder":
            self._levels.append(_Level(path, self._list(path)))
        else:
            found.files.append(path)

    def _begin(self) -> None:
        """
        Go down to where the walk before stopped, as far as that is there.
        """
        path: Segments = ()
        for wanted in self._after:
            entries = self._list(path)
            kind = self._pass(entries, wanted)
            if kind is None:
                break
            self._levels.append(_Level(path, entries, empty=False))
            if kind != "folder":
                return
            path = (*path, wanted)
        self._levels.append(_Level(path, self._list(path)))

    def _pass(self, entries: Entries, wanted: bytes) -> str | None:
        """
        Pass over what comes before the entry *wanted*, and that.

        :return: its kind; ``None`` where it is not there.
        """
        try:
            return next((kind for name, kind in entries if name == wanted), None)
        except OSError:
            # It is told of where the folder is listed from the beginning.
            return None

    def _leave(self) -> None:
        entries = self._levels.pop().entries
        close = getattr(entries, "close", None)
        if close is not None:
            close()

    def _list(self, path: Segments) -> Entries:
        listing = self._open(path)
        if len(path) < DEEP:
            return listing
        return self._whole(listing)

    def _open(self, path: Segments) -> Entries:
        with self._folders.at(path) as folder, closing(self._disk.entries(folder)) as entries:
            yield from entries

    def _whole(self, listing: Entries) -> Entries:
        yield from list(listing)
