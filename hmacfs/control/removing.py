"""
The errands that take things down for good, and those that take it back.

A name is taken down as a whole: its file, its versions, what rests of it in the
trash, and uploads under way.  By digest or by owner, a name is taken down
where its file is meant; where only a version is, or something in the trash,
that alone goes, and the file that others rely on stays.

Each thing that goes is a line of the log, with the user who wanted it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from twisted.logger import Logger

from hmacfs.control import finding
from hmacfs.control.asking import Asker
from hmacfs.control.desk import PAGE, Desk
from hmacfs.control.finding import Place
from hmacfs.control.lines import Message
from hmacfs.control.looking import named
from hmacfs.errors import NotFound, Refusal
from hmacfs.names import StoredName
from hmacfs.records import Due, Removed


class TakingDown:
    """
    One such errand, under way.
    """

    log = Logger()

    def __init__(self, desk: Desk, asker: Asker, ban: bool, dry: bool) -> None:
        """
        :param ban: whether the same bytes are refused from now on.
        :param dry: whether to tell what would go, and change nothing.
        """
        self._desk, self._asker, self._ban, self._dry = desk, asker, ban, dry
        self._whole: set[str] = set()
        self._count = self._size = self._failed = 0

    async def name(self, name: str) -> Message:
        """
        Take down *name*, which then takes no upload, whether or not it had a file.
        """
        await self._desk.store.settled()
        await self._one(Place("file", named(name).text))
        return self._told()

    async def digest(self, sha256: str) -> Message:
        """
        Take down these bytes wherever they are.

        :param sha256: lower-case hexadecimal.
        """
        if self._ban and not self._dry:
            # Before they are looked for: else they could come behind our back.
            await self._refuse(sha256)
        await self._desk.store.settled()
        await self._all(finding.by_digest(self._desk, self._asker, sha256))
        return self._told()

    async def owner(self, owner: str) -> Message:
        """
        Take down all that *owner* uploaded, and what waits to be gone on with.
        """
        await self._desk.store.settled()
        await self._all(finding.by_owner(self._desk, owner))
        return self._told()

    def _told(self) -> Message:
        return {"count": self._count, "size": self._size, "failed": self._failed}

    async def _all(self, places: AsyncIterator[Place]) -> None:
        async for place in places:
            if place.name not in self._whole:
                await self._one(place)

    async def _one(self, place: Place) -> None:
        """
        Take one thing down; where it does not go, the others are to all the same.
        """
        if place.kind == "file":
            self._whole.add(place.name)
        try:
            gone = await (self._would_go(place) if self._dry else self._take(place))
        except NotFound:
            return
        except Refusal as refusal:
            await self._stays(place, refusal.text)
            return
        except Exception:
            self.log.failure("{kind} {name} was not taken down", kind=place.kind, name=place.name)
            await self._stays(place, "The log says why.")
            return
        if not self._dry:
            for each in gone:
                self._audit(each)
        for each in gone:
            self._count += 1
            self._size += each.size
            await self._asker.row(
                {
                    "kind": each.kind,
                    "name": each.name,
                    "version": each.version,
                    "size": each.size,
                }
            )

    async def _would_go(self, place: Place) -> Sequence[Removed]:
        if place.kind != "file":
            return [_removed(place)]
        found = finding.of_name(self._desk, named(place.name))
        return [_removed(each) async for each in found]

    async def _take(self, place: Place) -> Sequence[Removed]:
        """
        :raise NotFound: it went meanwhile.
        """
        store, name = self._desk.store, named(place.name)
        if place.kind == "file":
            return await store.take_down(name, self._ban)
        if place.kind == "part":
            await store.drop(place.id)
            return [_removed(place)]
        if self._ban and (sha256 := await finding.digest(self._desk, self._asker, place)):
            await self._refuse(sha256)
        if place.trashed is None:
            await self._version(name, place.version)
        elif not await store.discard(place.trashed):
            return []
        return [_removed(place)]

    async def _version(self, name: StoredName, id: str) -> None:
        """
        :raise NotFound: it went meanwhile.
        """
        store = self._desk.store
        try:
            await store.remove_version(name, id)
        except NotFound:
            # Nobody sees it any more, and until it is swept its bytes are there.
            hidden = [Due(name.text, id, why) for why in ("expired", "over the bound")]
            if not await store.retire(hidden, self._desk.clock.seconds()):
                raise
            for item in await store.trashed(name, PAGE):
                if item.version == id:
                    await store.discard(item)

    async def _refuse(self, sha256: str) -> None:
        if await self._desk.store.ban(sha256):
            self.log.warn("{who} banned {digest}", who=self._asker.who, digest=_logged(sha256))

    async def _stays(self, place: Place, why: str) -> None:
        self._failed += 1
        await self._asker.row(
            {"kind": place.kind, "name": place.name, "version": place.version, "failed": why}
        )

    def _audit(self, removed: Removed) -> None:
        of = f"{removed.version} of {removed.name}" if removed.version else removed.name
        self.log.warn(
            "{who} took down the {kind} {of}, {size} bytes",
            who=self._asker.who,
            kind=removed.kind,
            of=of,
            size=removed.size,
        )


class Pardoning:
    """
    Takes back what a removal left behind.
    """

    log = Logger()

    def __init__(self, desk: Desk, asker: Asker) -> None:
        self._desk, self._asker = desk, asker

    async def forget(self, name: str) -> Message:
        """
        Let *name* take uploads again.
        """
        forgotten = await self._desk.store.forget(named(name))
        if forgotten:
            self.log.warn("{who} let {name} take uploads", who=self._asker.who, name=name)
        return {"forgotten": forgotten}

    async def unban(self, sha256: str) -> Message:
        """
        Let these bytes come again.
        """
        lifted = await self._desk.store.unban(sha256)
        if lifted:
            self.log.warn(
                "{who} lifted the ban of {digest}", who=self._asker.who, digest=_logged(sha256)
            )
        return {"lifted": lifted}


def _logged(sha256: str) -> str:
    """
    :return: a digest as a log keeps it: it would be taken for a signature
        where no slash stands before it.
    """
    return f"sha256/{sha256}"


def _removed(place: Place) -> Removed:
    return Removed(place.name, place.version, place.size, place.kind)
