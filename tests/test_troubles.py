"""
Tests for :mod:`hmacfs.store.troubles`, by way of the store.
"""

from __future__ import annotations

import errno

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import Exists, NoSpace, Overloaded, TooLarge
from tests.contracts import ROOM, slot
from tests.on_disk import OnDisk


class TroubleTests(OnDisk, SynchronousTestCase):
    """
    What the disk does not take is refused, and leaves nothing.
    """

    def test_short_writes(self) -> None:
        """
        A disk that takes a little at a time gets all of it.
        """
        self.disk.at_once = 2
        pieces = [b"a", b"", b"bcdef", b"gh"]
        self.successResultOf(self.begin(slot(size=8), *pieces).commit())
        self.assertEqual(self.get(), b"abcdefgh")

    def test_many_pieces(self) -> None:
        """
        More pieces than one call takes are written by several.
        """
        data = bytes(range(256)) * 10
        self.disk.room = len(data)
        pieces = [data[at : at + 1] for at in range(len(data))]
        self.successResultOf(self.begin(slot(size=len(data)), *pieces).commit())
        self.assertEqual(self.get(), data)

    def test_full(self) -> None:
        """
        A full disk is told of, and what fitted is counted.
        """
        for number in (errno.ENOSPC, errno.EDQUOT):
            upload = self.begin(slot(size=9), b"abc")
            self.disk.troubles["write"] = number
            self.refused(NoSpace, upload.append([b"def"]))
            self.assertEqual(upload.offset, 3)
            self.successResultOf(upload.discard())

    def test_full_at_begin(self) -> None:
        """
        A disk that takes no new file is full; the promise is taken back.
        """
        self.disk.troubles["create"] = errno.ENOSPC
        self.refused(NoSpace, self.store.begin(slot()))
        self.assertEqual(self.successResultOf(self.store.figures()).free, ROOM)

    def test_no_room_for_label(self) -> None:
        """
        A file that cannot bear its label is not begun, and leaves nothing.
        """
        self.disk.troubles["set_attribute"] = errno.ENOSPC
        self.refused(NoSpace, self.store.begin(slot()))
        self.assertEqual(self.parts(), set())

    def test_file_too_big(self) -> None:
        """
        A file that is larger than the file system allows is too large.
        """
        upload = self.begin(slot())
        self.disk.troubles["write"] = errno.EFBIG
        self.refused(TooLarge, upload.append([b"abc"]))

    def test_no_descriptors(self) -> None:
        """
        Where too many files are open it is the clients that are too many.
        """
        for number in (errno.EMFILE, errno.ENFILE):
            self.disk.troubles["create"] = number
            self.refused(Overloaded, self.store.begin(slot()))
            upload = self.begin(slot(), b"abc")
            # What fails on the spot is tried once more by a thread.
            self.disk.lasting["link"] = number
            self.refused(Overloaded, upload.commit())
        self.assertEqual((self.parts(), self.flushLoggedErrors()), (set(), []))

    def test_broken(self) -> None:
        """
        A broken disk is no refusal, but a fault that the caller logs.
        """
        upload = self.begin(slot())
        self.disk.troubles["write"] = errno.EIO
        self.failureResultOf(upload.append([b"abc"]), OSError)
        self.disk.troubles["create"] = errno.EIO
        self.failureResultOf(self.store.begin(slot("b")), OSError)

    def test_min_free_space(self) -> None:
        """
        What the operator keeps back is promised to nobody.
        """
        self.successResultOf(self.store.stop())
        self.store = self.another_store(min_free_space=ROOM - 5)
        self.successResultOf(self.store.start())
        self.refused(NoSpace, self.store.begin(slot(size=6)))
        self.begin(slot(size=5))

    def test_empty_parents(self) -> None:
        """
        Folders that were made for nothing are removed again, and no others.
        """
        (self.path / "a").mkdir()
        (self.path / "a" / "kept").write_bytes(b"")
        upload = self.begin(slot("a/b/c/f"), b"abc")
        self.disk.lasting["link"] = errno.ENOSPC
        self.refused(NoSpace, upload.commit())
        self.assertEqual((self.below("a"), self.parts()), ({"kept"}, set()))

    def test_parts_gone(self) -> None:
        """
        An upload that is refused or discarded leaves no part.
        """
        uploads = [self.begin(slot(), b"abc") for _ in range(3)]
        self.put(slot(), b"abc")
        self.clock.advance(1)
        self.assertEqual(len(self.parts()), 3)
        self.refused(Exists, uploads[0].commit())
        self.successResultOf(uploads[1].discard())
        self.successResultOf(uploads[2].suspend())
        self.assertEqual(len(self.parts()), 1)

    def test_suspended_expire(self) -> None:
        """
        What was suspended goes when its time is over and the sweep comes, and
        not with the next upload: the clock may be wrong.
        """
        self.successResultOf(self.begin(slot("old")).suspend())
        self.clock.advance(10)
        self.successResultOf(self.begin(slot("young")).suspend())
        self.clock.advance(86395)
        self.successResultOf(self.begin(slot("other")).discard())
        waiting = len(self.parts())
        self.successResultOf(self.store.expire(self.clock.seconds(), 9))
        self.assertEqual((waiting, len(self.parts())), (2, 1))
