"""
Tests for :mod:`hmacfs.store.salvage`: what a member leaves that dies.
"""

from __future__ import annotations

import os
from typing import Any

from hmacfs.names import recall
from tests.company import TogetherCase
from tests.on_disk import FaultyDisk
from tests.resuming_contract import record

NAME = recall(b"a/f.txt")


class SalvageCase(TogetherCase):
    """
    A member that dies.
    """

    def die(self) -> list[str]:
        """
        Let the first member be no more, as a killed process is: its descriptors
        are closed, and it says nothing.

        :return: the uploads that it had finished.
        """
        return self.successResultOf(self.store.services[0].ended())

    def drop_lock(self, id: str) -> None:
        """Close the descriptor by which the part *id* is locked."""
        parts = self.store.chief.opened.area.parts
        inode = os.stat(id, dir_fd=parts).st_ino
        for each in map(int, os.listdir("/proc/self/fd")):
            try:
                found = os.fstat(each)
            except OSError:
                continue
            if found.st_ino == inode:
                os.close(each)


class SalvageTests(SalvageCase):
    """
    What a member leaves that dies goes on, and what it finished is listed.
    """

    def test_under_way(self) -> None:
        """
        An upload under way waits; one of another member is let be.
        """
        told, other = record(1), record(2, name="b")
        upload = self.successResultOf(self.one.begin(told.slot, told))
        self.successResultOf(upload.append([b"abc"]))
        self.successResultOf(self.two.begin(other.slot, other))
        self.drop_lock(told.id)
        self.assertEqual(self.die(), [])
        self.assertEqual(
            [each.waiting(NAME) for each in (self.store.chief, self.two)], [[told.id]] * 2
        )
        self.assertEqual(self.two.waiting(recall(b"b")), [])
        again = self.successResultOf(self.two.resume(told.id))
        self.assertEqual(again.offset, 3)

    def test_distrusted(self) -> None:
        """
        Of an upload under way is kept what it was trusted.
        """
        told = record(length=6)
        upload = self.successResultOf(self.one.begin(told.slot, told))
        self.successResultOf(upload.append([b"ab"]))
        upload.distrust()
        self.successResultOf(upload.append([b"xyz"]))
        self.drop_lock(told.id)
        self.die()
        self.assertEqual(self.store.chief.opened.parts.size(told.id.encode()), 2)
        self.assertEqual(self.successResultOf(self.two.resume(told.id)).offset, 2)

    def test_finished(self) -> None:
        """
        A file whose row was still to be written is listed.
        """
        told = record(length=3)
        upload = self.successResultOf(self.one.begin(told.slot, told))
        self.successResultOf(upload.append([b"abc"]))
        self.successResultOf(upload.commit())
        self.assertEqual(self.index.totals().files.count, 0)
        self.assertEqual(self.die(), [told.id])
        self.assertEqual(self.index.totals().files.count, 1)
        self.assertEqual(os.listdir(self.store.chief.opened.area.parts), [])

    def test_shares(self) -> None:
        """
        What it had promised to owners is free again.
        """
        self.successResultOf(self.store.stop())
        self.start(owner_quota=10)
        self.begin(self.one, "a", 6, owner="me")
        self.die()
        self.begin(self.two, "b", 6, owner="me")


class UnknownBoot(FaultyDisk):
    """
    A disk of a system that does not tell its boots apart.
    """

    def boot(self) -> str:
        return ""


class UnknownBootTests(SalvageCase):
    """
    Where boots are not told apart, a member's death is no power cut either.
    """

    def make_disk(self) -> Any:
        return UnknownBoot()

    def test_under_way(self) -> None:
        """
        An upload under way waits, with all that came.
        """
        told = record(length=6)
        upload = self.successResultOf(self.one.begin(told.slot, told))
        self.successResultOf(upload.append([b"abc"]))
        self.drop_lock(told.id)
        self.assertEqual(self.die(), [])
        self.assertEqual(self.successResultOf(self.two.resume(told.id)).offset, 3)
