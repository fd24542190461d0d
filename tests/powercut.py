"""
A disk whose power can be cut.

:class:`PowerCutDisk` has the calls of :class:`hmacfs.disk.Disk` over a tree in
memory, and keeps apart what the system shows and what a power cut would leave.
It is as unkind as a real disk may be, and no more:

* The bytes of a file that were not synced are there up to any point, or are
  zeros from any point on, or are not; its attribute is there or not.
* Of the names that were given and taken in folders that were not synced, each
  one may have got to the disk or not, whatever came before or behind it.
* A rename may be seen half, the new name there and the old one there still;
  but never the old one gone and the new one missing.
* What was synced is there.  A folder is there only if the name it has in the
  folder above is.

``states()`` makes a tree of each of these.  The death of the process alone
leaves the tree as it is, synced or not: that is a copy.
"""

from __future__ import annotations

import errno
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy

import attrs
from zope.interface import implementer

from hmacfs.interfaces import IDisk
from hmacfs.records import Status


SHORT = 16
"""Bytes, of which any number may be left; of more only some numbers are tried."""


@attrs.define(eq=False)
class File:
    """
    :ivar kept_data: and *kept_attribute*: as a power cut leaves them at least.
    """

    inode: int
    data: bytes = b""
    attribute: bytes | None = None
    kept_data: bytes = b""
    kept_attribute: bytes | None = None

    def outcomes(self) -> list[tuple[bytes, bytes | None]]:
        """
        :return: the bytes and the attribute that a power cut may leave.
        """
        data = {self.kept_data, self.data}
        ends = range(len(self.kept_data), len(self.data))
        for end in ends if len(ends) <= SHORT else (ends[0], ends[1], ends[-1]):
            data.add(self.data[:end])
            data.add(self.data[:end].ljust(len(self.data), b"\0"))
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
    """

    def __init__(self) -> None:
        self._inode = 1
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
            return
        for change in [change for change in self.changes if change.folder is node]:
            if change in self.changes:
                self._keep(change)

    def settle(self) -> None:
        """Keep everything, as after a long time."""
        self.changes.clear()
        for node in _nodes(self.root):
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
        made = {file: File(file.inode, *of, *of) for file, of in outcome.items()}

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
        return of(self.root), changes


def _nodes(node: File | Folder) -> Iterator[File | Folder]:
    yield node
    if isinstance(node, Folder):
        for below in node.entries.values():
            yield from _nodes(below)


@attrs.define(eq=False)
class _Open:
    """
    :ivar at: where the next byte is written; ``None`` is the end.
    """

    node: File | Folder
    at: int | None = None
    lock: tuple[int, bytes] | None = None


Site = tuple[str, int]
"""A line of a source file, the call of a ``sync``."""


@implementer(IDisk)
class PowerCutDisk:
    """
    A machine that runs on a :class:`Tree`.

    :ivar tree: what is on its disk.
    :ivar before: called before each call that changes anything, with the name
        of the call; and with ``"wait"``, again and again, while a lock is held
        by somebody else.  What it raises the call raises.
    """

    def __init__(
        self,
        tree: Tree | None = None,
        before: Callable[[str], object] = lambda call: None,
        *,
        attributes: bool = True,
        durable: bool = True,
        ignored: Site | None = None,
        room: int = 2**40,
    ) -> None:
        """
        :param attributes: whether its file system keeps any.
        :param durable: as of :class:`hmacfs.disk.Disk`.
        :param ignored: the line whose syncs it does not do.
        :param room: bytes that are free.
        """
        self.tree = Tree() if tree is None else tree
        self.before = before
        self._attributes = attributes
        self._durable = durable
        self._ignored = ignored
        self._room = room
        self._open: dict[int, _Open] = {}
        self._numbers = itertools.count(3)
        self._locks: set[tuple[int, bytes]] = set()

    @property
    def descriptors(self) -> int:
        """How many are open."""
        return len(self._open)

    def root(self, path: str) -> int:
        return self._opened(self.tree.root)

    def system(self, folder: int) -> str:
        return "ext4"

    def free(self, folder: int) -> int:
        return self._room

    def folder(self, parent: int, name: bytes) -> int:
        node = self._entry(parent, name)
        if not isinstance(node, Folder):
            raise _error(errno.ENOTDIR)
        return self._opened(node)

    def make_folder(self, parent: int, name: bytes, mode: int) -> None:
        self._change("make_folder", parent, name, lambda: Folder(self.tree.inode()))

    def remove_folder(self, parent: int, name: bytes) -> None:
        self.before("remove_folder")
        node = self._entry(parent, name)
        if not isinstance(node, Folder):
            raise _error(errno.ENOTDIR)
        if node.entries:
            raise _error(errno.ENOTEMPTY)
        self.tree.change(self._folder(parent), name, None)

    def names(self, folder: int) -> list[bytes]:
        return list(self._folder(folder).entries)

    def create(self, folder: int, name: bytes, mode: int) -> int:
        node = self._change("create", folder, name, lambda: File(self.tree.inode()))
        return self._opened(node)

    def open(self, folder: int, name: bytes) -> int:
        return self._opened(self._entry(folder, name))

    def close(self, descriptor: int) -> None:
        lock = self._open.pop(descriptor).lock
        if lock is not None:
            self._locks.remove(lock)

    def status(self, descriptor: int) -> Status:
        return _status(self._open[descriptor].node)

    def look(self, folder: int, name: bytes) -> Status:
        return _status(self._entry(folder, name))

    def write(self, file: int, pieces: Sequence[bytes | memoryview]) -> int:
        self.before("write")
        node, data = self._file(file), b"".join(pieces)
        if self._open[file].at is None:
            node.data += data
        else:
            node.data = data + node.data[len(data) :]
        return len(data)

    def read(self, file: int, offset: int, size: int) -> bytes:
        return self._file(file).data[offset : offset + size]

    def attribute(self, file: int) -> bytes | None:
        if not self._attributes:
            raise _error(errno.EOPNOTSUPP)
        return self._file(file).attribute

    def set_attribute(self, file: int, value: bytes) -> None:
        self.before("set_attribute")
        if not self._attributes:
            raise _error(errno.EOPNOTSUPP)
        self._file(file).attribute = value

    def link(self, folder: int, name: bytes, to: int, new: bytes) -> None:
        node = self._entry(folder, name)
        self._change("link", to, new, lambda: node)

    def rename(self, folder: int, name: bytes, to: int, new: bytes) -> None:
        self.before("rename")
        node, target = self._entry(folder, name), self._folder(to)
        self._check_there(target)
        if isinstance(target.entries.get(new), Folder):
            raise _error(errno.EISDIR)
        taken = self.tree.change(target, new, node)
        self.tree.change(self._folder(folder), name, None, needs=taken)

    def unlink(self, folder: int, name: bytes) -> None:
        self.before("unlink")
        if isinstance(self._entry(folder, name), Folder):
            raise _error(errno.EISDIR)
        self.tree.change(self._folder(folder), name, None)

    def sync(self, descriptor: int) -> None:
        self.before("sync")
        caller = sys._getframe(1)
        site = (caller.f_code.co_filename, caller.f_lineno)
        if self._durable and site != self._ignored:
            self.tree.sync(self._open[descriptor].node)

    def lock(self, folder: int, name: bytes, wait: bool) -> int:
        node = self._folder(folder)
        lock = (node.inode, name)
        while lock in self._locks:
            if not wait:
                raise BlockingIOError(errno.EAGAIN, "locked")
            self.before("wait")
        self._locks.add(lock)
        if name not in node.entries:
            # A lock file holds nothing that anybody would miss: as if it had
            # always been there.
            node.entries[name] = node.kept[name] = File(self.tree.inode())
        return self._opened(node.entries[name], at=0, lock=lock)

    def _opened(
        self, node: File | Folder, at: int | None = None, lock: tuple[int, bytes] | None = None
    ) -> int:
        number = next(self._numbers)
        self._open[number] = _Open(node, at, lock)
        return number

    def _folder(self, descriptor: int) -> Folder:
        node = self._open[descriptor].node
        assert isinstance(node, Folder)
        return node

    def _file(self, descriptor: int) -> File:
        node = self._open[descriptor].node
        if isinstance(node, Folder):
            raise _error(errno.EISDIR)
        return node

    def _entry(self, folder: int, name: bytes) -> File | Folder:
        try:
            return self._folder(folder).entries[name]
        except KeyError:
            raise _error(errno.ENOENT) from None

    def _change(
        self, call: str, folder: int, name: bytes, make: Callable[[], File | Folder]
    ) -> File | Folder:
        self.before(call)
        parent = self._folder(folder)
        self._check_there(parent)
        if name in parent.entries:
            raise _error(errno.EEXIST)
        node = make()
        self.tree.change(parent, name, node)
        return node

    def _check_there(self, folder: Folder) -> None:
        """
        A folder that was removed is open still, and takes nothing.
        """
        if all(folder is not node for node in _nodes(self.tree.root)):
            raise _error(errno.ENOENT)


def _status(node: File | Folder) -> Status:
    if isinstance(node, Folder):
        return Status(1, node.inode, "folder", 0, 0)
    return Status(1, node.inode, "file", len(node.data), 0)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def files(folder: Folder, above: bytes = b"") -> Iterable[tuple[bytes, File]]:
    """
    :return: every file below *folder*, with its path.
    """
    for name, node in sorted(folder.entries.items()):
        if isinstance(node, Folder):
            yield from files(node, above + name + b"/")
        else:
            yield above + name, node
