"""
What every store promises of what was: its versions, and the names of what was
removed.  What goes by age is for :mod:`tests.expiring_contract`.

The mixins are mixed into a test case of each provider.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from hmacfs.abilities import IRemoves, IVersioned
from hmacfs.errors import Banned, Deleted, Forbidden, NotFound
from hmacfs.interfaces.store import IStore
from hmacfs.names import recall
from hmacfs.records import Due, FileRecord, Removed, Trashed, Version
from tests.contracts import NOW, WithStore, slot

NAME = recall(b"a/f.txt")


class WithKeeping(WithStore):
    """
    A test case that has a store with a policy of its own.
    """

    keeping: dict[str, Any] = {}

    def make_keeping(self, clock: Clock, **keeping: Any) -> IStore:
        """
        :param keeping: ``retention``; ``max_versions``, of which 0 is no
            bound; ``tombstone_ttl``, a year where it is not given; ``trash``,
            whether there is one, as there is where it is not given;
            ``owner_quota``.
        :return: an empty store.
        """
        raise NotImplementedError

    def make_store(self, clock: Clock) -> IStore:
        return self.make_keeping(clock, **self.keeping)

    def keep(self, **keeping: Any) -> None:
        """
        Have an empty store with another policy.
        """
        self.successResultOf(self.store.stop())
        self.store = self.make_keeping(self.clock, **keeping)
        self.successResultOf(self.store.start())

    def write(self, data: bytes, path: str = "a/f.txt", **more: Any) -> FileRecord:
        """
        Store *data*, and let be done what is done behind the answer.
        """
        record = self.put(slot(path, len(data), overwrite=True, **more), data)
        self.clock.advance(1)
        return record

    def listed(self) -> list[Version]:
        return list(self.successResultOf(self.store.versions(NAME)))

    def version(self, id: str) -> bytes:
        """
        :return: the bytes of a version.
        """
        file = self.successResultOf(self.store.open_version(NAME, id))
        self.addCleanup(file.close)
        data: bytes = self.successResultOf(file.read(0, 2**20))
        return data

    def due(self, most: int = 100) -> list[Due]:
        return list(self.successResultOf(self.store.due(self.clock.seconds(), most)))

    def retire(self) -> list[Removed]:
        """
        Take away what is due.
        """
        retired = self.store.retire(self.due(), self.clock.seconds())
        return sorted(self.successResultOf(retired), key=repr)

    def trashed(self) -> list[Trashed]:
        return list(self.successResultOf(self.store.trashed(None, 100)))


class VersionsContract(WithKeeping):
    """
    What every provider of :class:`hmacfs.abilities.IVersioned` promises.
    """

    def test_versioned(self) -> None:
        """
        It is what it says.
        """
        self.assertTrue(verifyObject(IVersioned, self.store))

    def test_versions(self) -> None:
        """
        The versions are what the file was before, the newest first, each with
        its own bytes and its own record.
        """
        first, second = self.write(b"1"), self.write(b"22")
        self.write(b"333")
        newest, oldest = self.listed()
        self.assertEqual((newest.record, oldest.record), (second, first))
        self.assertEqual((self.version(newest.id), self.version(oldest.id)), (b"22", b"1"))
        self.assertGreater(newest.id, oldest.id)
        self.assertRegex(newest.id, "^[0-9A-Za-z_-]+$")

    def test_never_replaced(self) -> None:
        """
        A file that was never replaced has no version.
        """
        self.write(b"1")
        self.assertEqual(self.listed(), [])

    def test_nothing_there(self) -> None:
        """
        What was never stored has no list of versions.
        """
        self.refused(NotFound, self.store.versions(NAME))

    def test_unknown(self) -> None:
        """
        An id that no version has is not found, whatever it is made of.
        """
        self.write(b"1")
        self.write(b"2")
        (kept,) = self.listed()
        for id in ("", "1", "..", "../f.txt", "x" * 300, kept.id + "\n", "\0", "é"):
            self.refused(NotFound, self.store.open_version(NAME, id))
            self.refused(NotFound, self.store.remove_version(NAME, id))
            self.refused(NotFound, self.store.restore(NAME, id))
        self.assertEqual((self.listed(), self.get()), ([kept], b"2"))

    def test_bound(self) -> None:
        """
        What is over the bound is not there, swept or not.
        """
        self.keep(max_versions=2)
        for data in (b"1", b"2", b"3", b"4"):
            self.write(data)
        self.assertEqual([self.version(each.id) for each in self.listed()], [b"3", b"2"])

    def test_no_bound(self) -> None:
        """
        Where the bound is 0 all are kept.
        """
        self.keep(max_versions=0)
        for number in range(8):
            self.write(b"%d" % number)
        self.assertEqual((len(self.listed()), self.due()), (7, []))

    def test_remove_version(self) -> None:
        """
        A version that is removed is gone; the file and the others stay.
        """
        for data in (b"1", b"2", b"3"):
            self.write(data)
        newest, oldest = self.listed()
        self.successResultOf(self.store.remove_version(NAME, newest.id))
        self.assertEqual((self.listed(), self.get()), ([oldest], b"3"))
        self.refused(NotFound, self.store.remove_version(NAME, newest.id))

    def test_restore(self) -> None:
        """
        A version that is restored is the file again, as it was; what was the
        file is a version.
        """
        first, second = self.write(b"1"), self.write(b"22")
        (kept,) = self.listed()
        restored = self.successResultOf(self.store.restore(NAME, kept.id))
        self.clock.advance(1)
        self.assertEqual((restored, self.open().record, self.get()), (first, first, b"1"))
        (former,) = self.listed()
        self.assertEqual((former.record, self.version(former.id)), (second, b"22"))

    def test_restore_again(self) -> None:
        """
        What was restored and replaced again can be restored once more.
        """
        self.write(b"1")
        self.write(b"2")
        self.successResultOf(self.store.restore(NAME, self.listed()[0].id))
        self.write(b"3")
        found = {self.version(each.id): each.id for each in self.listed()}
        self.assertEqual(set(found), {b"1", b"2"})
        self.successResultOf(self.store.restore(NAME, found[b"1"]))
        self.assertEqual(self.get(), b"1")

    def test_expired_version(self) -> None:
        """
        A version expires by its own age, swept or not.
        """
        self.write(b"1", expires=NOW + 10)
        self.write(b"2")
        (kept,) = self.listed()
        self.clock.advance(10)
        self.assertEqual((self.listed(), self.get()), ([], b"2"))
        for asked in (self.store.open_version, self.store.restore, self.store.remove_version):
            self.refused(NotFound, asked(NAME, kept.id))

    def test_versions_of_expired(self) -> None:
        """
        The versions of a file that has expired are there until they have.
        """
        self.write(b"1")
        self.write(b"2", expires=NOW + 10)
        self.clock.advance(10)
        self.not_found()
        (kept,) = self.listed()
        self.assertEqual(self.version(kept.id), b"1")
        self.refused(Deleted, self.store.restore(NAME, kept.id))


class RemovalContract(WithKeeping):
    """
    What every provider of :class:`hmacfs.abilities.IRemoves` promises.
    """

    def remove(self) -> FileRecord:
        return self.successResultOf(self.store.remove(NAME))

    def buried(self) -> bool:
        return self.successResultOf(self.store.buried(NAME))

    def test_removes(self) -> None:
        """
        It is what it says.
        """
        self.assertTrue(verifyObject(IRemoves, self.store))

    def test_remove(self) -> None:
        """
        A file that is removed is gone with its versions, and its name takes no
        other.
        """
        self.write(b"1")
        last = self.write(b"2")
        self.assertEqual((self.remove(), self.buried()), (last, True))
        self.not_found()
        self.refused(NotFound, self.store.versions(NAME))
        self.refused(Deleted, self.store.begin(slot()))
        self.refused(Deleted, self.store.begin(slot(overwrite=True)))
        self.assertEqual((self.trashed(), self.due()), ([], []))

    def test_remove_at_once(self) -> None:
        """
        A file can be removed as soon as it is stored.
        """
        self.put(slot(), b"abc")
        self.remove()
        self.clock.advance(1)
        self.not_found()

    def test_remove_nothing(self) -> None:
        """
        Where nothing is, or what was there has expired, nothing is removed,
        and nothing buried.
        """
        self.refused(NotFound, self.store.remove(NAME))
        self.assertFalse(self.buried())
        self.keep(tombstone_ttl=0)
        self.write(b"1", expires=NOW + 5)
        self.clock.advance(9)
        self.refused(NotFound, self.store.remove(NAME))
        self.assertFalse(self.buried())

    def test_remove_twice(self) -> None:
        """
        What is removed is not there to be removed.
        """
        self.write(b"1")
        self.remove()
        self.refused(NotFound, self.store.remove(NAME))
        self.assertTrue(self.buried())

    def test_remove_folder(self) -> None:
        """
        A folder is not removed.
        """
        self.write(b"1", "a/f.txt/g")
        self.refused(Forbidden, self.store.remove(NAME))
        self.assertEqual((self.get("a/f.txt/g"), self.buried()), (b"1", False))

    def test_uploads_meanwhile(self) -> None:
        """
        An upload that began before its name was buried is refused at its end.
        """
        self.write(b"1")
        upload = self.begin(slot(overwrite=True), b"abc")
        self.remove()
        self.refused(Deleted, upload.commit())
        self.not_found()

    def test_tombstone_ends(self) -> None:
        """
        A name is buried for its time, and then takes files again.
        """
        self.keep(tombstone_ttl=9)
        self.write(b"1")
        self.remove()
        self.clock.advance(8)
        self.assertTrue(self.buried())
        self.clock.advance(2)
        self.assertFalse(self.buried())
        self.write(b"2")
        self.assertEqual(self.get(), b"2")

    def test_no_tombstones(self) -> None:
        """
        Where there are to be none, a name that was removed is free at once.
        """
        self.keep(tombstone_ttl=0)
        self.write(b"1")
        self.remove()
        self.assertFalse(self.buried())
        self.write(b"2")
        self.assertEqual((self.get(), self.listed()), (b"2", []))

    def test_forget(self) -> None:
        """
        A tombstone that is taken away frees the name.
        """
        self.write(b"1")
        self.remove()
        self.assertTrue(self.successResultOf(self.store.forget(NAME)))
        self.assertEqual(
            (self.buried(), self.successResultOf(self.store.forget(NAME))), (False,) * 2
        )
        self.write(b"2")
        self.assertEqual(self.get(), b"2")

    def test_take_down(self) -> None:
        """
        What is taken down is gone wherever it was: the file, its versions, its
        trash, what waits to go on.
        """
        self.keep(max_versions=1)
        for data in (b"1", b"22", b"333"):
            self.write(data)
        self.retire()
        gone = self.successResultOf(self.store.take_down(NAME))
        self.assertEqual(
            sorted((each.kind, each.size) for each in gone),
            [("file", 3), ("trash", 1), ("version", 2)],
        )
        self.assertEqual({each.name for each in gone}, {NAME.text})
        self.not_found()
        self.refused(NotFound, self.store.versions(NAME))
        self.assertEqual((self.trashed(), self.buried()), ([], True))

    def test_take_down_nothing(self) -> None:
        """
        A name that has nothing is buried all the same.
        """
        self.assertEqual(list(self.successResultOf(self.store.take_down(NAME))), [])
        self.assertTrue(self.buried())
        self.refused(Deleted, self.store.begin(slot()))

    def test_take_down_uploads(self) -> None:
        """
        An upload under way is cut off, and one that waits is gone.
        """
        waiting = self.begin(slot(size=9), b"abcd")
        self.successResultOf(waiting.suspend())
        upload = self.begin(slot("b"), b"abc")
        gone = self.successResultOf(self.store.take_down(recall(b"b")))
        self.assertEqual(list(gone), [Removed("b", "", 3, "part")])
        self.refused(Deleted, upload.append([b"d"]))
        self.successResultOf(upload.discard())
        gone = self.successResultOf(self.store.take_down(NAME))
        self.assertEqual(list(gone), [Removed(NAME.text, "", 4, "part")])
        self.assertEqual(list(self.store.waiting(NAME)), [])

    def test_ban(self) -> None:
        """
        Bytes that are banned are refused under any name, those of versions too.
        """
        self.write(b"bad")
        self.write(b"worse")
        self.successResultOf(self.store.take_down(NAME, ban=True))
        for data in (b"bad", b"worse"):
            self.refused(Banned, self.begin(slot("b", len(data)), data).commit())
            digest = sha256(data).hexdigest()
            self.refused(Banned, self.begin(slot("b", len(data)), data).commit(digest))
            soon = self.successResultOf(self.store.begin(slot("b", len(data)), None, True))
            self.refused(Banned, soon.commit(None, [data]))
        self.not_found("b")
        self.write(b"good", "b")
        self.assertEqual(self.get("b"), b"good")
