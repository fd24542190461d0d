"""
The store that the settings ask for, and the database beside it.
"""

from __future__ import annotations

import os
from typing import Any

from hmacfs.disk import Disk
from hmacfs.kernel_syncs import KernelSyncs
from hmacfs.names import RESERVED
from hmacfs.retention import Retention
from hmacfs.settings import Settings
from hmacfs.store.company import Alone, Member, Others
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.index import SqliteIndex
from hmacfs.store.member import AskedIndex, MemberStore
from hmacfs.store.opened import Policy
from hmacfs.store.threads import Threads

THREADS = 16
"""More do not write faster."""

SYNCS = 32
"""
Commits that wait for the disk at once: the journal of the file system joins
those that come together.  In threads of their own, so that nobody who reads or
writes waits behind them.  With syncs of 0.24 ms it makes no difference (16, 32
and 64 threads were alike), with those of a disk that turns it does.
"""


def open_filesystem(
    settings: Settings, reactor: Any, company: Alone | None = None
) -> tuple[FilesystemStore, SqliteIndex]:
    """
    :param reactor: keeps the time and takes calls from threads.
    :param company: as of :class:`hmacfs.store.filesystem.FilesystemStore`.
    :return: the store in ``StoreDir``, with its index and its threads, not
        started yet; and that index, for whoever keeps tables of his own in its
        database, while the store is open.
    """
    disk = Disk(durable=settings.durability == "full")
    private = os.path.join(settings.store_dir, RESERVED.decode())
    index = SqliteIndex(private, disk, Threads(reactor, 1, "index"))
    policy, threads = policy_of(settings), Threads(reactor, THREADS, "store")
    store = FilesystemStore(
        disk,
        settings.store_dir,
        index,
        reactor,
        threads,
        policy,
        _syncs(policy, reactor),
        company,
        KernelSyncs(reactor) if policy.durable else None,
    )
    return store, index


def join_filesystem(
    settings: Settings, reactor: Any, company: Member, chief: Others
) -> tuple[MemberStore, AskedIndex]:
    """
    :param chief: who has opened the store.
    :return: the same store for a member, with the index that it asks for.
    """
    disk, index = Disk(durable=settings.durability == "full"), AskedIndex(chief)
    policy, threads = policy_of(settings), Threads(reactor, THREADS, "store")
    store = MemberStore(
        disk,
        settings.store_dir,
        index,
        reactor,
        threads,
        policy,
        _syncs(policy, reactor),
        company,
        chief,
        KernelSyncs(reactor) if policy.durable else None,
    )
    return store, index


def policy_of(settings: Settings) -> Policy:
    """
    :return: what *settings* say of the store.
    """
    return Policy(
        min_free_space=settings.min_free_space,
        upload_expiry=settings.upload_expiry,
        network=settings.allow_network_store,
        durable=settings.durability == "full",
        retention=Retention(settings.retention, settings.file_ttl),
        max_versions=settings.max_versions,
        tombstone_ttl=settings.tombstone_ttl,
        trash_ttl=settings.trash_ttl,
        owner_quota=settings.owner_quota or 0,
    )


def _syncs(policy: Policy, reactor: Any) -> Threads | None:
    # Where nothing is synced nobody waits for it.
    return Threads(reactor, SYNCS, "sync") if policy.durable else None
