"""
Every way in which hmacfs says no.

A :class:`Refusal` knows its HTTP status, a stable code that programs may rely
on, and one plain sentence for a person.  The core and the stores raise them;
``hmacfs.web.pages`` alone turns them into answers.  A sentence helps the
honest client and tells the other one nothing: never an expected signature,
never a path of the server, never the target that was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

Headers = Sequence[tuple[bytes, bytes]]


class Refusal(Exception):
    """
    A request that is answered with an error.

    :cvar status: the HTTP status code.
    :cvar code: the stable code, lower case, words joined by hyphens.
    :ivar text: one plain sentence, with its full stop.
    :ivar headers: fields that the answer must carry, ``WWW-Authenticate`` say.
    :ivar hint: why, for the operator's log alone and never for the client:
        which message a signature was checked against, say; never a secret,
        never an expected signature.  ``""`` where there is nothing to add.
    """

    status: ClassVar[int]
    code: ClassVar[str]

    def __init__(self, text: str, headers: Headers = (), hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.headers = tuple(headers)
        self.hint = hint


class Elsewhere(Refusal):
    """Another node has the upload; ``Location`` says which."""

    status, code = 307, "elsewhere"

    def __init__(self, location: bytes) -> None:
        super().__init__("Another server has this upload.", [(b"Location", location)])


class MalformedRequest(Refusal):
    """The head or the framing of the body breaks RFC 9112."""

    status, code = 400, "malformed-request"


class MalformedHeader(Refusal):
    """One header field has a value that its grammar does not know."""

    status, code = 400, "malformed-header"


class MalformedName(Refusal):
    """The path of the URL can be no name of a file."""

    status, code = 400, "malformed-name"


class MalformedQuery(Refusal):
    """A parameter of the query has a value that its grammar does not know."""

    status, code = 400, "malformed-query"


class WrongSlot(Refusal):
    """The token was issued for another slot or another file name."""

    status, code = 400, "wrong-slot"


class WrongLength(Refusal):
    """The body ended before, or went on after, the length that was promised."""

    status, code = 400, "wrong-length"


class UnknownLength(Refusal):
    """A resumable upload whose whole length nobody said."""

    status, code = 400, "unknown-length"


class InconsistentLength(Refusal):
    """The request says of a length what it, or an earlier one, contradicts."""

    status, code = 400, "inconsistent-length"


class WrongDigest(Refusal):
    """The bytes that came have another digest than was promised (RFC 9530)."""

    status, code = 400, "wrong-digest"


class TwoProtocols(Refusal):
    """The request speaks two protocols of resumable uploads at once."""

    status, code = 400, "two-protocols"


class PartialPut(Refusal):
    """
    A PUT of a part of a file (RFC 9110 section 14.5), which is not taken.

    Storing the part as if it were the whole would destroy the file.
    """

    status, code = 400, "partial-put"


class Unauthorized(Refusal):
    """No usable bearer token where one is wanted (RFC 6750)."""

    status, code = 401, "unauthorized"


class MissingSignature(Refusal):
    """The request carries no signature at all."""

    status, code = 403, "missing-signature"


class BadSignature(Refusal):
    """No secret in force yields the signature for this request."""

    status, code = 403, "bad-signature"


class ChunkingDisabled(Refusal):
    """A part of what is missing, where all of it is to come at once."""

    status, code = 403, "chunking-disabled"


class Forbidden(Refusal):
    """The request is understood and not allowed to anyone."""

    status, code = 403, "forbidden"


class Banned(Refusal):
    """These bytes were taken down, and are not kept again under any name."""

    status, code = 403, "banned"


class Completed(Refusal):
    """The upload is finished: nothing can be appended any more."""

    status, code = 403, "completed"


class NotFound(Refusal):
    """Nothing is served under this name."""

    status, code = 404, "not-found"


class MethodNotAllowed(Refusal):
    """The resource knows other methods only; ``Allow`` lists them."""

    status, code = 405, "method-not-allowed"


class TooSlow(Refusal):
    """The head, or the next bytes of the body, did not come in time."""

    status, code = 408, "too-slow"


class Exists(Refusal):
    """The name holds other bytes and may not be overwritten."""

    status, code = 409, "exists"


class NotAFolder(Refusal):
    """``a`` is a file where ``a/b`` is wanted, or a folder where a file is."""

    status, code = 409, "not-a-folder"


class Superseded(Refusal):
    """A newer upload to the same name took this one's place."""

    status, code = 409, "superseded"


