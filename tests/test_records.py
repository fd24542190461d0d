"""
Tests for :mod:`hmacfs.web.records`.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import NotFound
from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.uploads import UploadRecord
from hmacfs.web.records import Records
from tests.test_care_uploads import EXPIRY, NOW, record

KNOWN = record(node="https://a.example.org", revision=3)


class RecordsTests(SynchronousTestCase):
    """
    What is remembered of an upload is what became of it last.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.metadata: Any = MemoryMetadata(self.clock, EXPIRY)
        self.records = Records(self.metadata, self.clock, EXPIRY)
        self.successResultOf(self.metadata.put(KNOWN))

    def keep(self, told: UploadRecord) -> UploadRecord | None:
        """
        :return: what is remembered then.
        """
        self.successResultOf(Deferred.fromCoroutine(self.records.keep(told)))
        found: UploadRecord | None = self.successResultOf(self.metadata.get(told.id))
        return found

    def test_more_time(self) -> None:
        """
        An upload that goes on has more time, also where its part forgot its
        node and how often it changed.
        """
        self.assertEqual(
            self.keep(record(until=NOW + 500)), attrs.evolve(KNOWN, until=NOW + 500, revision=4)
        )

    def test_over(self) -> None:
        """
        One that is over is remembered from then on.
        """
        self.clock.advance(50)
        self.assertEqual(
            self.keep(record(state="finished")),
            attrs.evolve(KNOWN, state="finished", until=NOW + 50 + EXPIRY, revision=4),
        )

    def test_forgotten(self) -> None:
        """
        One that was given up meanwhile stays so.
        """
        self.successResultOf(Deferred.fromCoroutine(self.records.forget(KNOWN)))
        self.assertIsNone(self.keep(record()))

    def test_no_url(self) -> None:
        """
        One without a URL of its own is found by its part, and remembered nowhere else.
        """
        self.assertIsNone(self.keep(record(2, front="range")))

    def test_failure(self) -> None:
        """
        What cannot be written down is logged, and the upload goes on.
        """
        self.metadata.put = lambda record: fail(OSError("the disk is gone"))
        self.assertEqual(self.keep(record(state="finished")), KNOWN)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_time_over(self) -> None:
        """
        One whose time is over is not there any more.
        """
        self.clock.advance(EXPIRY)
        self.failureResultOf(Deferred.fromCoroutine(self.records.known(KNOWN.id)), NotFound)
