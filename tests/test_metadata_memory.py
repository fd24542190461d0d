"""
Tests for :mod:`hmacfs.metadata.memory`.
"""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from hmacfs.metadata.memory import MemoryMetadata
from tests.metadata_contract import EXPIRY, LedgerContract


class MemoryMetadataTests(LedgerContract, TestCase):
    """
    The fake keeps the contract of the real ones.
    """

    async def setUp(self) -> None:
        super().setUp()
        self.metadata = MemoryMetadata(self.clock, EXPIRY)
        await self.metadata.start()

    async def tearDown(self) -> None:
        await self.metadata.stop()
