"""
The contracts between the floors.

``web`` knows stores only as :class:`IStore`; stores know the system only as
:class:`IDisk`; the index is known to both ends as :class:`IIndex`.  Optional
abilities are interfaces of their own, so that a store that cannot serve a
file descriptor need not pretend.

Every Deferred may also fail with what was not foreseen (an ``OSError``, say):
the caller logs it and answers 500.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer
from zope.interface import Attribute, Interface

from hmacfs.digests import Digest
from hmacfs.events import Event
from hmacfs.names import StoredName
from hmacfs.records import Figures, FileRecord, Mark, Sharing, Status, Totals
from hmacfs.uploads import Slot, UploadRecord

T = TypeVar("T")


@attrs.frozen
class Drawn:
    """
    What was drawn off a socket.

    :ivar size: bytes.
    :ivar more: whether there was more.
    :ivar ended: whether nothing will come any more, or not in this way.
    """

    size: int
    more: bool = False
    ended: bool = False


class IUpload(Interface):
    """
    One upload under way.  Bytes arrive in order, from offset 0.

    Its calls do not overlap: the caller waits for one to fire before it makes
    the next.
    """

    slot = Attribute("The :class:`hmacfs.uploads.Slot` it was begun for.")
    offset = Attribute("How many bytes are safely stored: an ``int``, in bytes.")
    record = Attribute(
        "Its :class:`hmacfs.uploads.UploadRecord`, with the ``until`` that its part says; "
        "``None`` where it was begun without one."
    )

    def append(pieces: Sequence[bytes]) -> Deferred[int]:
        """
        Store *pieces*, in order, at :attr:`offset`.

        :return: fires with the new offset once the bytes would survive the
            death of this process (not yet of the machine: see :meth:`commit`).
        :raise TooLarge: the promised size would be passed; nothing is stored.
        :raise NoSpace: the disk is full, or an upload of unknown size would
            take what others were promised; what fitted is stored.
        :raise NotStored: a sync failed; the part is gone.
        """

    draws = Attribute("Whether :meth:`draw` may be called.")

    def draw(socket: int, most: int) -> Deferred[Drawn]:
        """
        Store what is on a socket, as :meth:`append` stores pieces.

        :param socket: a descriptor, of a plain socket that does not block; it
            is the caller's, and stays open until this has fired.
        :param most: bytes, no more than the upload may still take.
        :return: fires when nothing is there, or when it was enough for one call.
        :raise NoSpace: the disk is full; what fitted is stored.
        :raise NotStored: a sync failed; the part is gone.
        """

    def truncate(offset: int) -> Deferred[None]:
        """
        Forget what came behind *offset*: it was not what it was said to be.

        :param offset: at most :attr:`offset`.
        :return: fires when no start will find it again, not even one behind a
            power cut.
        """

    def promise(digests: Iterable[Digest]) -> Deferred[None]:
        """
        Remember that the whole file shall have *digests*: :attr:`record` says
        so from then on, whoever goes on with it.  Nobody is held to it here.

        :return: fires when it would survive the death of this process.
        :raise WrongDigest: others were promised before.
        """

    def distrust() -> None:
        """
        Let what comes from now on count for nothing until :meth:`trust`: it
        still has to be held against a digest, say.  Whoever finds it instead,
        the next start where this process dies, forgets it; so does
        :meth:`suspend`.
        """

    def trust() -> None:
        """Let all that came count.  Harmless where it does."""

    def digest(algorithm: str, start: int = 0) -> Deferred[bytes]:
        """
        :param algorithm: as :func:`hashlib.new` knows it.
        :return: fires with the digest of what is stored so far, from *start* on.
        """

    def commit(sha256: str | None = None, pieces: Sequence[bytes] = ()) -> Deferred[FileRecord]:
        """
        Make the upload the file of its name, in the order that survives a
        crash at every step.

        :param sha256: the hexadecimal digest, where somebody computed it.
        :param pieces: the last of it, stored first, as by :meth:`append`: for a
            small file one call costs half of what two do.  Where they cannot
            be, that is raised, and the part is kept.
        :return: fires when the file can be acknowledged: with
            ``Durability = "full"`` it then survives a power cut.
        :raise WrongLength: :attr:`offset`, with *pieces*, is not the promised
            size; they are not stored, and the part is kept, to go on with or to
            :meth:`discard`.
        :raise Exists: the name was taken meanwhile and may not be
            overwritten; the part is gone.
        :raise NotAFolder: a segment of the name is a file, or the name is a
            folder; the part is gone.
        :raise NoSpace: the disk turned out to be full; the part is gone.
        :raise NotStored: the disk did not keep it, a sync failed say; the
            part is gone and nothing was acknowledged.
        """

    def suspend() -> Deferred[None]:
        """
        Let go of the part and keep it for ``UploadExpiry`` from now; where
        nothing came since it was resumed, as long as before.

        It is not synced by this, which would hold up whoever is about to go
        on.  A power cut may cost what came since the last 64 MiB were full,
        and an upload that never had so many: its client then hears a lower
        offset, or that there is no such upload.  :meth:`IStore.stop` syncs all
        that is suspended.

        :return: fires when it would survive the death of this process.
        :raise NotStored: the disk did not keep it; the part is gone.
        """

    def discard() -> Deferred[None]:
        """
        Remove the part.  Harmless after :meth:`commit` and when called twice.
        """


class IFile(Interface):
    """
    One file opened to be read: always the bytes that were there when it was
    opened, whatever replaces it meanwhile.
    """

    record = Attribute("Its :class:`hmacfs.records.FileRecord`.")

    def read(offset: int, size: int) -> Deferred[bytes]:
        """
        :return: fires with up to *size* bytes from *offset*; ``b""`` only at
            the end.
        """

    def close() -> None:
        """Let go of it.  Harmless when called twice."""


class IHasDescriptor(IFile):
    """A file that can be sent by ``sendfile(2)``."""

    def fileno() -> int:
        """
        :return: a descriptor whose position nobody relies on, good until
            :meth:`IFile.close`.
        """

    def fetch(offset: int, size: int) -> Deferred[None] | None:
        """
        Have bytes in memory, so that whoever sends them need not wait for the
        disk.

        :return: ``None`` where they are there; else fires when they are.  The
            file may be closed before.
        """


class IHeld(IFile):
    """A small file that is in memory as a whole."""

    content = Attribute("All of it: ``bytes``.")


class IStore(Interface):
    """Where the files are."""

    def start() -> Deferred[None]:
        """
        Get ready: make what is missing, finish or undo what a crash left.

        :raise StoreProblem: it cannot be used as it stands; the text says why.
        """

    def stop() -> Deferred[None]:
        """
        Write down what waits, and let go of everything.

        :return: fires when all that was acknowledged, and all that is
            suspended, would survive a power cut.
        """

    def begin(
        slot: Slot, record: UploadRecord | None = None, soon: bool = False
    ) -> Deferred[IUpload]:
        """
        Open a part for *slot*.

        :param record: of the same upload, by which it can be gone on with: see
            :class:`IResumes`.  Suspended parts of the same name stay.  Without
            a record they are dropped, and nobody can go on with the new one.
        :param soon: whether its bytes are on their way already, and nobody is told
            of it before they are here.  The part may then be made together with
            the first of them, and what keeps it from being made is raised there.
        :raise Exists: the name is taken and may not be overwritten.
        :raise NotAFolder: a segment of the name is a file, or the name is a
            folder.
        :raise NoSpace: too little space is left, what uploads under way were
            promised counted.
        """

    def open(name: StoredName) -> Deferred[IFile]:
        """
        :raise NotFound: nothing is stored under *name*, or it has expired, or
            it is anything else than a regular file.
        :raise Forbidden: it is a folder.
        """

    def figures() -> Deferred[Figures]:
        """
        :return: fires with what the store holds and what is left, for
            ``/ready`` and the metrics.
        """

    def faults() -> Sequence[str]:
        """
        :return: what an operator should know of the store as it stands, a
            sentence each: no attributes, a network file system.  Empty where
            all is well.
        """


class IResumes(Interface):
    """
    A store whose suspended uploads can be gone on with.

    An upload has an id, that of its record.  It is suspended, or somebody
    writes to it, or it is not there: committed, dropped, or past its time.
    Those that a former run of the daemon left, however it ended, are suspended.
    """

    def resume(id: str) -> Deferred[IUpload]:
        """
        Go on with a suspended upload.  What it has still to write is promised
        anew: nothing is kept free for uploads that may never be gone on with.

        :return: fires with the upload, at the offset that its part has.
        :raise NotFound: it is not there.
        :raise Locked: somebody writes to it.
        :raise NoSpace: too little space is left for the rest; it stays
            suspended.
        """

    def recorded(id: str) -> Deferred[tuple[UploadRecord, int] | None]:
        """
        :return: fires with the record of an upload, suspended or written to
            this moment, and how many bytes its part has; ``None`` where it is
            not there.
        """

    def unfinished() -> Sequence[UploadRecord]:
        """
        :return: the records of all that are suspended.
        """

    def waiting(name: StoredName) -> Sequence[str]:
        """
        :return: the ids of those that are suspended and would become the file
            *name*, the ones that nobody can go on with included.
        """

    def drop(id: str) -> Deferred[None]:
        """
        Remove a suspended upload.  Harmless where it is not there.

        :raise Locked: somebody writes to it.
        """

    def expire(now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """
        Remove suspended uploads whose ``until`` is over, the oldest first.

        :param now: unix seconds.
        :param most: how many at most.
        :return: fires with the records of those.
        """


class IDigests(Interface):
    """A store that can compute the digest of a file."""

    def digest(name: StoredName) -> Deferred[str]:
        """
        :return: fires with the hexadecimal SHA-256 of the file *name*, which
            is computed where it is not known, and then is known as long as the
            file stands.
        :raise NotFound: as :meth:`IStore.open`.
        :raise Forbidden: as :meth:`IStore.open`.
        """


class IDisk(Interface):
    """
    Every system call of a store, and nothing else.

    Folders and files are descriptors, from the call that opened them to
    :meth:`close`; a name is one segment below a folder, and no link is ever
    followed.  What goes wrong is an :class:`OSError`, told by its ``errno``.
    """

    def root(path: str) -> int:
        """
        Open the folder *path*, and make it with its parents where it is
        missing.  The one call that takes a path, the operator's, and follows links.
        """

    def system(folder: int) -> str:
        """
        :return: the type of the file system, as ``mount`` shows it: ``"ext4"``;
            ``""`` where nobody knows.
        """

    def free(folder: int) -> int:
        """
        :return: bytes that may still be written by us.
        """

    def boot() -> str:
        """
        :return: what no two boots of the machine have in common; ``""`` where
            nobody knows.
        """

    def folder(parent: int, name: bytes) -> int:
        """Open a folder."""

    def make_folder(parent: int, name: bytes, mode: int) -> None:
        """Make a folder."""

    def remove_folder(parent: int, name: bytes) -> None:
        """Remove an empty folder."""

    def names(folder: int) -> list[bytes]:
        """
        :return: what is in *folder*, in no order.
        """

    def entries(folder: int) -> Generator[tuple[bytes, str]]:
        """
        :return: what is in *folder*, in no order, each with its kind as of
            :class:`hmacfs.records.Status`; read as it is asked for, and not
            held at once.  *folder* stays open until it is closed.
        """

    def create(folder: int, name: bytes, mode: int) -> int:
        """Make a new file, to be read, and written at its end."""

    def reopen(folder: int, name: bytes) -> int:
        """Open a file that is there, to be read, and written at its end."""

    def open(folder: int, name: bytes) -> int:
        """
        Open whatever is there, to be read; never waits for a pipe's other end.
        """

    def close(descriptor: int) -> None:
        """Let go of a file or a folder, and of the lock it holds."""

    def status(descriptor: int) -> Status:
        """
        :return: what is open there.
        """

    def mark(place: int, path: bytes = b"") -> Mark:
        """
        :param place: what is open, or the folder that *path* begins in.
        :param path: of several segments.  The one call that follows links on
            the way, but for the last: good to see that nothing has changed,
            and for nothing else.
        :return: the mark of what is there.
        """

    def look(folder: int, name: bytes) -> Status:
        """
        :return: what stands under *name*.
        """

    def write(file: int, pieces: Sequence[bytes | memoryview]) -> int:
        """
        :param pieces: at most :data:`hmacfs.disk.MOST_PIECES`.
        :return: how many bytes of them were written, fewer where the disk is
            nearly full.
        """

    def draw(source: int, file: int, most: int) -> Drawn:
        """
        Write what is on the socket *source* to the end of *file*.

        :param source: it does not block.
        :param most: bytes.
        :raise OSError: of the file; what was written is written.  A socket that
            fails has ended.
        """

    def read(file: int, offset: int, size: int) -> bytes:
        """
        :return: up to *size* bytes from *offset*; ``b""`` only at the end.
        """

    def at_hand(file: int, offset: int, size: int) -> bool:
        """
        :return: whether these bytes, of which there is one at least, are in
            memory, so that to read them nothing has to be waited for.
        """

    def truncate(file: int, size: int) -> None:
        """Cut a file to its first *size* bytes."""

    def attribute(file: int) -> bytes | None:
        """
        :return: the attribute ``user.hmacfs``, or ``None``.
        """

    def set_attribute(file: int, value: bytes) -> None:
        """Set it, as a whole or not at all."""

    def link(folder: int, name: bytes, to: int, new: bytes) -> None:
        """
        Give a file the name *new* in the folder *to* as well; fails where
        that is taken.
        """

    def rename(folder: int, name: bytes, to: int, new: bytes) -> None:
        """Move a file to *new* in the folder *to*, in place of what is there."""

    def unlink(folder: int, name: bytes) -> None:
        """Take a name from a file."""

    def sync(descriptor: int) -> None:
        """
        Make what is in a file, its attribute included, or which names are in
        a folder, survive a power cut.
        """

    def sync_names(folder: int) -> None:
        """
        As :meth:`sync`, of a folder in which many may have put something at
        once: those share one call that began behind all of them.
        """

    def lock(folder: int, name: bytes, wait: bool) -> int:
        """
        Take the lock *name*, a file that is made where it is missing.

        :param wait: whether to wait until whoever has it lets go.
        :return: its descriptor, which holds the lock until it is closed.
        :raise BlockingIOError: somebody has it, and *wait* is false.
        """

    def claim(file: int) -> None:
        """
        Take the lock of an open file, which holds it until it is closed.

        :raise BlockingIOError: somebody has it.
        """


class IThreads(Interface):
    """Where what may block is done."""

    def start() -> None:
        """Get ready."""

    def stop() -> Deferred[None]:
        """
        :return: fires when all that was asked for is done, and told.
        """

    def run(function: Callable[..., T], *args: Any) -> Deferred[T]:
        """
        :return: fires with what *function* returned, or fails with what it raised.
        """

    def ask(function: Callable[..., Deferred[T]], *args: Any) -> T:
        """
        From within one of these threads: call *function* where all else is
        called, and wait for what its Deferred fires with, or raise it.
        """


class ISyncs(Interface):
    """Who syncs, while nobody waits for it in a thread of ours."""

    def start() -> None:
        """Get ready."""

    def stop() -> None:
        """Take no more; none is under way."""

    def order(descriptor: int) -> Deferred[None] | None:
        """
        Have it done what :meth:`IDisk.sync` does.

        :return: fires when it is done; ``None`` where this one is not taken.
        :raise OSError: the Deferred does.
        """


class IDatabase(Interface):
    """
    An SQLite database that one thread owns.
    """

    def run(function: Callable[..., T], *args: Any) -> Deferred[T]:
        """
        Call *function* in that thread, with the ``sqlite3.Connection`` and
        *args*, after all that was asked for before.

        The call is one transaction: *function* begins none, commits none, and
        returns nothing that still reads, as a cursor does.

        :return: fires with what it returned, when all that it changed would
            survive a power cut; or fails with what it raised, and nothing is
            changed.  It fires in the order of the calls.
        :raise OSError: ``ENOSPC``, there is no room.
        """

    def note(function: Callable[..., T], *args: Any) -> Deferred[T]:
        """
        As :meth:`run`, for what may be lost: it survives the death of this
        process when it fires, and a power cut from the next :meth:`run` on
        that changes anything.
        """

    def insist(function: Callable[..., T], *args: Any) -> Deferred[T]:
        """
        As :meth:`run`, for what makes room in the end: on a full disk it has
        the room that is kept back for this.
        """


class IIndex(IDatabase):
    """
    What orders and searches the files: a row for each, and tables beside it.

    The files are the truth.  A row follows its file, soon, and is never in the
    way of an answer; an index that is lost can be made anew from the files.
    What can be asked and said, by :meth:`run`, stands in
    :mod:`hmacfs.store.tables`.
    """

    def start() -> Deferred[None]:
        """Get ready, with what was written before or, where that is lost, with nothing."""

    def stop() -> Deferred[None]:
        """Let go of it."""

    def totals() -> Totals:
        """
        :return: how much it lists.
        """

    def faults() -> Sequence[str]:
        """
        :return: a sentence for each thing that is wrong with it; empty where
            all is well.
        """


class IMetadata(Interface):
    """
    What is remembered of uploads.

    Ids are never used twice.  A record that is past its ``until`` may be
    forgotten at any time, and is so at the latest when it is removed.
    """

    def start() -> Deferred[None]:
        """Get ready."""

    def stop() -> Deferred[None]:
        """Finish what was asked for, and let go of everything."""

    def put(record: UploadRecord) -> Deferred[None]:
        """
        Remember *record*, in place of one with the same id and a lower
        revision.  One with the same or a higher revision stays as it is, and
        an id that was removed stays removed.

        :return: fires when it is kept: where the provider outlives this
            process, so that the next one finds it.
        """

    def get(id: str) -> Deferred[UploadRecord | None]:
        """
        :return: fires with the record; ``None`` where there is none, or it
            was removed.
        """

    def remove(id: str) -> Deferred[None]:
        """
        Forget a record, known or not, and remember for ``UploadExpiry`` that
        it was removed.  Harmless when called twice.
        """


class ILedger(IMetadata):
    """
    Metadata of one node, which can be gone through.
    """

    def all() -> Deferred[Sequence[UploadRecord]]:
        """
        :return: fires with this node's own records, in the order of their ids.
        """

    def expired(now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """
        :param now: unix seconds.
        :return: fires with up to *most* records whose ``until`` is over, the
            oldest first.
        """

    def faults() -> Sequence[str]:
        """
        :return: what an operator should know of it as it stands, a sentence
            each.  Empty where all is well.
        """


class ISharedMetadata(IMetadata):
    """
    Metadata that several nodes share, on a server that may go away.

    A record there goes by itself once its ``until`` is over.

    Each call but the first and the last ends within 250 ms, and fails with
    :class:`hmacfs.errors.MetadataUnavailable` where the server did not answer
    by then, or refused.
    """

    def start() -> Deferred[None]:
        """
        Get ready.

        :return: fires when the server was reached, or soon without.
        """

    def server() -> Deferred[str]:
        """
        :return: fires with a name for the server that has it, which changes
            whenever that is started anew.
        """


class ISharing(Interface):
    """
    Metadata that tells others of its own records.
    """

    def sharing() -> Deferred[Sharing]:
        """
        :return: fires with how it stands, for the metrics.
        """


class ITurn(Interface):
    """One request's turn at a name."""

    size = Attribute("Bytes of its file, ``None`` where its end will tell.")
    ended = Attribute("A :class:`Deferred` that fires with ``None`` when the name is free again.")

    def supersede(keep: bool) -> None:
        """
        A newer request wants the name.

        :param keep: whether it goes on with the same upload.
        """


