"""
Uploads that are no files yet.

A part is a file in the private area, named by the id of its upload, as long as
what has come of it.  Its label says what it is to become; where the label has
no room in the attribute, since names may have 4,096 bytes and ext4 keeps about
4,000 of attributes, or where the file system keeps none, it stands beside the
part, in ``<id>.label``.  ``<id>.next`` is a label about to replace that one, and
``<id>.new`` a second name of a part that is about to replace a file.

Who writes to a part holds the lock of its file, until he closes it.

What a power cut leaves of bytes that were not synced may be anything, zeros
say.  So the label tells how many were, and in which boot of the machine the
others were written: in that same boot they are there, whatever became of the
daemon, and in any other the part is cut.  One of which nothing was synced may
be there behind a power cut as well, or not, or without its label: it goes.

Bytes that came with a digest count for nothing until they were held against
it.  While they come, the label tells how many were there before: whoever finds
it so, since the daemon died meanwhile, cuts the others off.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from secrets import token_hex

import attrs

from hmacfs.disk import MOST_PIECES
from hmacfs.errors import NotFound
from hmacfs.interfaces.disk import IDisk
from hmacfs.store.labels import Label, abridged, completed, decode, encode, fits
from hmacfs.store.troubles import MISSING

FILE_MODE = 0o640
"""Of the part, and so of the file: see :data:`hmacfs.store.folders.FOLDER_MODE`."""

ID = re.compile(rb"([0-9a-f]{32})(\.label|\.next|\.new)?")
"""What is surely ours among the parts; the first group is the part's id."""

_LONGEST_LABEL = 65536


