"""
Tests for uploads that go on behind crashes and power cuts: see
:mod:`tests.resuming_stories`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store import parts
from hmacfs.store.opened import Policy
from tests.crashes import result
from tests.powercut import PowerCutDisk, Site
from tests.resuming_contract import EXPIRY, record
from tests.resuming_stories import STORIES, Life, Teller
from tests.tree import files


def syncs() -> Iterator[Site]:
    """
    :return: each line that syncs a part, or what stands beside it.
    """
    for node in ast.walk(ast.parse(inspect.getsource(parts))):
        if isinstance(node, ast.Attribute) and node.attr == "sync":
            yield parts.__file__, node.lineno


def broken(site: Site) -> str | None:
    """
    :return: the name of a story that goes wrong where the syncs of one line
        are not done.
    """
    for story in STORIES:
        try:
            story(Teller(site))
        except AssertionError:
            return story.__name__
    return None


class ResumingStoreTests(SynchronousTestCase):
    """
    What an upload was told to have kept is there at the next start, and
    nothing that it never had.
    """

    def test_stories(self) -> None:
        """
        Whatever happens, and whenever the power is cut.
        """
        for story in STORIES:
            self.assertGreater(story(Teller()), 50)

    def test_syncs(self) -> None:
        """
        Not a single sync of a part could be left out.
        """
        found = {site: broken(site) for site in syncs()}
        self.assertNotIn(None, found.values())
        self.assertEqual(len(found), 5)


class CutOffTests(SynchronousTestCase):
    """
    The disk of the power cuts is as unkind to bytes that replace others.
    """

    def left(self, *pieces: bytes, size: int) -> set[bytes]:
        """
        :return: what a power cut may leave of a file, where *pieces* come behind
            its first *size* bytes, the others being cut off.
        """
        disk = PowerCutDisk()
        root = disk.root("/")
        file = disk.create(root, b"f", 0o600)
        disk.write(file, [b"abcd"])
        disk.sync(file)
        disk.sync(root)
        disk.truncate(file, size)
        for piece in pieces:
            disk.write(file, [piece])
        return {dict(files(tree.root))[b"f"].data for tree in disk.tree.states()}

    def test_cut_off(self) -> None:
        """
        Bytes that were cut off may come back.
        """
        self.assertEqual(self.left(size=2), {b"ab", b"abcd"})

    def test_replaced(self) -> None:
        """
        They may come back behind some of those that took their place.
        """
        self.assertEqual(
            self.left(b"xy", size=2),
            {b"abcd", b"ab", b"ab\0\0", b"abx", b"abx\0", b"abxd", b"abxy"},
        )


class FastTests(SynchronousTestCase):
    """
    With ``Durability = "fast"`` an upload survives the death of the process alone.
    """

    def setUp(self) -> None:
        self.policy = Policy(upload_expiry=EXPIRY, durable=False, sync_every=1)
        self.life = Life(PowerCutDisk(durable=False), record(), self.policy)
        upload = self.life.begin()
        self.life.append(upload, b"ab")
        result(upload.suspend())

    def offset(self, disk: PowerCutDisk) -> int | None:
        """
        :return: how far the upload is behind a start on *disk*.
        """
        return Life(disk, record(), self.policy).offset()

    def test_crash(self) -> None:
        """
        It goes on behind one.
        """
        tree = self.life.disk.tree.copy()
        self.assertEqual(self.offset(PowerCutDisk(tree, durable=False)), 2)

    def test_power_cut(self) -> None:
        """
        It is gone with the power, even if all of it happens to be there.
        """
        self.life.disk.tree.settle()
        [tree] = self.life.disk.tree.states()
        self.assertEqual(self.offset(PowerCutDisk(tree, durable=False)), None)


class UnknownBootDisk(PowerCutDisk):
    """
    A machine that does not tell one boot from another.
    """

    def boot(self) -> str:
        return ""


class UnknownBootTests(SynchronousTestCase):
    """
    Where boots cannot be told apart, each start may be behind a power cut.
    """

    def test_cut(self) -> None:
        """
        Every start cuts an upload to what was synced.
        """
        policy = Policy(upload_expiry=EXPIRY)
        life = Life(UnknownBootDisk(), record(), policy)
        upload = life.begin()
        life.append(upload, b"ab")
        life.suspend(upload)
        life.append(life.resume(), b"cd")
        disk = UnknownBootDisk(life.disk.tree.copy())
        self.assertEqual(Life(disk, record(), policy).offset(), 2)
