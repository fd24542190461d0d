"""
What ``web`` asks of a store.

It knows stores by these alone.  What a store may be able to do besides is an
interface of its own, here and in :mod:`hmacfs.abilities`: one that cannot
serve a file descriptor need not pretend.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from hmacfs.digests import Digest
from hmacfs.interfaces.disk import Drawn
from hmacfs.names import StoredName
from hmacfs.records import Figures, FileRecord
from hmacfs.uploads import Slot, UploadRecord


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
