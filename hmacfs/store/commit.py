"""
From a part to a file: the one way in which a name gets its bytes.

Each step is such that a power cut behind it, or before it, leaves the old file
or the new one and never half of either; what :mod:`hmacfs.store.recovery`
finds at the next start tells it which step was the last.

1.  The part gets its whole label and is synced.
2.  The lock of the name is taken, missing folders are made and synced.
3.  A new name: the part is linked to it.  If it is taken, the part goes.
3'. A taken one that may be overwritten: the file is linked to its version, and
    the version's folder synced.
4'. The part, by a second name that it was given for this, is renamed to the
    name, in place of the file, which is at no moment without one.
5.  The folder is synced, the lock let go.  Now it can be acknowledged.
6.  Behind the answer, the row is written into the index, and only then the
    part is removed: see :mod:`hmacfs.store.backlog`.

A sync that fails is not tried again, since a second one succeeds without
having written anything.  The name is taken away, or given back to the former
file, and the client hears that nothing was stored.  After a power cut the new
bytes may then still be there, whole, and never acknowledged; the former file
remains among the versions for that case.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from secrets import token_hex

from twisted.logger import Logger

from hmacfs.errors import NotStored
from hmacfs.interfaces import IDisk
from hmacfs.names import StoredName
from hmacfs.records import FileRecord, Status
from hmacfs.store.folders import Folders
from hmacfs.store.labels import Label, commit_id, decode, describe, identity
from hmacfs.store.locks import Locks
from hmacfs.store.parts import Part, Parts
from hmacfs.store.troubles import refusal, taken
from hmacfs.uploads import Slot

TRIES = 10
"""How often folders are made again that others, finding them empty, remove."""


class Commit:
    """
    What commits the parts of one store.  It blocks: never on the reactor's
    thread, and on several others at once.
    """

    log = Logger()

    def __init__(
        self, disk: IDisk, parts: Parts, files: Folders, versions: Folders, locks: Locks
    ) -> None:
        self._disk = disk
        self._parts = parts
        self._files = files
        self._versions = versions
        self._locks = locks

    def commit(self, slot: Slot, part: Part, label: Label) -> FileRecord:
        """
        Make *part* the file of its name, and let go of its descriptor.

        :param label: the whole label of the file to be.
        :return: when it can be acknowledged; the part stays, for step 6.
        :raise Refusal: it is no file, and the part is gone.
        """
        try:
            try:
                return self._commit(slot, part, label)
            finally:
                self._disk.close(part.file)
        except BaseException as error:
            self._clear(slot.name, part)
            if not isinstance(error, OSError):
                raise
            foreseen = refusal(error)
            if foreseen is None:
                self.log.failure("the disk did not keep {name!r}", name=slot.name.text)
                foreseen = NotStored("The disk did not keep the file.")
            raise foreseen from error

    def _clear(self, name: StoredName, part: Part) -> None:
        """
        Leave nothing of an upload that failed.  What cannot be removed now is
        at the next start.
        """
        try:
            self._parts.drop(part.id)
        except OSError:
            self.log.failure("part {id} stays until the next start", id=part.id.decode())
        self._versions.prune(name.segments)
        self._files.prune(name.segments[:-1])

    def _commit(self, slot: Slot, part: Part, label: Label) -> FileRecord:
        if part.label != label:
            self._parts.relabel(part, label)
        self._disk.sync(part.file)
        status = self._disk.status(part.file)
        with self._locks.held(slot.name):
            for _ in range(TRIES):
                try:
                    self._place(slot, part)
                    break
                except FileNotFoundError:
                    continue
            else:
                raise NotStored("The folder of the file is removed again and again.")
        return describe(slot.name, status, label if self._parts.attributes else None, label)

    def _place(self, slot: Slot, part: Part) -> None:
        """
        :raise FileNotFoundError: a folder went meanwhile, and nothing is done.
        """
        last = slot.name.segments[-1]
        with self._files.holding(slot.name, make=True) as folder:
            version = self._former(folder, last) if slot.overwrite else None
            if version is None:
                self._create(part, folder, last)
            else:
                with self._versions.within(slot.name, make=True) as versions:
                    self._replace(part, folder, last, versions, *version)

    def _former(self, folder: int, last: bytes) -> tuple[Status, str] | None:
        """
        :return: the file that has the name, and what it is called as a
            version; ``None`` where there is none.
        :raise Refusal: what has the name is no file.
        """
        try:
            status = self._disk.look(folder, last)
        except FileNotFoundError:
            return None
        if status.kind != "file":
            raise taken(status)
        label = None
        if self._parts.attributes:
            file = self._disk.open(folder, last)
            try:
                label = decode(self._disk.attribute(file))
            finally:
                self._disk.close(file)
        return status, identity(status, label)

    def _create(self, part: Part, folder: int, last: bytes) -> None:
        if not self._parts.attributes:
            # What is known of the file stands beside the part alone.
            self._parts.settle(part)
        try:
            self._disk.link(self._parts.folder, part.id, folder, last)
        except FileExistsError:
            raise taken(self._disk.look(folder, last)) from None
        self._sync_name(folder, lambda: self._disk.unlink(folder, last))

    def _replace(
        self, part: Part, folder: int, last: bytes, versions: int, former: Status, version: str
    ) -> None:
        # A start that does not find the part could not tell a version that
        # was made in vain.
        self._parts.settle(part)
        kept = self._keep(folder, last, versions, former, version)
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

        self._sync_name(folder, give_back)

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

    def _sync_name(self, folder: int, undo: Callable[[], None]) -> None:
        """
        The last step, or its undoing.
        """
        try:
            self._disk.sync(folder)
        except BaseException:
            try:
                undo()
            except OSError:
                self.log.failure("a file that was not acknowledged may be served")
            raise
