"""
From a part to a file: the one way in which a name gets its bytes.

Each step is such that a power cut behind it, or before it, leaves the old file
or the new one and never half of either; what :mod:`hmacfs.store.recovery`
finds at the next start tells it which step was the last.

1.  The part gets its whole label and is synced.
2.  The lock of the name is taken, it is asked whether the name is buried, and
    missing folders are made and synced.
3.  A new name: the part is linked to it.  If it is taken, the part goes.
3'. A taken one that may be overwritten: the file is linked to its version, and
    the version's folder synced.
4'. The part, by a second name that it was given for this, is renamed to the
    name, in place of the file, which is at no moment without one.
5.  It is asked whether the bytes were banned meanwhile, the folder is synced,
    the lock let go.  Now it can be acknowledged.
6.  Behind the answer, the row is written into the index, and only then the
    part is removed: see :mod:`hmacfs.store.backlog`.

A sync that fails is not tried again, since a second one succeeds without
having written anything.  The name is taken away, or given back to the former
file, and the client hears that nothing was stored; so it is where step 5 finds
that the bytes are banned, of whose ban somebody may have been told already.
After a power cut the new bytes may then still be there, whole, and never
acknowledged; for that case a former file remains among the versions where a
sync failed, and is synced first where bytes were banned.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, suppress
from secrets import token_hex
from typing import NoReturn

import attrs
from twisted.logger import Logger

from hmacfs.errors import NotFound, NotStored
from hmacfs.interfaces.disk import IDisk
from hmacfs.names import StoredName, jailed
from hmacfs.records import Row, Status
from hmacfs.store.digesting import Digesting
from hmacfs.store.folders import Folders
from hmacfs.store.known import Knowing, Known
from hmacfs.store.labels import Label, commit_id
from hmacfs.store.locks import Locks
from hmacfs.store.parts import Part, Parts
from hmacfs.store.refusing import Refusing, deleted
from hmacfs.store.tables.versions import VersionRow
from hmacfs.store.troubles import refusal, taken
from hmacfs.uploads import Slot

TRIES = 10
"""How often folders are made again that others, finding them empty, remove."""


def nothing() -> None:
    """What is checked where nothing is."""


def removed_again() -> NotStored:
    """
    :return: the refusal where a file's folder does not stay.
    """
    return NotStored("The folder of the file is removed again and again.")


@attrs.frozen
class Committed:
    """
    :ivar file: what has the name now.
    :ivar version: what had it before, as a version; ``None`` where nothing did.
    """

    file: Known
    version: VersionRow | None


class Commit:
    """
    What commits the parts of one store.  It blocks: never on the reactor's
    thread, but for :meth:`steps` and :meth:`create_now`, and on several others at
    once.
    """

    log = Logger()

    def __init__(
        self,
        disk: IDisk,
        parts: Parts,
        files: Folders,
        versions: Folders,
        locks: Locks,
        knowing: Knowing,
        refusing: Refusing,
        digesting: Digesting,
    ) -> None:
        self._disk = disk
        self._parts = parts
        self._files = files
        self._versions = versions
        self._locks = locks
        self._knowing = knowing
        self._refusing = refusing
        self._digesting = digesting

    def commit(self, slot: Slot, part: Part, label: Label, former: Row | None = None) -> Committed:
        """
        Make *part* the file of its name, and let go of its descriptor.

        :param label: the whole label of the file to be.
        :param former: the row of what has the name, where there are no
            attributes.
        :return: when it can be acknowledged; the part stays, for step 6.
        :raise Refusal: it is no file, and the part is gone.
        """
        with self.landing(slot.name, part):
            label = self._checked(part, label)
            # All of it, also where there are no attributes: a start makes the
            # row of nothing else.
            if part.label != label:
                part = self._parts.tell(part, label)
            self._disk.sync(part.file)
            version = self.give(slot.name, slot.overwrite, part, former)
            return Committed(self.known(slot.name, part, label), version)

    def known(self, name: StoredName, part: Part, label: Label) -> Known:
        """
        :return: what there is to know of the file that *part* has become.
        """
        status = self._disk.status(part.file)
        return self._knowing.of(name, status, label if self._parts.attributes else None, label)

    def steps(self, name: StoredName, part: Part) -> Generator[int, None, None]:
        """
        As :meth:`give`, for a name that is free, and on the reactor's thread: all
        that has to be waited for is left to others.

        :return: gives each folder that is to be synced, and is to go on when that
            is done; or it is thrown what that failed with.
        :raise OSError: when it goes on: nothing is done, and it is for
            :meth:`give`, since the name is taken, or somebody would have to be
            waited for.
        """
        last = name.segments[-1]
        with self._locks.held(name, wait=False):
            self._refusing.check(name, wait=False)
            folder = yield from self._files.reach(jailed(name.segments)[:-1], make=True)
            try:
                self._disk.link(self._parts.folder, part.id, folder, last)
                try:
                    if self._refusing.may_ban:
                        raise BlockingIOError
                    yield folder
                except BaseException:
                    self._undo(lambda: self._disk.unlink(folder, last))
                    raise
            finally:
                self._files.leave(folder)

    def create(self, name: StoredName, part: Part, wait: bool) -> None:
        """
        As :meth:`commit`, where nothing has to be known of the bytes, and
        nothing is to be replaced.

        :param part: one that bears the whole label of the file.
        :param wait: whether others may be waited for, which is never done on
            the reactor's thread.
        :raise BlockingIOError: they would have to be; the part is gone.
        """
        with self.landing(name, part):
            self._disk.sync(part.file)
            self.give(name, False, part, None, wait)

    def create_now(self, name: StoredName, part: bytes, file: int) -> bool:
        """
        As :meth:`create`, on the spot and in a store that syncs nothing: the same
        steps, without what is there for when they fail.

        :param part: the id of one that bears the whole label of the file.
        :param file: its descriptor, let go of where it is done.
        :return: whether it is; else nothing is, and it is for :meth:`create`.
        """
        above, last = jailed(name.segments)[:-1], name.segments[-1]
        try:
            lock = self._locks.take(name, wait=False)
            try:
                if self._refusing.may_be_buried(name):
                    return False
                folder = self._files.walk(above, make=True)
                try:
                    self._disk.link(self._parts.folder, part, folder, last)
                    if self._refusing.may_ban:
                        self._undo(lambda: self._disk.unlink(folder, last))
                        return False
                finally:
                    self._files.leave(folder)
            finally:
                self._locks.give_back(lock)
        except OSError:
            return False
        self._disk.close(file)
        return True

    def landing(self, name: StoredName, part: Part) -> AbstractContextManager[None]:
        """
        Let go of the descriptor of *part* behind what is done, and of all of
        it where that fails.

        :raise Refusal: it did.
        """
        return _Telling(self, name, part)

    def telling(self, name: StoredName) -> AbstractContextManager[None]:
        """
        :raise Refusal: in place of what the disk said.
        """
        return _Telling(self, name, None)

    def land(self, name: StoredName, part: Part, failed: bool) -> None:
        """
        The end of :meth:`landing`.
        """
        try:
            self._disk.close(part.file)
        except BaseException:
            failed = True
            raise
        finally:
            if failed:
                self._clear(name, part)

    def tell(self, name: StoredName, error: OSError) -> NoReturn:
        """
        The end of :meth:`telling`, where the disk said *error*.
        """
        if isinstance(error, BlockingIOError):
            # Of a lock: nothing is wrong with the disk.
            raise error
        foreseen = refusal(error)
        if foreseen is None:
            self.log.failure("the disk did not keep {name!r}", name=name.text)
            foreseen = NotStored("The disk did not keep the file.")
        raise foreseen from error

    def place(
        self,
        name: StoredName,
        overwrite: bool,
        part: Part,
        former: Row | None = None,
        check: Callable[[], object] = nothing,
    ) -> VersionRow | None:
        """
        Give *name*, whose lock is held, to *part*; the steps from 3 to 5.

        :param overwrite: whether a file that has it gives way.
        :param former: as of :meth:`commit`.
        :param check: called when *part* has the name; what it raises takes the
            name away again.
        :return: what that file is by now.
        """
        for _ in range(TRIES):
            try:
                return self._place(name, overwrite, part, former, check)
            except FileNotFoundError:
                # A folder went meanwhile, and nothing is done.
                continue
        try:
            self._parts.size(part.id)
        except NotFound:
            # Taken down this moment, where names are not buried.
            raise deleted() from None
        raise removed_again()

    def shelve(self, name: StoredName, part: Part, version: str) -> None:
        """
        Make *part* a version of *name*, whose lock is held.

        :raise Exists: there is one that is called so.
        """
        for _ in range(TRIES):
            with suppress(FileNotFoundError), self._versions.within(name, make=True) as folder:
                try:
                    self._disk.link(self._parts.folder, part.id, folder, version.encode())
                except FileExistsError:
                    raise taken(self._disk.look(folder, version.encode())) from None
                self._sync_name(folder, lambda: self._disk.unlink(folder, version.encode()))
                return
        raise removed_again()

    def give(
        self,
        name: StoredName,
        overwrite: bool,
        part: Part,
        former: Row | None = None,
        wait: bool = True,
    ) -> VersionRow | None:
        """
        The steps from 2 on, for a part that is synced; see :meth:`place`.
        """
        with self._locks.held(name, wait):
            self._refusing.check(name, wait)
            # Before the name is there a ban would find no file, and be told of.
            return self.place(name, overwrite, part, former, lambda: self._recheck(part, wait))

    def _recheck(self, part: Part, wait: bool) -> None:
        """
        :raise Banned: nobody is to have these bytes any more.
        :raise BlockingIOError: nobody may, and nobody waits to know it.
        """
        if not self._refusing.may_ban:
            return
        if not wait:
            raise BlockingIOError
        # A digest that is known was asked about before, of fewer bans.
        self._checked(part, part.label)

    def _checked(self, part: Part, label: Label) -> Label:
        """
        :return: *label*, with the digest where that had to be known.
        :raise Banned: nobody is to have these bytes.
        """
        if not self._refusing.in_force():
            return label
        sha256 = label.sha256 or self._digesting.digest(part.file, "sha256").hex()
        self._refusing.check_bytes(sha256)
        return attrs.evolve(label, sha256=sha256)

    def _clear(self, name: StoredName, part: Part) -> None:
        """
        Leave nothing of an upload that failed.  What cannot be removed now is
        at the next start.
        """
        # The part goes last: it is what tells a start of these folders.
        self._versions.prune(name.segments)
        self._files.prune(name.segments[:-1])
        try:
            self._parts.drop(part.id)
        except OSError:
            self.log.failure("part {id} stays until the next start", id=part.id.decode())

    def _place(
        self,
        name: StoredName,
        overwrite: bool,
        part: Part,
        row: Row | None,
        check: Callable[[], object],
    ) -> VersionRow | None:
        last = name.segments[-1]
        with self._files.holding(name, make=True) as folder:
            # Mostly the name is free, and the link finds that out by itself.
            former = self._former(name, folder, last, row) if overwrite else None
            if former is None:
                self._create(name, part, folder, last, row, check)
                return None
            with self._versions.within(name, make=True) as versions:
                kept = self._replace(part, folder, last, versions, former, check)
        return VersionRow(kept, former.row)

    def _former(self, name: StoredName, folder: int, last: bytes, row: Row | None) -> Known | None:
        """
        :return: the file that has the name; ``None`` where there is none.
        :raise Refusal: what has the name is no file, or has expired.
        """
        try:
            status = self._disk.look(folder, last)
        except FileNotFoundError:
            return None
        if status.kind != "file":
            raise taken(status)
        former = self._knowing.look(name, folder, last, row)
        self._refusing.check_former(former)
        return former

    def _create(
        self,
        name: StoredName,
        part: Part,
        folder: int,
        last: bytes,
        row: Row | None,
        check: Callable[[], object],
    ) -> None:
        if not self._parts.attributes:
            # What is known of the file stands beside the part alone.
            self._parts.settle(part)
        try:
            self._disk.link(self._parts.folder, part.id, folder, last)
        except FileExistsError:
            former = self._former(name, folder, last, row)
            if former is None:
                # It went since: once more.
                raise FileNotFoundError from None
            raise taken(former.status) from None

        def take_away() -> None:
            self._disk.unlink(folder, last)

        self._check_name(take_away, check)
        self._sync_name(folder, take_away)

    def _replace(
        self,
        part: Part,
        folder: int,
        last: bytes,
        versions: int,
        former: Known,
        check: Callable[[], object],
    ) -> str:
        """
        :return: what the former file is called as a version.
        """
        # A start that does not find the part could not tell a version that
        # was made in vain.
        self._parts.settle(part)
        kept = self._keep(folder, last, versions, former.status, former.id)
        spare = part.id + b".new"
        try:
            self._disk.sync(versions)
            # The part keeps its first name until its row is written, as in
            # every other commit.
            self._disk.link(self._parts.folder, part.id, self._parts.folder, spare)
            self._disk.rename(self._parts.folder, spare, folder, last)
        except BaseException:
            with suppress(FileNotFoundError):
                self._disk.unlink(self._parts.folder, spare)
            self._disk.unlink(versions, kept)
            raise

        def give_back() -> None:
            self._disk.link(versions, kept, self._parts.folder, spare)
            self._disk.rename(self._parts.folder, spare, folder, last)

        def as_before() -> None:
            give_back()
            # Before that, a power cut would find the former file nowhere else.
            self._disk.sync(folder)
            self._disk.unlink(versions, kept)
            # Behind the part, which goes next, no start would look for it.
            self._disk.sync(versions)

        self._check_name(as_before, check)
        self._sync_name(folder, give_back)
        return kept.decode()

    def _keep(self, folder: int, last: bytes, versions: int, former: Status, version: str) -> bytes:
        """
        Link the file to its version.

        :return: the version's name.
        """
        kept = version.encode()
        try:
            self._disk.link(folder, last, versions, kept)
        except FileExistsError:
            if self._disk.look(versions, kept).same(former):
                return kept
            # A copy, label and all, was made by other means, and has been
            # overwritten before.
            kept = commit_id(former.modified // 1000, token_hex(8)).encode()
            self._disk.link(folder, last, versions, kept)
        return kept

    def _check_name(self, undo: Callable[[], None], check: Callable[[], object]) -> None:
        try:
            check()
        except BaseException:
            self._undo(undo)
            raise

    def _sync_name(self, folder: int, undo: Callable[[], None]) -> None:
        """
        The last step, or its undoing.
        """
        try:
            self._disk.sync_names(folder)
        except BaseException:
            self._undo(undo)
            raise

    def _undo(self, undo: Callable[[], None]) -> None:
        try:
            undo()
        except OSError:
            self.log.failure("a file that was not acknowledged may be served")


class _Telling:
    """
    What :meth:`Commit.landing` and :meth:`Commit.telling` give: a class, since
    each small file pays for two of them, and a generator costs four times more.
    """

    __slots__ = ("_commit", "_name", "_part")

    def __init__(self, commit: Commit, name: StoredName, part: Part | None) -> None:
        self._commit = commit
        self._name = name
        self._part = part

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        try:
            if self._part is not None:
                self._commit.land(self._name, self._part, error is not None)
        except OSError as failed:
            error = failed
        if isinstance(error, OSError):
            self._commit.tell(self._name, error)
