"""
Tests for :mod:`hmacfs.reunion`.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.reunion import Reunion
from hmacfs.store.memory import MemoryStore
from hmacfs.uploads import UploadRecord
from tests.test_care_uploads import EXPIRY, NOW, record

NODE = "https://a.example.org"


class ReunionTests(SynchronousTestCase):
    """
    At the start the metadata learns what the store knows better.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.store: Any = MemoryStore(self.clock, upload_expiry=EXPIRY)
        self.metadata = MemoryMetadata(self.clock, EXPIRY)

    def reunite(self, *known: UploadRecord) -> list[UploadRecord]:
        """
        :param known: what the metadata holds.
        :return: what it holds then.
        """
        self.know(*known)
        self.successResultOf(Deferred.fromCoroutine(self.reunion().run()))
        return list(self.successResultOf(self.metadata.all()))

    def know(self, *known: UploadRecord) -> None:
        for told in known:
            self.successResultOf(self.metadata.put(told))

    def reunion(self) -> Reunion:
        return Reunion(self.store, self.store, self.metadata, NODE, self.clock, EXPIRY)

    def suspend(self, told: UploadRecord, data: bytes = b"abc") -> None:
        upload = self.successResultOf(self.store.begin(told.slot, told))
        self.successResultOf(upload.append([data]))
        self.successResultOf(upload.suspend())

    def store_file(self, told: UploadRecord) -> None:
        upload = self.successResultOf(self.store.begin(told.slot, told))
        self.successResultOf(upload.append([b"abcdef"]))
        self.successResultOf(upload.commit())

    def test_agreed(self) -> None:
        """
        Where both say the same, nothing changes.
        """
        self.suspend(record())
        known = [record(1, node=NODE), record(2, node=NODE, state="finished")]
        self.assertEqual(self.reunite(*known), known)

    def test_lost_metadata(self) -> None:
        """
        An upload that only its part tells of is known again, and so is its URL.
        """
        self.suspend(record())
        self.assertEqual(self.reunite(), [record(node=NODE)])

    def test_no_url(self) -> None:
        """
        What has no URL of its own needs no metadata.
        """
        self.suspend(record(1, front="put"))
        self.suspend(record(2, front="range"))
        self.assertEqual(self.reunite(), [])

    def test_removed(self) -> None:
        """
        An upload that was given up stays so, though its part is still there.
        """
        self.suspend(record())
        self.successResultOf(self.metadata.remove(record().id))
        self.assertEqual(self.reunite(), [])

    def test_more_time(self) -> None:
        """
        An upload has the time that its part was given last.
        """
        self.clock.advance(10)
        self.suspend(record())
        self.assertEqual(
            self.reunite(record()), [record(node=NODE, until=NOW + 10 + EXPIRY, revision=2)]
        )

    def test_became_file(self) -> None:
        """
        An upload whose file is there is finished, though nobody could say so any more.
        """
        self.clock.advance(10)
        self.store_file(record())
        self.clock.advance(10)
        self.assertEqual(
            self.reunite(record()),
            [record(node=NODE, state="finished", until=NOW + 20 + EXPIRY, revision=2)],
        )

    def test_other_file(self) -> None:
        """
        A file that is not what the upload was for does not make it finished.
        """
        self.store_file(record())
        for other in (
            record(length=7),
            record(content_type="image/png"),
            record(created=NOW + 1.0),
        ):
            self.assertEqual(self.reunite(attrs.evolve(other, id=f"{other.created:032f}")), [])

    def test_lost_part(self) -> None:
        """
        An upload without a part and without a file is forgotten.
        """
        self.assertEqual(self.reunite(record()), [])

    def test_another_url(self) -> None:
        """
        Other nodes send clients to where this node is now.
        """
        former = record(node="https://b.example.org", state="finished")
        self.assertEqual(self.reunite(former), [attrs.evolve(former, node=NODE, revision=2)])

    def test_failure(self) -> None:
        """
        What cannot be found out of one upload is logged, and the others are settled.
        """
        self.suspend(record(2))
        self.store.open = lambda name: fail(OSError("the disk is gone"))
        self.assertEqual(
            self.reunite(record(1), record(2)), [record(1), record(2, node=NODE, revision=2)]
        )
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_finished(self) -> None:
        """
        While the daemon runs it is noted of an upload that it became a file,
        where whoever received it did not come to that; one that is over, or
        that nobody knows of, stays so.
        """
        over = record(2, node=NODE, state="finished")
        self.know(record(1, node=NODE), over)
        self.clock.advance(10)
        ids = [record(number).id for number in (1, 2, 3)]
        self.successResultOf(Deferred.fromCoroutine(self.reunion().finished(ids)))
        self.assertEqual(
            list(self.successResultOf(self.metadata.all())),
            [record(1, node=NODE, state="finished", until=NOW + 10 + EXPIRY, revision=2), over],
        )
