"""
Tests for :mod:`hmacfs.store.backlog`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.records import Row
from hmacfs.store.backlog import DELAY, LARGE, MOST, RETRY, Backlog
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.pace import Pace
from hmacfs.store.parts import Parts
from hmacfs.store.tables import versions
from hmacfs.store.tables.versions import VersionRow
from tests.inline import Inline
from tests.powercut import PowerCutDisk

T = TypeVar("T")


class SlowIndex(MemoryIndex):
    """
    Does at once what it is asked for, and tells of it when it is let.

    :ivar batches: the names that each batch wrote, and who waits for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[list[str], Deferred[None]]] = []

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        before = set(self.rows.values())
        self.transact(function, *args)
        written = sorted(row.name for row in set(self.rows.values()) - before)
        self.batches.append((written, Deferred()))
        return self.batches[-1][1]


class Told:
    """
    What is held for a row, and tells when it is let go.
    """

    key = ""

    def __init__(self, part: str, told: list[str]) -> None:
        self._part, self._told = part, told

    def drop(self) -> None:
        self._told.append(self._part)


class Busy(Inline):
    """
    :ivar done: what each call was about.
    """

    def __init__(self) -> None:
        self.done: list[Any] = []

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        self.done.append(*args)
        return super().run(function, *args)


class BacklogTests(SynchronousTestCase):
    """
    Rows are written in batches, and a part goes when its row is there.
    """

    def setUp(self) -> None:
        self.clock, self.index, self.disk = Clock(), SlowIndex(), PowerCutDisk()
        self.folder = self.disk.root("/")
        parts = Parts(self.disk, self.folder, True)
        self.backlog = Backlog(self.index, self.clock, Inline(), parts)
        self.told: list[str] = []

    def add(self, name: str, size: int = 0) -> None:
        """
        Have the row of a file, whose part is called as it is.
        """
        part = f"{name}.{size}".encode()
        self.disk.close(self.disk.create(self.folder, part, 0o600))
        self.backlog.add(Row(name, "a/b", size, 0), part, share=Told(part.decode(), self.told))

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

    def test_full(self) -> None:
        """
        What found no room waits until there is some, with all that came for
        the same name since, and counts as on its way.
        """
        row = Row("a", "a/b", 1, 0)
        self.add("a", 1)
        self.backlog.add(row, made=[VersionRow("0", row), VersionRow("1", row)])
        self.add("b")
        self.clock.advance(DELAY)
        self.add("a", 2)
        self.backlog.add(Row("a", "a/b", 2, 0), gone=["1"])
        self.index.batches[0][1].errback(OSError(errno.ENOSPC, "full"))
        self.clock.advance(DELAY)
        self.index.batches[1][1].errback(OSError(errno.ENOSPC, "full"))
        self.assertEqual((self.told, len(self.parts())), ([], 3))
        self.assertIsNotNone(self.backlog.find("b"))
        self.clock.advance(RETRY)
        self.done(2)
        self.assertEqual((self.told, self.parts()), (["a.1", "a.2", "b.0"], []))
        self.assertEqual((self.versions(), self.clock.getDelayedCalls()), ([("0", 1)], []))

    def test_full_at_the_end(self) -> None:
        """
        Who stops waits for no room.
        """
        self.add("a")
        stopped = self.backlog.stop()
        self.index.batches[0][1].errback(OSError(errno.ENOSPC, "full"))
        self.successResultOf(stopped)
        self.assertEqual((self.parts(), self.clock.getDelayedCalls()), ([b"a.0"], []))

    def test_bounded(self) -> None:
        """
        An index that takes nothing costs a bounded amount of memory.
        """
        for number in range(MOST + 1):
            self.backlog.add(Row(str(number), "a/b", 0, 0), b"")
        self.assertIsNotNone(self.backlog.find(str(MOST - 1)))
        self.assertIsNone(self.backlog.find(str(MOST)))

    def versions(self) -> list[tuple[str, int]]:
        """
        :return: the id and the size of each version that is written.
        """
        page = self.index.transact(versions.page, ("", ""), -1)
        return [(each.id, each.row.size) for each in page]

    def test_versions(self) -> None:
        """
        Versions are written with the row that they made way for, and go with
        the one that was made of them.
        """
        rows = [Row("a", "a/b", size, 0) for size in range(4)]
        self.backlog.add(rows[1], made=[VersionRow("0", rows[0])])
        self.backlog.add(rows[2], made=[VersionRow("1", rows[1])])
        self.assertEqual(self.versions(), [])
        self.clock.advance(DELAY)
        self.assertEqual(self.versions(), [("0", 0), ("1", 1)])
        self.done(0)
        self.backlog.add(rows[0], made=[VersionRow("2", rows[2])], gone=["0"])
        self.clock.advance(DELAY)
        self.assertEqual(self.versions(), [("1", 1), ("2", 2)])

    def test_version_there_and_back(self) -> None:
        """
        Of a version that comes and goes within a moment the last word counts.
        """
        row = Row("a", "a/b", 0, 0)
        made = [VersionRow("0", row), VersionRow("1", row)]
        self.backlog.add(row, made=made)
        self.backlog.add(row, gone=["0", "1"])
        self.backlog.add(row, made=made[:1])
        self.clock.advance(DELAY)
        self.assertEqual(self.versions(), [("0", 0)])

    def test_settled(self) -> None:
        """
        Who added a row hears that it is written, before anybody is answered
        who asked the index later.
        """
        self.add("a", 1)
        self.add("a", 2)
        self.clock.advance(DELAY)
        self.assertEqual(self.told, [])
        self.done(0)
        self.assertEqual(self.told, ["a.1", "a.2"])

    def test_given_up(self) -> None:
        """
        So does he whose row is given up, by a broken index or a slow one.
        """
        self.add("a")
        self.clock.advance(DELAY)
        self.index.batches[0][1].errback(OSError())
        self.assertEqual(self.told, ["a.0"])
        for number in range(MOST):
            self.backlog.add(Row(str(number), "a/b", 0, 0))
        self.add("b")
        self.assertEqual(self.told, ["a.0", "b.0"])
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_discard(self) -> None:
        """
        What waits of a name that is no more is dropped, parts and all, and
        what is being written is waited for.
        """
        self.add("a", 1)
        self.add("b", 1)
        self.clock.advance(DELAY)
        self.add("a", 2)
        self.add("b", 2)
        discarded = self.backlog.discard(["a", "c"])
        self.assertEqual(self.told, ["a.2"])
        self.assertNoResult(discarded)
        self.done(0)
        self.successResultOf(discarded)
        self.assertEqual((self.told[1:], self.parts()), (["a.1", "b.1"], [b"b.2"]))
        self.clock.advance(DELAY)
        self.assertEqual(self.asked(), [["a", "b"], ["b"]])

    def test_discard_holds_up_nobody(self) -> None:
        """
        Rows that come while a discard waits are written in their time.
        """
        self.add("a")
        self.clock.advance(DELAY)
        self.backlog.discard(["a"])
        self.add("b")
        self.clock.advance(DELAY)
        self.done(0)
        self.assertEqual(self.asked(), [["a"], ["b"]])

    def test_part_stays(self) -> None:
        """
        A part that cannot be dropped stays, and holds up no other.
        """
        self.backlog.add(Row("a", "a/b", 0, 0), b"folder")
        self.disk.make_folder(self.folder, b"folder", 0o700)
        self.add("b")
        self.clock.advance(DELAY)
        self.done(0)
        self.assertEqual(self.parts(), [b"folder"])
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_large(self) -> None:
        """
        A quick disk is waited for here and now, but not while it frees a large file.
        """
        threads, parts = Busy(), Parts(self.disk, self.folder, True)
        pace = Pace(self.clock.seconds)
        self.backlog = Backlog(self.index, self.clock, threads, parts, pace)
        self.add("a", LARGE)
        self.add("b", LARGE + 1)
        self.clock.advance(DELAY)
        self.done(0)
        [dropped] = threads.done
        self.assertEqual([id for id, *_ in dropped], [b"b.%d" % (LARGE + 1)])
        self.assertEqual(self.parts(), [])
