"""
Tests for :mod:`hmacfs.care.crawling`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hmacfs.abilities import IChecks
from hmacfs.care.crawling import KEEP_EVERY, KEY, Crawling
from hmacfs.care.duty import Deed, Duty
from hmacfs.records import Checked, Disagreement, Went
from hmacfs.store.memory_index import MemoryIndex
from hmacfs.store.tables import state
from tests.hub import Heard

STRAY = Disagreement("no file", "file", "a.txt", "", "", "The index lists it, it is not there.")
EMPTY = Disagreement("empty folder", "file", "a", "", "", "It is a folder without a file.")
NEW = Disagreement("no row", "file", "b.txt", "", "", "The index does not list it.")


@implementer(IChecks)
class Checks:
    """
    A store of a few slices, each of which takes its time.

    :ivar did: what was asked for.
    """

    def __init__(self, clock: Clock, *slices: tuple[Disagreement, ...]) -> None:
        self._clock = clock
        self._slices = slices
        self.rows = 0
        self.seconds = 0.0
        self.did: list[tuple[str, int]] = []

    def crawl(self, cursor: tuple[str, ...] | None, most: int) -> Deferred[Checked]:
        return self._slice("crawl", cursor)

    def check(self, cursor: tuple[str, ...] | None, most: int) -> Deferred[Checked]:
        return self._slice("check", cursor)

    def forget_rows(self, most: int) -> Deferred[bool]:
        self.did.append(("forget", most))
        self.rows -= most
        return succeed(self.rows > 0)

    def _slice(self, what: str, cursor: tuple[str, ...] | None) -> Deferred[Checked]:
        place = int(cursor[0]) if cursor else 0
        self.did.append((what, place))
        self._clock.rightNow += self.seconds
        following = (str(place + 1),) if place + 1 < len(self._slices) else None
        return succeed(Checked(following, 10, self._slices[place]))


class CrawlingTests(SynchronousTestCase):
    """
    A crawl goes through everything, gently, and goes on where it was interrupted.
    """

    def setUp(self) -> None:
        self.clock, self.index = Clock(), MemoryIndex()
        self.store = Checks(self.clock, (NEW,), (STRAY, EMPTY), ())
        self.crawling = Crawling(self.store, self.index, self.clock)

    def duty(self, deed: Deed) -> Duty:
        return Duty("the crawl", deed, Heard(), self.clock, 86400)

    def kept(self) -> object:
        return self.successResultOf(self.index.run(state.get, KEY))

    def test_all(self) -> None:
        """
        It is told what went, and how far it is.
        """
        told: list[tuple[str, int, int | None]] = []
        went = self.duty(self.crawling.crawl).run(progress=lambda *args: told.append(args))
        self.assertEqual(
            self.successResultOf(went),
            (Went("folder", "empty", 1, 0), Went("row", "stray", 1, 0)),
        )
        self.assertEqual(self.store.did, [("crawl", 0), ("crawl", 1), ("crawl", 2)])
        self.assertEqual(told, [("the crawl", looked, None) for looked in (10, 20, 30)])
        self.assertEqual((self.kept(), self.crawling.looked), (None, 0))

    def test_says(self) -> None:
        """
        The log says what it found in words that need no manual.
        """
        with capturedLogs() as logs:
            for _ in range(2):
                self.successResultOf(self.duty(self.crawling.crawl).run())
                self.store = Checks(self.clock, ())
                self.crawling = Crawling(self.store, self.index, self.clock)
        self.assertEqual(
            [formatEvent(event) for event in logs],
            [
                "the crawl looked at 30 files, rows and folders; empty folders: 1, rows without a "
                "file: 1, taken into the index: 1",
                "the crawl looked at 10 files, rows and folders; all is as the index says",
            ],
        )

    def test_rests(self) -> None:
        """
        After each slice it rests for as long as that took.
        """
        self.store.seconds = 2.0
        went = self.duty(self.crawling.crawl).run()
        for done in (1, 2):
            self.assertEqual((len(self.store.did), self.crawling.looked), (done, 10 * done))
            self.clock.advance(1.9)
            self.assertEqual(len(self.store.did), done)
            self.clock.advance(0.1)
        self.successResultOf(went)

    def test_interrupted(self) -> None:
        """
        Where the daemon was stopped the next one goes on.
        """
        self.store.seconds = 1.0
        duty = self.duty(self.crawling.crawl)
        duty.startService()
        stopped = duty.stopService()
        self.clock.advance(1)
        self.successResultOf(stopped)
        self.assertEqual(self.kept(), ["1"])
        self.store.seconds = 0.0
        self.successResultOf(self.duty(self.crawling.crawl).run())
        self.assertEqual(self.store.did, [("crawl", 0), ("crawl", 1), ("crawl", 2)])

    def test_killed(self) -> None:
        """
        Where the daemon was killed the next one goes on not far from there.
        """
        self.store.seconds = KEEP_EVERY
        self.duty(self.crawling.crawl).run()
        self.assertEqual(self.kept(), ["1"])

    def test_dry(self) -> None:
        """
        A dry crawl changes nothing, not even where the next one begins.
        """
        self.index.run(state.put, KEY, ["1"])
        went = self.successResultOf(self.duty(self.crawling.crawl).run(dry=True))
        self.assertEqual(went, (Went("folder", "empty", 1, 0), Went("row", "stray", 1, 0)))
        self.assertEqual([what for what, _ in self.store.did], ["check"] * 3)
        self.assertEqual(self.kept(), ["1"])

    def test_reindex(self) -> None:
        """
        The index is made anew: what it lists is forgotten first.
        """
        self.store.rows = 300
        self.successResultOf(self.duty(self.crawling.reindex).run())
        self.assertEqual(
            [what for what, _ in self.store.did], ["forget", "forget", "crawl", "crawl", "crawl"]
        )
