"""
Tests for what a power cut leaves, and for the store behind it: see
:mod:`tests.tree` and :mod:`tests.stories`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import hmacfs.store
from tests import keeping_stories
from tests.powercut import PowerCutDisk, Site
from tests.stories import STORIES, Teller
from tests.tree import Tree, files

KEEPING = ("reconciling", "removal", "restoring", "rubbish")
"""Modules that nothing happens in but what :mod:`tests.keeping_stories` tells."""


def syncs() -> Iterator[Site]:
    """
    :return: each line of the store that syncs.
    """
    for path in sorted(Path(hmacfs.store.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("sync", "sync_names"):
                yield str(path), node.lineno


class TreeTests(SynchronousTestCase):
    """
    A power cut takes what was not synced, in any part, and nothing else.
    """

    def setUp(self) -> None:
        self.disk = PowerCutDisk()
        self.root = self.disk.root("/")

    def left(self) -> set[tuple[tuple[bytes, bytes, bytes | None], ...]]:
        """
        :return: what files each state has, and what is in them.
        """
        return {self.contents(tree) for tree in self.disk.tree.states()}

    def contents(self, tree: Tree) -> tuple[tuple[bytes, bytes, bytes | None], ...]:
        return tuple((path, node.data, node.attribute) for path, node in files(tree.root))

    def write(self, name: bytes, data: bytes) -> int:
        file = self.disk.create(self.root, name, 0o600)
        self.disk.write(file, [data])
        return file

    def test_nothing_synced(self) -> None:
        """
        Of a new file there may be nothing, or any part of it, or zeros.
        """
        self.disk.set_attribute(self.write(b"f", b"ab"), b"x")
        data = [b"", b"a", b"ab", b"\0\0", b"a\0"]
        self.assertEqual(
            self.left(),
            {()} | {((b"f", part, label),) for part in data for label in (None, b"x")},
        )

    def test_synced(self) -> None:
        """
        A file and its name are synced each for itself.
        """
        file = self.write(b"f", b"ab")
        self.disk.sync(file)
        self.assertEqual(self.left(), {(), ((b"f", b"ab", None),)})
        self.disk.sync(self.root)
        self.assertEqual(self.left(), {((b"f", b"ab", None),)})

    def test_growing(self) -> None:
        """
        What was synced of a file stays, however it grows.
        """
        file = self.write(b"f", b"ab")
        self.disk.tree.settle()
        self.disk.write(file, [b"c"])
        self.assertEqual(self.left(), {((b"f", data, None),) for data in (b"ab", b"ab\0", b"abc")})

    def test_any_order(self) -> None:
        """
        Names get to the disk in any order.
        """
        self.write(b"f", b"")
        self.write(b"g", b"")
        f, g = (b"f", b"", None), (b"g", b"", None)
        self.assertEqual(self.left(), {(), (f,), (g,), (f, g)})

    def test_folder(self) -> None:
        """
        Without its own name a folder is lost, with all that was synced in it.
        """
        self.disk.make_folder(self.root, b"a", 0o700)
        folder = self.disk.folder(self.root, b"a")
        self.disk.sync(self.disk.create(folder, b"f", 0o600))
        self.disk.sync(folder)
        self.assertEqual(self.left(), {(), ((b"a/f", b"", None),)})

    def test_rename(self) -> None:
        """
        A rename is seen not at all, half, or whole; the file is never gone.
        """
        self.write(b"f", b"new")
        self.write(b"g", b"old")
        self.disk.tree.settle()
        self.disk.rename(self.root, b"f", self.root, b"g")
        f, old, new = (b"f", b"new", None), (b"g", b"old", None), (b"g", b"new", None)
        self.assertEqual(self.left(), {(f, old), (f, new), (new,)})

    def test_rename_half_synced(self) -> None:
        """
        Where the old name is surely gone the new one is surely there.
        """
        self.disk.make_folder(self.root, b"a", 0o700)
        folder = self.disk.folder(self.root, b"a")
        self.write(b"f", b"")
        self.disk.tree.settle()
        self.disk.rename(self.root, b"f", folder, b"f")
        self.disk.sync(self.root)
        self.assertEqual(self.left(), {((b"a/f", b"", None),)})

    def test_unlink(self) -> None:
        """
        A name that was taken away may come back.
        """
        self.write(b"f", b"")
        self.disk.tree.settle()
        self.disk.unlink(self.root, b"f")
        self.assertEqual(self.left(), {(), ((b"f", b"", None),)})

    def test_link(self) -> None:
        """
        Two names of one file are two names of it in every state.
        """
        self.write(b"f", b"ab")
        self.disk.link(self.root, b"f", self.root, b"g")
        both = [dict(files(tree.root)) for tree in self.disk.tree.states()]
        self.assertEqual({named[b"f"] is named[b"g"] for named in both if len(named) == 2}, {True})

    def test_process_death(self) -> None:
        """
        Where the process dies alone all is there, and may still be lost later.
        """
        self.write(b"f", b"ab")
        copy = self.disk.tree.copy()
        self.disk.unlink(self.root, b"f")
        self.assertEqual(self.contents(copy), ((b"f", b"ab", None),))
        self.assertIn((), {self.contents(tree) for tree in copy.states()})


class StoryTests(SynchronousTestCase):
    """
    However it ends, each name holds the old bytes or the new ones, and what
    was acknowledged is there.
    """

    def test_create(self) -> None:
        """
        A new file is there whole, or not at all, after any number of crashes.
        """
        Teller(again=True).create()

    def test_create_at_once(self) -> None:
        """
        So is one that no thread commits.
        """
        Teller(again=True).create_at_once()

    def test_create_again(self) -> None:
        """
        A file that a crash left, and that was told to be stored, stays.
        """
        Teller().create_again()

    def test_overwrite(self) -> None:
        """
        A file that is replaced is itself or the new one, after any number of crashes.
        """
        Teller(again=True).overwrite()

    def test_overwrite_again(self) -> None:
        """
        No version is left that never was one, once its upload is begun anew.
        """
        Teller().overwrite_again()

    def test_banned(self) -> None:
        """
        A file whose replacement is banned in the last moment is as safe.
        """
        Teller(again=True).banned()

    def test_overwrite_long_label(self) -> None:
        """
        A file with more to say of it than an attribute takes is as safe.
        """
        Teller().overwrite_long_label()

    def test_first_start(self) -> None:
        """
        A new store keeps its first files, and their versions.
        """
        Teller().first_start()

    def test_suspended(self) -> None:
        """
        An upload that was suspended is still there when the store has stopped.
        """
        Teller().suspended()
        Teller().suspended_long_label()

    def test_degraded(self) -> None:
        """
        Without attributes a file keeps its type all the same.
        """
        Teller().degraded()

    def test_whole(self) -> None:
        """
        A file that came with one call is stored as any other.
        """
        Teller().whole()
        Teller().whole_degraded()

    def test_small(self) -> None:
        """
        So is a small one that was all here when it began.
        """
        Teller(again=True).small()

    def test_race_to_replace(self) -> None:
        """
        Two that replace a file at once lose neither it nor each other.
        """
        Teller().race_to_replace()

    def test_race_to_create(self) -> None:
        """
        Of two that create a file at once one is refused, and leaves nothing.
        """
        Teller().race_to_create()

    def test_race_in_a_folder(self) -> None:
        """
        Two that need the same new folder both keep their files.
        """
        Teller().race_in_a_folder()

    def test_fast(self) -> None:
        """
        Where nothing is synced, the death of the process loses nothing still.
        """
        for story in STORIES:
            story(Teller(durable=False))


class SyncTests(SynchronousTestCase):
    """
    Not one sync of the store could be left out.
    """

    def test_each(self) -> None:
        """
        Without any one of them some story ends badly.
        """
        # Those of the parts are tried by tests.test_resuming_store; fsck says
        # itself what it has mended, and may be asked again; nobody reads what
        # the reserve holds.
        apart = ("checking", "parts", "reserve")
        tried = [site for site in syncs() if Path(site[0]).stem not in apart]
        self.assertEqual([site for site in tried if self.superfluous(site)], [])

    def superfluous(self, site: Site) -> bool:
        """
        :return: whether all stories end well without the sync *site*.
        """
        if Path(site[0]).stem in KEEPING:
            teller, stories = keeping_stories.Teller(ignored=site), keeping_stories.STORIES
        else:
            teller, stories = Teller(ignored=site), STORIES
        for story in stories:
            try:
                story(teller)
            except AssertionError:
                return False
        return True

    def test_all(self) -> None:
        """
        The places that sync are found, and are those that are known.
        """
        self.assertEqual(
            [Path(path).stem for path, _ in syncs()],
            ["area"] * 2
            + ["checking"]
            + ["commit"] * 6
            + ["flushing"] * 2
            + ["folders"]
            + ["parts"] * 5
            + ["reconciling"]
            + ["recovery"] * 2
            + ["removal"]
            + ["reserve"]
            + ["restoring"] * 2
            + ["rubbish"],
        )
