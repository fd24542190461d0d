"""
Tests for :mod:`hmacfs.metadata.fallback` with a real Redis whose plug is pulled.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from hmacfs.events import RedisBack, RedisLost
from hmacfs.metadata.fallback import FallbackMetadata
from hmacfs.metadata.redis import RedisMetadata
from hmacfs.metadata.redis_pool import RedisPool
from hmacfs.metadata.sqlite import SqliteMetadata
from hmacfs.records import Sharing
from hmacfs.redis_url import parse
from hmacfs.uploads import UploadRecord
from tests.database import make_index
from tests.hub import Heard
from tests.metadata_contract import EXPIRY, record
from tests.redis import RedisServer

PROBE_EVERY = 0.02  # seconds: nobody wants to wait here


class OutageTests(TestCase):
    """
    Whatever befalls Redis, changes are kept, and Redis holds them in the end.
    """

    async def setUp(self) -> None:
        self.server = RedisServer()
        self.addCleanup(self.server.close)
        database = make_index(self.mktemp())
        await database.start()
        self.addCleanup(database.stop)
        self.now = int(reactor.seconds())
        self.hub = Heard()
        own = SqliteMetadata(database, reactor, EXPIRY)
        pool = RedisPool(parse(self.server.url), reactor)
        shared = RedisMetadata(pool, "hmacfs:", reactor, EXPIRY)
        self.metadata = FallbackMetadata(own, shared, "", self.hub, reactor, every=PROBE_EVERY)
        await self.metadata.start()
        self.addCleanup(self.metadata.stop)

    def record(self, number: int, **fields: Any) -> UploadRecord:
        return record(number, until=self.now + EXPIRY, **fields)

    def begin(self, *numbers: int) -> Deferred[list[None]]:
        """
        Remember uploads that are under way.
        """
        return gatherResults([self.metadata.put(self.record(number)) for number in numbers])

    def finish(self, *numbers: int) -> Deferred[list[None]]:
        """
        Remember that they are finished, and forget every fifth of them.
        """
        changes = []
        for number in numbers:
            changes.append(
                self.metadata.put(self.record(number, state="finished", revision=2))
                if number % 5
                else self.metadata.remove(self.record(number).id)
            )
        return gatherResults(changes)

    async def assert_lost(self) -> None:
        """
        The outage is told of, once, and nobody waits for an answer any more.
        """
        if not self.hub.events:
            await self.hub.next(RedisLost)
        self.assertIsNone(await self.metadata.get("f" * 32))
        self.assertEqual([type(event) for event in self.hub.events], [RedisLost])

    async def assert_caught_up(self, *numbers: int) -> None:
        """
        Redis holds of the uploads with these *numbers* what this node holds.
        """
        records = [
            self.record(number, state="finished", revision=2) for number in numbers if number % 5
        ]
        removed = [self.record(number).id for number in numbers if not number % 5]
        pool = RedisPool(parse(self.server.url), reactor)
        another = RedisMetadata(pool, "hmacfs:", reactor, EXPIRY)
        await another.start()
        try:
            held = [await another.get(record.id) for record in records]
            gone = [await another.get(id) for id in removed]
        finally:
            await another.stop()

        self.assertEqual(await self.metadata.sharing(), Sharing("redis", 0))
        self.assertEqual(list(await self.metadata.all()), records)
        self.assertEqual((held, gone), (records, [None] * len(removed)))

    async def test_killed(self) -> None:
        """
        A Redis that is killed in the midst of the work, and loses what it held, is told all.
        """
        await self.begin(*range(50))
        under_way = gatherResults([self.begin(*range(50, 100)), self.finish(*range(50))])
        self.server.kill()
        await under_way
        await self.assert_lost()
        await self.finish(*range(50, 100))
        back = self.hub.next(RedisBack)
        self.server.start()
        await back

        await self.assert_caught_up(*range(100))

    async def test_stalled(self) -> None:
        """
        A Redis that stalls in the midst of the work is not waited for, and told what it missed.
        """
        await self.begin(*range(100))
        self.server.stall()
        await self.finish(*range(50))
        await self.assert_lost()
        await self.finish(*range(50, 100))
        back = self.hub.next(RedisBack)
        self.server.resume()
        await back

        await self.assert_caught_up(*range(100))

    async def test_started_anew(self) -> None:
        """
        A Redis that was started anew while nobody asked is told all that it lost.
        """
        await self.begin(*range(9))
        await self.finish(*range(9))
        lost, back = self.hub.next(RedisLost), self.hub.next(RedisBack)
        self.server.kill()
        await lost
        self.server.start()
        await back

        await self.assert_caught_up(*range(9))

    async def test_question(self) -> None:
        """
        A question that Redis does not answer in time finds nothing.
        """
        self.server.stall()

        self.assertIsNone(await self.metadata.get("f" * 32))
        self.assertEqual([type(event) for event in self.hub.events], [RedisLost])
