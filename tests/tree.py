"""
What is on a disk, and what a power cut would leave of it.

It is as unkind as a real disk may be, and no more:

* The bytes of a file that were not synced are there up to any point, or are
  zeros from any point on, or are not; its attribute is there or not.  Behind
  bytes that replaced others, those that were cut off before, the others may
  still be there.
* Of the names that were given and taken in folders that were not synced, each
  one may have got to the disk or not, whatever came before or behind it.
* A rename may be seen half, the new name there and the old one there still;
  but never the old one gone and the new one missing.
* The machine behind it has another boot than any that something on the disk
  speaks of.
* What was synced is there.  A folder is there only if the name it has in the
  folder above is.

The death of the process alone leaves the tree as it is, synced or not: that is
a copy.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from copy import copy

import attrs

SHORT = 16
"""Bytes, of which any number may be left; of more only some numbers are tried."""


@attrs.define(eq=False)
class File:
    """
    :ivar kept_data: and *kept_attribute*: as a power cut leaves them at least.
    :ivar lock: whether it is there to be locked, so that nobody would miss
        what it holds.
    :ivar solid: how many bytes of *kept_data* nothing was done to; all of them
        where it is ``None``.
    """

    inode: int
    data: bytes = b""
    attribute: bytes | None = None
    kept_data: bytes = b""
    kept_attribute: bytes | None = None
    lock: bool = False
    solid: int | None = None

    def outcomes(self) -> list[tuple[bytes, bytes | None]]:
        """
        :return: the bytes and the attribute that a power cut may leave.
        """
        if self.lock:
            return [(self.data, self.attribute)]
        data = {self.kept_data, self.data}
        solid = len(self.kept_data) if self.solid is None else self.solid
        ends = range(solid, len(self.data))
        for end in ends if len(ends) <= SHORT else (ends[0], ends[1], ends[-1]):
            data.add(self.data[:end])
            data.add(self.data[:end].ljust(len(self.data), b"\0"))
            data.add(self.data[:end] + self.kept_data[end:])
        attributes = {self.kept_attribute, self.attribute}
        return list(itertools.product(data, attributes))


@attrs.define(eq=False)
class Folder:
    """
    :ivar kept: the entries that are synced.
    """

    inode: int
    entries: dict[bytes, File | Folder] = attrs.field(factory=dict)
    kept: dict[bytes, File | Folder] = attrs.field(factory=dict)


@attrs.define(eq=False)
class Change:
    """
    An entry that was changed and not synced.

    :ivar node: what it holds behind the change, ``None`` where it is gone.
    :ivar needs: the new name of a rename, of the change that took the old one.
    """

    folder: Folder
    name: bytes
    node: File | Folder | None
    needs: Change | None = None


class Tree:
    """
    What is on the disk.

    :ivar changes: those that are not synced, in their order.
    :ivar boot: the number of this boot of the machine.
    """

    def __init__(self) -> None:
        self._inode = 1
        self.boot = 1
        self.root = Folder(1)
        self.changes: list[Change] = []

    def copy(self) -> Tree:
        """
        :return: the same, as the death of the process leaves it.
        """
        made: dict[File | Folder, File | Folder] = {}

        def of(node: File | Folder) -> File | Folder:
            if node not in made:
                made[node] = copy(node)
                if isinstance(node, Folder):
                    made[node].entries = {name: of(below) for name, below in node.entries.items()}
                    made[node].kept = {name: of(below) for name, below in node.kept.items()}
            return made[node]

        tree = Tree()
        tree._inode = self._inode
        tree.boot = self.boot
        tree.root = of(self.root)
        changes = {None: None}
        for change in self.changes:
            node = change.node and of(change.node)
            changes[change] = Change(
                of(change.folder), change.name, node, changes.get(change.needs)
            )
        tree.changes = [change for change in changes.values() if change]
        return tree

    def inode(self) -> int:
        """
        :return: a number that nothing else here has.
        """
        self._inode += 1
        return self._inode

    def change(
        self, folder: Folder, name: bytes, node: File | Folder | None, needs: Change | None = None
    ) -> Change:
        """Change one entry of *folder*."""
        if node is None:
            del folder.entries[name]
        else:
            folder.entries[name] = node
        # What was there before may come back only once.
        needed = [change.needs for change in self.changes]
        self.changes = [
            change
            for change in self.changes
            if (change.folder, change.name, change.node) != (folder, name, node)
            or change.needs
            or change in needed
        ]
        made = Change(folder, name, node, needs)
        self.changes.append(made)
        return made

    def sync(self, node: File | Folder) -> None:
        """Keep *node* as it is."""
        if isinstance(node, File):
            node.kept_data, node.kept_attribute = node.data, node.attribute
            node.solid = None
            return
        for change in [change for change in self.changes if change.folder is node]:
            if change in self.changes:
                self._keep(change)

    def settle(self) -> None:
        """Keep everything, as after a long time."""
        self.changes.clear()
        for node in nodes(self.root):
            if isinstance(node, Folder):
                node.kept = dict(node.entries)
            else:
                self.sync(node)

    def _keep(self, change: Change) -> None:
        if change.needs in self.changes:
            self._keep(change.needs)
        if change.node is None:
            change.folder.kept.pop(change.name, None)
        else:
            change.folder.kept[change.name] = change.node
        # What came before it to this entry can come no more.
        behind = self.changes.index(change) + 1
        self.changes = [
            other
            for other in self.changes[:behind]
            if (other.folder, other.name) != (change.folder, change.name)
        ] + self.changes[behind:]

    def states(self) -> Iterator[Tree]:
        """
        :return: every tree that a power cut may leave.
        """
        entries: dict[tuple[Folder, bytes], list[Change | None]] = {}
        for change in self.changes:
            entries.setdefault((change.folder, change.name), [None]).append(change)
        for chosen in itertools.product(*entries.values()):
            last = dict(zip(entries, chosen, strict=True))
            if all(
                change is None or change.needs is None or self._has(last, entries, change.needs)
                for change in chosen
            ):
                yield from self._with(last)

    def _has(
        self,
        last: dict[tuple[Folder, bytes], Change | None],
        entries: dict[tuple[Folder, bytes], list[Change | None]],
        needed: Change,
    ) -> bool:
        """
        Whether *needed* came to the disk, or one behind it to the same entry.
        """
        key = (needed.folder, needed.name)
        if needed not in self.changes:
            return True
        order = entries[key]
        return order.index(last[key]) >= order.index(needed)

    def _with(self, last: dict[tuple[Folder, bytes], Change | None]) -> Iterator[Tree]:
        kept: dict[Folder, dict[bytes, File | Folder]] = {}

        def walk(folder: Folder) -> Iterator[File]:
            kept[folder] = dict(folder.kept)
            for (where, name), change in last.items():
                if where is folder and change is not None:
                    kept[folder].pop(name, None)
                    if change.node is not None:
                        kept[folder][name] = change.node
            for node in kept[folder].values():
                if isinstance(node, Folder):
                    yield from walk(node)
                else:
                    yield node

        files = list(dict.fromkeys(walk(self.root)))
        for outcome in itertools.product(*(file.outcomes() for file in files)):
            yield self._made(kept, dict(zip(files, outcome, strict=True)))

    def _made(
        self,
        kept: dict[Folder, dict[bytes, File | Folder]],
        outcome: dict[File, tuple[bytes, bytes | None]],
    ) -> Tree:
        made = {file: File(file.inode, *of, *of, file.lock) for file, of in outcome.items()}

        def build(node: File | Folder) -> File | Folder:
            if isinstance(node, File):
                return made[node]
            entries = {name: build(below) for name, below in kept[node].items()}
            return Folder(node.inode, entries, dict(entries))

        tree = Tree()
        tree._inode = self._inode
        root = build(self.root)
        assert isinstance(root, Folder)
        tree.root = root
        tree.boot = _unheard(outcome.values())
        return tree

    def key(self) -> object:
        """
        :return: the same for trees that are the same.
        """

        def of(node: File | Folder) -> object:
            if isinstance(node, File):
                return attrs.astuple(node)
            return (
                node.inode,
                sorted((name, of(below)) for name, below in node.entries.items()),
                sorted((name, below.inode) for name, below in node.kept.items()),
            )

        changes = [
            (change.folder.inode, change.name, change.node and change.node.inode)
            for change in self.changes
        ]
        return of(self.root), changes, self.boot


def nodes(node: File | Folder) -> Iterator[File | Folder]:
    """
    :return: *node*, and all below it.
    """
    yield node
    if isinstance(node, Folder):
        for below in node.entries.values():
            yield from nodes(below)


def files(folder: Folder, above: bytes = b"") -> Iterable[tuple[bytes, File]]:
    """
    :return: every file below *folder*, with its path.
    """
    for name, node in sorted(folder.entries.items()):
        if isinstance(node, Folder):
            yield from files(node, above + name + b"/")
        else:
            yield above + name, node


def _unheard(contents: Iterable[tuple[bytes, bytes | None]]) -> int:
    """
    :return: the first boot that nothing on the disk speaks of.  Numbers come
        back, so that the states of a disk are finite.
    """
    text = b"".join(data + (attribute or b"") for data, attribute in contents)
    return next(number for number in itertools.count(1) if boot_id(number).encode() not in text)


def boot_id(number: int) -> str:
    """
    :return: what the machine calls its boot *number*.
    """
    return f"<boot {number}>"
