"""
Uploads that come whole: their last bytes, or all of them, go with the commit.
"""

from __future__ import annotations

import errno

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import Exists, NoSpace, WrongLength
from hmacfs.interfaces.store import IStore, IUpload
from hmacfs.store.memory import MemoryStore
from hmacfs.uploads import Slot
from tests.contracts import ROOM, WithStore, slot
from tests.on_disk import OnDisk


class WholeContract(WithStore):
    """
    What is committed with its last bytes is what it would have been without.
    """

    def soon(self, wanted: Slot) -> IUpload:
        return self.successResultOf(self.store.begin(wanted, None, True))

    def test_all(self) -> None:
        """
        A file may come all at once.
        """
        record = self.successResultOf(self.soon(slot()).commit(None, [b"a", b"", b"bc"]))
        self.assertEqual((record.size, self.get()), (3, b"abc"))

    def test_nothing(self) -> None:
        """
        Also one of no bytes.
        """
        self.successResultOf(self.soon(slot(size=0)).commit())
        self.assertEqual(self.get(), b"")

    def test_last(self) -> None:
        """
        The last bytes follow those that were stored.
        """
        upload = self.begin(slot(), b"ab")
        self.successResultOf(upload.commit(None, [b"c"]))
        self.assertEqual(self.get(), b"abc")

    def test_other_length(self) -> None:
        """
        Bytes that make it too long, or do not make it whole, are not stored.
        """
        upload = self.soon(slot())
        for pieces in ([b"abcd"], [b"ab"]):
            self.refused(WrongLength, upload.commit(None, pieces))
        self.assertEqual(self.successResultOf(upload.append([b"abc"])), 3)
        self.successResultOf(upload.commit())
        self.assertEqual(self.get(), b"abc")

    def test_piecewise(self) -> None:
        """
        One that was expected soon may come slowly, and wait.
        """
        upload = self.soon(slot())
        self.assertEqual(self.successResultOf(upload.append([b"a"])), 1)
        self.successResultOf(upload.suspend())
        self.not_found()

    def test_nothing_came(self) -> None:
        """
        Of one that was expected and did not come nothing is left.
        """
        self.successResultOf(self.soon(slot()).discard())
        self.assertEqual(self.successResultOf(self.store.figures()).free, ROOM)

    def test_digest(self) -> None:
        """
        It has a digest before it has bytes.
        """
        upload = self.soon(slot())
        empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        self.assertEqual(self.successResultOf(upload.digest("sha256")).hex(), empty)
        self.successResultOf(upload.discard())

    def test_taken(self) -> None:
        """
        Who comes later to a name is refused, and nothing is left of it.
        """
        late = self.soon(slot())
        self.successResultOf(self.soon(slot()).commit(None, [b"abc"]))
        self.refused(Exists, late.commit(None, [b"def"]))
        self.assertEqual(self.get(), b"abc")


class MemoryTests(WholeContract, SynchronousTestCase):
    """
    In memory.
    """

    def make_store(self, clock: Clock) -> IStore:
        return MemoryStore(clock, ROOM)


class DiskTests(OnDisk, WholeContract, SynchronousTestCase):
    """
    On the disk.
    """

    def parts(self) -> set[str]:
        return self.below(".hmacfs", "parts")

    def test_no_part(self) -> None:
        """
        Before the first byte there is no part.
        """
        upload = self.soon(slot())
        self.assertEqual(self.parts(), set())
        self.successResultOf(upload.append([b"a"]))
        self.assertEqual(len(self.parts()), 1)

    def test_full(self) -> None:
        """
        A disk that takes no new file is full when the first byte comes.
        """
        for call in ("create", "set_attribute"):
            upload = self.soon(slot())
            self.disk.troubles[call] = errno.ENOSPC
            self.refused(NoSpace, upload.commit(None, [b"abc"]))
            self.successResultOf(upload.discard())
            self.assertEqual(self.parts(), set())
            self.assertEqual(self.successResultOf(self.store.figures()).free, ROOM)

    def test_last_do_not_fit(self) -> None:
        """
        Where the last bytes find no room the part is kept, with all before them.
        """
        upload = self.begin(slot(), b"ab")
        self.disk.troubles["write"] = errno.ENOSPC
        self.refused(NoSpace, upload.commit(None, [b"c"]))
        self.assertEqual((upload.offset, len(self.parts())), (2, 1))
        self.successResultOf(upload.commit(None, [b"c"]))
        self.assertEqual(self.get(), b"abc")
