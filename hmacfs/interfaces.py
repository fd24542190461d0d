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

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from hmacfs.events import Event
from hmacfs.names import StoredName
from hmacfs.records import FileRecord, Figures
from hmacfs.uploads import Slot


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
        :raise NotStored: a sync failed; the part is gone and nothing was
            acknowledged.
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
            it is a folder or anything else than a regular file.
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


class IHub(Interface):
    """Where events go."""

    def emit(event: Event) -> None:
        """
        Take *event* for every listener; returns before any of them hears it.
        Never raises.
        """
