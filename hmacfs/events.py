"""
What happens, as records that nobody changes.

The hub delivers them, in order, to its listeners; metrics and the access log
are two of these.  An event says what was: it carries values, never a live
object, and no secret.  Times are unix seconds, durations seconds, sizes bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from hmacfs.records import Went

if TYPE_CHECKING:
    from attrs import frozen as record
else:
    # Four are made for each request.  That mypy forbids to change them is
    # enough: to forbid it at run time makes each five times as dear (1.7 us
    # against 0.3 us for the largest), and without slots the access log has all
    # fields at once.  Two that say the same are equal, as frozen ones are.
    record = attrs.define(slots=False, unsafe_hash=True)


@record
class Event:
    """
    :ivar at: when it happened, by the reactor's clock, unix seconds.
    """

    at: float


@record
class ConnectionOpened(Event):
    """
    :ivar connection: a number that no other connection of this process has.
    :ivar peer: ``"192.0.2.1:4711"``, ``"[2001:db8::1]:4711"`` or ``"unix"``;
        before a ``haproxy:`` endpoint the proxy, since nobody else is known yet.
    """

    connection: int
    peer: str


@record
class ConnectionClosed(Event):
    """
    :ivar peer: as before; behind a ``haproxy:`` endpoint the client.
    :ivar duration: seconds that it stood open.
    """

    connection: int
    peer: str
    duration: float


@record
class RequestReceived(Event):
    """
    The head of a request is in.

    :ivar request: the request's id, as it stands in the log and in the
        ``X-Request-ID`` of the answer.
    :ivar connection: the connection's number.
    :ivar client: the client's address, a trusted proxy's word counted.
    :ivar method: the method as sent, of any bytes that a token may have.
    :ivar path: the request target without its query, as sent, for the log
        alone: never a label of a metric.
    """

    request: str
    connection: int
    client: str
    method: str
    path: str


@record
class RequestCompleted(Event):
    """
    The whole answer was handed to the transport.

    :ivar status: the HTTP status.
    :ivar code: the code of the :class:`hmacfs.errors.Refusal` that it told,
        or ``""``.
    :ivar received: bytes of the body that came in.
    :ivar sent: bytes of the answer's body that went out.
    :ivar duration: seconds since the head was in.
    :ivar agent: the ``User-Agent``, cut at 200 characters.
    """

    request: str
    connection: int
    client: str
    method: str
    path: str
    status: int
    code: str
    received: int
    sent: int
    duration: float
    agent: str


@record
class RequestFailed(Event):
    """
    The client went away, or was sent away, before the whole answer was out.

    :ivar status: the status already sent, or 0.
    :ivar reason: ``"disconnected"``, ``"too-slow"``, ``"shutting-down"`` or
        ``"internal"``.
    """

    request: str
    connection: int
    client: str
    method: str
    path: str
    status: int
    reason: str
    received: int
    sent: int
    duration: float


@record
class UploadStarted(Event):
    """
    An upload was admitted.

    :ivar name: the stored name, for the log alone.
    :ivar size: the promised bytes, or ``None``.
    :ivar dialect: ``v``, ``v2``, ``token``, ``v3`` or ``jwt``.
    """

    request: str
    name: str
    size: int | None
    dialect: str


@record
class UploadCompleted(Event):
    """
    The file is acknowledged.

    :ivar size: its bytes.
    :ivar repeated: the same bytes stood there already and nothing was written.
    :ivar owner: who uploaded, or ``None``.
    """

    request: str
    name: str
    size: int
    duration: float
    repeated: bool
    owner: str | None


@record
class UploadSuspended(Event):
    """
    The part is kept; the upload is not under way.  So it is where bytes of a
    file that is there came again, and not all of them.

    :ivar offset: bytes kept.
    """

    request: str
    name: str
    offset: int
    reason: str


@record
class UploadResumed(Event):
    """
    An upload goes on.

    :ivar offset: bytes that were kept.
    """

    request: str
    name: str
    offset: int


@record
class UploadExpired(Event):
    """
    An unfinished upload waited too long, and is gone.

    :ivar id: the upload's.
    """

    id: str
    name: str


@record
class UploadFailed(Event):
    """
    An admitted upload ended without a file, and its part is gone.

    :ivar reason: the code of the refusal, ``"disconnected"`` or
        ``"internal"``.
    """

    request: str
    name: str
    reason: str


@record
class UploadRefused(Event):
    """
    An upload was answered with an error before it was admitted.

    :ivar status: the HTTP status.
    :ivar code: the code of the refusal.
    :ivar hint: why, for the operator's log alone: which message was checked
        against which dialect, never a secret nor an expected signature.
    """

    request: str
    status: int
    code: str
    hint: str


@record
class DownloadStarted(Event):
    """
    A body of a stored file begins to go out (200 or 206, GET only).
    """

    request: str
    name: str


@record
class DownloadCompleted(Event):
    """
    The whole body of a download went out.

    :ivar sent: bytes of the body.
    """

    request: str
    name: str
    sent: int
    duration: float


@record
class DownloadFailed(Event):
    """
    A download ended early.

    :ivar reason: as of :class:`RequestFailed`.
    """

    request: str
    name: str
    sent: int
    reason: str


@record
class AccessRefused(Event):
    """
    A signature for what is there, a deletion say, was refused.

    :ivar status: the HTTP status.
    :ivar code: the code of the refusal.
    :ivar hint: as of :class:`UploadRefused`.
    """

    request: str
    status: int
    code: str
    hint: str


@record
class FileRemoved(Event):
    """
    A file was deleted for good, with its versions, by a request.

    :ivar size: bytes of the file, without its versions.
    """

    request: str
    name: str
    size: int


@record
class VersionRemoved(Event):
    """
    A version was deleted for good, by a request.

    :ivar version: its id.
    :ivar size: its bytes.
    """

    request: str
    name: str
    version: str
    size: int


@record
class VersionRestored(Event):
    """
    A version is the file again.

    :ivar version: the id that it had.
    :ivar size: its bytes.
    """

    request: str
    name: str
    version: str
    size: int


@record
class RedisLost(Event):
    """
    Redis does not answer, or refuses; uploads go on without it.  Told once
    for each outage.

    :ivar reason: what it said or what befell the connection, for the log alone.
    """

    reason: str


@record
class RedisBack(Event):
    """
    Redis answers again, and holds what this node holds.

    :ivar missed: how many changes it was told of.
    :ivar duration: seconds since it was lost.
    """

    missed: int
    duration: float


@record
class Retired(Event):
    """
    A sweep took something away.

    :ivar version: its id, ``""`` of the file itself.
    :ivar size: bytes.
    :ivar why: as of :class:`hmacfs.records.Due`.
    """

    name: str
    version: str
    size: int
    why: str


@record
class SweepHalted(Event):
    """
    Nothing is removed any more until an operator says so.

    :ivar why: a sentence for him.
    """

    why: str


@record
class SweepReleased(Event):
    """
    What is past its time is removed again.

    :ivar confirmed: whether the operator said so; else what halted it is over.
    """

    confirmed: bool


@record
class DutyDone(Event):
    """
    A round of one of the duties is over, or broke off.

    :ivar duty: its name.
    :ivar went: what it took away.
    """

    duty: str
    went: tuple[Went, ...]
    duration: float


@record
class ShutdownStarted(Event):
    """
    No new connection is taken; transfers under way may finish.

    :ivar transfers: how many there are.
    """

    transfers: int
