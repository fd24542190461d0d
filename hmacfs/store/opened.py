"""
A store that is open: what its uploads and downloads work with.
"""

from __future__ import annotations

import attrs
from twisted.internet.interfaces import IReactorTime

from hmacfs.interfaces import IDisk, IIndex, IThreads
from hmacfs.store.area import Area
from hmacfs.store.backlog import Backlog
from hmacfs.store.commit import Commit
from hmacfs.store.digesting import Digesting
from hmacfs.store.folders import Folders
from hmacfs.store.held import Held
from hmacfs.store.labels import commit_id
from hmacfs.store.locks import Locks
from hmacfs.store.parts import Parts
from hmacfs.store.recovery import Recovery
from hmacfs.store.space import Space
from hmacfs.store.suspended import Suspended
from hmacfs.uploads import UploadRecord


@attrs.frozen
class Policy:
    """
    What the operator wants of a store.

    :ivar min_free_space: bytes that are kept back from uploads.
    :ivar upload_expiry: seconds that an unfinished upload waits.
    :ivar network: whether a network file system is taken.
    :ivar durable: whether what is kept survives a power cut
        (``Durability = "full"``).
    :ivar sync_every: bytes of an upload that a power cut may cost, or a little
        more; each sync holds its client back.
    """

    min_free_space: int = 0
    upload_expiry: int = 86400
    network: bool = False
    durable: bool = True
    sync_every: int = 64 * 2**20


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
    """

    def __init__(
        self,
        area: Area,
        disk: IDisk,
        index: IIndex,
        clock: IReactorTime,
        threads: IThreads,
        policy: Policy,
        syncs: IThreads,
    ) -> None:
        self.area = area
        self.disk = disk
        self.clock = clock
        self.threads = threads
        self.syncs = syncs
        self.policy = policy
        self.files = Folders(disk, area.root)
        self.parts = Parts(disk, area.parts, area.attributes)
        versions = Folders(disk, area.versions)
        locks = Locks(disk, area.locks)
        self.commit = Commit(disk, self.parts, self.files, versions, locks)
        self.recovery = Recovery(disk, self.parts, self.files, versions, area.boot)
        self.space = Space(lambda: disk.free(area.root), policy.min_free_space)
        self.backlog = Backlog(index, clock, threads, self.parts)
        self.digesting = Digesting(disk, self.parts, self.files, locks)
        self.held = Held(disk, area.root)
        self.suspended = Suspended()
        self.writing: dict[bytes, UploadRecord | None] = {}
        self.stamps = Stamps()
