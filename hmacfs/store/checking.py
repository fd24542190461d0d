"""
Tree, attributes and index, held against each other.

Both are gone through: the tree for files that the index does not list, or
lists otherwise, and the index for rows without a file; so with the versions
and the trash.  Then the sums of the owners.  It goes in slices, and a slice
tells where the next one begins, for a later process as well.

Uploads and removals go on meanwhile, so what does not agree at the first look
is looked at again, under the lock of its name and with all written that was on
its way; and a row is changed only where it is still the one that was seen.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import nullcontext, suppress
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from hmacfs.interfaces.disk import IDisk, IThreads
from hmacfs.interfaces.index import IDatabase
from hmacfs.records import Checked, Disagreement, Row
from hmacfs.store.folders import Segments
from hmacfs.store.known import Knowing
from hmacfs.store.labels import believed, decode
from hmacfs.store.locks import Locks
from hmacfs.store.looks import Look, about, tell
from hmacfs.store.sides import Key, Side, removed_at
from hmacfs.store.tables import owners, tombstones
from hmacfs.store.tables.clearing import clear
from hmacfs.store.terms import reckon
from hmacfs.store.turns import Turns
from hmacfs.store.walk import Walk

YOUNG = 3600
"""Seconds in which an empty folder of the trash may be about to be filled."""

ROWS = frozenset({"no row", "no file", "other row"})
"""What is mended by a row."""

NO_LABEL = b"{}"
"""An attribute that is no label: there is no call that takes it away."""

OWNERS = "owners"

Cursor = tuple[str, ...]


class Checking:
    """
    Checks one store, and mends it.
    """

    log = Logger()

    def __init__(
        self,
        disk: IDisk,
        database: IDatabase,
        threads: IThreads,
        clock: IReactorTime,
        locks: Locks,
        turns: Turns,
        knowing: Knowing,
        sides: Sequence[Side],
        flush: Callable[[Collection[str]], Deferred[None]],
    ) -> None:
        """
        :param sides: of the files, the versions and the trash.
        :param flush: writes the rows that are on their way, of names.
        """
        self._disk = disk
        self._database = database
        self._threads = threads
        self._clock = clock
        self._locks = locks
        self._turns = turns
        self._knowing = knowing
        self._sides = {side.kind: side for side in sides}
        self._flush = flush
        self._walk: Walk | None = None
        self._place: Cursor | None = None
        trees = [f"{kind} {what}" for kind in self._sides for what in ("tree", "rows")]
        self._stages = [*trees, OWNERS]
        self._reckoned = False

    def crawl(self, cursor: Cursor | None, most: int) -> Deferred[Checked]:
        """
        See :meth:`hmacfs.abilities.IChecks.crawl`.
        """
        return Deferred.fromCoroutine(self._slice(cursor, most, mend=True))

    def check(self, cursor: Cursor | None, most: int) -> Deferred[Checked]:
        """
        See :meth:`hmacfs.abilities.IChecks.check`.
        """
        return Deferred.fromCoroutine(self._slice(cursor, most, mend=False))

    def mend(self, found: Sequence[Disagreement]) -> Deferred[int]:
        """
        See :meth:`hmacfs.abilities.IChecks.mend`.
        """
        return Deferred.fromCoroutine(self._mend(found))

    def forget_rows(self, most: int) -> Deferred[bool]:
        """
        See :meth:`hmacfs.abilities.IChecks.forget_rows`.
        """
        if not self._knowing.attributes:
            return succeed(False)
        return self._database.run(clear, most)

    def close(self) -> None:
        """Let go of what is open.  Harmless when called twice."""
        if self._walk is not None:
            self._walk.close()
            self._walk = None

    async def _slice(self, cursor: Cursor | None, most: int, mend: bool) -> Checked:
        # Else each row would differ from its file, where the terms have changed.
        while not self._reckoned:
            at = await self._database.run(reckon, self._knowing.retention, most)
            self._reckoned = at.stage == "done"
        stage, *rest = cursor or (self._stages[0],)
        after = tuple(rest)
        if stage == OWNERS:
            return await self._sum(after[0] if after else "", most, mend)
        kind, what = stage.split(" ")
        side = self._sides[kind]
        if what == "tree":
            return await self._through_tree(stage, side, after, most, mend)
        return await self._through_rows(stage, side, after or side.first, most, mend)

    def _following(self, stage: str) -> Cursor | None:
        place = self._stages.index(stage) + 1
        return (self._stages[place],) if place < len(self._stages) else None

    async def _sum(self, after: str, most: int, mend: bool) -> Checked:
        last, wrong = await self._database.run(owners.wrong, after, most)
        text = "What this owner keeps is summed up wrong."
        found = tuple(Disagreement("wrong sum", "owner", owner, "", "", text) for owner in wrong)
        if mend:
            await self._mend(found)
        cursor = (OWNERS, last) if last else self._following(OWNERS)
        return Checked(cursor, len(found), found)

    async def _through_tree(
        self, stage: str, side: Side, after: Cursor, most: int, mend: bool
    ) -> Checked:
        walk = self._walk_at(stage, side, after)
        part = await self._threads.run(walk.take, most)
        found = [
            about("unreadable", side, path, f"It cannot be listed: {error.strerror}.")
            for path, error in part.troubles
        ]
        keys = []
        for path in part.files:
            key = side.key(path)
            if key is None:
                found.append(about("no name", side, path, "It can be no name of a file."))
            else:
                keys.append(key)
        if not mend and self._knowing.attributes:
            for key in await self._threads.run(self._foreign, side, keys):
                text = "Its label tells of other bytes: it was changed since by another program."
                found.append(Disagreement("foreign label", side.kind, *side.named(key), text))
        found += await self._judge(side, keys, mend)
        empty = [path for path in part.empty if self._idle(side, path)]
        emptied = [
            about("empty folder", side, path, "It is a folder without a file.") for path in empty
        ]
        if mend:
            await self._mend(emptied)
        if part.over:
            self.close()
            following = self._following(stage)
        else:
            last = part.files[-1] if part.files else None
            told = after if last is None else tuple(map(os.fsdecode, last))
            following = self._place = (stage, *told)
        return Checked(following, len(part.files) + len(part.empty), (*found, *emptied))

    async def _through_rows(
        self, stage: str, side: Side, after: Key, most: int, mend: bool
    ) -> Checked:
        keys = await self._database.run(side.page, after, most)
        missing = await self._threads.run(_missing, side, keys)
        found = await self._judge(side, missing, mend)
        cursor = (stage, *keys[-1]) if len(keys) == most else self._following(stage)
        return Checked(cursor, len(keys), tuple(found))

    def _walk_at(self, stage: str, side: Side, after: Cursor) -> Walk:
        """
        :return: the walk that stopped there; if none did, another one.
        """
        if self._walk is None or self._place != (stage, *after):
            self.close()
            path = tuple(map(os.fsencode, after))
            self._walk = Walk(self._disk, side.folders, path, side.spared)
        return self._walk

    def _idle(self, side: Side, path: Segments) -> bool:
        return side.kind != "trash" or self._clock.seconds() >= YOUNG + removed_at(
            path[0].decode("ascii", "replace")
        )

    async def _judge(self, side: Side, keys: Sequence[Key], mend: bool) -> list[Disagreement]:
        """
        :return: what does not agree of *keys*, or did not before it was mended.
        """
        again = await self._doubtful(side, keys)
        looks: list[Look] = []
        if again:
            looks = await self._in_turn(side, again, self._settle if mend else self._look)
        unlisted = [each.there for each in looks if each.seen is None and side.kind == "file"]
        buried = await self._database.run(_buried, unlisted)
        return [tell(side, each, buried) for each in looks]

    async def _in_turn(
        self,
        side: Side,
        keys: Sequence[Key],
        deed: Callable[[Side, Sequence[Key]], Coroutine[Deferred[Any], Any, list[Look]]],
    ) -> list[Look]:
        """
        Do *deed* while nobody removes any of *keys*, or brings it back, and
        with all written that was on its way.
        """

        async def do() -> list[Look]:
            await self._flush(names)
            return await deed(side, keys)

        names = [side.named(key)[0] for key in keys]
        return await self._turns.run(names, lambda: Deferred.fromCoroutine(do()))

    async def _doubtful(self, side: Side, keys: Sequence[Key]) -> list[Key]:
        """
        :return: those of *keys* that do not agree at a first look, which needs
            no lock.
        """
        seen = dict(zip(keys, await self._database.run(_find, side, keys), strict=True))
        listed = [key for key in keys if seen[key] is not None]
        items = [seen[key] for key in listed]
        looks = await self._threads.run(self._look_at, side, listed, items, False)
        differing = [each.key for each in looks if not each.agrees]
        return [key for key in keys if seen[key] is None] + differing

    async def _look(self, side: Side, keys: Sequence[Key]) -> list[Look]:
        """
        :return: those of *keys* that do not agree, each looked at under the
            lock of its name.
        """
        seen = await self._database.run(_find, side, keys)
        looks = await self._threads.run(self._look_at, side, keys, seen, True)
        return [each for each in looks if not each.agrees]

    def _look_at(
        self, side: Side, keys: Sequence[Key], seen: Sequence[Any], locked: bool
    ) -> list[Look]:
        looks = []
        for key, item in zip(keys, seen, strict=True):
            lock = self._locks.held(side.place(key).name) if locked else nullcontext()
            try:
                with lock:
                    looks.append(Look(key, item, side.look(key, item)))
            except OSError as error:
                looks.append(Look(key, item, None, error.strerror or "It cannot be read."))
        return looks

    async def _settle(self, side: Side, keys: Sequence[Key]) -> list[Look]:
        """
        Make the index say of *keys* what the tree says.

        :return: what did not agree, and what nobody knows.
        """
        looks = await self._look(side, keys)
        # An upload may have changed the file since.  Its row then follows this
        # one; or came before, and is not the one any more that was seen.
        changes = [(each.seen, each.there) for each in looks if not each.trouble]
        if changes:
            await self._database.run(side.mend, changes)
        return looks

    def _foreign(self, side: Side, keys: Sequence[Key], mend: bool = False) -> list[Key]:
        """
        :param mend: whether to take their labels from them.
        :return: those of *keys* whose label is another file's.
        """
        found = []
        for key in keys:
            place = side.place(key)
            with (
                suppress(OSError),
                self._locks.held(place.name),
                side.folders.at(place.folder) as folder,
            ):
                file = self._disk.open(folder, place.entry)
                try:
                    label = decode(self._disk.attribute(file))
                    told = label is not None and label.commit is not None
                    if told and believed(self._disk.status(file), label) is None:
                        if mend:
                            self._disk.set_attribute(file, NO_LABEL)
                            self._disk.sync(file)
                        found.append(key)
                finally:
                    self._disk.close(file)
        return found

    async def _mend(self, found: Sequence[Disagreement]) -> int:
        mended = 0
        for kind, side in self._sides.items():
            ours = [each for each in found if each.side == kind]
            foreign = [
                self._sides[each.side].key_of(each.name, each.version, each.batch)
                for each in ours
                if each.kind == "foreign label"
            ]
            await self._threads.run(self._foreign, side, foreign, True)
            keys = foreign + [
                self._sides[each.side].key_of(each.name, each.version, each.batch)
                for each in ours
                if each.kind in ROWS
            ]
            if keys:
                once = list(dict.fromkeys(keys))
                await self._in_turn(side, once, self._settle)
                left = {each.key for each in await self._in_turn(side, once, self._look)}
                mended += sum(key not in left for key in keys)
            empty = [each.name for each in ours if each.kind == "empty folder"]
            mended += await self._threads.run(_prune, side, empty)
        for each in found:
            if each.side == "owner":
                await self._database.run(owners.correct, each.name)
                mended += 1
        return mended


def _find(database: sqlite3.Connection, side: Side, keys: Iterable[Key]) -> list[Any]:
    return [side.find(database, key) for key in keys]


def _missing(side: Side, keys: Iterable[Key]) -> list[Key]:
    return [key for key in keys if not side.there(key)]


def _buried(database: sqlite3.Connection, rows: Iterable[Row | None]) -> frozenset[str]:
    """
    :return: the names among those of *rows* that were deleted since.
    """
    found = set()
    for row in rows:
        stone = None if row is None else tombstones.find(database, row.name)
        if row is not None and stone is not None and stone.until > row.stored:
            found.add(row.name)
    return frozenset(found)


def _prune(side: Side, paths: Iterable[str]) -> int:
    """
    :return: how many folders are gone.
    """
    gone = 0
    for path in paths:
        segments = tuple(os.fsencode(path).split(b"/"))
        side.folders.prune(segments)
        try:
            with side.folders.at(segments):
                pass
        except OSError:
            gone += 1
    return gone
