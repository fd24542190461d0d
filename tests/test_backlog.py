"""
Tests for :mod:`hmacfs.store.backlog`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.records import Row
from hmacfs.store.backlog import DELAY, MOST, Backlog
from tests.contracts import row
from tests.inline import Inline


class SlowIndex:
    """An index that writes when it is told to."""

    def __init__(self) -> None:
        self.writes: list[tuple[list[str], Deferred[None]]] = []

    def write(self, rows: Sequence[Row]) -> Deferred[None]:
        self.writes.append(([row.name for row in rows], Deferred()))
        return self.writes[-1][1]

    def names(self) -> list[list[str]]:
        return [names for names, _ in self.writes]


class Dropped:
    """Parts of which only the end is seen."""

    def __init__(self) -> None:
        self.ids: list[bytes] = []

    def drop(self, id: bytes) -> None:
        self.ids.append(id)


class BacklogTests(SynchronousTestCase):
    """
    Rows are written in batches, and a part stays until its row is.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.index: Any = SlowIndex()
        self.parts: Any = Dropped()
        self.backlog = Backlog(self.index, self.clock, Inline(), self.parts)

    def test_batch(self) -> None:
        """
        What comes within a moment is one batch; its parts go behind it.
        """
        self.backlog.add(row("a"), b"1")
        self.clock.advance(DELAY / 2)
        self.backlog.add(row("b"), b"2")
        self.clock.advance(DELAY / 2)
        before = list(self.parts.ids)
        self.index.writes[0][1].callback(None)
        self.assertEqual(self.index.names(), [["a", "b"]])
        self.assertEqual((before, self.parts.ids), ([], [b"1", b"2"]))

    def test_last_row_counts(self) -> None:
        """
        Of two rows of a name the last is written, and both parts go.
        """
        self.backlog.add(row("a"), b"1")
        self.backlog.add(row("a", 5), b"2")
        self.assertEqual(self.backlog.find("a"), row("a", 5))
        self.clock.advance(DELAY)
        self.index.writes[0][1].callback(None)
        self.assertEqual((self.index.names(), self.parts.ids), ([["a"]], [b"1", b"2"]))

    def test_slow(self) -> None:
        """
        A slow index has one batch at a time, and is asked for what it has not
        written yet.
        """
        self.backlog.add(row("a"), b"1")
        self.clock.advance(DELAY)
        self.backlog.add(row("b"), b"2")
        self.clock.advance(DELAY)
        during = (self.index.names(), self.backlog.find("a"), self.backlog.find("b"))
        self.index.writes[0][1].callback(None)
        self.assertEqual(during, ([["a"]], row("a"), row("b")))
        self.assertEqual(self.index.names(), [["a"], ["b"]])
        self.index.writes[1][1].callback(None)
        self.assertIs(self.backlog.find("b"), None)

    def test_broken(self) -> None:
        """
        What a broken index does not take stays a part, for the next start.
        """
        self.backlog.add(row("a"), b"1")
        self.clock.advance(DELAY)
        self.index.writes[0][1].errback(RuntimeError("broken"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual((self.parts.ids, self.backlog.find("a")), ([], None))

    def test_bounded(self) -> None:
        """
        What waits is bounded; the rest is left to the next start.
        """
        for number in range(MOST + 5):
            self.backlog.add(row(str(number)), b"%d" % number)
        self.clock.advance(DELAY)
        self.assertEqual(len(self.index.names()[0]), MOST)

    def test_flush(self) -> None:
        """
        A flush writes at once, and ends when all is written.
        """
        self.backlog.add(row("a"), b"1")
        flushed = self.backlog.flush()
        self.assertNoResult(flushed)
        self.index.writes[0][1].callback(None)
        self.successResultOf(flushed)
        self.assertEqual(self.clock.getDelayedCalls(), [])
