"""
Tests for :mod:`hmacfs.store.index`.
"""

from __future__ import annotations

import os
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.errors import StoreProblem
from hmacfs.store.index import NAME, SqliteIndex
from tests.contracts import IndexContract, row
from tests.inline import Inline


class SqliteIndexTests(IndexContract, SynchronousTestCase):
    """
    The index lasts, and is begun anew where it is damaged.
    """

    def setUp(self) -> None:
        self.folder = os.path.abspath(self.mktemp())
        os.mkdir(self.folder)
        self.threads = Inline()
        self.index = self.started()

    def started(self) -> SqliteIndex:
        index = SqliteIndex(self.folder, Disk(), self.threads)
        self.successResultOf(index.start())
        self.addCleanup(lambda: self.successResultOf(index.stop()))
        return index

    def restart(self) -> None:
        self.successResultOf(self.index.stop())
        self.index = self.started()

    def test_lasts(self) -> None:
        """
        What was written is there at the next start, and is counted.
        """
        self.successResultOf(self.index.write([row("a")]))
        self.restart()
        self.assertEqual(
            (self.successResultOf(self.index.find("a")), self.index.totals()), (row("a"), (1, 3))
        )

    def test_all_or_none(self) -> None:
        """
        Of a batch that cannot be written nothing is.
        """
        broken: Any = None
        self.failureResultOf(self.index.write([row("a"), attrs.evolve(row("b"), stored=broken)]))
        self.assertEqual(
            (self.successResultOf(self.index.find("a")), self.index.totals()), (None, (0, 0))
        )

    def test_damaged(self) -> None:
        """
        A damaged index is put aside and begun anew.
        """
        self.successResultOf(self.index.stop())
        path = os.path.join(self.folder, NAME)
        with open(path, "wb") as file:
            file.write(b"this is no database, and long enough to be none" * 100)
        self.index = self.started()
        self.assertEqual(self.index.totals(), (0, 0))
        self.assertTrue(os.path.exists(path + ".damaged"))

    def test_unusable(self) -> None:
        """
        One that cannot be opened at all is said to be so.
        """
        self.successResultOf(self.index.stop())
        os.remove(os.path.join(self.folder, NAME))
        os.mkdir(os.path.join(self.folder, NAME))
        index = SqliteIndex(self.folder, Disk(), self.threads)
        self.failureResultOf(index.start(), StoreProblem)
        self.successResultOf(index.stop())
