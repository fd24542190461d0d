"""
What a file and a part say of themselves.

The label is the extended attribute ``user.hmacfs``, one JSON object.  A part
bears it from its first byte: which file it is to become, until when it is
kept, and all else that its upload's record is made of, so that it can be gone
on with whatever else is lost.  Its commit adds the rest, before the part is
synced, and so the file has it from the moment it has its name, and keeps it
through a rename, a link and ``rsync -X``.

An attribute is the operator's to set as well, and another program's: whatever
cannot be read as a label counts as none, and the file as another server's,
with the type of its extension and the age of its bytes.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from json.encoder import encode_basestring
from operator import attrgetter
from typing import Any

import attrs

from hmacfs.media import guess
from hmacfs.names import StoredName
from hmacfs.records import MAXIMUM, FileRecord, Row, Status
from hmacfs.uploads import Slot, UploadRecord
from hmacfs.uploads import decode as decode_record

_COMMITTING = 450
"""Bytes that later requests and a commit add at most: ids, a time and digests."""

_SHORT = 900
"""Bytes of a label without its long texts, and of what a commit adds, at most."""


@attrs.frozen
class Label:
    """
    :ivar content_type: the media type.
    :ivar size: bytes: as promised, of a part, where they are known; as they
        are, of a file.
    :ivar expires: unix seconds from which on the file is not served, or ``None``.
    :ivar owner: who uploads, or ``None``.
    :ivar until: unix seconds from which on the part is dropped if it was not
        committed.
    :ivar name: the file's :attr:`~hmacfs.names.StoredName.text`; ``None``
        where it, or *metadata*, is too long to stand here, and both stand
        beside the part.
    :ivar commit: the commit's id, which no two files have; ``None`` of a part
        whose commit has not begun.
    :ivar stored: when it was committed, unix seconds.
    :ivar sha256: the hexadecimal digest, where it is known.
    :ivar boot: the boot of the machine that the bytes of the part are from,
        but for the synced ones.
    :ivar synced: how many bytes of the part would survive a power cut;
        ``None`` where not even the part would.
    :ivar trusted: how many bytes of the part count, where those behind them
        still have to be held against a digest; ``None`` where all do.
    :ivar counted: unix seconds from which the term of the file counts, where
        that is not *stored*: it came back out of the trash then.

    The others are those of the :class:`~hmacfs.uploads.UploadRecord`, of a part
    that was begun with one; *promised* and *promised512* are its
    digests, and *overwrite* ``None`` for ``False``.
    """

    content_type: str
    size: int | None
    expires: int | None = None
    owner: str | None = None
    until: int | None = None
    name: str | None = None
    commit: str | None = None
    stored: float | None = None
    sha256: str | None = None
    front: str | None = None
    dialect: str | None = None
    created: float | None = None
    overwrite: bool | None = None
    metadata: str | None = None
    signed_type: str | None = None
    promised: str | None = None
    promised512: str | None = None
    boot: str | None = None
    synced: int | None = None
    trusted: int | None = None
    counted: float | None = None


_KEYS = {"type": "content_type"} | {
    field.name: field.name for field in attrs.fields(Label) if field.name != "content_type"
}
_values = attrgetter(*_KEYS.values())
# Made once: json.dumps would make one for each label.
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NUMBERS: dict[str, tuple[type, ...]] = {
    "size": (int,),
    "expires": (int,),
    "until": (int,),
    "stored": (int, float),
    "created": (int, float),
    "synced": (int,),
    "trusted": (int,),
    "counted": (int, float),
}
# A commit's id becomes the name of a version, and nothing else ever should.
_GRAMMAR = {"commit": re.compile(r"[0-9A-Za-z_-]{1,64}"), "sha256": re.compile(r"[0-9a-f]{64}")}


def begun(slot: Slot, record: UploadRecord | None, until: int, boot: str) -> Label:
    """
    :param until: where no record says it.
    :param boot: this one.
    :return: the label of a part without a byte.
    """
    if record is None:
        return Label(
            content_type=slot.content_type,
            size=slot.size,
            expires=slot.expires,
            owner=slot.owner,
            until=until,
            name=slot.name.text,
            boot=boot,
        )
    return Label(
        content_type=slot.content_type,
        size=slot.size,
        expires=slot.expires,
        owner=slot.owner,
        until=record.until,
        name=slot.name.text,
        front=record.front,
        dialect=record.dialect,
        created=record.created,
        overwrite=slot.overwrite or None,
        metadata=record.metadata or None,
        signed_type=record.signed_type or None,
        promised=record.sha256,
        promised512=record.sha512,
        boot=boot,
    )


def recorded(id: str, label: Label) -> UploadRecord | None:
    """
    :param id: of a part.
    :param label: its whole label.
    :return: the record of its upload; ``None`` where it was begun without one,
        or somebody has changed the label since.
    """
    return decode_record(
        {
            "id": id,
            "name": label.name,
            "length": label.size,
            "content_type": label.content_type,
            "front": label.front,
            "dialect": label.dialect,
            "state": "open",
            "created": label.created,
            "until": label.until,
            "overwrite": label.overwrite is not None,
            "expires": label.expires,
            "owner": label.owner,
            "metadata": label.metadata or "",
            "signed_type": label.signed_type or "",
            "sha256": label.promised,
            "sha512": label.promised512,
        }
    )


def abridged(label: Label) -> Label:
    """
    :return: *label* without what is long and never changes, for an attribute
        that has no room for it.
    """
    return attrs.evolve(label, name=None, metadata=None)


def completed(label: Label, aside: Label) -> Label:
    """
    :param aside: the label that was written beside the part.
    :return: *label* with what :func:`abridged` left out.
    """
    return attrs.evolve(label, name=aside.name, metadata=aside.metadata)


def encode(label: Label) -> bytes:
    """
    :return: the attribute; what is ``None`` does not stand in it.
    """
    values = zip(_KEYS, _values(label), strict=True)
    return _dumps({key: value for key, value in values if value is not None}).encode()


def whole(row: Row, commit: str) -> Label:
    """
    :param row: how the index is to list a file that is stored this moment.
    :param commit: the id of its commit.
    :return: its label.
    """
    return Label(
        row.content_type,
        row.size,
        expires=row.own,
        owner=row.owner,
        name=row.name,
        commit=commit,
        stored=row.stored,
    )


def encode_whole(row: Row, commit: str) -> bytes:
    """
    :return: what :func:`encode` gives of the label of :func:`whole`, for a
        fifth of the time.
    """
    said = f'{{"type":{encode_basestring(row.content_type)},"size":{row.size}'
    if row.own is not None:
        said += f',"expires":{row.own}'
    if row.owner is not None:
        said += f',"owner":{encode_basestring(row.owner)}'
    name = encode_basestring(row.name)
    return f'{said},"name":{name},"commit":"{commit}","stored":{row.stored}}}'.encode()


def has_room(value: bytes) -> bool:
    """
    :return: whether the attribute takes *value*, and what a commit will add.
    """
    return len(value) + _COMMITTING <= MAXIMUM


def fits(label: Label) -> bool:
    """
    :return: whether the attribute has room for *label*, and for what a commit
        will add.
    """
    # JSON spells no character in more than six bytes; the others are short.
    long = (label.content_type, label.name, label.metadata, label.owner, label.signed_type)
    if _SHORT + 6 * len("".join(filter(None, long))) <= MAXIMUM:
        return True
    return has_room(encode(label))


def decode(value: bytes | None) -> Label | None:
    """
    :param value: an attribute, of whoever set it.
    :return: ``None`` unless it is a label.
    """
    if value is None:
        return None
    try:
        told = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    fields: dict[str, Any] = {"size": None}
    for key, value in told.items():
        # What is not there, or of another release, costs nothing.
        field = _KEYS.get(key)
        if field is None or value is None:
            continue
        if not _sound(field, value):
            return None
        fields[field] = value
    return Label(**fields) if "content_type" in fields else None


def _sound(field: str, value: Any) -> bool:
    if field in _NUMBERS:
        # Within what SQLite counts to; and no NaN, which is never less.
        right = isinstance(value, _NUMBERS[field]) and not isinstance(value, bool)
        return right and -(2**53) < value < 2**53
    if field == "overwrite":
        return value is True
    if not isinstance(value, str):
        return False
    if field in _GRAMMAR:
        return _GRAMMAR[field].fullmatch(value) is not None
    # JSON can spell half a surrogate pair, which is no text.
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def believed(status: Status, label: Label | None) -> Label | None:
    """
    :return: *label*, where it is that of a file, and of this one.  One with
        another size is not: the file was changed since, by somebody who does
        not know of labels.
    """
    if label is None or label.commit is None or label.stored is None or label.size != status.size:
        return None
    return label


def identity(status: Status, label: Label | None) -> str:
    """
    What no two contents have: the id of the commit, or where there is none of
    what the system says.  Ids sort by time, so they name the versions as well.

    :param label: the file's, if it has one.
    """
    label = believed(status, label)
    if label is not None and label.commit is not None:
        return label.commit
    seen = f"{status.inode} {status.size} {status.modified}"
    return commit_id(status.modified // 1000, sha256(seen.encode()).hexdigest())


def commit_id(microseconds: int, salt: str) -> str:
    """
    :param microseconds: unix time.
    :param salt: at least 16 characters that nobody else has.
    """
    return f"{max(microseconds, 0):014x}-{salt[:16]}"


def entity_tag(identity: str) -> str:
    """
    :param identity: as of :func:`identity`.
    :return: the ``ETag`` of a file.
    """
    return sha256(identity.encode()).hexdigest()[:32]


def describe(
    name: StoredName, status: Status, label: Label | None, row: Row | Label | None = None
) -> FileRecord:
    """
    :param label: the file's, or ``None``.
    :param row: what the index knows of it, where the file system keeps no
        attributes.
    :return: what there is to say of the file *name*.
    """
    etag = entity_tag(identity(status, label))
    known = believed(status, label) or row
    if known is None or known.stored is None or known.size != status.size:
        return FileRecord(status.size, guess(name.text), status.modified / 1e9, etag)
    return FileRecord(
        size=status.size,
        content_type=known.content_type,
        stored=known.stored,
        etag=etag,
        sha256=known.sha256,
        expires=known.expires,
        owner=known.owner,
    )
