"""
What a store may be able to do beside keeping files, each ability apart.

Whoever needs one asks for it (``IVersioned(store, None)``), so that a store
that cannot need not pretend.  All of them look at a name under its lock, and
again at what they found before: a newer upload is never taken for an old file.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from hmacfs.interfaces.store import IFile, IHasDescriptor, IHeld
from hmacfs.names import StoredName
from hmacfs.records import Checked, Disagreement, Due, FileRecord, Removed, Trashed, Version
from hmacfs.uploads import Slot


class IStoresWhole(Interface):
    """
    A store that takes a small file with one call, when all of it is here.

    It is stored as any other, by the same steps, for a fraction of the work:
    nobody can be told how far it is, nor go on with it, so that nothing but
    the file is written down.
    """

    most = Attribute("Bytes of a file that is small: an ``int``.")

    def store_now(slot: Slot, content: bytes) -> FileRecord | None:
        """
        Make *content* the file of *slot*, where nobody has to be waited for.

        :param content: all of it, as many bytes as *slot* says.
        :return: the file, which can be acknowledged; ``None`` where nothing was
            done, and it is for :meth:`store`.
        :raise Refusal: as of :meth:`store`; nothing is left of it.
        """

    def store(slot: Slot, content: bytes) -> Deferred[FileRecord | None]:
        """
        Make *content* the file of *slot*, and wait for whatever it takes.

        :param content: all of it, as many bytes as *slot* says.
        :return: fires with the file when it can be acknowledged, as of
            :meth:`hmacfs.interfaces.store.IUpload.commit`.  With ``None`` where
            nothing was done, and :meth:`hmacfs.interfaces.store.IStore.begin` is to
            decide: something has the name, or waits for it, say.
        :raise Refusal: as of :meth:`hmacfs.interfaces.store.IUpload.commit`; nothing
            is left of it.
        """


class IHolds(Interface):
    """A store that has files at hand."""

    def held(name: StoredName) -> IHeld | IHasDescriptor | None:
        """
        :return: the file *name* as it is now, to be closed by the caller; its record
            is the same, and mostly the same object, as long as nobody has changed the
            file.  ``None`` where somebody has to be asked or waited for, or it is not
            there: see :meth:`hmacfs.interfaces.store.IStore.open`.
        """


class IVersioned(Interface):
    """
    A store that keeps what a file was before.

    A version is a former file, never the current one.  Its id sorts by time
    and matches ``[0-9A-Za-z_-]+``.  One that has expired, or is over
    ``MaxVersions``, is not there, swept or not.
    """

    def versions(name: StoredName) -> Deferred[Sequence[Version]]:
        """
        :return: fires with the versions of *name*, the newest first; empty
            where its file was never replaced.
        :raise NotFound: nothing is kept under *name*, not even a version.
        """

    def open_version(name: StoredName, id: str) -> Deferred[IFile]:
        """
        :param id: as a client sent it.
        :raise NotFound: there is no such version.
        """

    def remove_version(name: StoredName, id: str) -> Deferred[None]:
        """
        Remove a version for good.

        :return: fires when a power cut does not bring it back.
        :raise NotFound: there is no such version.
        """

    def restore(name: StoredName, id: str) -> Deferred[FileRecord]:
        """
        Make a version the file again; what was the file becomes a version.

        At no moment is the name without a file, or has half of one.

        :return: fires when that survives a power cut, with the record.
        :raise NotFound: there is no such version.
        :raise Deleted: the name was deleted, and takes no file.
        :raise NotStored: the disk did not keep it; all is as it was.
        """


class IRemoves(Interface):
    """
    A store whose files can be removed for good.

    A name whose file was removed is buried: it takes no upload for
    ``TombstoneTTL``.  Its tombstone lasts before the file goes.
    """

    def remove(name: StoredName) -> Deferred[FileRecord]:
        """
        Remove a file and its versions.

        :return: fires with the record of what was there, when a power cut does
            not bring it back.
        :raise NotFound: nothing is kept under *name*, or it has expired; no
            tombstone is left.
        :raise Forbidden: it is a folder.
        """

    def buried(name: StoredName) -> Deferred[bool]:
        """
        :return: fires with whether *name* takes no upload.
        """

    def forget(name: StoredName) -> Deferred[bool]:
        """
        Take the tombstone of *name* away.

        :return: fires with whether there was one.
        """

    def take_down(name: StoredName, ban: bool = False) -> Deferred[Sequence[Removed]]:
        """
        Remove every byte that is or was kept under *name*: the file, its
        versions, what rests of it in the trash, and uploads under way, which
        are cut off.

        :param ban: whether to refuse the same bytes from now on, under any
            name: each upload is hashed as long as anything is banned.
        :return: fires with what went, empty where there was nothing.  A
            tombstone is left in any case.
        """


class IExpires(Interface):
    """
    A store that knows what is past its time, and takes it away.

    The cost of each call grows with what it finds, not with what is kept.
    """

    def due(now: float, most: int) -> Deferred[Sequence[Due]]:
        """
        :param now: unix seconds.
        :return: fires with up to *most* files and versions that are past their
            expiry, or versions over ``MaxVersions``, the longest due first.
        """

    def overdue(now: float, most: int) -> Deferred[tuple[int, int]]:
        """
        :return: fires with how many those are, counted up to *most*, and how
            many files and versions are kept at all.
        """

    def retire(due: Sequence[Due], now: float) -> Deferred[Sequence[Removed]]:
        """
        Take each of *due* away, into the trash where there is one, with a
        tombstone for each file.  What is not due any more, since it was
        replaced meanwhile, stays; what the disk does not let go is logged,
        stays, and is put off, so that it does not hold up the others.

        :return: fires with what went, when a power cut does not bring it back.
        """


class ITrash(Interface):
    """
    A store that keeps for a while what a sweep took away, seen by nobody.
    """

    def trashed(name: StoredName | None, most: int) -> Deferred[Sequence[Trashed]]:
        """
        :param name: of one file, or ``None`` for all.
        :return: fires with what rests in the trash, the newest first.
        """

    def undo(item: Trashed) -> Deferred[bool]:
        """
        Bring something back.  A file gets a whole new term from now on, so
        that it does not expire at once, and its tombstone goes.

        :return: fires with whether it is back; ``False`` where its name was
            taken meanwhile, or it is not in the trash any more.
        :raise Exists: it is a version, and newer ones reach ``MaxVersions``: it
            would be seen by nobody, and go again.
        """

    def open_trashed(item: Trashed) -> Deferred[IFile]:
        """
        :return: fires with it, for whoever has to know which bytes they are.
        :raise NotFound: it is not in the trash any more.
        """

    def discard(item: Trashed) -> Deferred[bool]:
        """
        Remove something for good before its time.

        :return: fires with whether it was there, when a power cut does not
            bring it back.
        """

    def purge(before: float, most: int) -> Deferred[int]:
        """
        Remove for good what came into the trash before *before*.

        :param most: how many at most.
        :return: fires with how many went.
        """


class IIndexed(Interface):
    """
    A store with an index, whose rows follow the files soon.
    """

    def settled() -> Deferred[None]:
        """
        :return: fires when the index tells of all that was acknowledged before
            the call, as far as it takes rows at all.
        """


class IBans(Interface):
    """
    A store that refuses bytes by their digest, under whatever name they come.
    """

    def banned() -> Deferred[Sequence[str]]:
        """
        :return: fires with the hexadecimal SHA-256 of all that is refused, in
            order.
        """

    def ban(sha256: str) -> Deferred[bool]:
        """
        Refuse these bytes from now on; what is kept of them stays.

        :return: fires with whether that is new, when it survives a power cut.
        """

    def unban(sha256: str) -> Deferred[bool]:
        """
        :return: fires with whether they were refused until now.
        """


class IChecks(Interface):
    """
    A store that can hold what it keeps against what its index tells.

    It goes through all of it in slices, while uploads go on.
    """

    def crawl(cursor: tuple[str, ...] | None, most: int) -> Deferred[Checked]:
        """
        Look at a slice, and let the index follow the files: what it does not
        list is taken in, a row without a file goes, and so do folders without
        one.

        :param cursor: of the slice before, be it another process's; ``None``
            for the first one.
        :param most: how much is looked at.
        :return: fires with where to go on, and what did not agree.
        """

    def check(cursor: tuple[str, ...] | None, most: int) -> Deferred[Checked]:
        """
        Look at a slice, and change nothing.  What :meth:`crawl` takes no
        interest in is found as well: labels that are another file's.
        """

    def mend(found: Sequence[Disagreement]) -> Deferred[int]:
        """
        Mend what :meth:`check` found.  No file goes by it.

        :return: fires with how many of them agree now.
        """

    def forget_rows(most: int) -> Deferred[bool]:
        """
        Take up to *most* rows out of the index that a crawl brings back; none
        where they are all that is known of a file.

        :return: fires with whether there are more.
        """
