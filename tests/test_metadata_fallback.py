"""
Tests for :mod:`hmacfs.metadata.fallback`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from hmacfs.errors import MetadataUnavailable
from hmacfs.events import RedisBack, RedisLost
from hmacfs.interfaces.metadata import ISharedMetadata, ISharing
from hmacfs.metadata.breaker import PROBE_EVERY
from hmacfs.metadata.fallback import SLICE, FallbackMetadata
from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.metadata.sqlite import SqliteMetadata
from hmacfs.records import Sharing
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.uploads import UploadRecord
from tests.hub import Heard
from tests.metadata_contract import EXPIRY, NOW, LedgerContract, record

HERE = "https://here.example.org"


@implementer(ISharedMetadata)
class Shared(MemoryMetadata):
    """
    A server in memory whose plug can be pulled.

    :ivar up: whether it answers.
    :ivar slow: what it was told and did not answer yet; ``None`` where it
        answers at once.
    :ivar asked: the ids of the records that were asked for.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, EXPIRY)
        self.up = True
        self.run = 1
        self.slow: list[Deferred[None]] | None = None
        self.asked: list[str] = []

    def restart(self) -> None:
        """End, forget everything, and begin anew."""
        self.up = True
        self.run += 1
        self.records, self.removed = {}, {}

    def stop(self) -> Deferred[None]:
        waiting, self.slow = self.slow, None
        for each in waiting or ():
            each.errback(MetadataUnavailable("the connection was lost"))
        return super().stop()

    def server(self) -> Deferred[str]:
        return self._answer(lambda: succeed(f"run {self.run}"))

    def put(self, record: UploadRecord) -> Deferred[None]:
        return self._answer(lambda: super(Shared, self).put(record)).addCallback(self._take_time)

    def get(self, id: str) -> Deferred[UploadRecord | None]:
        self.asked.append(id)
        return self._answer(lambda: super(Shared, self).get(id))

    def remove(self, id: str) -> Deferred[None]:
        return self._answer(lambda: super(Shared, self).remove(id))

    def _answer(self, what):
        return what() if self.up else fail(MetadataUnavailable("unplugged"))

    def _take_time(self, result: None) -> Deferred[None]:
        if self.slow is None:
            return succeed(None)
        self.slow.append(Deferred())
        return self.slow[-1]


class FallbackContractTests(LedgerContract, TestCase):
    """
    The two joined keep the contract of each.
    """

    async def setUp(self) -> None:
        super().setUp()
        self.database = MemoryIndex()
        own = SqliteMetadata(self.database, self.clock, EXPIRY)
        self.metadata = FallbackMetadata(own, Shared(self.clock), HERE, Heard(), self.clock)
        await self.metadata.start()

    async def tearDown(self) -> None:
        await self.metadata.stop()
        self.database.close()


