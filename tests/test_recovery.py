"""
Tests for :mod:`hmacfs.store.recovery`, on a real disk.

What crashes leave is told by :mod:`tests.test_powercut`; here is what somebody
else may leave, and what becomes of parts in time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import StoreProblem
from hmacfs.records import ATTRIBUTE, Row
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.memory_index import MemoryIndex
from tests.contracts import NOW, TYPE, slot
from tests.crashes import Life
from tests.on_disk import OnDisk
from tests.powercut import PowerCutDisk
from tests.test_commit import Failing

T = TypeVar("T")

ID = "0" * 32


class Broken(MemoryIndex):
    """
    An index that answers no more.

    :ivar broken: whether it is so by now.
    """

    broken = False

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        if self.broken:
            return fail(RuntimeError("the index is broken"))
        return super().run(function, *args)


class RecoveryTests(OnDisk, SynchronousTestCase):
    """
    A start keeps what somebody may go on with, and drops what nobody can.
    """

    def restart(self, later: float = 0) -> FilesystemStore:
        """
        Let the store die as it is, and another one start.
        """
        self.store.stop()
        self.clock = Clock()
        self.clock.advance(NOW + later)
        self.store = self.another_store()
        self.successResultOf(self.store.start())
        return self.store

    def plant(self, name: str, data: bytes = b"abc", label: bytes | None = None) -> None:
        """
        Put something among the parts.
        """
        path = self.path / ".hmacfs" / "parts" / name
        path.write_bytes(data)
        if label is not None:
            os.setxattr(path, ATTRIBUTE, label)

    def test_suspended(self) -> None:
        """
        A suspended part is kept over any number of starts: whether its time is
        over is not decided by a start, whose clock may be years ahead.
        """
        self.successResultOf(self.begin(slot(size=9), b"abc").suspend())
        (part,) = self.parts()
        for later in (0, 86399, 86400, 10 * 365 * 86400):
            store = self.restart(later)
            self.successResultOf(self.begin(slot("other")).discard())
            self.assertEqual(self.parts(), {part})
        self.successResultOf(store.expire(self.clock.seconds(), 9))
        self.assertEqual(self.parts(), set())

    def test_begun_anew(self) -> None:
        """
        A part that was left is dropped when its name is begun anew.
        """
        self.successResultOf(self.begin(slot(size=9), b"abc").suspend())
        left = self.parts()
        self.restart()
        self.successResultOf(self.begin(slot("other")).discard())
        self.assertEqual(self.parts(), left)
        self.put(slot(), b"abc")
        self.clock.advance(1)
        self.assertEqual((self.parts(), self.get()), (set(), b"abc"))

    def test_long_name(self) -> None:
        """
        A part whose name stands beside it is known by it.
        """
        name = "/".join(["x" * 255] * 15)
        self.successResultOf(self.begin(slot(name, 9), b"abc").suspend())
        self.assertEqual(len(self.parts()), 2)
        self.restart()
        self.assertEqual(len(self.parts()), 2)
        self.successResultOf(self.begin(slot(name)).discard())
        self.assertEqual(self.parts(), set())

    def test_nobody_knows(self) -> None:
        """
        A part that does not say what it was to become is dropped.
        """
        for label in (
            None,
            b"",
            b"{}",
            b"\xff",
            b'{"type":"a/b","name":"../x","until":9999999999}',
        ):
            self.plant(ID, label=label)
            self.restart()
            self.assertEqual(self.parts(), set())

    def test_private_name(self) -> None:
        """
        A part that claims a private name gets nothing by it.
        """
        (self.path / ".hmacfs" / "secret").write_bytes(b"x")
        self.plant(ID, label=b'{"type":"a/b","name":".hmacfs/secret","until":9999999999}')
        self.restart()
        self.assertEqual((self.parts(), "secret" in self.below(".hmacfs")), (set(), True))

    def test_leftovers(self) -> None:
        """
        Second names of parts, and labels without a part, are removed.
        """
        self.plant(ID + ".new")
        self.plant(ID + ".label")
        self.restart()
        self.assertEqual(self.parts(), set())

    def test_not_ours(self) -> None:
        """
        What is not surely ours stays.
        """
        folder = self.path / ".hmacfs" / "parts"
        self.plant("notes.txt")
        self.plant(ID + ".old")
        (folder / ID).symlink_to("/etc/passwd")
        (folder / ("1" * 32)).mkdir()
        self.restart()
        self.assertEqual(self.parts(), {"notes.txt", ID + ".old", ID, "1" * 32})

    def test_label_planted(self) -> None:
        """
        A link in place of a label says nothing.
        """
        self.plant(ID)
        (self.path / ".hmacfs" / "parts" / (ID + ".label")).symlink_to("/etc/passwd")
        self.restart()
        self.assertEqual(self.parts(), set())

    def test_row_made_again(self) -> None:
        """
        A file that was acknowledged and not listed is listed by the next start.
        """
        self.successResultOf(self.store.stop())
        index, self.index = self.index, Broken()
        self.restart()
        self.index.broken = True
        self.put(slot(owner="me"), b"abc")
        self.clock.advance(1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual((self.get(), len(self.parts())), (b"abc", 1))
        self.index = index
        self.restart()
        self.assertEqual(
            (self.parts(), index.rows),
            (set(), {"a/f.txt": Row("a/f.txt", TYPE, 3, NOW, owner="me")}),
        )

    def test_linked_folder(self) -> None:
        """
        A part whose folder is a link by now waits, and nothing is touched behind it.
        """
        self.successResultOf(self.begin(slot("a/f"), b"abc").suspend())
        outside = self.path.parent / (self.path.name + ".outside")
        outside.mkdir()
        (outside / "f").write_bytes(b"x")
        (self.path / "a").symlink_to(outside)
        self.restart()
        self.assertEqual((len(self.parts()), (outside / "f").read_bytes()), (1, b"x"))

    def test_broken_disk(self) -> None:
        """
        A file that cannot be made to last keeps the daemon from starting, and
        its part is named.
        """
        disk = PowerCutDisk()
        Life(disk).start().put(b"f", b"abc")
        tree = disk.tree.copy()
        # The first two are those of the private area.
        life = Life(PowerCutDisk(tree, Failing({"sync": 2})))
        problem = str(self.failureResultOf(life.store.start(), StoreProblem).value)
        (part,) = life.folder(b".hmacfs", b"parts").entries
        self.assertEqual(
            problem,
            f"The part {part.decode()} among .hmacfs/parts cannot be recovered: "
            "Input/output error.",
        )
