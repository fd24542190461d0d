"""
What one request wants of an upload, and what is left when it does not get there.

Every way to send bytes, a whole PUT or a part by any protocol, is one
:class:`Plan` over one part of the store.  Protocols differ in what they say and
in this one table: what becomes of the bytes when a request ends before its
time.
"""

from __future__ import annotations

from enum import Enum

import attrs

from hmacfs.digests import Digest
from hmacfs.resumable.steps import Append, Create, Front
from hmacfs.uploads import UploadRecord


class Rest(Enum):
    """What becomes of a part that a request leaves unfinished."""

    GONE = "it is removed"
    KEPT = "it is kept, with all that came"
    BACK = "it is kept as it was before this request"
    SPOILT = "it is removed, and the upload is invalid"


@attrs.frozen
class Plan:
    """
    One request's share of an upload.

    :ivar record: what is remembered of the upload; ``None`` of one that can
        only come whole.
    :ivar front: the protocol; ``None`` of a plain PUT.
    :ivar step: what the request wants.
    :ivar start: the offset at which its bytes begin.
    :ivar location: the absolute URL of the upload, where it is to be told.
    :ivar hashed: whether somebody wants the SHA-256 of the file.
    """

    record: UploadRecord | None
    front: Front | None
    step: Create | Append
    start: int = 0
    location: bytes = b""
    hashed: bool = False

    @property
    def digests(self) -> tuple[Digest, ...]:
        """What the content of this request was promised to hash to."""
        return self.step.digests

    @property
    def promised(self) -> tuple[Digest, ...]:
        """What the whole file was promised to hash to, by this request or an earlier one."""
        before = () if self.record is None else self.record.promised
        return tuple(dict.fromkeys((*self.step.promised, *before)))

    def completes(self, offset: int) -> bool:
        """
        :param offset: behind the content of this request.
        :return: whether the file is to be there now.
        """
        if self.step.complete is not None:
            return self.step.complete
        return self.record is None or offset == self.record.length

    def rest(self, reason: str) -> Rest:
        """
        :param reason: why the request ended: the code of its refusal, or as of
            :class:`hmacfs.events.RequestFailed`.
        """
        if self.record is None:
            return Rest.GONE
        if reason in _CLIENT_LEFT:
            # Content with a checksum is taken whole or not at all.
            return Rest.BACK if self.digests else Rest.KEPT
        if self.front is None:
            return Rest.GONE
        if reason == "too-large" and self.front.name == "draft":
            return Rest.SPOILT
        return Rest.BACK if reason in _CONTENT_WRONG else Rest.GONE


_CLIENT_LEFT = frozenset({"disconnected", "too-slow", "shutting-down", "gone-on-with"})

_CONTENT_WRONG = frozenset(
    {
        "too-large",
        "wrong-digest",
        "checksum-mismatch",
        "wrong-length",
        "malformed-request",
        "inconsistent-length",
        "no-space",
    }
)
