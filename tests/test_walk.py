"""
Tests for :mod:`hmacfs.store.walk`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.store.folders import Folders, Segments
from hmacfs.store.walk import DEEP, Slice, Walk


class WalkTests(SynchronousTestCase):
    """
    Every file of a tree is met once, however it is sliced.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.path.mkdir()
        self.disk = Disk()
        self.root = self.disk.root(str(self.path.absolute()))
        self.addCleanup(os.close, self.root)

    def make(self, *names: str) -> None:
        for name in names:
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def walk(self, after: Segments = (), *spared: Segments) -> Walk:
        walk = Walk(self.disk, Folders(self.disk, self.root), after, frozenset(spared))
        self.addCleanup(walk.close)
        return walk

    def slices(self, walk: Walk, most: int = 3) -> Iterator[Slice]:
        over = False
        while not over:
            found = walk.take(most)
            yield found
            over = found.over

    def names(self, walk: Walk) -> list[str]:
        return [b"/".join(path).decode() for each in self.slices(walk) for path in each.files]

    def test_all(self) -> None:
        """
        Files are found at every depth, in slices that are never larger than asked for.
        """
        names = {f"{n}/{m}.txt" for n in range(4) for m in range(5)} | {"a", "b/c/d"}
        self.make(*names)
        slices = list(self.slices(self.walk()))
        found = [b"/".join(path).decode() for each in slices for path in each.files]
        self.assertEqual(
            (sorted(found), max(len(each.files) for each in slices)), (sorted(names), 3)
        )

    def test_deep(self) -> None:
        """
        However deep a tree is, few descriptors are held.
        """
        deep = "/".join("x" for _ in range(DEEP * 10))
        self.make(f"{deep}/file", "x/file")
        before = len(os.listdir("/proc/self/fd"))
        held, found = [], []
        for each in self.slices(self.walk(), 1):
            held.append(len(os.listdir("/proc/self/fd")) - before)
            found += [len(path) for path in each.files]
        self.assertEqual(sorted(found), [2, DEEP * 10 + 1])
        self.assertLessEqual(max(held), 2 * DEEP)

    def test_empty(self) -> None:
        """
        Folders with nothing in them are told, and the root is none of them.
        """
        self.make("full/file")
        (self.path / "empty" / "inner").mkdir(parents=True)
        found = list(self.slices(self.walk()))
        self.assertEqual([path for each in found for path in each.empty], [(b"empty", b"inner")])
        self.assertEqual(self.walk((), (b"empty",), (b"full",)).take(9), Slice(over=True))

    def test_links(self) -> None:
        """
        A link is met, and not followed.
        """
        self.make("folder/file")
        (self.path / "link").symlink_to("folder")
        self.assertEqual(sorted(self.names(self.walk())), ["folder/file", "link"])

    def test_goes_on(self) -> None:
        """
        A walk that stopped anywhere goes on there.
        """
        self.make(*(f"{n}/{m}/{k}" for n in range(3) for m in range(3) for k in range(2)), "z")
        whole = self.names(self.walk())
        for stopped, name in enumerate(whole):
            after = tuple(name.encode().split(b"/"))
            self.assertEqual(self.names(self.walk(after)), whole[stopped + 1 :])

    def test_place_is_gone(self) -> None:
        """
        Where the place is gone its folder is begun anew, and nothing is left out.
        """
        self.make("a/1", "a/2", "b/1")
        whole = self.names(self.walk())
        later = whole[whole.index("a/1") :]
        found = self.names(self.walk((b"a", b"gone")))
        self.assertLessEqual({"a/1", "a/2"} | set(later), set(found))
        self.assertEqual(self.names(self.walk((b"gone", b"x"))), whole)

    def test_changes(self) -> None:
        """
        A folder that goes while it is waited for is passed over.
        """
        self.make(*(f"{n}/file" for n in range(3)))
        walk = self.walk()
        first = walk.take(1)
        for n in range(3):
            (self.path / str(n) / "file").unlink()
            (self.path / str(n)).rmdir()
        rest = list(self.slices(walk))
        self.assertEqual([path for each in [first, *rest] for path in each.files], [])

    def test_unreadable(self) -> None:
        """
        A folder that cannot be listed is told, and the others are walked.
        """
        self.make("bad/file", "good/file")

        class Refusing(Disk):
            def entries(self, folder: int) -> Iterator[tuple[bytes, str]]:
                found = list(super().entries(folder))
                if os.readlink(f"/proc/self/fd/{folder}").endswith("bad"):
                    raise PermissionError(13, "no")
                yield from found

        self.disk = Refusing()
        slices = list(self.slices(self.walk()))
        told = [(path, error.errno) for each in slices for path, error in each.troubles]
        found = [path for each in slices for path in each.files]
        self.assertEqual((told, found), ([((b"bad",), 13)], [(b"good", b"file")]))

    def test_close(self) -> None:
        """
        A walk that is broken off lets go of what it had open.
        """
        self.make("a/b/c/d")
        before = os.listdir("/proc/self/fd")
        walk = self.walk()
        walk.take(3)
        walk.close()
        self.assertEqual(os.listdir("/proc/self/fd"), before)
