"""
What a crash left, finished or undone at the next start.

There is no journal but the parts, which are few.  Each one names the file that
it was to become; what stands there says how far it came:

* The name is the part: its commit was done, or nearly, or that of a version
  that was restored, or of what came back from the trash.  The folder is synced,
  since whoever sends the file again will be told that it is stored; its row is
  written anew, and the part goes.
* A version is the part: it was committed, and overwritten since, or came back
  from the trash.  Its row is written, and the part goes.
* Otherwise it was not committed.  It waits to be gone on with: also where its
  time seems to be over, since a start knows no better than the clock, which a
  sweep does.  One that nobody can go on with goes.  It is cut to the bytes that
  are trusted; and to those that were synced, or goes where not even it was, if
  the machine was started since it was written.
* A version that is the very file under the name was made for a replacement
  that did not come, or has been restored: it goes.
* Folders made for it go, if they are empty.

A second name of a part, a label without its part, and one that was about to
replace another, go.  What is not surely ours stays, with a warning.  It may all
be interrupted and begun again.
"""

from __future__ import annotations

import os
from contextlib import suppress

import attrs
from twisted.logger import Logger

from hmacfs.errors import MalformedName, NotFound, StoreProblem
from hmacfs.interfaces.disk import IDisk
from hmacfs.names import RESERVED, StoredName, recall
from hmacfs.records import Row, Status
from hmacfs.store.known import Knowing, Known
from hmacfs.store.labels import Label, recorded
from hmacfs.store.parts import ID, Parts
from hmacfs.store.suspended import Waiting
from hmacfs.store.tables.versions import VersionRow
from hmacfs.store.trees import Trees


@attrs.frozen
class Finished:
    """
    A part that is a file, or was one.

    :ivar id: the part's.
    :ivar row: of the file, where the part is it.
    :ivar version: of the version, where the part is one.
    """

    name: StoredName
    id: bytes
    row: Row | None
    version: VersionRow | None


@attrs.frozen
class Recovered:
    """
    What a start found.

    :ivar finished: parts that go when the index knows of them.
    :ivar waiting: parts that are kept.
    """

    finished: list[Finished] = attrs.field(factory=list)
    waiting: list[Waiting] = attrs.field(factory=list)


class Recovery:
    """
    The start of one store.  It blocks: never on the reactor's thread.
    """

    log = Logger()

    def __init__(
        self, disk: IDisk, trees: Trees, parts: Parts, knowing: Knowing, boot: str
    ) -> None:
        """
        :param boot: this one.
        """
        self._boot = boot
        self._disk = disk
        self._parts = parts
        self._files = trees.files
        self._versions = trees.versions
        self._knowing = knowing

    def recover(self) -> Recovered:
        """
        :raise StoreProblem: a part cannot be read, or what was done for it
            cannot be made to last.
        """
        found = Recovered()
        ours, second = self._sorted_out()
        for name in second:
            self._disk.unlink(self._parts.folder, name)
        for id in ours:
            try:
                self.decide(id, found)
            except OSError as error:
                why = os.strerror(error.errno) if error.errno else str(error)
                raise StoreProblem(
                    f"The part {id.decode()} among {RESERVED.decode()}/parts cannot be recovered: "
                    f"{why}."
                ) from error
        return found

    def _sorted_out(self) -> tuple[list[bytes], list[bytes]]:
        """
        :return: the ids of all parts, and what is to go in any case: second
            names, labels of parts that are gone, and those not whole yet.
        """
        names = sorted(self._disk.names(self._parts.folder))
        ids, second = [], []
        for name in names:
            ours = ID.fullmatch(name)
            if ours is None or self._disk.look(self._parts.folder, name).kind != "file":
                self.log.warn("{name} among the parts is not ours, and stays", name=ascii(name))
            elif ours[2] is None:
                ids.append(name)
            elif ours[2] in (b".new", b".next") or ours[1] not in names:
                second.append(name)
        return ids, second

    def decide(self, id: bytes, found: Recovered, sure: bool = False) -> None:
        """
        Decide on one part, to which nobody writes.

        :param found: is told of it.
        :param sure: whether it is known to be as it was left: it has been cut to
            what is trusted, and the machine was not started since.
        """
        file = self._disk.open(self._parts.folder, id)
        try:
            status = self._disk.status(file)
            label = self._parts.label(id, file)
        finally:
            self._disk.close(file)
        name = _name(label)
        if label is None or name is None:
            self._parts.drop(id)
            return
        file = self._committed(name, status)
        version = self._settle_versions(name, status)
        self._versions.prune(name.segments)
        self._files.prune(name.segments[:-1])
        until = label.until
        if file or version:
            row = self._known(name, status, label).row
            made = VersionRow(version, row) if version else None
            found.finished.append(Finished(name, id, row if file else None, made))
        elif not until or not (sure or self._cut(id, status, label)):
            self._parts.drop(id)
        else:
            found.waiting.append(Waiting(name, id, until, recorded(id.decode(), label)))

    def _cut(self, id: bytes, status: Status, label: Label) -> bool:
        """
        Leave of a part what is surely that of its upload.

        Nothing is synced: behind another power cut the same is cut again.

        :return: whether there is any.
        """
        # A boot that nobody knows is none we could trust.
        same = self._boot != "" and label.boot == self._boot
        if same and label.trusted is None:
            return True
        if not same and (label.synced is None or status.size < label.synced):
            return False
        # To reopen it cuts it to what is trusted.
        with self._parts.reopened(id) as part:
            if not same:
                self._parts.cut(part.file, label.synced or 0)
                self._parts.tell(part, attrs.evolve(part.label, boot=self._boot))
        return True

    def _known(self, name: StoredName, part: Status, label: Label) -> Known:
        known = label if self._parts.attributes else None
        return self._knowing.of(name, part, known, _told(label, part))

    def _committed(self, name: StoredName, part: Status) -> bool:
        """
        :return: whether the part is the file *name*.
        """
        with self._files.there(name.segments[:-1]) as folder, suppress(FileNotFoundError):
            if folder is not None and self._disk.look(folder, name.segments[-1]).same(part):
                self._disk.sync(folder)
                return True
        return False

    def _settle_versions(self, name: StoredName, part: Status) -> str:
        """
        Remove what is a version and is still, or again, the file.

        :return: the version that the part is, ``""`` where it is none.
        """
        ours = ""
        current = self._current(name)
        with self._versions.there(name.segments) as versions:
            if versions is None:
                return ""
            for version in self._disk.names(versions):
                found = self._disk.look(versions, version)
                if current is not None and found.same(current):
                    self._disk.unlink(versions, version)
                elif found.same(part):
                    ours = version.decode()
            # Before the part goes, which is what told of it; also where a start
            # that was interrupted removed it.
            self._disk.sync(versions)
        return ours

    def _current(self, name: StoredName) -> Status | None:
        with self._files.there(name.segments[:-1]) as folder, suppress(FileNotFoundError):
            if folder is not None:
                return self._disk.look(folder, name.segments[-1])
        return None


def _name(label: Label | None) -> StoredName | None:
    if label is None or label.name is None:
        return None
    try:
        return recall(label.name.encode())
    except (MalformedName, NotFound):
        return None


def _told(label: Label, part: Status) -> Label:
    """
    What stands beside a part was written when it was begun: as it is by now.
    """
    stored = part.modified / 1e9 if label.stored is None else label.stored
    return attrs.evolve(label, size=part.size, stored=stored)