class INeighbours(Interface):
    """
    The other processes of this daemon that serve the same names.
    """

    def enter(name: StoredName, turn: ITurn, going_on: bool) -> Deferred[None] | None:
        """
        Take the place of whoever has *name* in another process; until *turn*
        has ended, others that come later take its own.

        :param going_on: as of :meth:`hmacfs.web.turns.Turns.take`.
        :return: fires when the turns that came before are over; what they left
            is known here by then.  ``None`` where nobody is there.
        """

    def size(name: StoredName) -> Deferred[int | None] | None:
        """
        :return: fires with the bytes of the file that is on its way to *name*
            in another process, ``None`` where there is none or its end will
            tell; ``None`` at once where nobody is there.
        """

    def alone(name: StoredName) -> bool:
        """
        :return: whether no other process has a turn at *name*; ``False`` where
            one may have.
        """


class IHub(Interface):
    """Where events go."""

    def emit(event: Event) -> None:
        """
        Take *event* for every listener; returns before any of them hears it.
        Never raises.
        """


class ITakesBodies(Interface):
    """
    A resource that is asked before the body of a request is read.
    """

    body_methods = Attribute("The methods, as ``bytes``, whose bodies it takes.")

    def admit(request: Any) -> Deferred[IBody]:
        """
        Decide on *request*, a :class:`hmacfs.web.request.UploadRequest`, by its
        head alone; the client is held back meanwhile.

        :return: fires with who takes the body.  The client hears
            ``100 Continue`` then, not before.
        :raise Refusal: it is answered, and the body is not read.
        """


class IBody(IConsumer):
    """
    Who takes the body of one request, and answers it.
    """

    draws = Attribute("Whether :meth:`draw` may be called.")

    def draw(socket: int, most: int) -> Deferred[Drawn]:
        """
        Take what is on a socket, behind all that was written: as
        :meth:`IUpload.draw`.  It answers by itself where that fails.
        """

    def finished() -> None:
        """The body is here to its last byte: answer when it is kept."""

    def lost(reason: str) -> None:
        """
        No more of the body will come; whatever is to be said to the client is
        said by the caller.

        :param reason: as of :class:`hmacfs.events.RequestFailed`, or the code
            of a refusal.
        """
