"""
A store on this machine's disk, with faults on demand.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from twisted.internet.task import Clock

from hmacfs.disk import Disk
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from tests.contracts import ROOM, WithStore
from tests.inline import Inline


class FaultyDisk(Disk):
    """
    This machine's disk, with faults of its own.

    :ivar room: bytes that it says are free.
    :ivar troubles: raised by the next call of a name.
    :ivar lasting: raised by each call of a name.
    :ivar at_once: bytes that it writes in one call at most.
    :ivar kind: the file system that it says it is.
    """

    def __init__(self, kind: str = "ext4", attributes: bool = True) -> None:
        super().__init__()
        self.room = ROOM
        self.kind = kind
        self.troubles: dict[str, int] = {}
        self.lasting: dict[str, int] = {}
        self.at_once = 2**20
        self._attributes = attributes

    def system(self, folder: int) -> str:
        return self.kind

    def free(self, folder: int) -> int:
        return self.room

    def write(self, file: int, pieces: Sequence[bytes | memoryview]) -> int:
        self._trouble("write")
        return super().write(file, [memoryview(b"".join(pieces))[: self.at_once]])

    def create(self, folder: int, name: bytes, mode: int) -> int:
        self._trouble("create")
        return super().create(folder, name, mode)

    def sync(self, descriptor: int) -> None:
        self._trouble("sync")
        super().sync(descriptor)

    def link(self, folder: int, name: bytes, to: int, new: bytes) -> None:
        self._trouble("link")
        super().link(folder, name, to, new)

    def attribute(self, file: int) -> bytes | None:
        self._check_attributes()
        return super().attribute(file)

    def set_attribute(self, file: int, value: bytes) -> None:
        self._trouble("set_attribute")
        self._check_attributes()
        super().set_attribute(file, value)

    def _trouble(self, call: str) -> None:
        number = self.troubles.pop(call, self.lasting.get(call))
        if number is not None:
            raise OSError(number, os.strerror(number))

    def _check_attributes(self) -> None:
        if not self._attributes:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


class OnDisk(WithStore):
    """
    A store in a folder of its own.

    :ivar path: of the folder.
    """

    attributes = True

    def make_store(self, clock: Clock) -> FilesystemStore:
        self.path = Path(self.mktemp()).absolute()
        # By descriptors: trial itself cannot remove a path that is so long.
        self.addCleanup(shutil.rmtree, self.path)
        self.disk = FaultyDisk(attributes=self.attributes)
        self.index = MemoryIndex()
        return self.another_store()

    def another_store(self, **policy: object) -> FilesystemStore:
        """
        :return: another store in the same folder.
        """
        return FilesystemStore(
            self.disk, str(self.path), self.index, self.clock, Inline(), Policy(**policy)
        )

    def below(self, *path: str) -> set[str]:
        """
        :return: what is in a folder of the store.
        """
        folder = self.path.joinpath(*path)
        return {each.name for each in folder.iterdir()} if folder.exists() else set()

    def parts(self) -> set[str]:
        return self.below(".hmacfs", "parts")
