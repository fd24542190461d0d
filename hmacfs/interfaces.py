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

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer
from zope.interface import Attribute, Interface

from hmacfs.events import Event
from hmacfs.names import StoredName
from hmacfs.records import Figures, FileRecord, Row, Status
from hmacfs.uploads import Slot

T = TypeVar("T")


class IUpload(Interface):
    """
    One upload under way.  Bytes arrive in order, from offset 0.

    Its calls do not overlap: the caller waits for one to fire before it makes
    the next.
    """

    slot = Attribute("The :class:`hmacfs.uploads.Slot` it was begun for.")
    offset = Attribute("How many bytes are safely stored: an ``int``, in bytes.")

    def append(pieces: Sequence[bytes]) -> Deferred[int]:
        """
        Store *pieces*, in order, at :attr:`offset`.

        :return: fires with the new offset once the bytes would survive the
            death of this process (not yet of the machine: see :meth:`commit`).
        :raise TooLarge: the promised size would be passed; nothing is stored.
        :raise NoSpace: the disk is full, or an upload of unknown size would
            take what others were promised; what fitted is stored.
        """

    def commit(sha256: str | None = None) -> Deferred[FileRecord]:
        """
        Make the upload the file of its name, in the order that survives a
        crash at every step.

        :param sha256: the hexadecimal digest, where somebody computed it.
        :return: fires when the file can be acknowledged: with
            ``Durability = "full"`` it then survives a power cut.
        :raise WrongLength: :attr:`offset` is not the promised size; the part
            is kept, to go on with or to :meth:`discard`.
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
        Let go of the part and keep it, synced, until its ``UploadExpiry``.

        :return: fires when it would survive a power cut as it stands.
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


class IHasDescriptor(Interface):
    """A file that can be sent by ``sendfile(2)``."""

    def fileno() -> int:
        """
        :return: a descriptor whose position nobody relies on, good until
            :meth:`IFile.close`.
        """


class IStore(Interface):
    """Where the files are."""

    def start() -> Deferred[None]:
        """
        Get ready: make what is missing, finish or undo what a crash left.

        :raise StoreProblem: it cannot be used as it stands; the text says why.
        """

    def stop() -> Deferred[None]:
        """Write down what waits, and let go of everything."""

    def begin(slot: Slot) -> Deferred[IUpload]:
        """
        Open a part for *slot*.  A suspended part for the same name is dropped.

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

    def create(folder: int, name: bytes, mode: int) -> int:
        """Make a new file, to be written at its end."""

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

    def read(file: int, offset: int, size: int) -> bytes:
        """
        :return: up to *size* bytes from *offset*; ``b""`` only at the end.
        """

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

    def lock(folder: int, name: bytes, wait: bool) -> int:
        """
        Take the lock *name*, a file that is made where it is missing.

        :param wait: whether to wait until whoever has it lets go.
        :return: its descriptor, which holds the lock until it is closed.
        :raise BlockingIOError: somebody has it, and *wait* is false.
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


class IIndex(Interface):
    """
    What orders and searches the files: a row for each.

    The files are the truth.  A row follows its file, soon, and is never in the
    way of an answer; an index that is lost can be made anew from the files.
    """

    def start() -> Deferred[None]:
        """Get ready, with what was written before or, where that is lost, with nothing."""

    def stop() -> Deferred[None]:
        """Let go of it."""

    def write(rows: Sequence[Row]) -> Deferred[None]:
        """
        Put *rows* in, each in place of the one that has its name; all of them
        or none.

        :return: fires when they would survive a power cut.
        """

    def find(name: str) -> Deferred[Row | None]:
        """
        :return: fires with the row of *name*.
        """

    def totals() -> tuple[int, int]:
        """
        :return: how many rows there are, and the sum of their sizes.
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

    def finished() -> None:
        """The body is here to its last byte: answer when it is kept."""

    def lost(reason: str) -> None:
        """
        No more of the body will come; whatever is to be said to the client is
        said by the caller.

        :param reason: as of :class:`hmacfs.events.RequestFailed`, or the code
            of a refusal.
        """
