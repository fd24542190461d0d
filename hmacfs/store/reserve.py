"""
Room that is kept back for what makes room.

On a disk that is full nothing could be removed: what goes is written down
first, and that takes room as well.  So there is a file of no use, and where
the index has no room for a removal, it goes.  It is there again when others
have made room.
"""

from __future__ import annotations

from contextlib import suppress
from secrets import token_bytes

from twisted.logger import Logger

from hmacfs.interfaces.disk import IDisk
from hmacfs.store.parts import write_all

NAME = b"index.sqlite.reserve"

SIZE = 2**20
"""Bytes: some fifty removals, or as many slices of a sweep, written down."""


class Reserve:
    """
    That file.  It blocks, and is for one thread.

    :ivar wanted: whether it is to be held as soon as there is room.
    """

    log = Logger()

    def __init__(self, disk: IDisk, folder: str) -> None:
        """
        :param folder: the path of where it is to be.
        """
        self.wanted = True
        self._disk = disk
        self._folder = folder

    def hold(self) -> None:
        """
        Have it, where there is room for it and as much for others.
        """
        try:
            folder = self._disk.root(self._folder)
            try:
                self.wanted = not (self._there(folder) or self._made(folder))
            finally:
                self._disk.close(folder)
        except OSError:
            self.wanted = False
            self.log.failure("no room is kept back for removals")

    def let_go(self) -> bool:
        """
        Give its room away.

        :return: whether there was any.
        """
        self.wanted = True
        folder = self._disk.root(self._folder)
        try:
            self._disk.unlink(folder, NAME)
        except FileNotFoundError:
            return False
        finally:
            self._disk.close(folder)
        return True

    def _there(self, folder: int) -> bool:
        with suppress(FileNotFoundError):
            if self._disk.look(folder, NAME).size == SIZE:
                return True
            # Somebody was ended while he made it.
            self._disk.unlink(folder, NAME)
        return False

    def _made(self, folder: int) -> bool:
        if self._disk.free(folder) < 2 * SIZE:
            return False
        file = self._disk.create(folder, NAME, 0o600)
        try:
            # What can be compressed would keep back less.
            write_all(self._disk, file, [token_bytes(SIZE)])
            self._disk.sync(file)
        except BaseException:
            self._disk.unlink(folder, NAME)
            raise
        finally:
            self._disk.close(file)
        return True
