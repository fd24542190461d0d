"""
Tests for :mod:`hmacfs.care.uploads`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.care.duty import SLICE, Duty
from hmacfs.care.uploads import Uploads
from hmacfs.events import DutyDone, UploadExpired
from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.records import Went
from hmacfs.store.memory import MemoryStore
from hmacfs.uploads import UploadRecord
from tests.hub import Heard

NOW = 1_700_000_000
EVERY = 60
EXPIRY = 100


def record(number: int = 1, **fields: Any) -> UploadRecord:
    """
    :return: the record of an upload of six bytes.
    """
    told: dict[str, Any] = {
        "id": f"{number:032x}",
        "name": f"{number}.txt",
        "length": 6,
        "content_type": "text/plain",
        "front": "tus",
        "dialect": "v2",
        "state": "open",
        "created": float(NOW),
        "until": NOW + EXPIRY,
    }
    return UploadRecord(**{**told, **fields})


class UploadsTests(SynchronousTestCase):
    """
    What waited too long goes, and all else stays.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.hub = Heard()
        self.store = MemoryStore(self.clock, upload_expiry=EXPIRY)
        self.metadata = MemoryMetadata(self.clock, EXPIRY)
        uploads = Uploads(self.store, self.metadata, self.hub, self.clock)
        self.sweep = Duty("unfinished uploads", uploads.sweep, self.hub, self.clock, EVERY)

    def start(self) -> None:
        self.sweep.startService()
        self.addCleanup(self.sweep.stopService)

    def suspend(self, told: UploadRecord) -> None:
        upload = self.successResultOf(self.store.begin(told.slot, told))
        self.successResultOf(upload.append([b"abc"]))
        self.successResultOf(upload.suspend())

    def remember(self, told: UploadRecord) -> None:
        self.successResultOf(self.metadata.put(told))

    def gone(self) -> list[str]:
        """
        :return: the names of the uploads that are said to be gone.
        """
        return [event.name for event in self.hub.events if isinstance(event, UploadExpired)]

    def test_in_time(self) -> None:
        """
        An upload waits until its time is over, and goes with the next sweep.
        """
        self.suspend(record())
        self.remember(record())
        self.start()
        self.clock.advance(EVERY)
        self.assertEqual((self.gone(), len(self.store.parts)), ([], 1))
        self.clock.advance(EVERY)
        self.assertEqual(
            self.hub.events[-2:],
            [
                UploadExpired(NOW + 120.0, record().id, "1.txt"),
                DutyDone(NOW + 120.0, "unfinished uploads", (Went("part", "expired", 1, 0),), 0.0),
            ],
        )
        self.assertEqual((self.store.parts, self.metadata.records), ({}, {}))

    def test_plain(self) -> None:
        """
        What a plain PUT left behind, which has no record but its part's, goes as well.
        """
        self.suspend(record(front="put"))
        self.clock.advance(EXPIRY)
        self.start()
        self.assertEqual((self.gone(), self.store.parts), (["1.txt"], {}))

    def test_finished(self) -> None:
        """
        What is over is forgotten in its time, and nobody is told.
        """
        self.remember(record(1, state="finished"))
        self.remember(record(2, state="invalid"))
        self.remember(record(3, state="finished", until=NOW + EXPIRY + 1))
        self.clock.advance(EXPIRY)
        self.start()
        self.assertEqual((list(self.metadata.records), self.gone()), ([record(3).id], []))

    def test_url_over(self) -> None:
        """
        An upload whose URL is over goes, though its part was given more time.
        """
        self.remember(record())
        self.clock.advance(EXPIRY - 1)
        self.suspend(record())
        self.clock.advance(1)
        self.start()
        self.assertEqual((self.gone(), self.store.parts), (["1.txt"], {}))

    def test_under_way(self) -> None:
        """
        An upload that somebody writes to stays until he has ended.
        """
        self.remember(record())
        upload = self.successResultOf(self.store.begin(record().slot, record()))
        self.clock.advance(EXPIRY)
        self.start()
        self.assertEqual((self.gone(), len(self.store.parts)), ([], 1))
        self.successResultOf(upload.suspend())
        self.clock.advance(EVERY)
        self.assertEqual((self.gone(), self.store.parts), (["1.txt"], {}))

    def test_many(self) -> None:
        """
        However many there are, they go with one sweep.
        """
        for number in range(2 * SLICE + 1):
            self.suspend(record(number, front="put"))
            self.remember(record(SLICE * 10 + number, state="finished"))
        self.clock.advance(EXPIRY)
        self.start()
        self.assertEqual((len(self.gone()), self.store.parts), (2 * SLICE + 1, {}))
        self.assertEqual(self.metadata.records, {})

    def test_slices(self) -> None:
        """
        No more than a slice is asked for at once, and nothing more behind the end.
        """
        asked: list[int] = []
        slices: list[Deferred[list[UploadRecord]]] = [Deferred(), Deferred()]

        def expire(now: float, most: int) -> Deferred[list[UploadRecord]]:
            asked.append(most)
            return slices[len(asked) - 1]

        self.store.expire = expire
        self.sweep.startService()
        ended = self.sweep.stopService()
        self.assertNoResult(ended)
        slices[0].callback([record(number) for number in range(SLICE)])
        self.successResultOf(ended)
        self.assertEqual((asked, len(self.gone())), ([SLICE], SLICE))

    def test_one_fails(self) -> None:
        """
        One that cannot go is logged, and the others go; it is tried again later.
        """
        for number in (1, 2, 3):
            self.remember(record(number))
        drop, broken = self.store.drop, [record(2).id]
        self.store.drop = lambda id: fail(PermissionError(id)) if id in broken else drop(id)
        self.clock.advance(EXPIRY)
        self.start()
        self.assertEqual(self.gone(), ["1.txt", "3.txt"])
        self.assertEqual(len(self.flushLoggedErrors(PermissionError)), 1)
        broken.clear()
        self.clock.advance(EVERY)
        self.assertEqual(self.gone(), ["1.txt", "3.txt", "2.txt"])

    def test_all_fail(self) -> None:
        """
        A slice of which nothing can go does not keep the sweep busy for ever.
        """
        for number in range(SLICE + 1):
            self.remember(record(number))
        self.store.drop = lambda id: fail(PermissionError(id))
        self.clock.advance(EXPIRY)
        self.start()
        self.assertEqual(len(self.flushLoggedErrors(PermissionError)), SLICE)

    def test_store_fails(self) -> None:
        """
        Where the store does not say what has expired, it is asked again later.
        """
        answers = [fail(OSError("the disk is gone")), succeed([record()])]
        self.store.expire = lambda now, most: answers.pop(0)
        self.remember(record(2, state="finished", until=NOW))
        self.start()
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertEqual((self.gone(), self.metadata.records), ([], {}))
        self.clock.advance(EVERY)
        self.assertEqual(self.gone(), ["1.txt"])

    def test_dry(self) -> None:
        """
        Before anybody does it, it can be told what would go.
        """
        self.remember(record(1))
        self.suspend(record(1))
        self.suspend(record(2, front="put"))
        self.remember(record(3, state="finished"))
        self.clock.advance(1)
        self.suspend(record(4, front="put"))
        self.clock.advance(EXPIRY - 1)
        self.assertEqual(
            self.successResultOf(self.sweep.run(dry=True)),
            (Went("part", "expired", 2, 0), Went("record", "expired", 2, 0)),
        )
        self.assertEqual((len(self.store.parts), self.gone(), self.hub.events), (3, [], []))

    def test_stop(self) -> None:
        """
        It leaves nothing behind when it stops.
        """
        self.sweep.startService()
        self.successResultOf(self.sweep.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])
