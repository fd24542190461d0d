"""
Tests for :mod:`hmacfs.store.backlog`.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.records import Row
from hmacfs.store.backlog import DELAY, MOST, Backlog
from hmacfs.store.memory import MemoryIndex
from hmacfs.store.parts import Parts
from tests.inline import Inline
from tests.powercut import PowerCutDisk


class SlowIndex(MemoryIndex):
    """
    :ivar batches: what it was asked to write, and is not done with.
    """

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[list[str], Deferred[None]]] = []

    def write(self, rows: Sequence[Row]) -> Deferred[None]:
        self.batches.append(([row.name for row in rows], Deferred()))
        return self.batches[-1][1]


class BacklogTests(SynchronousTestCase):
    """
    Rows are written in batches, and a part goes when its row is there.
    """

    def setUp(self) -> None:
        self.clock, self.index, self.disk = Clock(), SlowIndex(), PowerCutDisk()
        self.folder = self.disk.root("/")
        parts = Parts(self.disk, self.folder, True)
        self.backlog = Backlog(self.index, self.clock, Inline(), parts)

    def add(self, name: str, size: int = 0) -> None:
        """
        Have the row of a file, whose part is called as it is.
        """
        part = f"{name}.{size}".encode()
        self.disk.close(self.disk.create(self.folder, part, 0o600))
        self.backlog.add(Row(name, "a/b", size, 0), part)

    def parts(self) -> list[bytes]:
        return sorted(self.disk.names(self.folder))

    def asked(self) -> list[list[str]]:
        """
        :return: the names in each batch.
        """
        return [names for names, _ in self.index.batches]

    def done(self, batch: int) -> None:
        """Let the index be done with a batch."""
        self.index.batches[batch][1].callback(None)

    def test_batch(self) -> None:
        """
        What comes within a moment is one batch, and its parts go behind it.
        """
        self.add("a")
        self.clock.advance(DELAY / 2)
        self.add("b")
        self.assertEqual(self.asked(), [])
        self.clock.advance(DELAY / 2)
        self.assertEqual((self.asked(), self.parts()), ([["a", "b"]], [b"a.0", b"b.0"]))
        self.done(0)
        self.assertEqual(self.parts(), [])

    def test_one_at_a_time(self) -> None:
        """
        A batch waits for the one before it, and takes all that came meanwhile.
        """
        self.add("a")
        self.clock.advance(DELAY)
        for name in "bcd":
            self.add(name)
            self.clock.advance(DELAY)
        self.assertEqual(self.asked(), [["a"]])
        self.done(0)
        self.assertEqual(self.asked(), [["a"], ["b", "c", "d"]])
        self.done(1)
        self.assertEqual((self.parts(), self.clock.getDelayedCalls()), ([], []))

    def test_last_row(self) -> None:
        """
        Of a file that was replaced meanwhile only the last row is written.
        """
        self.add("a", 1)
        self.add("a", 2)
        self.clock.advance(DELAY)
        self.assertEqual(self.asked(), [["a"]])
        self.assertEqual(self.backlog.find("a"), Row("a", "a/b", 2, 0))
        self.done(0)
        self.assertEqual(self.parts(), [])

    def test_find(self) -> None:
        """
        A row is found from when it is added to when it is written.
        """
        self.add("a")
        row = self.backlog.find("a")
        self.clock.advance(DELAY)
        self.assertEqual((row, self.backlog.find("a")), (Row("a", "a/b", 0, 0),) * 2)
        self.done(0)
        self.assertIsNone(self.backlog.find("a"))

    def test_flush(self) -> None:
        """
        Who stops waits for all that is being written and all that waits.
        """
        self.add("a")
        self.clock.advance(DELAY)
        self.add("b")
        flushed = self.backlog.flush()
        self.done(0)
        self.assertNoResult(flushed)
        self.done(1)
        self.successResultOf(flushed)
        self.assertEqual((self.parts(), self.clock.getDelayedCalls()), ([], []))

    def test_nothing(self) -> None:
        """
        Where nothing waits nothing is written.
        """
        self.successResultOf(self.backlog.flush())
        self.assertEqual(self.asked(), [])

    def test_failure(self) -> None:
        """
        What the index does not take is left to the next start, and the next
        batch is written all the same.
        """
        self.add("a")
        self.clock.advance(DELAY)
        self.index.batches[0][1].errback(OSError())
        self.add("b")
        self.clock.advance(DELAY)
        self.done(1)
        self.assertEqual(self.parts(), [b"a.0"])
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_bounded(self) -> None:
        """
        An index that takes nothing costs a bounded amount of memory.
        """
        for number in range(MOST + 1):
            self.backlog.add(Row(str(number), "a/b", 0, 0), b"")
        self.assertIsNotNone(self.backlog.find(str(MOST - 1)))
        self.assertIsNone(self.backlog.find(str(MOST)))
