"""
What every provider of an interface promises: inherited by the tests of each.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import (
    Exists,
    Forbidden,
    NoSpace,
    NotAFolder,
    NotFound,
    TooLarge,
    WrongLength,
)
from hmacfs.interfaces import IIndex, IStore, IUpload
from hmacfs.names import recall
from hmacfs.records import FileRecord, Row
from hmacfs.uploads import Slot

NOW = 1_700_000_000
TYPE = "text/x-of-the-tests"

FREE = 10_000
"""Bytes that the store of a contract takes at most."""


def slot(path: str, size: int | None = 3, **more: Any) -> Slot:
    """
    :return: a slot for *path*.
    """
    return Slot(recall(path.encode()), size, TYPE, **more)


class StoreCase(SynchronousTestCase):
    """
    A store with a clock in hand, whose Deferreds have all fired.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.store: IStore = self.make_store()
        self.successResultOf(self.store.start())
        self.addCleanup(lambda: self.successResultOf(self.store.stop()))

    def make_store(self) -> IStore:
        """
        :return: an empty store that takes :data:`FREE` bytes.
        """
        raise NotImplementedError

    def begin(self, path: str, size: int | None = 3, **more: Any) -> IUpload:
        """Begin an upload."""
        upload: IUpload = self.successResultOf(self.store.begin(slot(path, size, **more)))
        return upload

    def refused(self, path: str, kind: type, size: int | None = 3, **more: Any) -> None:
        """See that an upload is refused."""
        self.failureResultOf(self.store.begin(slot(path, size, **more)), kind)

    def put(self, path: str, data: bytes, **more: Any) -> FileRecord:
        """Store a file."""
        upload = self.begin(path, len(data), **more)
        self.successResultOf(upload.append([data]))
        record: FileRecord = self.successResultOf(upload.commit())
        return record

    def get(self, path: str) -> bytes:
        """
        :return: what is served.
        """
        file = self.successResultOf(self.store.open(recall(path.encode())))
        data: bytes = self.successResultOf(file.read(0, 2 * FREE))
        file.close()
        return data

    def missing(self, path: str, kind: type = NotFound) -> None:
        """See that nothing is served."""
        self.failureResultOf(self.store.open(recall(path.encode())), kind)


