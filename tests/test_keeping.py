"""
Tests for what the store on a disk keeps of what was: see
:mod:`tests.keeping_contract` and :mod:`tests.expiring_contract`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory_index import MemoryIndex
from tests.expiring_contract import ExpiryContract, QuotaContract, TrashContract
from tests.keeping_contract import RemovalContract, VersionsContract, WithKeeping
from tests.on_disk import FaultyDisk, OnDisk


class KeepingOnDisk(OnDisk, WithKeeping):
    """
    A store on a disk with a policy of its own.
    """

    def make_store(self, clock: Clock) -> FilesystemStore:
        return self.make_keeping(clock, **self.keeping)

    def make_keeping(self, clock: Clock, **keeping: Any) -> FilesystemStore:
        self.path = Path(self.mktemp()).absolute()
        self.addCleanup(shutil.rmtree, self.path)
        self.disk = FaultyDisk(attributes=self.attributes)
        self.index = MemoryIndex()
        if not keeping.pop("trash", True):
            keeping["trash_ttl"] = 0
        return self.another_store(**keeping)


class VersionsTests(KeepingOnDisk, VersionsContract, SynchronousTestCase):
    """
    The store on a disk keeps versions.
    """


class DegradedVersionsTests(VersionsTests):
    """
    So it does without attributes.
    """

    attributes = False


class RemovalTests(KeepingOnDisk, RemovalContract, SynchronousTestCase):
    """
    It removes for good.
    """


class DegradedRemovalTests(RemovalTests):
    """
    So it does without attributes.
    """

    attributes = False


class ExpiryTests(KeepingOnDisk, ExpiryContract, SynchronousTestCase):
    """
    It knows what is past its time.
    """


class DegradedExpiryTests(ExpiryTests):
    """
    So it does without attributes.
    """

    attributes = False


class TrashTests(KeepingOnDisk, TrashContract, SynchronousTestCase):
    """
    It brings back what went by age.
    """


class DegradedTrashTests(TrashTests):
    """
    So it does without attributes.
    """

    attributes = False


class QuotaTests(KeepingOnDisk, QuotaContract, SynchronousTestCase):
    """
    It counts what an owner keeps.
    """


class DegradedQuotaTests(QuotaTests):
    """
    So it does without attributes.
    """

    attributes = False