class FallbackMetadataTests(SynchronousTestCase):
    """
    This node's records are the truth, Redis follows, and nobody waits for it.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.database = MemoryIndex()
        self.own = SqliteMetadata(self.database, self.clock, EXPIRY)
        self.shared = Shared(self.clock)
        self.hub = Heard()
        self.metadata = FallbackMetadata(self.own, self.shared, HERE, self.hub, self.clock)

    def start(self, up: bool = True) -> None:
        self.shared.up = up
        self.successResultOf(self.metadata.start())
        self.addCleanup(lambda: self.successResultOf(self.metadata.stop()))

    def put(self, *records: UploadRecord) -> None:
        for each in records:
            self.successResultOf(self.metadata.put(each))

    def get(self, number: int) -> UploadRecord | None:
        return self.successResultOf(self.metadata.get(record(number).id))

    def remove(self, number: int) -> None:
        self.successResultOf(self.metadata.remove(record(number).id))

    def assert_follows(self, *records: UploadRecord, state: str = "redis") -> None:
        """
        Redis holds *records* and nothing else, and has missed nothing.
        """
        self.assertEqual(self.shared.records, {each.id: each for each in records})
        self.assertEqual(self.successResultOf(self.metadata.sharing()), Sharing(state, 0))

    def test_sharing(self) -> None:
        """
        It is what the tap knows as metadata that tells others.
        """
        self.assertTrue(verifyObject(ISharing, self.metadata))
        self.assertTrue(verifyObject(ISharedMetadata, self.shared))

    def test_written_behind(self) -> None:
        """
        Redis learns of every change.
        """
        self.start()
        self.put(record(1), record(2), record(1, state="finished", revision=2))
        self.remove(2)

        self.assert_follows(record(1, state="finished", revision=2))
        self.assertEqual(list(self.shared.removed), [record(2).id])

    def test_not_waited_for(self) -> None:
        """
        A change is kept, and told to be, before Redis has answered.
        """
        self.start()
        self.shared.slow = []
        self.put(record(1), record(2))
        self.assertEqual([list(self.shared.records), self.get(2)], [[record(1).id], record(2)])

        while self.shared.slow:
            self.shared.slow.pop(0).callback(None)
        self.assert_follows(record(1), record(2))

    def test_own(self) -> None:
        """
        What this node knows, a removal included, is never asked for in Redis.
        """
        self.start()
        self.put(record(1), record(2))
        self.remove(2)

        self.assertEqual([self.get(1), self.get(2), self.shared.asked], [record(1), None, []])

    def test_of_another_node(self) -> None:
        """
        An upload of another node is found, and does not become one of ours.
        """
        self.start()
        theirs = record(9, node="https://other.example.org")
        self.successResultOf(self.shared.put(theirs))

        self.assertEqual([self.get(9), self.get(8)], [theirs, None])
        self.assertEqual(list(self.successResultOf(self.metadata.all())), [])

    def test_of_nobody(self) -> None:
        """
        One that no other node can be asked for is not found, and stays whose it is.
        """
        self.start()
        theirs = [record(8, node=""), record(9, node=HERE)]
        for each in theirs:
            self.successResultOf(self.shared.put(each))

        self.assertEqual([self.get(8), self.get(9)], [None, None])
        self.assertEqual(list(self.shared.records.values()), theirs)

    def test_failed_question(self) -> None:
        """
        A question that Redis does not answer finds nothing, and is the last one.
        """
        self.start()
        self.shared.up = False

        self.assertEqual([self.get(8), self.get(9)], [None, None])
        self.assertEqual(self.shared.asked, [record(8).id])
        self.assertEqual(self.hub.events, [RedisLost(at=NOW, reason="unplugged")])

    def test_failed_push(self) -> None:
        """
        A change that cannot be pushed is kept, and the next one is not tried.
        """
        self.start()
        self.shared.up = False
        self.put(record(1), record(2))

        self.assertEqual([self.get(1), self.get(2)], [record(1), record(2)])
        self.assertEqual(self.hub.events, [RedisLost(at=NOW, reason="unplugged")])
        self.assertEqual(self.successResultOf(self.metadata.sharing()), Sharing("local", 2))

    def test_replayed(self) -> None:
        """
        Whatever Redis missed in an outage it is told afterwards, and nothing else.
        """
        self.start()
        self.put(record(1), record(2), record(3))
        self.shared.up = False
        self.put(record(1, revision=2), record(4), record(5))
        self.remove(2)
        self.remove(5)
        self.shared.up = True
        self.clock.advance(PROBE_EVERY)

        self.assert_follows(record(1, revision=2), record(3), record(4))
        self.assertEqual(
            self.hub.events[1:], [RedisBack(at=NOW + 1, missed=4, duration=PROBE_EVERY)]
        )

    def test_absent_at_start(self) -> None:
        """
        A Redis that comes late is told everything, in as many slices as it takes.
        """
        self.start(up=False)
        records = [record(number) for number in range(1, 2 * SLICE + 2)]
        self.put(*records)
        self.shared.up = True
        self.clock.advance(PROBE_EVERY)

        self.assert_follows(*records)

    def test_lost_everything(self) -> None:
        """
        A Redis that was started anew and lost what it held is told everything again.
        """
        self.start()
        self.put(record(1), record(2))
        self.remove(2)
        self.shared.restart()
        self.clock.advance(PROBE_EVERY)

        self.assert_follows(record(1))
        self.assertEqual(list(self.shared.removed), [record(2).id])

    def test_lost_while_pushed(self) -> None:
        """
        What was under way to a server that is no more goes to the next one again.
        """
        self.start()
        self.shared.slow = []
        self.put(record(1))
        self.shared.restart()
        self.clock.advance(PROBE_EVERY)
        (under_way,), self.shared.slow = self.shared.slow, None
        under_way.callback(None)

        self.assert_follows(record(1))

    def test_lost_while_replayed(self) -> None:
        """
        A replay that breaks off is brought to its end by the next one.
        """
        self.start(up=False)
        self.put(record(1), record(2))
        self.shared.up, self.shared.slow = True, []
        self.clock.advance(PROBE_EVERY)
        self.shared.slow.pop().errback(MetadataUnavailable("unplugged"))
        self.shared.slow = None
        self.clock.advance(PROBE_EVERY)

        self.assert_follows(record(1), record(2))

    def test_changed_while_replayed(self) -> None:
        """
        A change that comes while Redis is told what it missed is told too.
        """
        self.start(up=False)
        self.put(record(1))
        self.shared.up, self.shared.slow = True, []
        self.clock.advance(PROBE_EVERY)
        self.put(record(1, revision=2), record(2))
        while self.shared.slow:
            self.shared.slow.pop().callback(None)

        self.assert_follows(record(1, revision=2), record(2))

    def test_after_a_restart(self) -> None:
        """
        What Redis had missed when this process ended it is told after the next start.
        """
        self.start(up=False)
        self.put(record(1))
        self.successResultOf(self.metadata.stop())
        self.metadata = FallbackMetadata(self.own, self.shared, HERE, self.hub, self.clock)
        self.shared.up = True
        self.successResultOf(self.metadata.start())

        self.assert_follows(record(1))

    def test_faults(self) -> None:
        """
        An operator is told while Redis does not answer.
        """
        self.start(up=False)
        told = [self.metadata.faults()]
        self.shared.up = True
        self.clock.advance(PROBE_EVERY)
        told.append(self.metadata.faults())

        sentence = "Redis does not answer: uploads of other nodes are not found."
        self.assertEqual([list(faults) for faults in told], [[sentence], []])

    def test_our_fault(self) -> None:
        """
        A fault of ours behind a change is logged, and the change goes with the next one.
        """
        self.start()
        self.shared.slow = []
        self.put(record(1))
        self.shared.slow.pop().errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.shared.slow = None
        self.put(record(2))

        self.assert_follows(record(1), record(2))

    def test_stop(self) -> None:
        """
        It has stopped when what was being pushed is there.
        """
        self.successResultOf(self.metadata.start())
        self.shared.slow = []
        self.put(record(1))
        stopped = self.metadata.stop()
        self.assertNoResult(stopped)
        self.shared.slow.pop().callback(None)
        self.successResultOf(stopped)
        self.assert_follows(record(1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_in_time(self) -> None:
        """
        A Redis that does not answer holds it up no longer than any request.
        """
        self.successResultOf(self.metadata.start())
        self.shared.slow = []
        self.put(record(1))
        stopped = self.metadata.stop()
        self.clock.advance(0.24)
        self.assertNoResult(stopped)
        self.clock.advance(0.01)
        self.successResultOf(stopped)
        self.assertEqual(self.successResultOf(self.metadata.sharing()), Sharing("local", 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])
