"""
Uploads that are no files yet.

A part is a file in the private area, named by 128 random bits, as long as what
has come of it.  Its label says what it is to become; where the label has no
room in the attribute, since names may have 4,096 bytes and ext4 keeps about
4,000 of attributes, or where the file system keeps none, it stands beside the
part, in ``<id>.label``.  ``<id>.new`` is a second name of a part that is about
to replace a file.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from secrets import token_hex

import attrs

from hmacfs.disk import MOST_PIECES
from hmacfs.interfaces import IDisk
from hmacfs.store.labels import Label, decode, encode, fits
from hmacfs.store.troubles import MISSING

FILE_MODE = 0o640
"""Of the part, and so of the file: see :data:`hmacfs.store.folders.FOLDER_MODE`."""

ID = re.compile(rb"([0-9a-f]{32})(\.label|\.new)?")
"""What is surely ours among the parts; the first group is the part's id."""

_LONGEST_LABEL = 65536


@attrs.frozen
class Part:
    """
    A part that is being written.

    :ivar id: its name.
    :ivar file: its descriptor.
    :ivar label: as it was begun.
    :ivar beside: whether the label, or its name, stands beside the part.
    """

    id: bytes
    file: int
    label: Label
    beside: bool


def write_all(disk: IDisk, file: int, pieces: Iterable[bytes]) -> None:
    """
    Write *pieces*, in order, whatever the system takes at a time.

    :raise OSError: what fitted is written.
    """
    waiting = deque(memoryview(piece) for piece in pieces if piece)
    while waiting:
        written = disk.write(file, list(islice(waiting, MOST_PIECES)))
        while written:
            piece = waiting.popleft()
            if written < len(piece):
                waiting.appendleft(piece[written:])
            written -= min(written, len(piece))


class Parts:
    """
    The folder of the parts.

    :ivar folder: its descriptor.
    :ivar attributes: whether the file system keeps attributes.
    """

    def __init__(self, disk: IDisk, folder: int, attributes: bool) -> None:
        self.folder = folder
        self.attributes = attributes
        self._disk = disk

    def create(self, label: Label) -> Part:
        """
        Begin a part.

        :param label: with its name.
        """
        id = token_hex(16).encode()
        file = self._disk.create(self.folder, id, FILE_MODE)
        part = Part(id, file, label, beside=not self.attributes or not fits(label))
        try:
            if part.beside:
                self._write_beside(part)
            self.relabel(part, label)
        except BaseException:
            self._disk.close(file)
            self.drop(id)
            raise
        return part

    def relabel(self, part: Part, label: Label) -> None:
        """
        Let *part* say *label* of itself.  What stands beside it stays as it was.
        """
        if self.attributes:
            kept = attrs.evolve(label, name=None) if part.beside else label
            self._disk.set_attribute(part.file, encode(kept))

    def settle(self, part: Part) -> None:
        """
        Make sure that a start behind a power cut finds *part* and what stands
        beside it; its bytes and its attribute are the caller's to sync.
        """
        if part.beside:
            beside = self._disk.open(self.folder, part.id + b".label")
            try:
                self._disk.sync(beside)
            finally:
                self._disk.close(beside)
        self._disk.sync(self.folder)

    def label(self, id: bytes, file: int) -> Label | None:
        """
        :param file: the part *id*, opened.
        :return: what it says of itself, its name included where that can be told.
        """
        label = decode(self._disk.attribute(file)) if self.attributes else None
        if label is not None and label.name is not None:
            return label
        try:
            beside = self._disk.open(self.folder, id + b".label")
        except OSError as error:
            if error.errno not in MISSING:
                raise
            return label
        try:
            told = decode(self._disk.read(beside, 0, _LONGEST_LABEL))
        finally:
            self._disk.close(beside)
        return told if label is None or told is None else attrs.evolve(label, name=told.name)

    def drop(self, id: bytes) -> None:
        """
        Remove a part, if it is there, with all that belongs to it.  Where it
        has become a file that loses nothing by it.
        """
        for name in (id, id + b".new", id + b".label"):
            with suppress(FileNotFoundError):
                self._disk.unlink(self.folder, name)

    def _write_beside(self, part: Part) -> None:
        beside = self._disk.create(self.folder, part.id + b".label", FILE_MODE)
        try:
            write_all(self._disk, beside, [encode(part.label)])
        finally:
            self._disk.close(beside)
