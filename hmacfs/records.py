"""
What the store knows of a file, and how a file carries it.

The store describes itself: every file bears the extended attribute
``user.hmacfs``, so that type, digest and expiry go with a rename, a link and
``rsync -X``.  A file of another server has none; its record is then made of
what ``fstat`` says.

The attribute is one JSON object with short keys, at most
:data:`MAXIMUM` bytes, since ext4 keeps about 4 KB of attributes a file.  What
cannot be read as a record counts as absent: an attribute is the operator's to
set as well, and a wrong one must not take a file away.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, NamedTuple

import attrs

ATTRIBUTE = b"user.hmacfs"
MAXIMUM = 3000


@attrs.frozen
class FileRecord:
    """
    One stored file, as it was at one moment.

    :ivar size: bytes.
    :ivar content_type: the media type as it was signed or declared; where
        nobody said one, what the extension of the name suggests.
    :ivar stored: when its bytes were acknowledged, unix seconds.
    :ivar etag: the strong entity tag without its quotes, a hash of the
        commit id, or of inode, size and mtime where there is none.
    :ivar sha256: the lower-case hexadecimal digest, or ``None`` where nobody
        wanted it yet.
    :ivar expires: unix seconds from which on it is not served, or ``None``.
    :ivar owner: who uploaded it (the ``sub`` of a JWT), or ``None``.
    """

    size: int
    content_type: str
    stored: float
    etag: str
    sha256: str | None = None
    expires: int | None = None
    owner: str | None = None


class Mark(NamedTuple):
    """
    What no change of a file leaves as it was.

    :ivar size: bytes.
    :ivar modified: when its bytes were written last, nanoseconds.
    :ivar changed: when they, its names or its attributes were, nanoseconds.
    :ivar mode: what it is, and who may do what with it: ``st_mode``.
    """

    device: int
    inode: int
    size: int
    modified: int
    changed: int
    mode: int


@attrs.frozen
class Row:
    """
    One file as the index lists it.

    :ivar name: its :attr:`hmacfs.names.StoredName.text`.
    :ivar expires: unix seconds from which on it is not served, by all that
        applies; ``None``: never.
    :ivar own: the expiry that it was given when it was stored, whatever the
        settings say now, or ``None``.
    :ivar counted: unix seconds from which its term counts where that is not
        :attr:`stored`: it came back out of the trash then.

    The others are those of :class:`FileRecord`.
    """

    name: str
    content_type: str
    size: int
    stored: float
    sha256: str | None = None
    expires: int | None = None
    owner: str | None = None
    own: int | None = None
    counted: float | None = None

    def __reduce__(self) -> tuple[type[Row], tuple[Any, ...]]:
        # Each goes from worker to supervisor: attrs takes five times longer.
        return Row, _columns(self)


_columns = attrgetter(*(field.name for field in attrs.fields(Row)))


@attrs.frozen
class Tally:
    """
    :ivar count: how many there are.
    :ivar size: their bytes.
    """

    count: int = 0
    size: int = 0


@attrs.frozen
class Totals:
    """
    How much the index lists, of each kind.
    """

    files: Tally = Tally()
    versions: Tally = Tally()
    trash: Tally = Tally()


@attrs.frozen
class Version:
    """
    What a file was before.

    :ivar id: sorts by time, and matches ``[0-9A-Za-z_-]+``.
    """

    id: str
    record: FileRecord


@attrs.frozen
class Due:
    """
    A file or a version that has to go.

    :ivar name: the :attr:`~hmacfs.names.StoredName.text` of its file.
    :ivar version: its id, ``""`` of the file itself.
    :ivar why: ``"expired"``, or ``"over the bound"`` of a version.
    :ivar size: bytes, to be told; it is no part of what is meant.
    """

    name: str
    version: str
    why: str
    size: int = attrs.field(default=0, eq=False)


@attrs.frozen
class Removed:
    """
    Something that went.

    :ivar name: as of :class:`Due`.
    :ivar version: as of :class:`Due`.
    :ivar size: bytes.
    :ivar kind: ``"file"``, ``"version"``, ``"trash"`` or ``"part"``.
    """

    name: str
    version: str
    size: int
    kind: str


@attrs.frozen
class Trashed:
    """
    Something that rests in the trash.

    :ivar batch: the id of the sweep that took it away; sorts by time.
    :ivar name: as of :class:`Due`.
    :ivar version: as of :class:`Due`.
    :ivar size: bytes.
    :ivar removed: when it came there, unix seconds.
    """

    batch: str
    name: str
    version: str
    size: int
    removed: float


@attrs.frozen
class Went:
    """
    How much of one kind a duty took away.

    :ivar kind: as of :class:`Removed`, or ``"record"`` of an upload,
        ``"tombstone"``, ``"row"`` of the index, or ``"folder"``.
    :ivar why: ``"expired"``, ``"over the bound"``, ``"stray"`` or ``"empty"``.
    :ivar count: how many went.
    :ivar size: their bytes, as far as they have any.
    """

    kind: str
    why: str
    count: int
    size: int


@attrs.frozen
class Disagreement:
    """
    Where the tree, the attributes and the index do not tell the same.

    :ivar kind: ``"no row"`` of a file that the index does not list, ``"no
        file"`` of a row, ``"other row"`` where they differ, ``"buried"`` of a
        file that was deleted and is there, ``"foreign label"`` of a file that
        somebody changed without its label, ``"no name"`` of what cannot be
        served, ``"empty folder"``, ``"unreadable"`` or ``"wrong sum"``.
    :ivar side: ``"file"``, ``"version"``, ``"trash"`` or ``"owner"``.
    :ivar name: of the file, or a path where that is no name, or an owner.
    :ivar version: its id, of a version.
    :ivar batch: of the trash.
    :ivar text: a sentence.
    """

    kind: str
    side: str
    name: str
    version: str
    batch: str
    text: str


@attrs.frozen
class Checked:
    """
    A slice of what there is, held against itself.

    :ivar cursor: where to go on, for a later process as well; ``None`` at the
        end.
    :ivar looked: how many files, rows and folders were looked at.
    :ivar found: what does not agree.
    """

    cursor: tuple[str, ...] | None
    looked: int
    found: tuple[Disagreement, ...] = ()


@attrs.frozen
class Status:
    """
    What the system says of a file or a folder.

    :ivar device: the file system it is on.
    :ivar inode: what it is there, whatever its name.
    :ivar kind: ``"file"``, ``"folder"`` or ``"other"``: a link, a pipe, a socket.
    :ivar size: bytes.
    :ivar modified: when its bytes were last changed, in nanoseconds of unix time.
    """

    device: int
    inode: int
    kind: str
    size: int
    modified: int

    def same(self, other: Status) -> bool:
        """Whether both are one file, under two names maybe."""
        return (self.device, self.inode) == (other.device, other.inode)


@attrs.frozen
class Sharing:
    """
    How this node and Redis stand.

    :ivar state: that of the breaker, ``"local"``, ``"rejoining"`` or
        ``"redis"``; see :mod:`hmacfs.metadata.breaker`.
    :ivar behind: how many changes of records Redis has not been told yet.
    """

    state: str
    behind: int

    @property
    def up(self) -> bool:
        """Whether Redis answers."""
        return self.state != "local"


@attrs.frozen
class Figures:
    """
    What a store holds.

    :ivar files: how many files are served.
    :ivar size: their bytes, as the index counts them.
    :ivar free: bytes that an upload could still take: what the file system
        has free, minus ``MinFreeSpace``, minus what uploads under way were
        promised and have not written; never negative.
    """

    files: int
    size: int
    free: int
