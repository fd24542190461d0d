"""
A store that is open: what its uploads and downloads work with.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredLock, inlineCallbacks, succeed
from twisted.internet.interfaces import IReactorTime

from hmacfs.interfaces.disk import IDisk, ISyncs, IThreads
from hmacfs.interfaces.index import IIndex
from hmacfs.names import StoredName
from hmacfs.records import Row
from hmacfs.retention import Retention
from hmacfs.store import bookkeeping
from hmacfs.store.area import Area
from hmacfs.store.checking import Checking
from hmacfs.store.commit import Commit
from hmacfs.store.company import Alone
from hmacfs.store.digesting import Digesting
from hmacfs.store.familiar import Familiar
from hmacfs.store.flushing import Flushing
from hmacfs.store.folders import Folders, NeverSynced
from hmacfs.store.held import Held
from hmacfs.store.kept import Kept
from hmacfs.store.known import Knowing
from hmacfs.store.labels import commit_id
from hmacfs.store.landing import Landing
from hmacfs.store.locks import Locks
from hmacfs.store.pace import Pace
from hmacfs.store.parts import Parts
from hmacfs.store.reconciling import Reconciling
from hmacfs.store.recovery import Recovery
from hmacfs.store.refusing import Refusing
from hmacfs.store.removal import Removal
from hmacfs.store.restoring import Restoring
from hmacfs.store.rubbish import Rubbish
from hmacfs.store.sides import all_sides
from hmacfs.store.tables import files
from hmacfs.store.trees import Trees
from hmacfs.store.turns import Turns
from hmacfs.store.versions import Rows, Versions
from hmacfs.uploads import UploadRecord


@attrs.frozen
class Policy:
    """
    What the operator wants of a store.

    :ivar min_free_space: bytes that are kept back from uploads.
    :ivar upload_expiry: seconds that an unfinished upload waits.
    :ivar network: whether a network file system is taken.
    :ivar durable: whether files survive a power cut, and uploads with what was
        synced of them (``Durability = "full"``).
    :ivar sync_every: an upload is synced at each multiple of so many bytes: a
        power cut costs what came since, and each sync holds its client back.
    :ivar retention: when files and versions expire.
    :ivar max_versions: how many versions a name has; 0 for any number.
    :ivar tombstone_ttl: seconds that a name takes no file when its own is gone;
        0 where it may be taken at once.
    :ivar trash_ttl: seconds that what goes by age can be brought back; 0 for
        never.
    :ivar owner_quota: bytes that an owner may keep; 0 for any number.
    """

    min_free_space: int = 0
    upload_expiry: int = 86400
    network: bool = False
    durable: bool = True
    sync_every: int = 64 * 2**20
    retention: Retention = attrs.field(factory=Retention)
    max_versions: int = 5
    tombstone_ttl: int = 31_536_000
    trash_ttl: int = 86400
    owner_quota: int = 0


class Stamps:
    """
    The ids of commits: they sort by time, also where the clock stands still
    or goes back while the daemon runs.
    """

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: float, salt: str) -> str:
        """
        :param now: unix seconds.
        :param salt: see :func:`hmacfs.store.labels.commit_id`.
        """
        self._last = max(int(now * 1_000_000), self._last + 1)
        return commit_id(self._last, salt)


class Opened:
    """
    The collaborators of an open store, each made once.

    :ivar writing: the uploads under way, by id; as :class:`Suspended`, on the
        reactor's thread only.
    :ivar unmade: the names of those that began without a part, by id: nobody
        finds them among the parts.
    :ivar cut: the ids of those whose parts were taken away, or are not to be
        made; asked on all threads.
    :ivar pace: whether small things are done on the spot.
    :ivar purges: held by whoever removes something from the trash for good.
    """

    def __init__(
        self,
        area: Area,
        disk: IDisk,
        index: IIndex,
        clock: IReactorTime,
        threads: IThreads,
        policy: Policy,
        retention: Retention,
        syncs: IThreads,
        company: Alone,
        kernel: ISyncs | None,
        pace: Pace,
    ) -> None:
        """
        :param retention: that of *policy*, and since when it holds.
        :param syncs: where commits wait for the disk.
        :param kernel: who syncs by itself, if anybody does.
        """
        self.area = area
        self.disk = disk
        self.clock = clock
        self.threads = threads
        self.syncs = syncs
        self.policy = policy
        self.company = company
        unsynced = company.unsynced if policy.durable else NeverSynced
        self.files = Folders(disk, area.root, unsynced())
        self.parts = Parts(disk, area.parts, area.attributes)
        self.old = Folders(disk, area.versions, unsynced())
        self.trash = Folders(disk, area.trash)
        self.locks = locks = Locks(disk, area.locks)
        self.index = index
        self.knowing = Knowing(disk, area.attributes, retention)
        self.refusing = Refusing(
            index,
            clock,
            threads,
            policy.tombstone_ttl,
            company.tombstones(),
            company.commons,
        )
        self.digesting = Digesting(disk, self.parts, self.files, locks)
        self.commit = Commit(
            disk,
            self.parts,
            self.files,
            self.old,
            locks,
            self.knowing,
            self.refusing,
            self.digesting,
        )
        trees = Trees(self.files, self.old, self.trash)
        self.versions = Versions(disk, trees, self.knowing, policy.max_versions)
        self.removal = Removal(disk, trees, self.parts, locks, self.knowing)
        self.restoring = Restoring(
            disk,
            trees,
            self.parts,
            locks,
            self.knowing,
            self.versions,
            self.refusing,
            self.commit,
        )
        self.rubbish = Rubbish(disk, self.trash, self.knowing)
        self.kept = Kept(disk, trees, self.knowing, self.versions, self.digesting)
        self.reconciling = Reconciling(disk, trees, self.knowing, self.versions)
        self.recovery = Recovery(disk, trees, self.parts, self.knowing, area.boot)
        self.space = company.space(lambda: disk.free(area.root), policy.min_free_space)
        self.pace = pace
        self.landing = Landing(
            self.commit,
            locks,
            self.parts,
            self.refusing,
            Flushing(disk, syncs, policy.durable, kernel),
            syncs,
            self.pace,
        )
        self.backlog = company.backlog(index, clock, threads, self.parts, self.pace)
        self.held = Held(disk, area.root)
        self.familiar = Familiar(disk, area.root, threads)
        self.suspended = company.suspended()
        self.writing: dict[bytes, UploadRecord | None] = {}
        self.unmade: dict[bytes, StoredName] = {}
        self.cut: set[bytes] = set()
        self.quota = company.quota(index, policy.owner_quota)
        self.turns = Turns()
        self.purges = DeferredLock()
        self.stamps = Stamps()
        self.checking = Checking(
            disk,
            index,
            threads,
            clock,
            locks,
            self.turns,
            self.knowing,
            all_sides(disk, trees, self.knowing),
            self.backlog.flush,
        )

    def find(self, name: StoredName) -> Deferred[Row | None]:
        """
        :return: fires with what the index knows, be it written or still to be.
        """
        row = self.backlog.find(name.text)
        return self.index.run(files.find, name.text) if row is None else succeed(row)

    def unmake(self, name: StoredName) -> None:
        """
        Let no part be made for an upload to *name* that has none yet.
        """
        self.cut.update(id for id, named in self.unmade.items() if named == name)

    def row(self, name: StoredName) -> Deferred[Row | None]:
        """
        :return: fires with what :meth:`find` gives, where a file says nothing of
            itself.
        """
        return succeed(None) if self.parts.attributes else self.find(name)

    @inlineCallbacks
    def rows(self, name: StoredName) -> Generator[Deferred[Any], Any, Rows]:
        """
        :return: fires with what the index knows of the file and its versions,
            where nobody else does.
        """
        if self.parts.attributes:
            return {}
        yield self.backlog.flush([name.text])
        found = yield self.index.run(bookkeeping.rows_of, [name.text])
        rows: Rows = found[name.text]
        return rows
