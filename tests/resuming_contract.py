"""
What every store promises whose uploads can be gone on with: inherited by the
tests of each.
"""

from __future__ import annotations

import hashlib
from typing import Any

import attrs
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from hmacfs.digests import Digest
from hmacfs.errors import Locked, NoSpace, NotFound, TooLarge, WrongDigest
from hmacfs.interfaces.store import IDigests, IResumes, IStore, IUpload
from hmacfs.names import recall
from hmacfs.uploads import UploadRecord

NOW = 1_700_000_000
EXPIRY = 1000

ROOM = 1000
"""Bytes that a store under test has."""


def record(number: int = 1, **fields: Any) -> UploadRecord:
    """
    :return: the record of an upload of six bytes.
    """
    told: dict[str, Any] = {
        "id": f"{number:032x}",
        "name": "a/f.txt",
        "length": 6,
        "content_type": "text/plain",
        "front": "tus",
        "dialect": "v2",
        "state": "open",
        "created": float(NOW),
        "until": NOW + EXPIRY,
    }
    return UploadRecord(**{**told, **fields})


WHOLE = record(
    overwrite=True,
    expires=NOW + 5000,
    owner="me",
    metadata="filename Zg==",
    signed_type="image/é",
    sha256="0" * 64,
    sha512="1" * 128,
)
"""A record with all that it may have."""


