"""
What happens to a store before all ends: see :mod:`tests.crashes`.

Each story lets a store live on a disk, has every end of it explored, and
raises an :class:`AssertionError` where a promise is broken.  They are told as
they are, and again for each sync of the store, without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256

import attrs

from hmacfs.errors import Banned, Exists
from hmacfs.records import MAXIMUM, FileRecord, Row
from hmacfs.store.labels import decode
from hmacfs.store.parts import ID
from tests.crashes import Life, Moment, explore, kind, result
from tests.inline import Inline
from tests.powercut import PowerCutDisk, Site
from tests.race import Race
from tests.tree import File, Folder, Tree, files

# Short, since whatever may be left of them is tried.
OLD, NEW, OTHER = b"old", b"new", b"else"

AT_REST = 6
"""The descriptors that an open store has: its folders, and its lock."""


@attrs.frozen
class Sent:
    """
    What was sent to one path.

    :ivar former: what stood there before, ``None`` where nothing did.
    :ivar uploads: all that came then.
    """

    path: bytes
    former: bytes | None
    uploads: tuple[bytes, ...]

    @property
    def segments(self) -> list[bytes]:
        return self.path.split(b"/")


@attrs.frozen
class Promises:
    """
    What holds behind every start.

    :ivar overwrite: whether uploads may replace each other.
    :ivar attributes: whether the disk keeps attributes.
    """

    sent: tuple[Sent, ...]
    overwrite: bool = False
    attributes: bool = True

    def check(self, life: Life) -> None:
        """
        Each name holds the old bytes or the new ones, with what belongs to
        them; what was acknowledged is there; nothing else is.

        :raise AssertionError: one of it is not so.
        """
        found = {sent.path: life.get(sent.path) for sent in self.sent}
        for sent in self.sent:
            self._check_file(life, sent, found[sent.path])
        assert _served(life).keys() == {path for path in found if found[path]}, "strange files"
        check_parts(life)
        assert life.disk.descriptors == AT_REST, f"{life.disk.descriptors} descriptors"
        if not life.before.power:
            # Who made it may be forgotten with the power; it is empty, at least.
            empty = [
                *empty_folders(life.folder()),
                *empty_folders(life.folder(b".hmacfs", b"versions")),
            ]
            assert not empty, f"{empty} are left"

    def _check_file(self, life: Life, sent: Sent, found: tuple[FileRecord, bytes] | None) -> None:
        acknowledged = {data for path, data in life.acknowledged if path == sent.path}
        row = life.index.rows.get(sent.path.decode())
        if found is None:
            assert not acknowledged and sent.former is None, "a file is lost"
            assert row is None, "a row without its file"
            return
        record, data = found
        assert data in (sent.former, *sent.uploads), f"half a file: {data!r}"
        assert (record.content_type, record.size) == (kind(data), len(data)), f"{record}"
        versions = self._versions(life, sent)
        kept = {data, *versions}
        assert acknowledged <= kept, "an acknowledged file is lost"
        assert sent.former is None or sent.former in kept, "the former file is lost"
        assert data != sent.former or not versions, "versions of a file never replaced"
        # The one row that a power cut may cost: of a file just created, whose
        # part has lost its name.
        created = life.before.power and self.attributes and not versions
        expected = row_of(sent.path, record)
        assert row == expected or (row is None and created), f"{row}, not {expected}"

    def _versions(self, life: Life, sent: Sent) -> list[bytes]:
        """
        :return: the bytes of each version.
        """
        nodes = dict(files(life.folder(b".hmacfs", b"versions", *sent.segments))).values()
        assert self.overwrite or not nodes, "versions of what is never replaced"
        assert _served(life)[sent.path] not in nodes, "a file is a version of itself"
        found = [node.data for node in nodes]
        assert len(found) == len(set(found)), "a version twice"
        assert {*found} <= {sent.former, *sent.uploads}, "half a version"
        if self.attributes:
            labels = [decode(node.attribute) for node in nodes]
            kinds = [label and label.content_type for label in labels]
            assert kinds == [kind(data) for data in found], "a version of another type"
        return found


def row_of(path: bytes, record: FileRecord) -> Row:
    """
    :return: how the index should list a file that never expires.
    """
    return Row(
        name=path.decode(),
        content_type=record.content_type,
        size=record.size,
        stored=record.stored,
        sha256=record.sha256,
        owner=record.owner,
    )


def check_parts(life: Life) -> None:
    """
    Every part is one that an upload could go on with, and nothing else is
    among them.
    """
    served = _served(life).values()
    parts = life.folder(b".hmacfs", b"parts").entries
    for name, node in parts.items():
        ours = ID.fullmatch(name)
        assert ours is not None and ours[2] != b".new", f"{name!r} is left"
        assert ours[1] in parts, f"{name!r} has no part"
        assert ours[2] or node not in served, f"{name!r} is a file, and a part still"


def _served(life: Life) -> dict[bytes, File]:
    everything = files(life.folder())
    return {path: node for path, node in everything if not path.startswith(b".hmacfs/")}


def empty_folders(folder: Folder) -> Iterator[bytes]:
    for name, node in folder.entries.items():
        if isinstance(node, Folder) and name != b".hmacfs":
            if not node.entries:
                yield name
            yield from empty_folders(node)


@attrs.frozen
class Teller:
    """
    Who tells the stories.

    :ivar ignored: the line whose syncs are not done.
    :ivar again: whether the starts crash as well.
    :ivar durable: whether anything is synced; else the power is never cut.
    """

    ignored: Site | None = None
    again: bool = False
    durable: bool = True

    def disk(self, tree: Tree | None = None, attributes: bool = True) -> PowerCutDisk:
        """
        :return: a machine on *tree*, or on an empty disk.
        """
        return PowerCutDisk(tree, attributes=attributes, ignored=self.ignored, durable=self.durable)

    def settled(
        self,
        path: bytes,
        data: bytes | None,
        attributes: bool = True,
        threads: Inline | None = None,
    ) -> Life:
        """
        :return: a store that has *data* for a long time.
        """
        life = Life(self.disk(attributes=attributes), threads=threads).start()
        if data is not None:
            life.put(path, data)
            life.rest()
        life.disk.tree.settle()
        life.moments.clear()
        life.acknowledged = frozenset()
        return life.watch()

    def explore(self, life: Life, promises: Promises) -> int:
        """
        End *life*, and look at all its ends.
        """
        life.rest()
        return explore(life.moments, self._disk(promises), promises.check, self.again, self.durable)

    def go_on(self, life: Life, promises: Promises, then: Callable[[Life], None]) -> int:
        """
        End *life*, and let every store that starts behind it do something
        more; look at the ends of these.
        """
        moments: list[Moment] = []

        def check(started: Life) -> None:
            started.moments.clear()
            started.disk.before = lambda call: None
            then(started)
            started.keep()
            moments.extend(started.moments)

        explore(life.moments, self._disk(promises), check, False, self.durable)
        return explore(moments, self._disk(promises), promises.check, False, self.durable)

    def _disk(self, promises: Promises) -> Callable[[Tree], PowerCutDisk]:
        return lambda tree: self.disk(tree, promises.attributes)

    # The stories

    def create(self) -> int:
        """
        A file in a new folder of a new folder.
        """
        return self.explore(*self._create())

    def create_at_once(self) -> int:
        """
        A file that waits for nothing but its syncs: its folder is there.
        """
        return self.explore(*self._create(b"f"))

    def create_again(self) -> int:
        """
        The same file again: it is told to be stored where it is found.
        """
        life, promises = self._create()

        def again(started: Life) -> None:
            for sent in promises.sent:
                if started.get(sent.path):
                    started.acknowledge(sent.path, NEW)

        return self.go_on(life, promises, again)

    def overwrite(self) -> int:
        """
        A file in place of another.
        """
        return self.explore(*self._overwrite())

    def overwrite_again(self) -> int:
        """
        One more is begun, for which the part goes that waited for the name.
        """
        life, promises = self._overwrite()

        def again(started: Life) -> None:
            started.begin(promises.sent[0].path, b"", overwrite=True)

        return self.go_on(life, promises, again)

    def overwrite_long_label(self) -> int:
        """
        What is to be said of the file is too much for an attribute.
        """
        return self.explore(*self._overwrite(owner="x" * MAXIMUM))

    def banned(self) -> int:
        """
        A file in place of another, whose bytes are banned in the last moment.
        """
        sent = Sent(b"f", OLD, (NEW,))
        life = self.settled(sent.path, OLD)
        digests = [sha256(NEW).hexdigest()]

        def before(call: str) -> None:
            life.keep()
            if call == "rename" and digests:
                result(life.store.ban(digests.pop()))

        life.disk.before = before
        try:
            life.put(sent.path, NEW, overwrite=True)
        except Banned:
            life.rest()
        return self.explore(life, Promises((sent,), overwrite=True))

    def _create(self, path: bytes = b"a/b/f") -> tuple[Life, Promises]:
        sent = Sent(path, None, (NEW,))
        life = self.settled(sent.path, None)
        life.put(sent.path, NEW)
        life.rest()
        return life, Promises((sent,))

    def _overwrite(self, owner: str | None = None) -> tuple[Life, Promises]:
        sent = Sent(b"a/f", OLD, (NEW,))
        life = self.settled(sent.path, OLD)
        life.put(sent.path, NEW, overwrite=True, owner=owner)
        life.rest()
        return life, Promises((sent,), overwrite=True)

    def first_start(self) -> int:
        """
        A disk on which there is nothing yet; then two files, one in place of
        the other.
        """
        sent = Sent(b"f", None, (OLD, NEW))
        life = Life(self.disk()).watch().start()
        life.put(sent.path, OLD, overwrite=True)
        life.put(sent.path, NEW, overwrite=True)
        return self.explore(life, Promises((sent,), overwrite=True))

    def suspended(self, owner: str | None = None) -> int:
        """
        The first upload of a new store is suspended, the store stops, and it waits.
        """
        life = Life(self.disk()).watch().start()
        result(life.begin(b"f", NEW, owner=owner).suspend())
        result(life.store.stop())
        life.acknowledge(b"f", NEW)

        def check(started: Life) -> None:
            check_parts(started)
            parts = dict(files(started.folder(b".hmacfs", b"parts")))
            labels = [decode(node.attribute) for node in parts.values()]
            labels += [decode(node.data) for name, node in parts.items() if b"." in name]
            names = {label.name for label in labels if label is not None}
            waits = NEW in [node.data for node in parts.values()] and "f" in names
            assert waits or not started.acknowledged, "what was suspended is lost"

        life.rest()
        return explore(life.moments, self.disk, check, self.again, self.durable)

    def suspended_long_label(self) -> int:
        """
        The same, with a label beside it.
        """
        return self.suspended(owner="x" * MAXIMUM)

    def degraded(self) -> int:
        """
        A file and its replacement on a disk that keeps no attributes.
        """
        sent = Sent(b"f", None, (OLD, NEW))
        life = self.settled(sent.path, None, attributes=False)
        life.put(sent.path, OLD, overwrite=True)
        life.put(sent.path, NEW, overwrite=True)
        return self.explore(life, Promises((sent,), overwrite=True, attributes=False))

    def whole(self, attributes: bool = True) -> int:
        """
        A file and its replacement, each with one call.
        """
        sent = Sent(b"f", None, (OLD, NEW))
        life = self.settled(sent.path, None, attributes)
        life.put_whole(sent.path, OLD, overwrite=True)
        life.put_whole(sent.path, NEW, overwrite=True)
        return self.explore(life, Promises((sent,), True, attributes))

    def whole_degraded(self) -> int:
        """
        The same, on a disk that keeps no attributes.
        """
        return self.whole(attributes=False)

    def small(self) -> int:
        """
        A small file in a new folder.
        """
        sent = Sent(b"a/f", None, (NEW,))
        life = self.settled(sent.path, None)
        life.put_small(sent.path, NEW)
        life.rest()
        return self.explore(life, Promises((sent,)))

    def race_to_replace(self) -> int:
        """
        Two files in place of the same third.
        """
        return self._races(Promises((Sent(b"f", OLD, (NEW, OTHER)),), overwrite=True))

    def race_to_create(self) -> int:
        """
        Two files of the same name, of which one has to go.
        """
        return self._races(Promises((Sent(b"a/f", None, (NEW, OTHER)),)))

    def race_in_a_folder(self) -> int:
        """
        Two files in a folder that both would make.
        """
        sent = Sent(b"a/f", None, (NEW,)), Sent(b"a/g", None, (OTHER,))
        return self._races(Promises(sent))

    def _races(self, promises: Promises) -> int:
        """
        The first of two stops before each of its calls in turn.
        """
        starts, threads = 0, None
        while threads is None or threads.stopped:
            threads = Race(0 if threads is None else threads.first + 1)
            starts += self._race(promises, threads)
        return starts

    def _race(self, promises: Promises, threads: Race) -> int:
        sent = promises.sent[0]
        life = self.settled(sent.path, sent.former, threads=threads)
        jobs = [
            (life.begin(sent.path, data, promises.overwrite), sent.path, data)
            for sent in promises.sent
            for data in sent.uploads
        ]
        # What may become of the parts by themselves was told before.
        life.disk.tree.settle()
        life.moments.clear()
        done = []
        threads.race(life.disk, lambda: done.extend(life.commit(*job) for job in jobs))
        for each in done:
            each.addErrback(lambda failure: failure.trap(Exists))
        return self.explore(life, promises)


STORIES: list[Callable[[Teller], int]] = [
    Teller.create,
    Teller.create_at_once,
    Teller.create_again,
    Teller.suspended,
    Teller.suspended_long_label,
    Teller.overwrite,
    Teller.overwrite_again,
    Teller.banned,
    Teller.whole,
    Teller.whole_degraded,
    Teller.small,
    Teller.race_in_a_folder,
    Teller.race_to_create,
    Teller.race_to_replace,
    Teller.overwrite_long_label,
    Teller.degraded,
    Teller.first_start,
]
