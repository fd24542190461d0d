"""
What happens to an upload before all ends, and what must be left of it.

A story lets a store live on a disk whose power can be cut, and keeps the
moment before each call that changes something.  Then a store is started on
every state that each of these moments may leave, goes on with the upload, and
is ended in the same way.  What is left is always the beginning of what came,
with no other byte in it and none that was not trusted yet, and never less than
the store had told to be safe.
"""

from __future__ import annotations

from collections.abc import Callable
from socket import socketpair

import attrs
from twisted.internet.task import Clock

from hmacfs.interfaces.store import IUpload
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from hmacfs.uploads import UploadRecord
from tests.crashes import result
from tests.inline import Inline
from tests.powercut import PowerCutDisk, Site
from tests.resuming_contract import EXPIRY, NOW, record
from tests.tree import File, Folder, Tree

LONG = record(name="x/" * 1000 + "y", metadata="k " + "A" * 2000)
"""One whose label an attribute has no room for."""


@attrs.frozen
class Moment:
    """
    A moment at which all may end.

    :ivar safe: bytes that were told to survive a power cut; ``None`` where not
        even the upload was.
    :ivar whole: whether what the system shows is all the upload's, as it is
        but in a start behind a power cut.
    :ivar least: bytes of these that the death of the process leaves;
        ``None`` where it leaves all.
    :ivar most: bytes that may be left, likewise.
    """

    tree: Tree
    safe: int | None
    whole: bool
    least: int | None = None
    most: int | None = None


class Life:
    """
    One store, from its start, and the one upload that it has.
    """

    def __init__(
        self,
        disk: PowerCutDisk,
        told: UploadRecord,
        policy: Policy,
        safe: int | None = None,
        most: int | None = None,
    ) -> None:
        self.disk = disk
        self.told = told
        self.safe = safe
        self.least: int | None = None
        self.most = most
        self.moments: list[Moment] = []
        self._seen: set[object] = set()
        self._started = False
        clock = Clock()
        clock.advance(NOW)
        self.store = FilesystemStore(disk, "/", MemoryIndex(), clock, Inline(), policy)
        disk.before = lambda call: self.keep()
        result(self.store.start())
        self._started, self.most = True, None

    def keep(self) -> None:
        """Keep this moment, unless there was one like it."""
        now = (self.safe, self._started, self.least, self.most)
        key = (repr(self.disk.tree.key()), now)
        if key not in self._seen:
            self._seen.add(key)
            self.moments.append(Moment(self.disk.tree.copy(), *now))

    def begin(self, soon: bool = False) -> IUpload:
        upload: IUpload = result(self.store.begin(self.told.slot, self.told, soon))
        return upload

    def resume(self) -> IUpload:
        upload: IUpload = result(self.store.resume(self.told.id))
        return upload

    def append(self, upload: IUpload, data: bytes, safe: bool = False) -> None:
        """
        :param safe: whether the store syncs behind it.
        """
        result(upload.append([data]))
        if safe:
            self.safe = upload.offset

    def draw(self, upload: IUpload, data: bytes) -> None:
        """
        Have *data* drawn off a socket.
        """
        server, client = socketpair()
        with server, client:
            server.setblocking(False)
            client.send(data)
            result(upload.draw(server.fileno(), len(data)))

    def suspend(self, upload: IUpload, safe: bool = False) -> None:
        """
        :param safe: as of :meth:`append`.
        """
        result(upload.suspend())
        self.least = self.most = None
        if safe:
            self.safe = upload.offset

    def distrust(self, upload: IUpload) -> None:
        """What comes from now on must not be left."""
        upload.distrust()
        self.least = self.most = upload.offset

    def trust(self, upload: IUpload) -> None:
        """It may be left now, and must be once the upload is suspended."""
        upload.trust()
        self.most = None

    def stop(self) -> None:
        """Stop the store: what is suspended is safe then."""
        offset = self.offset()
        result(self.store.stop())
        self.safe = offset

    def truncate(self, upload: IUpload, offset: int) -> None:
        """
        What is cut off is promised no longer, from the first call on.
        """
        self.safe = min(self.safe or 0, offset) if self.safe is not None else None
        result(upload.truncate(offset))

    def offset(self) -> int | None:
        """
        :return: how far the upload is that waits, ``None`` where none does.
        """
        found = result(self.store.recorded(self.told.id))
        if found is None:
            return None
        same = attrs.evolve(found[0], until=self.told.until, revision=1)
        assert same == self.told, f"another record: {found[0]}"
        offset: int = found[1]
        return offset


def part_of(tree: Tree, told: UploadRecord) -> bytes | None:
    """
    :return: the bytes of the part, as the system shows them.
    """
    node: File | Folder = tree.root
    for name in (b".hmacfs", b"parts", told.id.encode()):
        if not isinstance(node, Folder) or name not in node.entries:
            return None
        node = node.entries[name]
    assert isinstance(node, File)
    return node.data


