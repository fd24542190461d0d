"""
Tests for :mod:`hmacfs.metadata.sqlite`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.metadata.sqlite import Change, SqliteMetadata
from hmacfs.store.memory_index import MemoryIndex
from tests.database import make_index
from tests.metadata_contract import EXPIRY, NOW, LedgerContract, record


class SqliteMetadataTests(LedgerContract, TestCase):
    """
    Records in the index's file, by its thread.
    """

    async def setUp(self) -> None:
        super().setUp()
        self.path = self.mktemp()
        await self.open()

    async def tearDown(self) -> None:
        await self.metadata.stop()
        await self.database.stop()

    async def open(self) -> None:
        self.database = make_index(self.path)
        await self.database.start()
        self.metadata = SqliteMetadata(self.database, self.clock, EXPIRY)
        await self.metadata.start()

    async def test_lasting(self) -> None:
        """
        What was kept, removed and pushed is known after a new start.
        """
        await self.metadata.put(record(1))
        await self.metadata.put(record(2))
        await self.metadata.remove(record(3).id)
        await self.metadata.joined("one")
        await self.metadata.pushed([Change(record(1).id, 1, record(1))])
        await self.tearDown()
        await self.open()
        await self.metadata.joined("one")

        self.assertEqual(list(await self.metadata.all()), [record(1), record(2)])
        self.assertEqual(
            list(await self.metadata.behind(9)),
            [Change(record(2).id, 1, record(2)), Change(record(3).id, 1, None)],
        )


class OutboxTests(SynchronousTestCase):
    """
    A change is behind until it was pushed to the server that is there now.
    """

    def setUp(self) -> None:
        self.database = MemoryIndex()
        self.clock = Clock()
        self.clock.advance(NOW)
        self.metadata = SqliteMetadata(self.database, self.clock, EXPIRY)
        self.successResultOf(self.metadata.start())

    def put(self, *numbers: int, revision: int = 1) -> None:
        for number in numbers:
            self.successResultOf(self.metadata.put(record(number, revision=revision)))

    def push(self, most: int = 100) -> list[Change]:
        """
        :return: what was behind, and is now noted as pushed.
        """
        changes = self.successResultOf(self.metadata.behind(most))
        self.successResultOf(self.metadata.pushed(changes))
        return list(changes)

    def behind(self) -> list[tuple[int, int]]:
        """
        :return: what is behind, as numbers and revisions.
        """
        changes = self.successResultOf(self.metadata.behind(100))
        self.assertEqual(self.successResultOf(self.metadata.backlog()), len(changes))
        return [(int(change.id, 16), change.revision) for change in changes]

    def test_recalled(self) -> None:
        """
        A removal is told from what was never heard of.
        """
        self.put(1, 2)
        self.successResultOf(self.metadata.remove(record(2).id))

        recalled = [self.metadata.recall(record(number).id) for number in (1, 2, 3)]
        self.assertEqual(
            [self.successResultOf(each) for each in recalled],
            [Change(record(1).id, 1, record(1)), Change(record(2).id, 2, None), None],
        )

    def test_slices(self) -> None:
        """
        What is behind is told as much at a time as is asked for, until it was pushed.
        """
        self.put(1, 2, 3)

        slices = [self.push(2) for _ in range(3)]
        self.assertEqual(
            [[c.record for c in s] for s in slices], [[record(1), record(2)], [record(3)], []]
        )

    def test_changed_again(self) -> None:
        """
        What changes after it was pushed, or while it is, is behind again.
        """
        self.put(1, 2, 3)
        self.push()
        self.put(1, revision=2)
        under_way = self.successResultOf(self.metadata.behind(100))
        self.put(1, revision=3)
        self.successResultOf(self.metadata.pushed(under_way))
        self.successResultOf(self.metadata.remove(record(2).id))

        self.assertEqual(self.behind(), [(1, 3), (2, 2)])

    def test_ignored(self) -> None:
        """
        What changed nothing here is not pushed either.
        """
        self.put(1, revision=5)
        self.successResultOf(self.metadata.remove(record(2).id))
        self.push()
        self.put(1, revision=4)
        self.put(2, revision=9)
        self.successResultOf(self.metadata.remove(record(2).id))

        self.assertEqual(self.behind(), [])

    def test_same_server(self) -> None:
        """
        To the server that was there before only the rest is pushed.
        """
        self.successResultOf(self.metadata.joined("one"))
        self.put(1)
        self.push()
        self.put(2)
        self.successResultOf(self.metadata.joined("one"))

        self.assertEqual(self.behind(), [(2, 1)])

    def test_other_server(self) -> None:
        """
        To another server all is pushed, whichever was there before.
        """
        for server in ("one", "two", "one"):
            self.successResultOf(self.metadata.joined(server))
            self.put(1, 2)
            self.assertEqual(self.behind(), [(1, 1), (2, 1)])
            self.push()

    def test_unreadable(self) -> None:
        """
        A row that holds no record, whoever wrote it, is passed over.
        """
        self.put(1, 2)
        self.successResultOf(
            self.database.run(
                lambda c: c.execute("UPDATE uploads SET record = '{}' WHERE id LIKE '%1'")
            )
        )

        self.assertEqual(list(self.successResultOf(self.metadata.all())), [record(2)])
        self.assertIsNone(self.successResultOf(self.metadata.get(record(1).id)))

    DEEDS = st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 4), st.sampled_from([0, EXPIRY // 2]))
    )

    @given(DEEDS)
    def test_like_memory(self, deeds: list[tuple[int, int, int]]) -> None:
        """
        Whatever is done to it, it knows what the one in memory knows.
        """
        database = MemoryIndex()
        clock = Clock()
        clock.advance(NOW)
        both = [SqliteMetadata(database, clock, EXPIRY), MemoryMetadata(clock, EXPIRY)]
        self.successResultOf(both[0].start())
        for number, revision, wait in deeds:
            clock.advance(wait)
            for metadata in both:
                done = (
                    metadata.put(record(number, revision=revision))
                    if revision
                    else metadata.remove(record(number).id)
                )
                self.successResultOf(done)
        known = [list(self.successResultOf(metadata.all())) for metadata in both]
        database.close()
        self.assertEqual(known[0], known[1])
