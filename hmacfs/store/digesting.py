"""
The digests of what is stored, computed where somebody wants them.

Reading a file again costs as much as its download did, so the digest is then
kept in the file's label; unless the file, meanwhile, is another one.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress

import attrs

from hmacfs.interfaces.disk import IDisk
from hmacfs.names import StoredName
from hmacfs.records import Status
from hmacfs.store.folders import Folders
from hmacfs.store.labels import believed, decode, encode
from hmacfs.store.locks import Locks
from hmacfs.store.parts import Parts

PIECE = 2**20
"""Bytes that are read at a time."""


class Digesting:
    """
    What digests the files and parts of one store.  It blocks: never on the
    reactor's thread.
    """

    def __init__(self, disk: IDisk, parts: Parts, files: Folders, locks: Locks) -> None:
        self._disk = disk
        self._parts = parts
        self._files = files
        self._locks = locks

    def digest(self, file: int, algorithm: str, start: int = 0) -> bytes:
        """
        :param file: an open file.
        :param algorithm: as :func:`hashlib.new` knows it.
        :param start: of the bytes that count.
        """
        # tus has SHA-1, against accidents.
        found = hashlib.new(algorithm, usedforsecurity=False)
        offset = start
        while piece := self._disk.read(file, offset, PIECE):
            found.update(piece)
            offset += len(piece)
        return found.digest()

    def digest_file(self, name: StoredName, file: int) -> str:
        """
        Compute a file's SHA-256, and keep it with the file if that is still
        what has the name.

        :param file: the file *name*, opened.
        :return: in hexadecimal digits.
        """
        before = self._disk.status(file)
        sha256 = self.digest(file, "sha256").hex()
        # Not synced: whatever a power cut takes away can be computed again.
        if self._parts.attributes and self._disk.status(file) == before:
            with self._locks.held(name):
                self._note(name, before, file, sha256)
        return sha256

    def _note(self, name: StoredName, before: Status, file: int, sha256: str) -> None:
        """
        What has no label of ours gets none: it would be another file by it.
        """
        label = believed(before, decode(self._disk.attribute(file)))
        if label is None:
            return
        with suppress(FileNotFoundError), self._files.holding(name) as folder:
            if self._disk.look(folder, name.segments[-1]).same(before):
                self._disk.set_attribute(file, encode(attrs.evolve(label, sha256=sha256)))