@attrs.frozen
class Teller:
    """
    Who tells the stories.

    :ivar ignored: the line whose syncs are not done.
    """

    ignored: Site | None = None

    def suspended(
        self, told: UploadRecord | None = None, attributes: bool = True, again: bool = True
    ) -> int:
        """
        An upload is suspended, gone on with, and suspended; then the store stops.
        """

        def story(life: Life) -> None:
            upload = life.begin()
            life.append(upload, b"ab")
            life.suspend(upload)
            upload = life.resume()
            life.append(upload, b"cd")
            life.suspend(upload)
            life.stop()

        return self._tell(story, told or record(), attributes, again=again)

    def suspended_long(self) -> int:
        """
        The same, with a label beside the part.
        """
        return self.suspended(LONG, again=False)

    def suspended_degraded(self) -> int:
        """
        The same, on a disk that keeps no attributes.
        """
        return self.suspended(attributes=False, again=False)

    def empty(self) -> int:
        """
        An upload is begun, and its client told of it, before its first byte.
        """

        def story(life: Life) -> None:
            life.suspend(life.begin())
            life.stop()

        return self._tell(story, record())

    def long(self) -> int:
        """
        Enough bytes come that some are synced on the way.
        """

        def story(life: Life) -> None:
            upload = life.begin()
            for data, safe in [(b"a", False), (b"b", True), (b"c", False), (b"d", True)]:
                life.append(upload, data, safe)

        return self._tell(story, record(), sync_every=2)

    def rejected(self) -> int:
        """
        Bytes come that are not what they should be, some of them synced, and
        others in their place.
        """

        def story(life: Life) -> None:
            upload = life.begin()
            life.append(upload, b"ab", True)
            life.append(upload, b"xy", True)
            life.truncate(upload, 3)
            life.truncate(upload, 2)
            life.append(upload, b"c")
            life.append(upload, b"d", True)

        return self._tell(story, record(), sync_every=2)

    def rejected_degraded(self) -> int:
        """
        The same, on a disk that keeps no attributes.
        """

        def story(life: Life) -> None:
            upload = life.begin()
            life.append(upload, b"xy", True)
            life.truncate(upload, 1)
            life.append(upload, b"d")

        return self._tell(story, record(), attributes=False, sync_every=2, again=False)

    def checked(self, attributes: bool = True, again: bool = True) -> int:
        """
        Bytes come with a digest, and are what they should be; they are synced
        once this is known.
        """

        def story(life: Life) -> None:
            upload = life.begin()
            life.append(upload, b"ab", True)
            life.distrust(upload)
            life.append(upload, b"c")
            life.append(upload, b"d")
            life.trust(upload)
            life.suspend(upload, safe=True)

        return self._tell(story, record(), attributes, sync_every=2, again=again)

    def checked_drawn(self) -> int:
        """
        The same, where a thread takes them off a socket, and the first of them
        make the part.
        """

        def story(life: Life) -> None:
            upload = life.begin(soon=True)
            life.distrust(upload)
            life.draw(upload, b"a")
            life.draw(upload, b"bc")
            life.trust(upload)
            life.suspend(upload, safe=True)

        return self._tell(story, record(), sync_every=2)

    def checked_degraded(self) -> int:
        """
        The same, on a disk that keeps no attributes.
        """
        return self.checked(attributes=False, again=False)

    def checked_in_vain(self) -> int:
        """
        Bytes come with a digest, and are others; the right ones follow.
        """

        def story(life: Life) -> None:
            upload = life.begin()
            life.append(upload, b"a")
            life.distrust(upload)
            life.append(upload, b"x")
            life.append(upload, b"yz")
            life.truncate(upload, 1)
            life.suspend(upload)
            upload = life.resume()
            life.append(upload, b"b", True)
            life.append(upload, b"c")

        return self._tell(story, record(), sync_every=2)

    def _tell(
        self,
        story: Callable[[Life], None],
        told: UploadRecord,
        attributes: bool = True,
        sync_every: int = 1000,
        again: bool = True,
    ) -> int:
        """
        :param again: whether all may end twice.
        :return: how many starts there were.
        """
        policy = Policy(upload_expiry=EXPIRY, sync_every=sync_every)
        life = Life(self._disk(None, attributes), told, policy)
        life.disk.tree.settle()
        life.moments.clear()
        story(life)
        life.keep()
        moments, starts = life.moments, 0
        for _ in range(1 + again):
            following: list[Moment] = []
            seen: set[object] = set()
            for moment in moments:
                for power, tree in self._ends(moment):
                    bounds = (moment.safe, moment.least, moment.most)
                    key = (repr(tree.key()), bounds, part_of(moment.tree, told))
                    if key not in seen:
                        seen.add(key)
                        starts += 1
                        disk = self._disk(tree, attributes)
                        life = Life(disk, told, policy, moment.safe, moment.most)
                        self._go_on(life, moment, power)
                        following.extend(life.moments)
            moments = following
        return starts

    def _ends(self, moment: Moment) -> list[tuple[bool, Tree]]:
        return [(False, moment.tree.copy()), *((True, tree) for tree in moment.tree.states())]

    def _disk(self, tree: Tree | None, attributes: bool) -> PowerCutDisk:
        return PowerCutDisk(tree, attributes=attributes, ignored=self.ignored)

    def _go_on(self, life: Life, moment: Moment, power: bool) -> None:
        came = part_of(moment.tree, life.told)
        offset = life.offset()
        if offset is None:
            assert moment.safe is None, "a safe upload is gone"
            # A part without a byte may be one without a label, told to nobody yet.
            assert power or not moment.whole or not came, "a crash took an upload"
            return
        found = part_of(life.disk.tree, life.told)
        assert found is not None and came is not None and found == came[:offset], f"{found!r}"
        least = len(came) if moment.least is None else moment.least
        assert power or not moment.whole or offset >= least, "a crash took bytes"
        assert moment.most is None or offset <= moment.most, "what was not trusted is there"
        assert moment.safe is None or offset >= moment.safe, "safe bytes are gone"
        life.append(life.resume(), b"z")
        life.keep()


STORIES = (
    Teller.suspended,
    Teller.suspended_long,
    Teller.suspended_degraded,
    Teller.empty,
    Teller.long,
    Teller.rejected,
    Teller.rejected_degraded,
    Teller.checked,
    Teller.checked_drawn,
    Teller.checked_degraded,
    Teller.checked_in_vain,
)