class StoreContract:
    """
    What every provider of :class:`hmacfs.interfaces.IStore` and
    :class:`hmacfs.interfaces.IUpload` promises.
    """

    def test_stored(self: Any) -> None:
        """
        What was committed is served.
        """
        self.put("a/b", b"abc")
        self.assertEqual(self.get("a/b"), b"abc")

    def test_record(self: Any) -> None:
        """
        A file is described by what its slot said, and when it was stored.
        """
        record = self.put("a", b"abc", owner="o", expires=NOW + 9)
        file = self.successResultOf(self.store.open(recall(b"a")))
        self.addCleanup(file.close)
        self.assertEqual(
            (file.record, record.size, record.content_type, record.owner, record.expires),
            (record, 3, TYPE, "o", NOW + 9),
        )
        self.assertEqual((record.stored, record.sha256), (NOW, None))

    def test_digest(self: Any) -> None:
        """
        A digest that was computed is kept.
        """
        upload = self.begin("a")
        self.successResultOf(upload.append([b"abc"]))
        record = self.successResultOf(upload.commit("0" * 64))
        self.assertEqual(record.sha256, "0" * 64)

    def test_etags(self: Any) -> None:
        """
        No two files have one entity tag, be their bytes the same.
        """
        self.assertNotEqual(self.put("a", b"abc").etag, self.put("b", b"abc").etag)

    def test_empty(self: Any) -> None:
        """
        A file of no bytes is a file.
        """
        self.put("a", b"")
        self.assertEqual(self.get("a"), b"")

    def test_pieces(self: Any) -> None:
        """
        Bytes arrive in order, and are counted.
        """
        upload = self.begin("a", 6)
        offsets = [
            self.successResultOf(upload.append(pieces)) for pieces in ([b"ab", b"", b"c"], [b"def"])
        ]
        self.successResultOf(upload.commit())
        self.assertEqual((offsets, upload.offset, self.get("a")), ([3, 6], 6, b"abcdef"))

    def test_under_way(self: Any) -> None:
        """
        What is not committed is not served.
        """
        upload = self.begin("a")
        self.successResultOf(upload.append([b"abc"]))
        self.missing("a")
        self.successResultOf(upload.discard())

    def test_too_long(self: Any) -> None:
        """
        An upload never grows past the size it promised.
        """
        upload = self.begin("a", 3)
        self.failureResultOf(upload.append([b"four"]), TooLarge)
        self.assertEqual(upload.offset, 0)
        self.successResultOf(upload.discard())

    def test_bounded(self: Any) -> None:
        """
        Nor past its bound, where no size was promised.
        """
        upload = self.begin("a", None, most=3)
        self.successResultOf(upload.append([b"abc"]))
        self.failureResultOf(upload.append([b"d"]), TooLarge)
        self.successResultOf(upload.commit())
        self.assertEqual(self.get("a"), b"abc")

    def test_too_short(self: Any) -> None:
        """
        An upload that is shorter than it promised becomes no file, and can go on.
        """
        upload = self.begin("a", 3)
        self.successResultOf(upload.append([b"ab"]))
        self.failureResultOf(upload.commit(), WrongLength)
        self.missing("a")
        self.successResultOf(upload.append([b"c"]))
        self.successResultOf(upload.commit())
        self.assertEqual(self.get("a"), b"abc")

    def test_taken(self: Any) -> None:
        """
        A name that is taken takes no upload.
        """
        self.put("a", b"abc")
        self.refused("a", Exists)
        self.assertEqual(self.get("a"), b"abc")

    def test_taken_meanwhile(self: Any) -> None:
        """
        Of two uploads to one name the first to be committed has it.
        """
        upload = self.begin("a")
        self.successResultOf(upload.append([b"xyz"]))
        self.put("a", b"abc")
        self.failureResultOf(upload.commit(), Exists)
        self.assertEqual(self.get("a"), b"abc")

    def test_overwritten(self: Any) -> None:
        """
        A file that may be replaced is, and who reads it reads on.
        """
        self.put("a", b"abc")
        file = self.successResultOf(self.store.open(recall(b"a")))
        self.addCleanup(file.close)
        self.put("a", b"de", overwrite=True)
        self.assertEqual((self.get("a"), self.successResultOf(file.read(0, 9))), (b"de", b"abc"))

    def test_nothing_to_overwrite(self: Any) -> None:
        """
        A file that may replace another need not.
        """
        self.put("a", b"abc", overwrite=True)
        self.assertEqual(self.get("a"), b"abc")

    def test_below_a_file(self: Any) -> None:
        """
        A file is no folder.
        """
        self.put("a", b"abc")
        self.refused("a/b", NotAFolder)
        self.missing("a/b")

    def test_folder(self: Any) -> None:
        """
        A folder is no file, and is not served.
        """
        self.put("a/b", b"abc")
        self.refused("a", NotAFolder)
        self.refused("a", NotAFolder, overwrite=True)
        self.missing("a", Forbidden)

    def test_folder_meanwhile(self: Any) -> None:
        """
        A name that became a folder during an upload is refused at its end.
        """
        upload = self.begin("a")
        self.successResultOf(upload.append([b"abc"]))
        self.put("a/b", b"xyz")
        self.failureResultOf(upload.commit(), NotAFolder)
        self.assertEqual(self.get("a/b"), b"xyz")

    def test_missing(self: Any) -> None:
        """
        What was never stored is not found.
        """
        self.missing("a")
        self.missing("a/b/c")

    def test_expired(self: Any) -> None:
        """
        A file that has expired is not served.
        """
        self.put("a", b"abc", expires=NOW + 10)
        before = self.get("a")
        self.clock.advance(10)
        self.missing("a")
        self.assertEqual(before, b"abc")

    def test_discarded(self: Any) -> None:
        """
        A discarded upload leaves nothing; to discard it again is harmless.
        """
        upload = self.begin("a/b")
        self.successResultOf(upload.append([b"abc"]))
        for _ in range(2):
            self.successResultOf(upload.discard())
        self.missing("a/b")
        self.put("a", b"abc")
        self.assertEqual(self.get("a"), b"abc")

    def test_discarded_behind_its_commit(self: Any) -> None:
        """
        To discard an upload that was committed does not touch the file.
        """
        upload = self.begin("a")
        self.successResultOf(upload.append([b"abc"]))
        self.successResultOf(upload.commit())
        self.successResultOf(upload.discard())
        self.assertEqual(self.get("a"), b"abc")

    def test_suspended(self: Any) -> None:
        """
        A suspended upload does not take the name.
        """
        upload = self.begin("a")
        self.successResultOf(upload.append([b"ab"]))
        self.successResultOf(upload.suspend())
        self.missing("a")
        self.put("a", b"abc")
        self.assertEqual(self.get("a"), b"abc")

    def test_full(self: Any) -> None:
        """
        What does not fit is refused before its first byte.
        """
        self.refused("a", NoSpace, FREE + 1)

    def test_promised(self: Any) -> None:
        """
        What was promised to one upload is not promised to another.
        """
        upload = self.begin("a", FREE - 100)
        self.refused("b", NoSpace, 101)
        self.successResultOf(upload.discard())
        self.put("b", b"x" * 101)

    def test_promise_kept(self: Any) -> None:
        """
        What was written counts once.
        """
        upload = self.begin("a", FREE - 100)
        self.successResultOf(upload.append([b"x" * (FREE - 100)]))
        self.refused("b", NoSpace, 101)
        self.put("b", b"x" * 50)
        self.successResultOf(upload.commit())

    def test_full_meanwhile(self: Any) -> None:
        """
        An upload of unknown size takes nothing that was promised to others.
        """
        upload = self.begin("a", None)
        other = self.begin("b", FREE - 100)
        self.successResultOf(upload.append([b"x" * 100]))
        self.failureResultOf(upload.append([b"x"]), NoSpace)
        self.successResultOf(upload.discard())
        self.successResultOf(other.discard())

    def test_figures(self: Any) -> None:
        """
        The figures say what is kept, and what is left for uploads.
        """
        before = self.successResultOf(self.store.figures()).free
        upload = self.begin("a", 1000)
        self.assertEqual(self.successResultOf(self.store.figures()).free, before - 1000)
        self.successResultOf(upload.discard())
        self.assertEqual(self.successResultOf(self.store.figures()).free, before)

    def test_no_faults(self: Any) -> None:
        """
        There is nothing that an operator should know of a sound store.
        """
        self.assertEqual(list(self.store.faults()), [])


