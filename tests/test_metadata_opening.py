"""
Tests for :mod:`hmacfs.metadata.opening`.
"""

from __future__ import annotations

import subprocess
import sys

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from hmacfs.config import parse
from hmacfs.interfaces.metadata import ILedger, ISharing
from hmacfs.metadata.opening import open_metadata
from hmacfs.settings import Settings
from hmacfs.store.memory_index import MemoryIndex
from tests.hub import Heard
from tests.metadata_contract import record
from tests.process import ROOT
from tests.redis import RedisServer


class NoFiles:
    """A file system with nothing in it."""

    def read(self, path: str) -> str:
        raise ValueError("is not there")

    def exposed(self, path: str) -> bool:
        return False

    def what(self, path: str) -> str:
        return ""


def settings(**keys: object) -> Settings:
    """
    :return: the defaults, but for *keys*.
    """
    secret = "a secret of the tests, long enough to be one"
    return parse({"Secret": secret, **keys}, "/srv", NoFiles()).settings


class OpeningTests(TestCase):
    """
    The metadata is what the settings say.
    """

    def open(self, **keys: object) -> ILedger:
        database = MemoryIndex()
        return open_metadata(settings(**keys), database, Heard(), reactor)

    async def test_alone(self) -> None:
        """
        Without a Redis this node tells nobody.
        """
        self.assertFalse(ISharing.providedBy(self.open()))

    async def test_shared(self) -> None:
        """
        With a Redis, what one node knows another one finds.
        """
        server = RedisServer()
        self.addCleanup(server.close)
        nodes = [self.open(RedisURL=server.url, RedisPrefix="p:") for _ in range(2)]
        for node in nodes:
            await node.start()
            self.addCleanup(node.stop)
        kept = record(until=int(reactor.seconds()) + 60, node="https://files.example.org")
        await nodes[0].put(kept)
        while (await nodes[0].sharing()).behind:
            await deferLater(reactor, 0)

        self.assertEqual(await nodes[1].get(kept.id), kept)

    def test_reactor(self) -> None:
        """
        Whoever imports it may still choose the reactor.
        """
        program = (
            "import sys, hmacfs.metadata.opening; print('twisted.internet.reactor' in sys.modules)"
        )
        told = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
        )
        self.assertEqual(told.stdout, "False\n")
