"""
What is known of a file: what it says of itself, or the index of it, and when
it goes by the rules of now.

The label tells the expiry that the file was given when it was stored; what
holds is worked out anew each time, since the rules may be others by now.
"""

from __future__ import annotations

import attrs

from hmacfs.interfaces.disk import IDisk
from hmacfs.names import StoredName
from hmacfs.records import FileRecord, Row, Status
from hmacfs.retention import Retention
from hmacfs.store.labels import Label, believed, decode, describe, entity_tag, identity
from hmacfs.uploads import Slot


@attrs.frozen
class Known:
    """
    A file, as it was at one moment.

    :ivar id: what it is called as a version; no two contents have the same.
    :ivar status: what the system says of it.
    :ivar label: its own, ``None`` where it has none that can be believed.
    :ivar etag: as of :class:`~hmacfs.records.FileRecord`.
    :ivar row: how the index lists it.
    """

    id: str
    status: Status
    label: Label | None
    etag: str
    row: Row

    @property
    def record(self) -> FileRecord:
        """What a client is told."""
        row = self.row
        return FileRecord(
            size=row.size,
            content_type=row.content_type,
            stored=row.stored,
            etag=self.etag,
            sha256=row.sha256,
            expires=row.expires,
            owner=row.owner,
        )

    def expired(self, now: float) -> bool:
        """
        :param now: unix seconds.
        """
        return self.row.expires is not None and self.row.expires <= now


class Knowing:
    """
    What there is to know of the files of one store.

    :ivar retention: the rules of now.
    :ivar attributes: whether the file system keeps attributes; where it does
        not, the index is asked instead.
    """

    def __init__(self, disk: IDisk, attributes: bool, retention: Retention) -> None:
        self.attributes = attributes
        self.retention = retention
        self._disk = disk

    def of(
        self, name: StoredName, status: Status, label: Label | None, row: Row | Label | None = None
    ) -> Known:
        """
        :param label: the file's, or ``None``.
        :param row: what is known of it elsewhere, where it has no label.
        """
        if isinstance(row, Row):
            # What was told when it was stored, as a label has it.
            row = attrs.evolve(row, expires=row.own)
        record = describe(name, status, label, row)
        told = believed(status, label) or (row if row and row.size == status.size else None)
        counted = None if told is None else told.counted
        retention = self.retention
        return Known(
            identity(status, label),
            status,
            believed(status, label),
            record.etag,
            Row(
                name=name.text,
                content_type=record.content_type,
                size=record.size,
                stored=record.stored,
                sha256=record.sha256,
                expires=retention.expires(name.text, record.stored, record.expires, counted),
                owner=record.owner,
                own=record.expires,
                counted=counted,
            ),
        )

    def stored(self, slot: Slot, now: float, commit: str) -> tuple[Row, FileRecord]:
        """
        What :meth:`of` gives of a file that is stored this moment.

        :param slot: with a size.
        :param now: unix seconds.
        :param commit: the id of its commit.
        :return: how the index lists it, and what a client is told.
        """
        assert slot.size is not None
        name, kind, owner = slot.name.text, slot.content_type, slot.owner
        expires = self.retention.expires(name, now, slot.expires)
        record = FileRecord(slot.size, kind, now, entity_tag(commit), None, expires, owner)
        row = Row(name, kind, slot.size, now, None, expires, owner, expires)
        return row, record

    def record(self, name: StoredName, file: int, size: int, row: Row | None = None) -> FileRecord:
        """
        The record of what :meth:`opened` gives, at a third of the cost where the
        file tells it itself.

        :param size: bytes of *file*.
        """
        told = decode(self._disk.attribute(file)) if self.attributes else None
        if told is None or told.commit is None or told.stored is None or told.size != size:
            row = None if self.attributes else row
            return self.of(name, self._disk.status(file), told, row).record
        return FileRecord(
            size,
            told.content_type,
            told.stored,
            entity_tag(told.commit),
            told.sha256,
            self.retention.expires(name.text, told.stored, told.expires, told.counted),
            told.owner,
        )

    def opened(self, name: StoredName, file: int, row: Row | None = None) -> Known:
        """
        :param file: a file that was opened.
        :param row: of the index; only asked where there are no attributes.
        """
        label = decode(self._disk.attribute(file)) if self.attributes else None
        row = None if self.attributes else row
        return self.of(name, self._disk.status(file), label, row)

    def look(self, name: StoredName, folder: int, entry: bytes, row: Row | None = None) -> Known:
        """
        :param entry: of *folder*, where the file *name* is, or was once.
        :raise FileNotFoundError: nothing is there.
        """
        file = self._disk.open(folder, entry)
        try:
            return self.opened(name, file, row)
        finally:
            self._disk.close(file)
