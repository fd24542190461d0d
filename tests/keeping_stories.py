"""
What happens to a file that is replaced, restored, removed or brought back,
before all ends: see :mod:`tests.crashes`.

Each story goes from one :class:`World` to the next.  Behind every start the
name has the world that was told last, or the one that was on its way, and
nothing of both; and the index tells of exactly what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from hmacfs.names import recall
from hmacfs.records import MAXIMUM
from hmacfs.retention import Retention
from hmacfs.store import bookkeeping
from hmacfs.store.labels import decode
from hmacfs.store.opened import Policy
from hmacfs.store.tables import tombstones, trash, versions
from hmacfs.store.trees import shelf
from tests.crashes import EXPIRY, Life, Moment, explore, kind, result
from tests.stories import AT_REST, NEW, OLD, OTHER, check_parts, empty_folders
from tests.stories import Teller as Stories
from tests.tree import File, files

PATH = b"a/f"
NAME = recall(PATH)

KEEPING = Policy(upload_expiry=EXPIRY)
EXPIRING = attrs.evolve(KEEPING, retention=Retention((), 10))


@attrs.frozen
class World:
    """
    All that one name has.

    :ivar file: its bytes, expired or not.
    :ivar versions: the bytes of each.
    :ivar trash: the bytes of what rests there.
    :ivar buried: whether it takes no upload.
    :ivar served: whether the file is, and has not expired.
    """

    file: bytes | None = None
    versions: frozenset[bytes] = frozenset()
    trash: frozenset[bytes] = frozenset()
    buried: bool = False
    served: bool = False


GONE = World(buried=True)


def world(
    file: bytes | None,
    versions: Iterable[bytes] = (),
    trash: Iterable[bytes] = (),
    buried: bool = False,
) -> World:
    return World(file, frozenset(versions), frozenset(trash), buried, file is not None)


def served(life: Life) -> dict[bytes, File]:
    """
    :return: the files of the tree, by their paths.
    """
    everything = files(life.folder())
    return {path: node for path, node in everything if not path.startswith(b".hmacfs/")}


def found(life: Life) -> World:
    """
    :return: what the disk has of the name.
    """
    file = served(life).get(PATH)
    return World(
        None if file is None else file.data,
        frozenset(node.data for _, node in below(life, b"versions")),
        frozenset(node.data for _, node in below(life, b"trash")),
        result(life.store.buried(NAME)),
        life.get(PATH) is not None,
    )


def below(life: Life, tree: bytes) -> list[tuple[bytes, File]]:
    return list(files(life.folder(b".hmacfs", tree)))


@attrs.frozen
class Promises:
    """
    What holds behind every start.

    :ivar worlds: in their order, the first one that of before.
    :ivar attributes: whether the disk keeps attributes.
    """

    worlds: Sequence[World]
    attributes: bool = True

    def check(self, life: Life) -> None:
        """
        :raise AssertionError: one of it is not so.
        """
        told = len(life.acknowledged)
        now = found(life)
        assert now in self.worlds[told : told + 2], f"{now} behind step {told}"
        self.check_file(life, now)
        self.check_labels(life)
        check_index(life, now, self.attributes)
        check_parts(life)
        assert life.disk.descriptors == AT_REST, f"{life.disk.descriptors} descriptors"
        if not life.before.power:
            trees = ((), (b".hmacfs", b"versions"), (b".hmacfs", b"trash"))
            left = [name for tree in trees for name in empty_folders(life.folder(*tree))]
            assert not left, f"{left} are left"

    def check_file(self, life: Life, now: World) -> None:
        """
        What is served is what is there.
        """
        got = life.get(PATH)
        assert got is None or got[1] == now.file, "other bytes are served"
        assert got is None or got[0].content_type == kind(got[1]), "another type is served"
        assert list(served(life)) in ([], [PATH]), "strange files"

    def check_labels(self, life: Life) -> None:
        if not self.attributes:
            return
        nodes = [*served(life).values()]
        nodes += [node for tree in (b"versions", b"trash") for _, node in below(life, tree)]
        for node in nodes:
            label = decode(node.attribute)
            assert label is not None and label.content_type == kind(node.data), "another label"


def check_index(life: Life, now: World, attributes: bool) -> None:
    """
    The index has a row for each, and no other.
    """
    rows = dict(life.index.rows)
    # The one row that a power cut may cost: see tests.stories.
    created = life.before.power and attributes and not now.versions
    if now.file is None or not created or rows:
        expected = [] if now.file is None else [(PATH.decode(), kind(now.file), len(now.file))]
        assert [(row.name, row.content_type, row.size) for row in rows.values()] == expected, rows
    got = life.get(PATH)
    if got is not None and rows:
        (row,) = rows.values()
        assert (row.expires, row.stored) == (got[0].expires, got[0].stored), f"{row}, {got[0]}"
    older = life.index.transact(versions.page, ("", ""), -1)
    listed = {b"a/f/" + each.id.encode(): each.row.content_type for each in older}
    there = {path: kind(node.data) for path, node in below(life, b"versions")}
    assert listed == there, f"versions {listed}, not {there}"
    rubbish = life.index.transact(trash.page, ("", "", ""), -1)
    listed = {}
    for each in rubbish:
        path, last = shelf(each.batch, NAME, each.version)
        listed[b"/".join((*path, last))] = each.row.content_type
    there = {path: kind(node.data) for path, node in below(life, b"trash")}
    assert listed == there, f"trash {listed}, not {there}"
    assert not life.index.transact(tombstones.unfinished), "a removal is not finished"
    assert not life.index.transact(bookkeeping.purging), "a purge is not finished"


Step = tuple[Callable[[Life], object], World]


@attrs.frozen
class Teller(Stories):
    """
    Who tells these stories.
    """

    def tell(
        self,
        begin: Callable[[Life], object],
        *steps: Step,
        policy: Policy = KEEPING,
        attributes: bool = True,
    ) -> int:
        """
        :param begin: makes what is there for a long time.
        :return: how many starts there were.
        """
        disk = self.disk(attributes=attributes)
        life = Life(disk, Moment(disk.tree, None, (), frozenset(), policy=policy)).start()
        begin(life)
        life.rest()
        life.acknowledged = frozenset()
        disk.tree.settle()
        worlds = [found(life)]
        life.watch().keep()
        for number, (step, then) in enumerate(steps):
            step(life)
            life.acknowledge(b"%d" % number, b"")
            life.keep()
            worlds.append(then)
            assert found(life) == then, f"{found(life)}, not {then}"
        life.rest()
        promises = Promises(worlds, attributes)

        def make(tree: object) -> object:
            return self.disk(tree, attributes)

        return explore(life.moments, make, promises.check, self.again, self.durable)

    # The stories

    def replaced(self, attributes: bool = True) -> int:
        """
        A file becomes a version, and that one a version too.
        """
        return self.tell(
            put(OLD),
            (put(NEW), world(NEW, [OLD])),
            attributes=attributes,
        )

    def replaced_degraded(self) -> int:
        """
        The same, on a disk that keeps no attributes.
        """
        return self.replaced(attributes=False)

    def restored(self, attributes: bool = True, owner: str | None = None) -> int:
        """
        A version takes the place of the file.
        """
        return self.tell(
            both(put(OLD, owner), put(NEW)),
            (restore, world(OLD, [NEW])),
            attributes=attributes,
        )

    def restored_degraded(self) -> int:
        """
        The same, on a disk that keeps no attributes.
        """
        return self.restored(attributes=False)

    def restored_long_label(self) -> int:
        """
        The same, of a version of which there is more to say than fits.
        """
        return self.restored(owner="x" * MAXIMUM)

    def restored_to_nothing(self) -> int:
        """
        The file has gone by age, and its name is free.
        """
        policy = attrs.evolve(KEEPING, tombstone_ttl=0, trash_ttl=0)
        return self.tell(
            both(put(OLD), put(NEW, expires=5), wait(20), retire),
            (restore, world(OLD)),
            policy=policy,
        )

    def removed(self) -> int:
        """
        A file goes by request, with its version.
        """
        return self.tell(both(put(OLD), put(NEW)), (remove, GONE))

    def removed_and_free(self) -> int:
        """
        Without tombstones another one comes at once.
        """
        return self.tell(
            put(OLD),
            (remove, World()),
            (put(NEW), world(NEW)),
            policy=attrs.evolve(KEEPING, tombstone_ttl=0),
        )

    def version_removed(self) -> int:
        """
        One version goes by request.
        """
        return self.tell(both(put(OLD), put(NEW)), (remove_version, world(NEW)))

    def taken_down(self) -> int:
        """
        All that there is goes: the file, its version, the trash, and a part.
        """

        def suspend(life: Life) -> None:
            result(life.begin(PATH, b"part", overwrite=True).suspend())

        return self.tell(
            both(put(OTHER), put(OLD), put(NEW), retire, suspend),
            (take_down, GONE),
            policy=attrs.evolve(KEEPING, max_versions=1),
        )

    def expired(self, attributes: bool = True) -> int:
        """
        A file goes by age.
        """
        return self.tell(
            both(put(OLD), wait(20)),
            (retire, world(None, trash=[OLD], buried=True)),
            policy=EXPIRING,
            attributes=attributes,
        )

    def expired_degraded(self) -> int:
        """
        The same, on a disk that keeps no attributes.
        """
        return self.expired(attributes=False)

    def expired_for_good(self) -> int:
        """
        There is no trash, and a version that stays.
        """
        return self.tell(
            both(put(OLD), put(NEW, expires=5), wait(20)),
            (retire, world(None, [OLD], buried=True)),
            policy=attrs.evolve(KEEPING, trash_ttl=0),
        )

    def crowded(self) -> int:
        """
        A version goes that is over the bound, and comes back.
        """
        return self.tell(
            both(put(OTHER), put(OLD), put(NEW)),
            (retire, world(NEW, [OLD], [OTHER])),
            (undo, world(NEW, [OLD, OTHER])),
            policy=attrs.evolve(KEEPING, max_versions=1),
        )

    def brought_back(self, attributes: bool = True, owner: str | None = None) -> int:
        """
        A file comes back out of the trash.
        """
        return self.tell(
            both(put(OLD, owner), wait(20), retire),
            (undo, world(OLD)),
            policy=EXPIRING,
            attributes=attributes,
        )

    def brought_back_again(self) -> int:
        """
        The same, and the start that finishes it crashes as well.
        """
        return attrs.evolve(self, again=True).brought_back()

    def brought_back_degraded(self) -> int:
        """
        The same, on a disk that keeps no attributes.
        """
        return self.brought_back(attributes=False)

    def brought_back_long_label(self) -> int:
        """
        The same, where there is more to say of it than fits.
        """
        return self.brought_back(owner="x" * MAXIMUM)

    def purged(self) -> int:
        """
        What was in the trash goes for good.
        """
        return self.tell(both(put(OLD), wait(20), retire), (purge, GONE), policy=EXPIRING)


def put(
    data: bytes, owner: str | None = None, expires: int | None = None
) -> Callable[[Life], None]:
    """
    :param expires: seconds from now on.
    """

    def step(life: Life) -> None:
        until = None if expires is None else int(life.clock.seconds()) + expires
        upload = life.begin(PATH, data, True, owner, until)
        result(upload.commit())

    return step


def wait(seconds: float) -> Callable[[Life], None]:
    return lambda life: life.wait(seconds)


def both(*steps: Callable[[Life], object]) -> Callable[[Life], None]:
    def all_of_them(life: Life) -> None:
        for step in steps:
            step(life)
            life.clock.advance(1)

    return all_of_them


def restore(life: Life) -> None:
    oldest = result(life.store.versions(NAME))[-1]
    result(life.store.restore(NAME, oldest.id))


def remove(life: Life) -> None:
    result(life.store.remove(NAME))


def remove_version(life: Life) -> None:
    (only,) = result(life.store.versions(NAME))
    result(life.store.remove_version(NAME, only.id))


def take_down(life: Life) -> None:
    result(life.store.take_down(NAME))


def retire(life: Life) -> None:
    now = life.clock.seconds()
    due = result(life.store.due(now, 100))
    assert due, "nothing is due"
    assert len(result(life.store.retire(due, now))) == len(due), "not all that was due went"


def undo(life: Life) -> None:
    (item,) = result(life.store.trashed(None, 100))
    assert result(life.store.undo(item)), "it did not come back"


def purge(life: Life) -> None:
    assert result(life.store.purge(life.clock.seconds() + 1, 100)) == 1


STORIES: list[Callable[[Teller], int]] = [
    Teller.restored,
    Teller.brought_back,
    Teller.expired,
    Teller.removed,
    Teller.purged,
    Teller.taken_down,
    Teller.removed_and_free,
    Teller.version_removed,
    Teller.restored_to_nothing,
    Teller.expired_for_good,
    Teller.crowded,
    Teller.replaced,
    Teller.replaced_degraded,
    Teller.restored_degraded,
    Teller.expired_degraded,
    Teller.brought_back_degraded,
    Teller.restored_long_label,
    Teller.brought_back_long_label,
    Teller.brought_back_again,
]
