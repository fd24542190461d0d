"""
Tests for :mod:`hmacfs.store.files`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.records import FileRecord
from hmacfs.store.files import StoredFile
from tests.inline import Inline


class Waiting(Inline):
    """
    Threads that do what they are asked for later.
    """

    def __init__(self) -> None:
        self.jobs: list[Deferred[Any]] = []

    def run(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        job: Deferred[Any] = Deferred()
        self.jobs.append(job)
        return job.addCallback(lambda _: function(*args))


class StoredFileTests(SynchronousTestCase):
    """
    A descriptor is not closed below a thread that reads from it.
    """

    def test_closed_while_read(self) -> None:
        """
        Who is reading when the file is closed reads to his end.
        """
        path, threads = self.mktemp(), Waiting()
        with open(path, "wb") as file:
            file.write(b"abc")
        stored = StoredFile(os.open(path, os.O_RDONLY), FileRecord(3, "", 0, ""), Disk(), threads)
        reads = [stored.read(0, 3), stored.read(1, 3)]
        stored.close()
        for job in threads.jobs:
            job.callback(None)
        self.assertEqual([self.successResultOf(read) for read in reads], [b"abc", b"bc"])
        self.assertRaises(OSError, os.fstat, stored.fileno())
