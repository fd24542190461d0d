"""
The upload: what was promised, what is remembered, which step may follow which.

Pure: the part on the disk is the store's affair, and its size is the offset.
No record holds an offset, so that none can be wrong about it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from hmacfs.digests import ALGORITHMS, Digest
from hmacfs.errors import Completed, Gone, NotFound, Refusal, WrongDigest
from hmacfs.names import StoredName, recall
from hmacfs.values import frozen

LONGEST_TYPE = 255
"""Bytes of a media type (Metronome's bound, and what a record has room for)."""

LONGEST_METADATA = 2048
"""Bytes of an ``Upload-Metadata``: ext4 keeps about 4 KB of attributes a part."""

FRONTS = ("put", "range", "tus", "draft")
"""The ways to begin an upload; see :mod:`hmacfs.resumable`."""

LOCATED = frozenset({"draft", "tus"})
"""Those that give it a URL of its own, by which it must be remembered."""


@frozen
class Slot:
    """
    What a verified signature allows: one upload to one name.

    :ivar name: where the file will stand.
    :ivar size: bytes, exactly; ``None`` where the body tells it by its end
        (``v3`` and JWT with a chunked body).
    :ivar most: bytes that may be taken at most: ``MaxUploadSize``, or *size*;
        ``None`` without a bound.
    :ivar content_type: the type to store, at most 255 bytes.
    :ivar overwrite: whether a file that holds the name becomes a version and
        gives way.
    :ivar expires: unix seconds from which on the file is not served, or ``None``.
    :ivar owner: who uploads (the ``sub`` of a JWT), or ``None``.
    """

    name: StoredName
    size: int | None
    content_type: str
    most: int | None = None
    overwrite: bool = False
    expires: int | None = None
    owner: str | None = None


@attrs.frozen
class UploadRecord:
    """
    What is remembered of an upload, from its creation until it is forgotten.

    :ivar id: 32 lower-case hexadecimal digits, which nobody can guess.
    :ivar name: the :attr:`~hmacfs.names.StoredName.text` of its file.
    :ivar length: bytes of the whole file, as they were signed or said.
    :ivar content_type: the type that will be stored.
    :ivar front: one of :data:`FRONTS`: how it was begun.
    :ivar dialect: whose signature began it: ``v``, ``v2``, ``token``, ``v3``
        or ``jwt``.
    :ivar state: ``"open"``; ``"finished"``; ``"invalid"``, where the draft
        forbids to go on.  See :data:`STEPS`.
    :ivar created: unix seconds.
    :ivar until: unix seconds from which on an open one is dropped, and every
        other forgotten.
    :ivar overwrite: as of :class:`Slot`.
    :ivar expires: as of :class:`Slot`.
    :ivar owner: as of :class:`Slot`.
    :ivar metadata: tus' ``Upload-Metadata`` as given.
    :ivar signed_type: the type that ``v2`` or ``token`` signed, where that is
        no ASCII and so not *content_type*: a character for each byte (Latin-1).
    :ivar sha256: the hexadecimal digest that a ``Repr-Digest`` promised, or
        ``None``.
    :ivar sha512: the same; each algorithm that is known has its field.
    :ivar node: ``PublicURL`` of the node that has it, ``""`` where there is
        one node only, or nobody said it.
    :ivar revision: grows with every change; of two records with one id the
        higher one holds.
    """

    id: str
    name: str
    length: int
    content_type: str
    front: str
    dialect: str
    state: str
    created: float
    until: int
    overwrite: bool = False
    expires: int | None = None
    owner: str | None = None
    metadata: str = ""
    signed_type: str = ""
    sha256: str | None = None
    sha512: str | None = None
    node: str = ""
    revision: int = 1

    @property
    def slot(self) -> Slot:
        """What it may store, as its signature allowed it."""
        return Slot(
            name=recall(self.name.encode()),
            size=self.length,
            content_type=self.content_type,
            most=self.length,
            overwrite=self.overwrite,
            expires=self.expires,
            owner=self.owner,
        )

    @property
    def promised(self) -> tuple[Digest, ...]:
        """What its file was promised to hash to."""
        said = {algorithm: getattr(self, algorithm) for algorithm in ALGORITHMS.values()}
        return tuple(
            Digest("Repr-Digest", algorithm, bytes.fromhex(value))
            for algorithm, value in said.items()
            if value is not None
        )

    def promising(self, digests: Iterable[Digest]) -> UploadRecord:
        """
        :param digests: what a ``Repr-Digest`` promises of the whole file.
        :return: the record with these as well; itself where all were promised before.
        :raise WrongDigest: another one was, so that no file could keep both.
        """
        said = remembered(digests)
        if any(getattr(self, algorithm) not in (None, value) for algorithm, value in said.items()):
            raise WrongDigest("Repr-Digest says another digest than it did before.")
        missing = {key: value for key, value in said.items() if getattr(self, key) is None}
        return self.changed(**missing) if missing else self

    def changed(self, **fields: Any) -> UploadRecord:
        """
        :return: the next revision, with other *fields*.
        """
        return attrs.evolve(self, revision=self.revision + 1, **fields)


def remembered(digests: Iterable[Digest]) -> dict[str, Any]:
    """
    :param digests: of a whole file.
    :return: the fields of a record that holds them.
    """
    return {digest.algorithm: digest.value.hex() for digest in digests}


# None is an upload that is not there: not yet, or not any more.
STEPS: Mapping[str, Mapping[str | None, str | None]] = MappingProxyType(
    {
        "create": {None: "open"},
        "append": {"open": "open"},
        "probe": {"open": "open", "finished": "finished"},
        "complete": {"open": "finished"},
        "spoil": {"open": "invalid"},
        "cancel": {"open": None, "finished": None, "invalid": None},
        "expire": {"open": None, "finished": None, "invalid": None},
    }
)
"""
The steps of an upload: for each, the state before it, and the one behind it.

To spoil an upload is to send more than its length in the IETF draft, which
then forbids all that would go on with it.  Cancelling or forgetting a finished
one leaves its file.
"""

_REFUSALS: Mapping[str | None, Callable[[], Refusal]] = MappingProxyType(
    {
        None: lambda: NotFound("There is no such upload."),
        "finished": lambda: Completed("The upload is finished."),
        "invalid": lambda: Gone("The upload was sent more than its length and cannot go on."),
    }
)


def follow(state: str | None, step: str) -> str | None:
    """
    :param state: that of the upload, ``None`` where there is none.
    :param step: a key of :data:`STEPS`.
    :return: the state behind *step*, ``None`` where nothing is left of it.
    :raise NotFound: there is no upload.
    :raise Completed: it is finished.
    :raise Gone: it is invalid.
    :raise ValueError: it is open, and is to be created: a fault of ours.
    """
    following = STEPS[step]
    if state in following:
        return following[state]
    if state not in _REFUSALS:
        raise ValueError(f"{step!r} cannot follow {state!r}")
    raise _REFUSALS[state]()


def encode(record: UploadRecord) -> dict[str, Any]:
    """
    :return: *record* for JSON; what is as it mostly is does not stand in it.
    """
    return attrs.asdict(record, filter=lambda field, value: value != field.default)


def decode(told: object) -> UploadRecord | None:
    """
    Read what :func:`encode` wrote; keys that a newer release added are left out.

    :param told: what JSON gave, of whoever wrote it: another node, a disk that
        the operator can write to.
    :return: ``None`` unless it is a record, sound in every field: its name is
        the name of a file, say.
    """
    if not isinstance(told, dict):
        return None
    fields = attrs.fields(UploadRecord)
    found: dict[str, Any] = {field.name: told.get(field.name, field.default) for field in fields}
    if all(_SOUND[name](value) for name, value in found.items()):
        return UploadRecord(**{**found, "created": float(found["created"])})
    return None


def _is_text(value: object, most: int) -> bool:
    # JSON can spell half a surrogate pair, which is no text.
    return (
        isinstance(value, str)
        and len(value) <= most
        and not any("\ud800" <= letter <= "\udfff" for letter in value)
    )


def _is_ascii(value: object, most: int) -> bool:
    return _is_text(value, most) and str(value).isascii()


def _is_natural(value: object) -> bool:
    # Within what SQLite and a file's offset count to.
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_time(value: object) -> bool:
    return _is_natural(value) or (isinstance(value, float) and 0 <= value < math.inf)


def _is_name(value: object) -> bool:
    # A path of 4,096 bytes has no more characters.
    if not _is_text(value, 4096):
        return False
    try:
        recall(str(value).encode())
    except Refusal:
        return False
    return True


def _one_of(*words: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in words


def _hexadecimal(digits: int) -> Callable[[object], bool]:
    form = re.compile(f"[0-9a-f]{{{digits}}}")
    return lambda value: isinstance(value, str) and form.fullmatch(value) is not None


def _or_none(sound: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or sound(value)


_SOUND: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "id": _hexadecimal(32),
        "name": _is_name,
        "length": _is_natural,
        "content_type": lambda value: _is_ascii(value, LONGEST_TYPE),
        "front": _one_of(*FRONTS),
        "dialect": _one_of("v", "v2", "token", "v3", "jwt"),
        "state": _one_of("open", "finished", "invalid"),
        "created": _is_time,
        # The last second that a date can be written of: it is told to clients.
        "until": lambda value: _is_natural(value) and value <= 253402300799,
        "overwrite": lambda value: isinstance(value, bool),
        "expires": _or_none(_is_natural),
        "owner": _or_none(lambda value: _is_text(value, 4096)),
        "metadata": lambda value: _is_ascii(value, LONGEST_METADATA),
        "signed_type": lambda value: (
            _is_text(value, LONGEST_TYPE) and max(value, default="") < "\u0100"
        ),
        "sha256": _or_none(_hexadecimal(64)),
        "sha512": _or_none(_hexadecimal(128)),
        "node": lambda value: _is_text(value, 4096),
        "revision": lambda value: _is_natural(value) and value != 0,
    }
)
