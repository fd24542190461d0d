"""
Tests for what a store keeps of what was where several processes share it: see
:mod:`tests.keeping_contract` and :mod:`tests.expiring_contract`.

Clients ask a member; what the duties and the command line ask for, they ask
the chief.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.opened import Policy
from tests.company import Joined
from tests.expiring_contract import ExpiryContract, QuotaContract, TrashContract
from tests.keeping_contract import RemovalContract, VersionsContract, WithKeeping
from tests.on_disk import FaultyDisk

DUTIES = frozenset(
    {
        *("ban", "unban", "banned", "forget", "take_down"),
        *("due", "overdue", "retire"),
        *("trashed", "undo", "open_trashed", "discard", "purge"),
        "settled",
    }
)


class Shared(Joined):
    """
    A company as its clients and its operator have it.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chief if name in DUTIES else self.members[0], name)


class KeepingInCompany(WithKeeping):
    """
    A member's store with a policy of its own.
    """

    attributes = True

    def make_keeping(self, clock: Clock, **keeping: Any) -> Any:
        root = os.path.abspath(self.mktemp())
        # By descriptors: trial itself cannot remove a path that is so long.
        self.addCleanup(shutil.rmtree, root)
        if not keeping.pop("trash", True):
            keeping["trash_ttl"] = 0
        disk, policy = FaultyDisk(attributes=self.attributes), Policy(**keeping)
        store = Shared(disk, root, MemoryIndex(), clock, policy)
        self.addCleanup(os.close, store.commons.file)
        return store


class VersionsTests(KeepingInCompany, VersionsContract, SynchronousTestCase):
    """
    A member keeps versions.
    """


class DegradedVersionsTests(VersionsTests):
    """
    So it does without attributes.
    """

    attributes = False


class RemovalTests(KeepingInCompany, RemovalContract, SynchronousTestCase):
    """
    What a member or its chief removes is gone for good.
    """


class DegradedRemovalTests(RemovalTests):
    """
    So it is without attributes.
    """

    attributes = False


class ExpiryTests(KeepingInCompany, ExpiryContract, SynchronousTestCase):
    """
    What a member received goes when its time is over.
    """


class TrashTests(KeepingInCompany, TrashContract, SynchronousTestCase):
    """
    What went by age comes back for all.
    """


class QuotaTests(KeepingInCompany, QuotaContract, SynchronousTestCase):
    """
    What an owner may keep is counted by the chief.
    """