class WrongOffset(Refusal):
    """
    The bytes begin elsewhere than what is kept ends.

    :ivar expected: the offset to go on at.
    :ivar provided: what the request said.
    """

    status, code = 409, "wrong-offset"

    def __init__(self, expected: int, provided: int) -> None:
        super().__init__(f"The upload goes on at byte {expected}.")
        self.expected = expected
        self.provided = provided


class Expired(Refusal):
    """The signature was right and is past its time."""

    status, code = 410, "expired"


class Gone(Refusal):
    """The upload was there and can never be gone on with."""

    status, code = 410, "gone"


class Deleted(Refusal):
    """The file of this name was removed, and its name takes no other for a while."""

    status, code = 410, "deleted"


class LengthRequired(Refusal):
    """A body of unknown length where the signature binds a size."""

    status, code = 411, "length-required"


class PreconditionFailed(Refusal):
    """``If-Match`` or ``If-Unmodified-Since`` does not hold (RFC 9110 section 13)."""

    status, code = 412, "precondition-failed"


class UnsupportedVersion(Refusal):
    """Another version of tus than is spoken here; ``Tus-Version`` lists those."""

    status, code = 412, "unsupported-version"


class TooLarge(Refusal):
    """The body is, or grew, larger than it may be."""

    status, code = 413, "too-large"


class OverQuota(Refusal):
    """The owner of the file would keep more than he may."""

    status, code = 413, "over-quota"


class TargetTooLong(Refusal):
    """The request target is longer than any name can be."""

    status, code = 414, "target-too-long"


class UnsupportedCoding(Refusal):
    """A ``Content-Encoding``, which a file would lose by being stored."""

    status, code = 415, "unsupported-coding"


class UnsupportedMediaType(Refusal):
    """Bytes to append of another type than is appended; ``Accept-Patch`` lists those."""

    status, code = 415, "unsupported-media-type"


class RangeNotSatisfiable(Refusal):
    """No requested range lies within the file (RFC 9110 section 15.5.17)."""

    status, code = 416, "range-not-satisfiable"


class ExpectationFailed(Refusal):
    """``Expect`` wants something other than ``100-continue``."""

    status, code = 417, "expectation-failed"


class Locked(Refusal):
    """
    An older request of the same upload does not let go of it yet.

    :cvar wait: seconds, as ``Retry-After`` says them.
    """

    status, code = 423, "locked"
    wait: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__(
            "The upload is still being written to; try again.",
            [(b"Retry-After", b"%d" % self.wait)],
        )


class HeadTooLarge(Refusal):
    """The header section passes its bound (RFC 6585 section 5)."""

    status, code = 431, "head-too-large"


class ChecksumMismatch(Refusal):
    """The bytes that came have another checksum than tus' ``Upload-Checksum`` says."""

    status, code = 460, "checksum-mismatch"


class Internal(Refusal):
    """A fault of ours; the log has it."""

    status, code = 500, "internal"


class NotStored(Refusal):
    """The disk did not keep the bytes: nothing was acknowledged, all may be sent again."""

    status, code = 500, "not-stored"


class ShuttingDown(Refusal):
    """The daemon is about to stop and takes nothing new."""

    status, code = 503, "shutting-down"


class Overloaded(Refusal):
    """
    More clients are here than there are descriptors for; it may be tried again.

    :cvar wait: seconds, as ``Retry-After`` says them.
    """

    status, code = 503, "overloaded"
    wait: ClassVar[int] = 5

    def __init__(self) -> None:
        super().__init__(
            "Too many clients are served just now.", [(b"Retry-After", b"%d" % self.wait)]
        )


class NoSpace(Refusal):
    """Too little space is left, uploads under way counted."""

    status, code = 507, "no-space"


class MetadataUnavailable(Exception):
    """
    Redis did not answer in time, or refused: what was asked for goes on
    without it.

    No refusal, since no client hears of it; the text says what befell, for
    the operator, and holds no password.
    """


class StoreProblem(Exception):
    """
    The store cannot be used as it stands: the daemon does not start.

    No refusal, since no client hears of it; the text is a sentence for the
    operator, and names the path.
    """
