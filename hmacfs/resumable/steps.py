"""
The four steps of an upload, and how an answer tells where it stands.

A :class:`Front` is one protocol: what it makes of a head is one of the steps,
and what it answers to a step is looked up in its table.  The fields of all
answers are written here, once (:data:`_FIELDS`); a front only names them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import attrs

from hmacfs.conditions import format_date
from hmacfs.digests import Digest
from hmacfs.errors import (
    Headers,
    InconsistentLength,
    MalformedHeader,
    Refusal,
    TooLarge,
    WrongOffset,
)
from hmacfs.http1 import MAX_LENGTH_DIGITS, Head
from hmacfs.uploads import UploadRecord

PARTIAL = b"application/partial-upload"
"""The type of bytes to append, in the draft."""

OFFSET_STREAM = b"application/offset+octet-stream"
"""The type of bytes to append, in tus."""


@attrs.frozen
class Create:
    """
    Begin an upload, with the first bytes of it maybe.

    :ivar length: bytes of the whole file.
    :ivar content_type: the file's type, as it was signed; ``None`` where the
        request says none.
    :ivar complete: ``True``: the content of this request ends the file.
        ``False``: it does not, even where the length is reached with it.
        ``None``: the length alone tells.
    :ivar metadata: tus' ``Upload-Metadata`` as sent.
    :ivar promised: what the whole file shall have.
    :ivar digests: what the content of this request shall have.
    """

    length: int
    content_type: bytes | None = None
    complete: bool | None = None
    metadata: str = ""
    promised: tuple[Digest, ...] = ()
    digests: tuple[Digest, ...] = ()


@attrs.frozen
class Append:
    """
    Go on with an upload; with ``Content-Range`` it may be the first of it.

    :ivar offset: where the content of this request begins in the file.
    :ivar size: bytes of the content, ``None`` where its end will tell.
    :ivar length: bytes of the whole file, where the request says them.
    :ivar complete: as of :class:`Create`.
    :ivar promised: as of :class:`Create`.
    :ivar digests: as of :class:`Create`.
    :ivar content_type: as of :class:`Create`; of a ``Content-Range`` alone.
    """

    offset: int
    size: int | None
    length: int | None = None
    complete: bool | None = None
    promised: tuple[Digest, ...] = ()
    digests: tuple[Digest, ...] = ()
    content_type: bytes | None = None


@attrs.frozen
class Probe:
    """
    Ask how the upload stands.

    :ivar length: bytes of the whole file, where the request says them.
    :ivar content_type: as of :class:`Append`.
    """

    length: int | None = None
    content_type: bytes | None = None


@attrs.frozen
class Cancel:
    """
    Give the upload up; the file of a finished one stays.
    """


Step = Create | Append | Probe | Cancel


def check(step: Append | Probe, record: UploadRecord, offset: int) -> None:
    """
    Hold what a step says against what stands.

    What the client can go by comes first: the offset, then too many bytes,
    then a length that is only said otherwise.

    :param offset: bytes that are kept.
    :raise WrongOffset: its content begins elsewhere than what is kept ends.
    :raise TooLarge: its content goes on behind the length.
    :raise InconsistentLength: it says of the file what its beginning did not.
    """
    if isinstance(step, Append):
        if step.offset != offset:
            raise WrongOffset(offset, step.offset)
        if step.size is not None and offset + step.size > record.length:
            raise TooLarge("The content goes on behind the length of the upload.")
    if step.length not in (None, record.length):
        raise InconsistentLength("The upload was begun with another length.")


@attrs.frozen
class Standing:
    """
    What an answer may tell; what is not known of an upload, or there is no
    upload, is left out.

    :ivar now: unix seconds.
    :ivar offset: bytes that are kept.
    :ivar length: bytes of the whole file.
    :ivar finished: whether the file is there.
    :ivar until: until when it can be gone on with, unix seconds.
    :ivar metadata: tus' ``Upload-Metadata`` as given.
    :ivar location: the absolute URL of the upload, its query included.
    :ivar most: ``MaxUploadSize``, ``None`` without a bound.
    :ivar interop: the version of the draft that the client speaks.
    """

    now: float
    offset: int | None = None
    length: int | None = None
    finished: bool = False
    until: int | None = None
    metadata: str = ""
    location: bytes = b""
    most: int | None = None
    interop: int | None = None

    @classmethod
    def of(cls, record: UploadRecord, offset: int, now: float) -> Standing:
        """
        How the upload of *record* stands; a front's other fields are the
        caller's to add.
        """
        return cls(
            now=now,
            offset=offset,
            length=record.length,
            finished=record.state == "finished",
            until=record.until,
            metadata=record.metadata,
        )


@attrs.frozen
class Answer:
    """
    :ivar status: of the answer.
    :ivar fields: the names of its fields, of those in :data:`_FIELDS`.
    """

    status: int
    fields: Sequence[bytes] = ()


Key = tuple[type[Step], bool]


@attrs.frozen
class Front:
    """
    One protocol.

    :ivar name: as of :attr:`hmacfs.uploads.UploadRecord.front`.
    :ivar create: reads a request to the URL that was signed.
    :ivar resume: reads a request to the upload's own URL.
    :ivar answers: by the kind of the step, and by whether the upload is
        finished behind it.
    :ivar refusals: the fields that a refusal has, by its code.
    :ivar options: the fields that ``OPTIONS`` is answered with.
    :ivar always: the fields that every answer has.
    :ivar problems: the type and the title of the problem (RFC 9457) that a
        refusal is told as, by its code.
    """

    name: str
    create: Callable[[Head], Step]
    resume: Callable[[Head], Step]
    answers: Mapping[Key, Answer]
    refusals: Mapping[str, Sequence[bytes]] = MappingProxyType({})
    options: Sequence[bytes] = ()
    always: Headers = ()
    problems: Mapping[str, tuple[str, str]] = MappingProxyType({})

    def answer(self, step: Step, standing: Standing) -> tuple[int, Headers]:
        """
        :return: the status and the fields of the answer to *step*, once it is done.
        """
        found = self.answers[type(step), standing.finished]
        return found.status, (*self.always, *write(found.fields, standing))

    def refused(self, refusal: Refusal, standing: Standing) -> Headers:
        """
        :param standing: of the upload, or with no more than ``now`` and
            ``most`` where there is none.
        :return: the fields that the answer has beside those of *refusal*.
        """
        return (*self.always, *write(self.refusals.get(refusal.code, ()), standing))

    def problem(self, refusal: Refusal) -> Mapping[str, object] | None:
        """
        :return: the body of the answer, as ``application/problem+json``, where
            the protocol has one for it.
        """
        if refusal.code not in self.problems:
            return None
        kind, title = self.problems[refusal.code]
        told: dict[str, object] = {
            "type": f"https://iana.org/assignments/http-problem-types#{kind}",
            "title": title,
            "status": refusal.status,
            "detail": refusal.text,
            "code": refusal.code,
        }
        if isinstance(refusal, WrongOffset):
            told["expected-offset"] = refusal.expected
            told["provided-offset"] = refusal.provided
        return told


def write(names: Sequence[bytes], standing: Standing) -> Headers:
    """
    :return: those of *names* that *standing* has something to say for.
    """
    told = ((name, _FIELDS[name](standing)) for name in names)
    return tuple((name, value) for name, value in told if value is not None)


def _number(value: int | None) -> bytes | None:
    return None if value is None else b"%d" % value


def _range(standing: Standing) -> bytes | None:
    # Of nothing there is no range: the field is left out then.
    return b"bytes=0-%d" % (standing.offset - 1) if standing.offset else None


def _limits(standing: Standing) -> bytes:
    members = [b"min-size=0"]
    if standing.most is not None:
        members.insert(0, b"max-size=%d" % standing.most)
    if standing.until is not None:
        members.append(b"max-age=%d" % max(standing.until - standing.now, 0))
    return b", ".join(members)


def _expires(standing: Standing) -> bytes | None:
    # A finished upload does not expire: it is there.
    if standing.finished or standing.until is None:
        return None
    return format_date(standing.until)


_FIELDS: Mapping[bytes, Callable[[Standing], bytes | None]] = MappingProxyType(
    {
        b"Accept-Patch": lambda _: b"%b, %b" % (PARTIAL, OFFSET_STREAM),
        b"Cache-Control": lambda _: b"no-store",
        b"Location": lambda standing: standing.location or None,
        b"Range": _range,
        b"Tus-Max-Size": lambda standing: _number(standing.most),
        b"Upload-Complete": lambda standing: b"?%d" % standing.finished,
        b"Upload-Draft-Interop-Version": lambda standing: _number(standing.interop),
        b"Upload-Expires": _expires,
        b"Upload-Length": lambda standing: _number(standing.length),
        b"Upload-Limit": _limits,
        b"Upload-Metadata": lambda standing: standing.metadata.encode() or None,
        b"Upload-Offset": lambda standing: _number(standing.offset),
    }
)


def media_type(head: Head) -> bytes:
    """
    :return: the ``Content-Type`` in lower case and without parameters, ``b""``
        where there is none.
    """
    return (head.get(b"content-type") or b"").partition(b";")[0].rstrip(b" \t").lower()


def file_type(head: Head) -> bytes | None:
    """
    :return: the ``Content-Type`` as sent, where it is the file's: the types of
        bytes to append say nothing of the file.
    """
    if media_type(head) in (PARTIAL, OFFSET_STREAM):
        return None
    return head.get(b"content-type")


def natural(digits: bytes, field: str) -> int:
    """
    Read a number of bytes.

    :param field: where it stands, for the client.
    :raise MalformedHeader: it is no decimal number.
    :raise TooLarge: it is one that no file could have.
    """
    if not digits.isdigit():
        raise MalformedHeader(f"{field} is one decimal number of bytes.")
    if len(digits) > MAX_LENGTH_DIGITS:
        raise TooLarge(f"{field} has more digits than the size of any file.")
    return int(digits)


def bounded(head: Head, length: int) -> int:
    """
    :return: *length*, which the content of this request, its first, keeps to.
    :raise TooLarge: it is said to be longer.
    """
    if head.length is not None and head.length > length:
        raise TooLarge("The content goes on behind the length of the upload.")
    return length
