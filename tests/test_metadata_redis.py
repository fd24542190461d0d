"""
Tests for :mod:`hmacfs.metadata.redis` and :mod:`hmacfs.metadata.redis_pool`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from hmacfs.errors import MetadataUnavailable
from hmacfs.interfaces.metadata import ISharedMetadata
from hmacfs.metadata.redis import RedisMetadata
from hmacfs.metadata.redis_pool import RedisPool
from hmacfs.redis_url import parse
from tests.certificates import make_certificate
from tests.metadata_contract import EXPIRY, NOW, MetadataContract, record
from tests.process import ROOT, Child, free_port
from tests.redis import RedisServer

PREFIX = "test:*"  # what a glob would make more of


class RedisCase(TestCase):
    """
    A server, and pools that are connected to it.
    """

    def serve(self, *options: str, port: int = 0) -> RedisServer:
        server = RedisServer(*options, port=port)
        self.addCleanup(server.close)
        return server

    async def connect(self, url: str, trust: Any = None) -> RedisPool:
        """
        :return: a pool that has tried to connect.
        """
        pool = RedisPool(parse(url), reactor, trust)
        self.addCleanup(pool.stop)
        await pool.start()
        return pool

    async def refusal(self, pool: RedisPool) -> str:
        """
        :return: why *pool* is of no use.
        """
        with self.assertRaises(MetadataUnavailable) as raised:
            await pool.call("ping")
        return str(raised.exception)

    async def until_usable(self, pool: RedisPool) -> None:
        """
        Wait for what only another try can tell.
        """
        while True:
            try:
                await pool.call("ping")
            except MetadataUnavailable:
                await deferLater(reactor, 0.01)
            else:
                return


class RedisMetadataTests(MetadataContract, RedisCase):
    """
    Records in a real Redis, each as long as it is good for.
    """

    async def setUp(self) -> None:
        super().setUp()
        self.server = self.serve()
        self.pool = RedisPool(parse(self.server.url), reactor)
        self.metadata = RedisMetadata(self.pool, PREFIX, self.clock, EXPIRY)
        await self.metadata.start()

    async def tearDown(self) -> None:
        await self.metadata.stop()

    async def left(self) -> int:
        """
        :return: how many seconds Redis keeps the one key that it has.
        """
        (key,) = await self.pool.call("keys", "*")
        self.assertEqual(key, f"{PREFIX}{{{record().id}}}:s")
        seconds = await self.pool.call("ttl", key)
        assert isinstance(seconds, int)
        return seconds

    def test_shared(self) -> None:
        """
        It is what the fallback knows as shared metadata.
        """
        self.assertTrue(verifyObject(ISharedMetadata, self.metadata))

    async def test_record_goes(self) -> None:
        """
        A record stays in Redis until its time is over, whenever it was put there.
        """
        self.clock.advance(60)
        await self.metadata.put(record())

        self.assertEqual(await self.left(), EXPIRY - 60)

    async def test_removal_goes(self) -> None:
        """
        That something was removed is remembered for as long as it must be.
        """
        await self.metadata.put(record(until=NOW + 5))
        await self.metadata.remove(record().id)

        self.assertEqual(await self.left(), EXPIRY)

    async def test_too_late(self) -> None:
        """
        A record that is past its time leaves nothing in Redis.
        """
        await self.metadata.put(record())
        await self.metadata.put(record(until=NOW - 1, revision=2))

        self.assertEqual(await self.pool.call("keys", "*"), [])

    async def test_foreign(self) -> None:
        """
        What somebody else wrote under our name is no record.
        """
        await self.pool.call("hset", f"{PREFIX}{{{record().id}}}:s", "record", "{}")

        await self.assert_unknown(record())

    async def test_wrong_kind(self) -> None:
        """
        A refusal of Redis is told as one.
        """
        await self.pool.call("set", f"{PREFIX}{{{record().id}}}:s", "x")
        with self.assertRaises(MetadataUnavailable) as raised:
            await self.metadata.put(record())

        self.assertIn("WRONGTYPE", str(raised.exception))

    async def test_server(self) -> None:
        """
        A server is the same until it is started anew, or other keys of it are meant.
        """
        other = RedisMetadata(self.pool, "other:", self.clock, EXPIRY)
        told = [await self.metadata.server(), await self.metadata.server(), await other.server()]
        self.server.kill()
        self.server.start()
        await self.until_usable(self.pool)
        told.append(await self.metadata.server())

        self.assertEqual([told.index(server) for server in told], [0, 0, 2, 3])


class RedisPoolTests(RedisCase):
    """
    A connection that is lost, or refused, is made again, for ever; nobody waits for it.
    """

    async def test_nobody_there(self) -> None:
        """
        Without a server a start ends soon, and a question at once with the reason.
        """
        pool = await self.connect(f"redis://127.0.0.1:{free_port()}")

        self.assertIn("Connection refused", await self.refusal(pool))

    async def test_database_and_text(self) -> None:
        """
        The database is the one of the URL, and text is never taken for a number.
        """
        port = free_port()
        self.serve(port=port)
        pools = [await self.connect(f"redis://127.0.0.1:{port}/{number}") for number in (0, 3)]
        await pools[1].call("set", "key", "0123")

        self.assertEqual([await pool.call("get", "key") for pool in pools], [None, "0123"])

    async def test_password(self) -> None:
        """
        The right password is let in; a wrong one is told of, and not repeated.
        """
        server = self.serve("--requirepass", "s/e cret")
        address = server.url.removeprefix("redis+unix://")
        right = await self.connect(f"redis+unix://:s%2Fe%20cret@{address}")
        wrong = await self.connect(f"redis+unix://:wrong@{address}")

        self.assertEqual(await right.call("ping"), "PONG")
        reason = await self.refusal(wrong)
        self.assertEqual(("could not auth" in reason, "wrong" in reason), (True, False))

    async def test_user(self) -> None:
        """
        A user who is made, or gets a password, after the first try is let in by a later one.
        """
        server = self.serve()
        root = await self.connect(server.url)
        address = server.url.removeprefix("redis+unix://")
        pool = await self.connect(f"redis+unix://hmacfs:secret@{address}?db=1")
        self.assertIn("could not auth", await self.refusal(pool))

        may = "+info +eval +evalsha +hget +hmget +hset +del +pexpire +select +ping"
        rights = ["on", ">secret", "~hmacfs:*", *may.split()]
        await root.call("execute_command", "ACL", "SETUSER", "hmacfs", *rights)
        await self.until_usable(pool)
        metadata = RedisMetadata(pool, "hmacfs:", reactor, EXPIRY)
        kept = record(until=int(reactor.seconds()) + EXPIRY)
        await metadata.put(kept)

        self.assertEqual(await metadata.get(kept.id), kept)
        await metadata.remove(kept.id)
        self.assertIsNone(await metadata.get(kept.id))
        self.assertTrue(await metadata.server())

    async def test_killed(self) -> None:
        """
        A server that was killed and started again is used again.
        """
        server = self.serve()
        pool = await self.connect(server.url)
        server.kill()
        await self.refusal(pool)
        server.start()
        await self.until_usable(pool)

    async def test_stalled(self) -> None:
        """
        A server that stalls is not waited for, and used again when it goes on.
        """
        server = self.serve()
        pool = await self.connect(f"{server.url}?db=1")
        server.stall()
        self.assertEqual(await self.refusal(pool), "no answer within 250 ms")
        server.resume()
        await self.until_usable(pool)

    async def test_stop_while_stalled(self) -> None:
        """
        A server that stalls does not hold up the end.
        """
        server = self.serve()
        pool = await self.connect(f"{server.url}?db=1")
        server.stall()
        await self.refusal(pool)


class RedisTlsTests(RedisCase):
    """
    In TLS, the server is the one that its certificate names, or it is not talked to.
    """

    def setUp(self) -> None:
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        self.pem = make_certificate(folder)
        self.port, behind = free_port(), free_port()
        self.serve(port=behind)
        front = [sys.executable, "-m", "tests.tls_front", str(self.pem), str(self.port)]
        child = Child([*front, str(behind)], ROOT, ready="ready")
        self.addCleanup(child.end)
        self.trust = trustRootFromCertificates([Certificate.loadPEM(self.pem.read_bytes())])

    async def test_trusted(self) -> None:
        """
        A server that we trust, by its name or its address, is used.
        """
        for host in ("localhost", "127.0.0.1"):
            pool = await self.connect(f"rediss://{host}:{self.port}/2", self.trust)
            self.assertEqual(await pool.call("ping"), "PONG")

    async def test_unknown_authority(self) -> None:
        """
        A certificate that nobody vouches for is refused.
        """
        pool = await self.connect(f"rediss://localhost:{self.port}/2")

        self.assertIn("certificate verify failed", await self.refusal(pool))

    async def test_other_name(self) -> None:
        """
        A certificate for another name is refused.
        """
        pool = await self.connect(f"rediss://127.0.0.2:{self.port}/2", self.trust)

        self.assertIn("VerificationError", await self.refusal(pool))