def row(name: str, size: int = 3, **more: Any) -> Row:
    """
    :return: a row of the index.
    """
    return Row(name, TYPE, size, float(NOW), **more)


class IndexContract:
    """
    What every provider of :class:`hmacfs.interfaces.IIndex` promises.
    """

    index: IIndex

    def test_written(self: Any) -> None:
        """
        What was written is found, as it was.
        """
        rows = [row("a"), row("b/c", 4, sha256="0" * 64, expires=9, owner="o")]
        self.successResultOf(self.index.write(rows))
        found = [self.successResultOf(self.index.find(name)) for name in ("a", "b/c")]
        self.assertEqual(found, rows)

    def test_unknown(self: Any) -> None:
        """
        What was not is not.
        """
        self.assertIs(self.successResultOf(self.index.find("a")), None)

    def test_replaced(self: Any) -> None:
        """
        A name has one row, the last one.
        """
        self.successResultOf(self.index.write([row("a"), row("a", 5)]))
        self.successResultOf(self.index.write([row("a", 7)]))
        self.assertEqual(self.successResultOf(self.index.find("a")), row("a", 7))
        self.assertEqual(self.index.totals(), (1, 7))

    def test_totals(self: Any) -> None:
        """
        Rows and bytes are counted.
        """
        before = self.index.totals()
        self.successResultOf(self.index.write([row("a"), row("b", 4)]))
        self.assertEqual((before, self.index.totals()), ((0, 0), (2, 7)))
