"""
What every provider of an interface promises, the shipped fakes too.

The mixins are mixed into a test case of each provider.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from hmacfs.errors import (
    Deleted,
    Exists,
    Forbidden,
    NoSpace,
    NotAFolder,
    NotFound,
    Refusal,
    TooLarge,
    WrongLength,
)
from hmacfs.interfaces.store import IFile, IStore, IUpload
from hmacfs.names import recall
from hmacfs.records import Figures, FileRecord
from hmacfs.uploads import Slot

NOW = 1_700_000_000
TYPE = "text/plain; charset=utf-8"

ROOM = 1000
"""Bytes that a store under test has."""


def slot(path: str = "a/f.txt", size: int | None = 3, **more: Any) -> Slot:
    """
    :return: a slot for *size* bytes.
    """
    return Slot(recall(path.encode()), size, TYPE, **more)


class WithStore:
    """
    A test case that has a store, and what it takes to talk with it.
    """

    def make_store(self, clock: Clock) -> IStore:
        """
        :return: an empty store that has room for :data:`ROOM` bytes.
        """
        raise NotImplementedError

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.store = self.make_store(self.clock)
        self.successResultOf(self.store.start())
        self.addCleanup(lambda: self.successResultOf(self.store.stop()))

    def begin(self, wanted: Slot, *pieces: bytes) -> IUpload:
        """
        :return: an upload that has *pieces*.
        """
        upload = self.successResultOf(self.store.begin(wanted))
        if pieces:
            self.successResultOf(upload.append(pieces))
        return upload

    def put(self, wanted: Slot, data: bytes) -> FileRecord:
        """Store *data*."""
        return self.successResultOf(self.begin(wanted, data).commit())

    def open(self, path: str = "a/f.txt") -> IFile:
        file = self.successResultOf(self.store.open(recall(path.encode())))
        self.addCleanup(file.close)
        return file

    def get(self, path: str = "a/f.txt") -> bytes:
        """
        :return: all bytes of a file.
        """
        return self.successResultOf(self.open(path).read(0, 2**20))

    def refused(self, kind: type[Refusal], deferred: Deferred[Any]) -> None:
        """Check that *deferred* fails with a refusal, and one that says why."""
        self.assertRegex(self.failureResultOf(deferred, kind).value.text, r"^[A-Z].*\.$")

    def not_found(self, path: str = "a/f.txt") -> None:
        self.refused(NotFound, self.store.open(recall(path.encode())))


class StoreContract(WithStore):
    """
    What every provider of :class:`hmacfs.interfaces.store.IStore` promises.
    """

    def test_interfaces(self) -> None:
        """
        The store, its uploads and its files are what they say they are.
        """
        upload = self.begin(slot(), b"abc")
        self.assertTrue(verifyObject(IUpload, upload))
        self.successResultOf(upload.commit())
        self.assertTrue(verifyObject(IFile, self.open()))
        self.assertTrue(verifyObject(IStore, self.store))

    def test_round_trip(self) -> None:
        """
        What was uploaded is what is there, with what was said of it.
        """
        upload = self.begin(slot(size=6, expires=NOW + 9, owner="a@b.example"), b"ab", b"", b"cd")
        self.assertEqual(upload.offset, 4)
        self.assertEqual(self.successResultOf(upload.append([b"ef"])), 6)
        self.clock.advance(2)
        record = self.successResultOf(upload.commit("0" * 64))
        self.assertEqual(
            record,
            FileRecord(
                size=6,
                content_type=TYPE,
                stored=NOW + 2,
                etag=record.etag,
                sha256="0" * 64,
                expires=NOW + 9,
                owner="a@b.example",
            ),
        )
        self.assertRegex(record.etag, "^[0-9a-f]{32}$")
        self.assertEqual((self.open().record, self.get()), (record, b"abcdef"))

    def test_nothing_before_commit(self) -> None:
        """
        An upload is not served before it is committed, also when it is complete.
        """
        self.begin(slot(), b"abc")
        self.not_found()

    def test_empty(self) -> None:
        """
        A file may have no bytes.
        """
        self.assertEqual(self.successResultOf(self.begin(slot(size=0)).commit()).size, 0)
        self.assertEqual(self.get(), b"")

    def test_names(self) -> None:
        """
        Each name is a file of its own, whatever characters it has.
        """
        names = [
            "plain.txt",
            "a b",
            "a+b",
            "100%",
            "%2e%2e",
            "..%2f",
            "back\\slash",
            '"quoted"',
            "Übergrößenträger/имя/名前.png",
            "\U0001f408",
            "x" * 255,
            ".hidden",
            "d/.hmacfs",
            "-",
            "d/" * 40 + "e",
        ]
        for name in names:
            self.put(slot(name, None), name.encode())
        self.assertEqual([self.get(name).decode() for name in names], names)

    def test_longest_name(self) -> None:
        """
        A name may have 4,096 bytes.
        """
        name = "/".join(['"' * 255] * 16)
        self.put(slot(name), b"abc")
        self.assertEqual((self.get(name), self.open(name).record.content_type), (b"abc", TYPE))

    def test_too_large(self) -> None:
        """
        An upload never grows past the size it promised, and can go on.
        """
        upload = self.begin(slot(size=3), b"a")
        self.refused(TooLarge, upload.append([b"bc", b"d"]))
        self.assertEqual(upload.offset, 1)
        self.successResultOf(upload.append([b"bc"]))
        self.successResultOf(upload.commit())
        self.assertEqual(self.get(), b"abc")

    def test_most(self) -> None:
        """
        An upload that promised no size has a bound all the same.
        """
        upload = self.begin(slot(size=None, most=3), b"abc")
        self.refused(TooLarge, upload.append([b"d"]))
        self.assertEqual(self.successResultOf(upload.commit()).size, 3)

    def test_wrong_length(self) -> None:
        """
        An upload that is short of its promise is no file, and can go on.
        """
        upload = self.begin(slot(size=3), b"ab")
        self.refused(WrongLength, upload.commit())
        self.not_found()
        self.successResultOf(upload.append([b"c"]))
        self.successResultOf(upload.commit())
        self.assertEqual(self.get(), b"abc")

    def test_taken(self) -> None:
        """
        A name that is taken takes no other upload, and keeps its file.
        """
        self.put(slot(), b"abc")
        self.refused(Exists, self.store.begin(slot()))
        self.assertEqual(self.get(), b"abc")

    def test_taken_meanwhile(self) -> None:
        """
        Of two uploads to one name the first that is committed is the file.
        """
        first, second = self.begin(slot(), b"abc"), self.begin(slot(), b"def")
        self.successResultOf(second.commit())
        self.refused(Exists, first.commit())
        self.successResultOf(first.discard())
        self.assertEqual(self.get(), b"def")

    def test_overwrite(self) -> None:
        """
        An upload that may do so takes the place of a file, at its commit.
        """
        old = self.put(slot(), b"old")
        upload = self.begin(slot(size=5, overwrite=True), b"newer")
        self.assertEqual(self.get(), b"old")
        new = self.successResultOf(upload.commit())
        self.assertEqual((self.get(), self.open().record), (b"newer", new))
        self.assertNotEqual(old.etag, new.etag)

    def test_overwrite_same(self) -> None:
        """
        The same bytes in the same second are another file all the same.
        """
        old = self.put(slot(), b"abc")
        self.assertNotEqual(self.put(slot(overwrite=True), b"abc").etag, old.etag)

    def test_overwrite_nothing(self) -> None:
        """
        An upload that might overwrite needs nothing to do it to.
        """
        self.put(slot(overwrite=True), b"abc")
        self.assertEqual(self.get(), b"abc")

    def test_open_while_replaced(self) -> None:
        """
        A file that is being read has its own bytes to the end.
        """
        self.put(slot(), b"old")
        file = self.open()
        self.put(slot(overwrite=True), b"new")
        self.assertEqual(self.successResultOf(file.read(1, 9)), b"ld")

    def test_file_as_folder(self) -> None:
        """
        Nothing is stored below a file.
        """
        self.put(slot("a"), b"abc")
        self.refused(NotAFolder, self.store.begin(slot("a/b")))
        self.refused(NotAFolder, self.store.begin(slot("a/b/c", overwrite=True)))
        self.not_found("a/b")

    def test_folder_as_file(self) -> None:
        """
        A folder takes no file's name, and is not served.
        """
        self.put(slot("a/b"), b"abc")
        self.refused(NotAFolder, self.store.begin(slot("a")))
        self.refused(NotAFolder, self.store.begin(slot("a", overwrite=True)))
        self.refused(Forbidden, self.store.open(recall(b"a")))

    def test_folder_meanwhile(self) -> None:
        """
        What became a file or a folder during an upload is found at its commit.
        """
        below, at = self.begin(slot("a/b"), b"abc"), self.begin(slot("c"), b"abc")
        over = self.begin(slot("c", overwrite=True), b"abc")
        self.put(slot("a"), b"abc")
        self.put(slot("c/d"), b"abc")
        for upload in (below, at, over):
            self.refused(NotAFolder, upload.commit())
        self.assertEqual((self.get("a"), self.get("c/d")), (b"abc", b"abc"))

    def test_not_found(self) -> None:
        """
        What was never stored is not there.
        """
        self.not_found()

    def test_expires(self) -> None:
        """
        A file is served until the second in which it expires, and holds its name on.
        """
        self.put(slot(expires=NOW + 9), b"abc")
        self.clock.advance(8)
        self.assertEqual(self.get(), b"abc")
        self.clock.advance(1)
        self.not_found()
        self.refused(Deleted, self.store.begin(slot()))

    def test_read(self) -> None:
        """
        Any part of a file can be read, and nothing past its end.
        """
        self.put(slot(), b"abc")
        file = self.open()
        self.assertEqual(
            [self.successResultOf(file.read(*span)) for span in [(0, 2), (2, 9), (3, 9), (0, 0)]],
            [b"ab", b"c", b"", b""],
        )

    def test_close_twice(self) -> None:
        """
        A file may be closed by more than one who had to do with it.
        """
        self.put(slot(), b"abc")
        file = self.open()
        file.close()
        file.close()

    def test_discard(self) -> None:
        """
        An upload that is discarded is gone, once and for all.
        """
        upload = self.begin(slot(), b"abc")
        self.successResultOf(upload.discard())
        self.successResultOf(upload.discard())
        self.not_found()
        self.put(slot(), b"def")
        self.assertEqual(self.get(), b"def")

    def test_discard_committed(self) -> None:
        """
        To discard what was committed takes nothing away.
        """
        upload = self.begin(slot(), b"abc")
        self.successResultOf(upload.commit())
        self.successResultOf(upload.discard())
        self.assertEqual(self.get(), b"abc")

    def test_suspend(self) -> None:
        """
        An upload that is suspended is no file, and gives way to a new one.
        """
        upload = self.begin(slot(size=9), b"abc")
        self.successResultOf(upload.suspend())
        self.successResultOf(upload.suspend())
        self.successResultOf(upload.discard())
        self.assertEqual(upload.offset, 3)
        self.not_found()
        self.put(slot(), b"def")
        self.assertEqual(self.get(), b"def")

    def test_promised(self) -> None:
        """
        Room is promised to one upload alone, from the beginning.
        """
        self.begin(slot("a", size=ROOM - 1))
        self.refused(NoSpace, self.store.begin(slot("b", size=2)))
        self.begin(slot("b", size=1))
        self.assertEqual(self.successResultOf(self.store.figures()), Figures(0, 0, 0))

    def test_promise_ends(self) -> None:
        """
        What an upload was promised is free again when it has ended, however.
        """
        for end in ("discard", "suspend"):
            upload = self.begin(slot(size=ROOM))
            self.successResultOf(getattr(upload, end)())
            self.assertEqual(self.successResultOf(self.store.figures()).free, ROOM)
        refused = self.begin(slot(), b"abc")
        self.put(slot(size=0), b"")
        self.refused(Exists, refused.commit())
        self.assertEqual(self.successResultOf(self.store.figures()).free, ROOM)

    def test_no_promise(self) -> None:
        """
        An upload of unknown size gets what is not promised to others.
        """
        growing = self.begin(slot("a", size=None), b"abc")
        other = self.begin(slot("b", size=ROOM - 3))
        self.refused(NoSpace, growing.append([b"abcd"]))
        self.assertEqual(growing.offset, 3)
        self.successResultOf(other.discard())
        self.assertEqual(self.successResultOf(growing.append([b"abcd"])), 7)

    def test_figures(self) -> None:
        """
        A store knows how many files it holds, and their bytes.
        """
        self.put(slot("a"), b"abc")
        self.put(slot("b", size=4), b"abcd")
        self.put(slot("a", size=5, overwrite=True), b"abcde")
        self.clock.advance(1)
        figures = self.successResultOf(self.store.figures())
        self.assertEqual((figures.files, figures.size), (2, 9))

    def test_faults(self) -> None:
        """
        There is nothing to say of a store that is well.
        """
        self.assertEqual(list(self.store.faults()), [])
