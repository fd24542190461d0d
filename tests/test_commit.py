"""
Tests for :mod:`hmacfs.store.commit` where the disk fails.

What a crash makes of a commit is told by :mod:`tests.test_powercut`.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Mapping

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import Banned, NoSpace, NotStored, Refusal
from tests.crashes import Life, result
from tests.powercut import PowerCutDisk
from tests.stories import AT_REST, NEW, OLD
from tests.tree import files

PATH = b"a/f"


class Failing:
    """
    What a disk calls before its calls, and what makes them fail.
    """

    def __init__(
        self, calls: Mapping[str, int], number: int = errno.EIO, for_ever: bool = False
    ) -> None:
        """
        :param calls: by the name of a call, ``""`` for any, how many of them
            are done before one fails.
        :param for_ever: whether all behind it fail as well.
        """
        self.failed = False
        self._left = dict(calls)
        self._number = number
        self._for_ever = for_ever

    def __call__(self, call: str) -> None:
        for name in (call, ""):
            if name in self._left:
                self._left[name] -= 1
                if self._left[name] == -1 or (self._for_ever and self._left[name] < 0):
                    self.failed = True
                    raise OSError(self._number, os.strerror(self._number))


class Removing:
    """
    Somebody who removes the folder of a file whenever the file is to be put there.
    """

    def __init__(self, life: Life, times: int) -> None:
        self._life = life
        self._times = times

    def __call__(self, call: str) -> None:
        if call == "link" and self._times:
            self._times -= 1
            self._life.disk.tree.change(self._life.folder(), PATH.split(b"/")[0], None)


class Banning:
    """
    Somebody who bans the bytes of a file at the last moment before it has its name.
    """

    def __init__(self, life: Life, last: str) -> None:
        """
        :param last: the call that gives the name.
        """
        self._life = life
        self._last = last

    def __call__(self, call: str) -> None:
        if call == self._last:
            self._last = ""
            result(self._life.store.ban(hashlib.sha256(NEW).hexdigest()))


class FaultTests(SynchronousTestCase):
    """
    A commit that fails, at whichever call, tells of it and leaves all as it was.
    """

    def life(self, former: bytes | None) -> Life:
        life = Life(PowerCutDisk()).start()
        if former is not None:
            life.put(PATH, former)
            life.rest()
        return life

    def commit(self, life: Life, before: Callable[[str], object]) -> type[Refusal] | None:
        """
        :return: how the commit of an upload ends.
        """
        upload = life.begin(PATH, NEW, overwrite=True)
        life.disk.before = before
        try:
            result(upload.commit())
        except Refusal as refusal:
            return type(refusal)
        finally:
            life.disk.before = lambda call: None
        return None

    def versions(self, life: Life) -> list[bytes]:
        folder = life.folder(b".hmacfs", b"versions", *PATH.split(b"/"))
        return [node.data for _, node in files(folder)]

    def check_undone(self, life: Life, former: bytes | None) -> None:
        """
        See that a name has what it had, and can be had by the next upload.
        """
        found = life.get(PATH)
        self.assertEqual(found and found[1], former)
        self.assertEqual(list(life.folder(b".hmacfs", b"parts").entries), [])
        self.assertEqual(life.disk.descriptors, AT_REST)
        if former is None:
            self.assertEqual(list(life.folder().entries), [b".hmacfs"])
        life.put(PATH, NEW, overwrite=True)
        life.rest()
        self.assertEqual(self.versions(life), [] if former is None else [former])

    def test_create(self) -> None:
        """
        A file that could not be created is not there, nor its folder.
        """
        self.each_call_fails(None)

    def test_overwrite(self) -> None:
        """
        A file that could not be replaced is there as it was, and no version.
        """
        self.each_call_fails(OLD)

    def each_call_fails(self, former: bytes | None) -> None:
        for calls in range(100):
            life, failing = self.life(former), Failing({"": calls})
            ended = self.commit(life, failing)
            if not failing.failed:
                break
            self.assertEqual(ended, NotStored)
            self.check_undone(life, former)
            self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        # The label, two syncs and two for each folder, the link: at the least.
        self.assertGreater(calls, 5)

    def test_dead(self) -> None:
        """
        A disk that does nothing any more is told of, and nothing is acknowledged.
        """
        for former in (None, OLD):
            for calls in range(100):
                life, failing = self.life(former), Failing({"": calls}, for_ever=True)
                ended = self.commit(life, failing)
                if not failing.failed:
                    break
                self.assertEqual((ended, life.disk.descriptors), (NotStored, AT_REST))
                self.assertNotEqual(self.flushLoggedErrors(OSError), [])

    def test_killed(self) -> None:
        """
        Where all ends while a failed commit is put away, the next start leaves
        no empty folder either.
        """
        life, failing = self.life(None), Failing({"link": 0})

        def before(call: str) -> None:
            life.keep()
            failing(call)

        self.assertEqual(self.commit(life, before), NotStored)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        ends = [end for moment in life.moments for end in moment.ends(power=False)]
        for end in ends:
            later = Life(PowerCutDisk(end.tree), end).start()
            self.assertEqual(list(later.folder().entries), [b".hmacfs"])
        self.assertGreater(len(ends), 5)

    def test_full(self) -> None:
        """
        A disk that turns out to be full is told of as such.
        """
        for call in ("sync", "link", "make_folder"):
            life = self.life(None)
            self.assertEqual(self.commit(life, Failing({call: 0}, errno.ENOSPC)), NoSpace)
            self.check_undone(life, None)

    def test_last_sync(self) -> None:
        """
        Where the last sync fails the former file is back, and is kept among
        the versions too: the disk may have the new one.
        """
        life = self.life(OLD)
        syncs: list[str] = []
        self.assertIsNone(self.commit(life, syncs.append))
        life = self.life(OLD)
        failing = Failing({"sync": syncs.count("sync") - 1})
        self.assertEqual(self.commit(life, failing), NotStored)
        self.assertEqual(self.versions(life), [OLD])
        self.check_undone(life, OLD)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_banned(self) -> None:
        """
        Bytes that are banned in the last moment are no file, and the former one is.
        """
        for former, last in ((None, "link"), (OLD, "rename")):
            life = self.life(former)
            self.assertEqual(self.commit(life, Banning(life, last)), Banned)
            self.assertEqual(self.versions(life), [])
            result(life.store.unban(hashlib.sha256(NEW).hexdigest()))
            self.check_undone(life, former)

    def test_folder_removed(self) -> None:
        """
        A folder that others remove is made again, but not for ever.
        """
        for times, ends, stored in ((3, None, True), (100, NotStored, False)):
            life = self.life(None)
            self.assertEqual(self.commit(life, Removing(life, times)), ends)
            self.assertEqual(life.get(PATH) is not None, stored)