class ResumingContract:
    """
    What every provider of :class:`hmacfs.interfaces.store.IResumes` and
    :class:`hmacfs.interfaces.store.IDigests` promises.
    """

    def make_store(self, clock: Clock) -> IStore:
        """
        :return: an empty store with room for :data:`ROOM` bytes, where uploads
            wait for :data:`EXPIRY` seconds.
        """
        raise NotImplementedError

    def setUp(self: Any) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.store = self.make_store(self.clock)
        self.successResultOf(self.store.start())
        self.addCleanup(lambda: self.successResultOf(self.store.stop()))

    def begin(self: Any, told: UploadRecord, *pieces: bytes) -> IUpload:
        """Begin an upload, and append *pieces*."""
        upload: IUpload = self.successResultOf(self.store.begin(told.slot, told))
        self.successResultOf(upload.append(pieces))
        return upload

    def suspend(self: Any, told: UploadRecord, *pieces: bytes) -> None:
        """The same, and suspend it."""
        self.successResultOf(self.begin(told, *pieces).suspend())

    def resume(self: Any, told: UploadRecord) -> IUpload:
        """Go on with it."""
        upload: IUpload = self.successResultOf(self.store.resume(told.id))
        return upload

    def recorded(self: Any, told: UploadRecord) -> tuple[UploadRecord, int] | None:
        """
        :return: what the store says of it.
        """
        found: tuple[UploadRecord, int] | None
        found = self.successResultOf(self.store.recorded(told.id))
        return found

    def get(self: Any) -> bytes:
        """
        :return: the file of :func:`record`.
        """
        file = self.successResultOf(self.store.open(recall(b"a/f.txt")))
        data: bytes = self.successResultOf(file.read(0, 99))
        file.close()
        return data

    def test_interfaces(self: Any) -> None:
        """
        A store and its uploads are what they say they are.
        """
        for interface in (IStore, IResumes, IDigests):
            verifyObject(interface, self.store)
        verifyObject(IUpload, self.begin(record()))

    def test_resumed(self: Any) -> None:
        """
        An upload goes on where it broke, however often, and becomes the file.
        """
        self.suspend(record(), b"ab")
        offsets = []
        for piece in (b"cd", b"e"):
            upload = self.resume(record())
            offsets.append(upload.offset)
            self.successResultOf(upload.append([piece]))
            self.successResultOf(upload.suspend())
        upload = self.resume(record())
        self.successResultOf(upload.append([b"f"]))
        stored = self.successResultOf(upload.commit())
        self.assertEqual((offsets, self.get(), stored.size), ([2, 4], b"abcdef", 6))

    def test_record(self: Any) -> None:
        """
        All that was told of an upload is known, while it waits and when it goes on.
        """
        self.suspend(WHOLE, b"ab")
        waits = (self.recorded(WHOLE), list(self.store.unfinished()))
        self.assertEqual(waits, ((WHOLE, 2), [WHOLE]))
        upload = self.resume(WHOLE)
        self.assertEqual((upload.record, upload.slot), (WHOLE, WHOLE.slot))

    def test_promise(self: Any) -> None:
        """
        What a later request promises of the whole file is known to who goes on,
        and another promise is refused.
        """
        self.suspend(record(sha256="0" * 64), b"ab")
        upload = self.resume(record())
        promised = [Digest("Repr-Digest", "sha512", b"1" * 64)]
        self.successResultOf(upload.promise(promised))
        self.successResultOf(upload.promise(promised))
        other = [Digest("Repr-Digest", "sha256", b"1" * 32)]
        self.failureResultOf(upload.promise(other), WrongDigest)
        told = record(sha256="0" * 64, sha512="31" * 64, revision=2)
        self.assertEqual((upload.record, self.recorded(record())), (told, (told, 2)))
        self.successResultOf(upload.suspend())
        self.assertEqual(self.recorded(record()), (told, 2))
        unrecorded = self.successResultOf(self.store.begin(record(name="b").slot))
        self.successResultOf(unrecorded.promise(promised))
        self.assertEqual(unrecorded.record, None)

    def test_too_long(self: Any) -> None:
        """
        One that goes on has its whole length and no more.
        """
        self.suspend(record(), b"ab")
        upload = self.resume(record())
        self.failureResultOf(upload.append([b"cdefg"]), TooLarge)
        self.assertEqual(upload.offset, 2)

    def test_locked(self: Any) -> None:
        """
        One that is written to is nobody else's, to go on with or to drop; and
        everybody may know how far it is.
        """
        upload = self.begin(record(), b"ab")
        for _ in range(2):
            self.failureResultOf(self.store.resume(record().id), Locked)
            self.failureResultOf(self.store.drop(record().id), Locked)
            told = (self.recorded(record()), list(self.store.unfinished()))
            self.assertEqual(told, ((record(), 2), []))
            self.successResultOf(upload.suspend())
            upload = self.resume(record())

    def test_not_there(self: Any) -> None:
        """
        What was never begun, or is finished, or dropped, cannot be gone on with.
        """
        self.suspend(record(2), b"ab")
        self.successResultOf(self.store.drop(record(2).id))
        self.successResultOf(self.begin(record(3), b"abcdef").commit())
        self.successResultOf(self.begin(record(4, name="b"), b"ab").discard())
        for number in range(1, 5):
            told = record(number)
            self.failureResultOf(self.store.resume(told.id), NotFound)
            self.successResultOf(self.store.drop(told.id))
            self.assertEqual(self.recorded(told), None)
        self.failureResultOf(self.store.resume("../x"), NotFound)

    def test_over(self: Any) -> None:
        """
        Nor what waited too long.
        """
        self.suspend(record(), b"ab")
        self.clock.advance(EXPIRY)
        self.failureResultOf(self.store.resume(record().id), NotFound)
        self.assertEqual(self.recorded(record()), None)

    def test_until(self: Any) -> None:
        """
        It waits from the last time on that something came of it; to ask about
        it does not count.
        """
        self.suspend(record(), b"ab")
        self.clock.advance(10)
        self.successResultOf(self.resume(record()).suspend())
        asked = self.recorded(record())
        upload = self.resume(record())
        self.successResultOf(upload.append([b"c"]))
        self.successResultOf(upload.suspend())
        later = record().changed(until=NOW + EXPIRY + 10)
        self.assertEqual((asked, self.recorded(record())), ((record(), 2), (later, 3)))
        self.assertEqual(upload.record, later)
        self.clock.advance(EXPIRY - 10)
        gone = self.successResultOf(self.store.expire(self.clock.seconds(), 9))
        self.assertEqual((list(gone), self.recorded(record())), ([], (later, 3)))

    def test_expire(self: Any) -> None:
        """
        Those whose time is over are dropped, the oldest first, so many at a time.
        """
        told = [record(number, name=f"f{number}") for number in range(4)]
        for each in told:
            self.suspend(each, b"a")
            self.clock.advance(1)
        told[1:] = [each.changed(until=each.until + at) for at, each in enumerate(told)][1:]
        now = NOW + EXPIRY + 2
        gone = [self.successResultOf(self.store.expire(now, most)) for most in (2, 2, 2)]
        self.assertEqual([list(each) for each in gone], [told[:2], told[2:3], []])
        self.assertEqual(list(self.store.unfinished()), told[3:])
        self.assertEqual(self.successResultOf(self.store.figures()).free, ROOM - 1)

    def test_others(self: Any) -> None:
        """
        Who begins one with a record leaves those that wait for the same name,
        and may drop them; without one they go.
        """
        self.suspend(record(1), b"a")
        self.suspend(record(2), b"a")
        name = recall(b"a/f.txt")
        both = list(self.store.waiting(name))
        self.successResultOf(self.store.drop(record(1).id))
        one = list(self.store.waiting(name))
        upload = self.successResultOf(self.store.begin(record().slot))
        self.assertEqual(
            (both, one, list(self.store.waiting(name)), upload.record),
            ([record(1).id, record(2).id], [record(2).id], [], None),
        )
        self.successResultOf(upload.discard())
        self.assertEqual(self.successResultOf(self.store.figures()).free, ROOM)

    def test_without_record(self: Any) -> None:
        """
        One without a record waits for nobody.
        """
        upload = self.successResultOf(self.store.begin(record().slot))
        self.successResultOf(upload.suspend())
        [id] = self.store.waiting(recall(b"a/f.txt"))
        self.failureResultOf(self.store.resume(id), NotFound)
        found = (self.successResultOf(self.store.recorded(id)), list(self.store.unfinished()))
        self.assertEqual(found, (None, []))

    def test_room(self: Any) -> None:
        """
        One that waits is promised nothing; to go on it needs room for the rest,
        and waits on where there is none.
        """
        large = record(length=ROOM)
        self.suspend(large, b"ab")
        other = self.begin(record(2, name="b", length=10))
        self.failureResultOf(self.store.resume(large.id), NoSpace)
        self.successResultOf(other.discard())
        self.assertEqual(self.resume(large).offset, 2)

    def test_truncated(self: Any) -> None:
        """
        Bytes that were not what they should be make room for others.
        """
        upload = self.begin(record(length=ROOM), b"ab", b"xxx")
        self.successResultOf(upload.truncate(2))
        told = (upload.offset, self.recorded(record()))
        free = self.successResultOf(self.store.figures()).free
        self.assertEqual((told, free), ((2, (record(length=ROOM), 2)), 0))
        self.successResultOf(upload.append([b"c"]))
        self.assertEqual(
            self.successResultOf(upload.digest("sha256")), hashlib.sha256(b"abc").digest()
        )

    def test_distrusted(self: Any) -> None:
        """
        What is not trusted when an upload is suspended is forgotten, and what
        was before it is not.
        """
        upload = self.begin(record(), b"abc")
        upload.distrust()
        self.successResultOf(upload.append([b"xy"]))
        self.successResultOf(upload.suspend())
        told = (upload.offset, self.recorded(record()))
        self.assertEqual(told, (3, (record(), 3)))
        upload = self.resume(record())
        upload.distrust()
        self.successResultOf(upload.truncate(1))
        self.successResultOf(upload.append([b"z"]))
        self.successResultOf(upload.suspend())
        self.assertEqual(self.recorded(record()), (record(), 1))
        self.assertEqual(self.successResultOf(self.store.figures()).free, ROOM - 1)

    def test_trusted(self: Any) -> None:
        """
        What is trusted in the end stays, and more may follow.
        """
        upload = self.begin(record())
        upload.distrust()
        for piece in (b"a", b"b"):
            self.successResultOf(upload.append([piece]))
        upload.trust()
        self.successResultOf(upload.suspend())
        upload = self.resume(record())
        upload.distrust()
        self.successResultOf(upload.append([b"cd"]))
        upload.trust()
        self.successResultOf(upload.append([b"ef"]))
        self.successResultOf(upload.commit())
        self.assertEqual(self.get(), b"abcdef")

    def test_part_digest(self: Any) -> None:
        """
        The digest of what came can be had, of all of it or of the end.
        """
        self.suspend(record(), b"ab")
        upload = self.resume(record())
        self.successResultOf(upload.append([b"cd"]))
        found = [
            self.successResultOf(upload.digest(*asked)) for asked in [("sha256",), ("sha1", 2)]
        ]
        self.assertEqual(found, [hashlib.sha256(b"abcd").digest(), hashlib.sha1(b"cd").digest()])

    def test_digest(self: Any) -> None:
        """
        The digest of a file is computed when it is asked for, and then known,
        and the file is the same as before.
        """
        before = self.successResultOf(self.begin(record(), b"abcdef").commit())
        name = recall(b"a/f.txt")
        sha256 = self.successResultOf(self.store.digest(name))
        file = self.successResultOf(self.store.open(name))
        self.addCleanup(file.close)
        self.assertEqual(sha256, hashlib.sha256(b"abcdef").hexdigest())
        self.assertEqual(file.record, attrs.evolve(before, sha256=sha256))

    def test_no_digest(self: Any) -> None:
        """
        What is not there has none.
        """
        self.failureResultOf(self.store.digest(recall(b"a/f.txt")), NotFound)