@attrs.frozen
class Part:
    """
    A part that is being written.

    :ivar id: its name.
    :ivar file: its descriptor; -1 of one that is still to be made.
    :ivar label: what it says of itself.
    :ivar beside: whether the label, or what is long of it, stands beside it.
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


def missing() -> NotFound:
    """
    :return: the refusal to go on with what is not there.
    """
    return NotFound("There is no such upload.")


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

    def create(self, label: Label, id: bytes | None = None) -> Part:
        """
        Begin a part.

        :param label: the whole of it.
        :param id: one that was never used, or ``None`` for any.
        """
        return self.make(self.planned(label, id))

    def planned(self, label: Label, id: bytes | None = None) -> Part:
        """
        :return: a part for :meth:`make`; the parameters are those of :meth:`create`.
        """
        return Part(id or token_hex(16).encode(), -1, label, beside=False)

    def make(self, planned: Part) -> Part:
        """
        Make the part that was planned.

        :return: the part as it is then.
        """
        id, label = planned.id, planned.label
        file = self._disk.create(self.folder, id, FILE_MODE)
        part = Part(id, file, label, not self.attributes or not fits(label))
        try:
            self._disk.claim(file)
            if part.beside:
                self._write_beside(id + b".label", label)
            self.relabel(part, label)
        except BaseException:
            self._disk.close(file)
            self.drop(id)
            raise
        return part

    def make_whole(self, id: bytes, label: bytes, content: bytes) -> int:
        """
        Make a part that is all that it will be.

        :param id: one that was never used.
        :param label: the attribute, with all that there is to say.
        :return: its descriptor.
        :raise OSError: nothing is left of it.
        """
        file = self._disk.create(self.folder, id, FILE_MODE)
        try:
            self._disk.claim(file)
            self._disk.set_attribute(file, label)
            written = self._disk.write(file, (content,))
            if written < len(content):
                write_all(self._disk, file, [content[written:]])
        except BaseException:
            self._disk.close(file)
            self.drop(id, bare=True)
            raise
        return file

    def reopen(self, id: bytes) -> Part:
        """
        Take a part that nobody writes to, with as much of it as is trusted.

        :raise NotFound: it is not there, or nobody knows what it was to become.
        :raise BlockingIOError: somebody writes to it.
        """
        try:
            file = self._disk.reopen(self.folder, id)
        except FileNotFoundError:
            raise missing() from None
        try:
            self._disk.claim(file)
            label, beside = self._label(id, file)
            if label is None or not self._has(id, file):
                raise missing()
            part = Part(id, file, label, beside)
            if label.trusted is not None:
                self.cut(file, label.trusted)
                part = self.tell(part, attrs.evolve(label, trusted=None))
        except BaseException:
            self._disk.close(file)
            raise
        return part

    @contextmanager
    def reopened(self, id: bytes) -> Iterator[Part]:
        """
        Have a part for a moment; as :meth:`reopen`.
        """
        part = self.reopen(id)
        try:
            yield part
        finally:
            self._disk.close(part.file)

    def cut(self, file: int, size: int) -> None:
        """
        Leave *size* bytes of a part, at most.
        """
        if self._disk.status(file).size > size:
            self._disk.truncate(file, size)

    def names(self) -> list[bytes]:
        """
        :return: what is in the folder.
        """
        return self._disk.names(self.folder)

    def size(self, id: bytes) -> int:
        """
        :return: how many bytes a part has.
        :raise NotFound: it is not there.
        """
        try:
            return self._disk.look(self.folder, id).size
        except FileNotFoundError:
            raise missing() from None

    def relabel(self, part: Part, label: Label) -> None:
        """
        Let the attribute of *part* say *label*.  What stands beside it stays
        as it was.
        """
        if self.attributes:
            kept = abridged(label) if part.beside else label
            self._disk.set_attribute(part.file, encode(kept))

    def tell(self, part: Part, label: Label) -> Part:
        """
        Let *part* say *label* of itself, where there are no attributes as well.
        What a power cut leaves says that, or what it said before.

        :return: the part as it is then.
        """
        if self.attributes:
            self.relabel(part, label)
        else:
            self._replace_beside(part, label)
        return attrs.evolve(part, label=label)

    def keep(self, part: Part, label: Label) -> Part:
        """
        Make *part*, as it is, survive a power cut, and only then let it say so
        by *label*.

        :return: the part as it is then.
        """
        self._disk.sync(part.file)
        part = self.tell(part, label)
        if self.attributes:
            self._disk.sync(part.file)
        self.settle(part)
        return part

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
        return self._label(id, file)[0]

    def drop(self, id: bytes, bare: bool = False) -> None:
        """
        Remove a part, if it is there, with all that belongs to it.  Where it
        has become a file that loses nothing by it.

        :param bare: whether surely nothing does belong to it.
        """
        for name in (id,) if bare else (id, id + b".new", id + b".label", id + b".next"):
            try:
                self._disk.unlink(self.folder, name)
            except FileNotFoundError:
                continue

    def _label(self, id: bytes, file: int) -> tuple[Label | None, bool]:
        """
        :return: the label, and whether any of it stands beside the part.
        """
        label = decode(self._disk.attribute(file)) if self.attributes else None
        if label is not None and label.name is not None:
            return label, False
        try:
            beside = self._disk.open(self.folder, id + b".label")
        except OSError as error:
            if error.errno not in MISSING:
                raise
            return label, False
        try:
            told = decode(self._disk.read(beside, 0, _LONGEST_LABEL))
        finally:
            self._disk.close(beside)
        return (told if label is None or told is None else completed(label, told)), True

    def _has(self, id: bytes, file: int) -> bool:
        """
        :return: whether *file* is the part *id* still: it may have been
            dropped between its opening and its lock.
        """
        try:
            return self._disk.look(self.folder, id).same(self._disk.status(file))
        except FileNotFoundError:
            return False

    def _write_beside(self, name: bytes, label: Label, sync: bool = False) -> None:
        beside = self._disk.create(self.folder, name, FILE_MODE)
        try:
            write_all(self._disk, beside, [encode(label)])
            if sync:
                self._disk.sync(beside)
        finally:
            self._disk.close(beside)

    def _replace_beside(self, part: Part, label: Label) -> None:
        following = part.id + b".next"
        with suppress(FileNotFoundError):
            self._disk.unlink(self.folder, following)
        # Synced before it has the name: there is the old one or this one, whole.
        self._write_beside(following, label, sync=True)
        self._disk.rename(self.folder, following, self.folder, part.id + b".label")
