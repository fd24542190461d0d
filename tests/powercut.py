"""
A disk whose power can be cut.

:class:`PowerCutDisk` has the calls of :class:`hmacfs.disk.Disk` over a tree in
memory, which keeps apart what the system shows and what a power cut would
leave: see :mod:`tests.tree`.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
import sys
from collections.abc import Callable, Generator, Sequence

import attrs
from zope.interface import implementer

from hmacfs.interfaces.disk import Drawn, IDisk
from hmacfs.records import Mark, Status
from tests.tree import File, Folder, Tree, boot_id, nodes


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

    def boot(self) -> str:
        return boot_id(self.tree.boot)

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

    def entries(self, folder: int) -> Generator[tuple[bytes, str]]:
        for name, node in list(self._folder(folder).entries.items()):
            yield name, _status(node).kind

    def create(self, folder: int, name: bytes, mode: int) -> int:
        node = self._change("create", folder, name, lambda: File(self.tree.inode()))
        return self._opened(node)

    def reopen(self, folder: int, name: bytes) -> int:
        return self.open(folder, name)

    def open(self, folder: int, name: bytes) -> int:
        return self._opened(self._entry(folder, name))

    def close(self, descriptor: int) -> None:
        lock = self._open.pop(descriptor).lock
        if lock is not None:
            self._locks.remove(lock)

    def status(self, descriptor: int) -> Status:
        return _status(self._open[descriptor].node)

    def mark(self, place: int, path: bytes = b"") -> Mark:
        node = self._open[place].node
        for name in filter(None, path.split(b"/")):
            if not isinstance(node, Folder):
                raise _error(errno.ENOTDIR)
            if name not in node.entries:
                raise _error(errno.ENOENT)
            node = node.entries[name]
        found = _status(node)
        # Time stands still here, so it cannot tell of changes: they are all to come.
        mode = {"file": stat.S_IFREG, "folder": stat.S_IFDIR}.get(found.kind, stat.S_IFLNK)
        return Mark(found.device, found.inode, found.size, found.modified, 2**62, mode)

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

    def draw(self, source: int, file: int, most: int) -> Drawn:
        try:
            data = os.read(source, most)
        except BlockingIOError:
            return Drawn(0)
        self.write(file, [data])
        return Drawn(len(data), more=bool(data), ended=not data)

    def read(self, file: int, offset: int, size: int) -> bytes:
        return self._file(file).data[offset : offset + size]

    def at_hand(self, file: int, offset: int, size: int) -> bool:
        return self._file(file) is not None

    def truncate(self, file: int, size: int) -> None:
        self.before("truncate")
        node = self._file(file)
        solid = len(node.kept_data) if node.solid is None else node.solid
        node.data, node.solid = node.data[:size], min(solid, size)

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

    # Nobody goes on at the same moment, and the caller is the site of it.
    sync_names = sync

    def lock(self, folder: int, name: bytes, wait: bool) -> int:
        node = self._folder(folder)
        lock = (node.inode, name)
        while lock in self._locks:
            if not wait:
                raise BlockingIOError(errno.EAGAIN, "locked")
            self.before("wait")
        self._locks.add(lock)
        if name not in node.entries:
            # As if it had always been there.
            node.entries[name] = node.kept[name] = File(self.tree.inode(), lock=True)
        return self._opened(node.entries[name], at=0, lock=lock)

    def claim(self, file: int) -> None:
        opened = self._open[file]
        # A lock of the file itself, whatever its name.
        lock = (opened.node.inode, b"")
        if lock in self._locks:
            raise BlockingIOError(errno.EAGAIN, "locked")
        self._locks.add(lock)
        opened.lock = lock

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
        if all(folder is not node for node in nodes(self.tree.root)):
            raise _error(errno.ENOENT)


def _status(node: File | Folder) -> Status:
    if isinstance(node, Folder):
        return Status(1, node.inode, "folder", 0, 0)
    return Status(1, node.inode, "file", len(node.data), 0)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
