"""
What every store promises of what goes by age, of the trash that it goes to, and
of what an owner may keep: see :mod:`tests.keeping_contract`.
"""

from __future__ import annotations

from typing import Any

from zope.interface.verify import verifyObject

from hmacfs.abilities import IExpires, ITrash
from hmacfs.errors import Deleted, Exists, NotFound, OverQuota
from hmacfs.names import recall
from hmacfs.records import Due, Removed, Trashed
from hmacfs.retention import Retention, Rule
from tests.contracts import NOW, slot
from tests.keeping_contract import NAME, WithKeeping

YEAR = 31_536_000


class ExpiryContract(WithKeeping):
    """
    What every provider of :class:`hmacfs.abilities.IExpires` promises.
    """

    keeping = {"retention": Retention((Rule("keep/*", None),), 10)}

    def test_expires_ability(self) -> None:
        """
        It is what it says.
        """
        self.assertTrue(verifyObject(IExpires, self.store))

    def test_term(self) -> None:
        """
        A file is told how long it stays, and is not found from then on.
        """
        record = self.write(b"1")
        self.assertEqual((record.expires, self.open().record), (NOW + 10, record))
        self.clock.advance(9)
        self.not_found()

    def test_shortest(self) -> None:
        """
        The shorter of two terms holds.
        """
        self.assertEqual(self.write(b"1", expires=NOW + 3).expires, NOW + 3)
        self.assertEqual(self.write(b"1", "b", expires=NOW + 300).expires, NOW + 11)

    def test_exempt(self) -> None:
        """
        A rule may let files stay, whatever else was said of them.
        """
        self.assertIsNone(self.write(b"1", "keep/f", expires=NOW + 3).expires)
        self.clock.advance(YEAR)
        self.assertEqual((self.get("keep/f"), self.due()), (b"1", []))

    def test_expired_name(self) -> None:
        """
        What has expired is as good as swept: its name takes no file.
        """
        self.write(b"1")
        self.clock.advance(10)
        self.refused(Deleted, self.store.begin(slot()))
        self.refused(Deleted, self.store.begin(slot(overwrite=True)))

    def test_expired_meanwhile(self) -> None:
        """
        A file may expire while another is sent in its place.
        """
        self.write(b"1")
        upload = self.begin(slot(overwrite=True), b"abc")
        self.clock.advance(10)
        self.refused(Deleted, upload.commit())

    def test_expired_name_free(self) -> None:
        """
        Without tombstones a name that has expired is taken until it is swept.
        """
        self.keep(tombstone_ttl=0, **self.keeping)
        self.write(b"1")
        self.clock.advance(10)
        self.refused(Exists, self.store.begin(slot()))
        self.retire()
        self.write(b"2")
        self.assertEqual(self.get(), b"2")

    def test_due(self) -> None:
        """
        What is past its time is due, the longest first, and no more than is
        asked for.
        """
        for path in ("b", "c", "d"):
            self.write(b"1", path)
        self.assertEqual(self.due(), [])
        self.clock.advance(8)
        expected = [Due(path, "", "expired") for path in ("b", "c", "d")]
        self.assertEqual((self.due(), self.due(1)), (expected[:2], expected[:1]))
        self.clock.advance(5)
        self.assertEqual(self.due(), expected)

    def test_overdue(self) -> None:
        """
        How much is due is counted, up to a bound, and how much is kept.
        """
        for path in ("b", "c", "d", "keep/e"):
            self.write(b"1", path)
        self.write(b"2", "d")
        self.clock.advance(8)
        now = self.clock.seconds()
        # Of what was replaced the former file as well.
        self.assertEqual(
            [self.successResultOf(self.store.overdue(now, most)) for most in (100, 2)],
            [(3, 5), (2, 5)],
        )

    def test_retire(self) -> None:
        """
        What is due goes into the trash, and its name is buried.
        """
        self.write(b"1")
        self.write(b"22", "keep/b")
        self.clock.advance(20)
        now = self.clock.seconds()
        self.assertEqual(self.retire(), [Removed(NAME.text, "", 1, "file")])
        self.not_found()
        self.assertEqual(self.get("keep/b"), b"22")
        self.assertTrue(self.successResultOf(self.store.buried(NAME)))
        (item,) = self.trashed()
        self.assertEqual(item, Trashed(item.batch, NAME.text, "", 1, now))
        self.assertEqual((self.due(), self.retire()), ([], []))

    def test_retire_versions(self) -> None:
        """
        Versions over the bound, and those past their time, go; the file stays.
        """
        self.keep(max_versions=1)
        self.write(b"1")
        self.write(b"22")
        self.write(b"333")
        (newest,) = self.listed()
        (due,) = self.due()
        self.assertEqual((due.name, due.why), (NAME.text, "over the bound"))
        self.assertEqual(self.retire(), [Removed(NAME.text, due.version, 1, "version")])
        self.assertEqual((self.listed(), self.get()), ([newest], b"333"))
        self.assertFalse(self.successResultOf(self.store.buried(NAME)))
        self.assertEqual(self.due(), [])

    def test_retire_expired_versions(self) -> None:
        """
        A version goes by its own age, its file by its own.
        """
        self.write(b"1")
        self.clock.advance(4)
        self.write(b"22")
        (kept,) = self.listed()
        self.clock.advance(4)
        self.assertEqual(self.due(), [Due(NAME.text, kept.id, "expired")])
        self.assertEqual(self.retire(), [Removed(NAME.text, kept.id, 1, "version")])
        self.clock.advance(6)
        self.assertEqual(self.retire(), [Removed(NAME.text, "", 2, "file")])
        self.refused(NotFound, self.store.versions(NAME))

    def test_retire_what_is_not_due(self) -> None:
        """
        What is not due any more stays.
        """
        self.write(b"1", expires=NOW + 3)
        self.clock.advance(-0.5)
        asked = [Due(NAME.text, "", "expired"), Due("b", "", "expired")]
        self.assertEqual(list(self.successResultOf(self.store.retire(asked, NOW + 1.5))), [])
        self.assertEqual((self.get(), self.trashed()), (b"1", []))
        self.assertFalse(self.successResultOf(self.store.buried(NAME)))

    def test_no_trash(self) -> None:
        """
        Where there is no trash, what is due goes for good.
        """
        self.keep(trash=False, **self.keeping)
        self.write(b"1")
        self.clock.advance(10)
        self.assertEqual(self.retire(), [Removed(NAME.text, "", 1, "file")])
        self.assertEqual(self.trashed(), [])
        self.refused(Deleted, self.store.begin(slot()))


class TrashContract(WithKeeping):
    """
    What every provider of :class:`hmacfs.abilities.ITrash` promises.
    """

    keeping = {"retention": Retention((), 10), "max_versions": 1}

    def undo(self, item: Trashed) -> bool:
        done: bool = self.successResultOf(self.store.undo(item))
        self.clock.advance(1)
        return done

    def test_trash_ability(self) -> None:
        """
        It is what it says.
        """
        self.assertTrue(verifyObject(ITrash, self.store))

    def test_undo(self) -> None:
        """
        A file that is brought back is itself, has a whole new term, and a name
        that is not buried.
        """
        before = self.write(b"1")
        self.clock.advance(20)
        self.retire()
        (item,) = self.trashed()
        back = self.clock.seconds()
        self.assertTrue(self.undo(item))
        record = self.open().record
        self.assertEqual((self.get(), record.expires), (b"1", int(back) + 10))
        self.assertEqual(
            (record.etag, record.stored, record.content_type),
            (before.etag, before.stored, before.content_type),
        )
        self.assertFalse(self.successResultOf(self.store.buried(NAME)))
        self.assertEqual((self.trashed(), self.due(), self.undo(item)), ([], [], False))
        self.clock.advance(9)
        self.assertEqual(self.retire(), [Removed(NAME.text, "", 1, "file")])

    def test_undo_own_term(self) -> None:
        """
        A file that had a term of its own has it again, from now on.
        """
        self.keep()
        self.write(b"1", expires=NOW + 5)
        self.clock.advance(20)
        self.retire()
        back = self.clock.seconds()
        self.assertTrue(self.undo(self.trashed()[0]))
        self.assertEqual(self.open().record.expires, int(back) + 5)

    def test_undo_taken(self) -> None:
        """
        A name that has another file by now keeps that.
        """
        self.keep(tombstone_ttl=0, **self.keeping)
        self.write(b"1")
        self.clock.advance(10)
        self.retire()
        (item,) = self.trashed()
        self.write(b"2")
        self.assertEqual((self.undo(item), self.get(), self.trashed()), (False, b"2", [item]))

    def test_undo_version(self) -> None:
        """
        A version that is brought back is a version again.
        """
        self.write(b"1")
        self.clock.advance(4)
        self.write(b"2")
        (kept,) = self.listed()
        self.clock.advance(4)
        self.assertEqual([due.version for due in self.due()], [kept.id])
        self.retire()
        (item,) = self.trashed()
        self.assertEqual((item.version, self.listed()), (kept.id, []))
        self.assertTrue(self.undo(item))
        (again,) = self.listed()
        self.assertEqual((again.id, self.version(again.id), self.trashed()), (kept.id, b"1", []))
        self.assertEqual(self.due(), [])

    def test_undo_over_bound(self) -> None:
        """
        A version that nobody would see stays in the trash; as many as there is room for
        come back, the newest.
        """
        self.keep(max_versions=2)
        for number in range(5):
            self.write(b"%d" % number)
            self.clock.advance(1)
        self.retire()
        newest, oldest = sorted(self.trashed(), key=lambda item: item.version, reverse=True)
        self.refused(Exists, self.store.undo(newest))
        self.successResultOf(self.store.remove_version(NAME, self.listed()[0].id))
        self.assertTrue(self.undo(newest))
        self.refused(Exists, self.store.undo(oldest))
        self.assertEqual([self.version(each.id) for each in self.listed()], [b"2", b"1"])
        self.assertEqual((self.trashed(), self.due()), ([oldest], []))

    def test_trashed(self) -> None:
        """
        The trash is told of one name or of all, the newest first.
        """
        for path in ("b", "c", "d"):
            self.write(b"1", path)
            self.clock.advance(10)
            self.retire()
        self.assertEqual([item.name for item in self.trashed()], ["d", "c", "b"])
        named = self.successResultOf(self.store.trashed(recall(b"c"), 9))
        self.assertEqual([item.name for item in named], ["c"])
        self.assertEqual(len(self.successResultOf(self.store.trashed(None, 2))), 2)

    def test_purge(self) -> None:
        """
        What has been in the trash for its time goes for good, so much at a time.
        """
        for path in ("b", "c", "d"):
            self.write(b"1", path)
            self.clock.advance(10)
            self.retire()
        first, second, _ = [item.removed for item in reversed(self.trashed())]
        purge = self.store.purge
        self.assertEqual(self.successResultOf(purge(first, 9)), 0)
        self.assertEqual(self.successResultOf(purge(second + 1, 1)), 1)
        self.assertEqual([item.name for item in self.trashed()], ["d", "c"])
        self.assertEqual(self.successResultOf(purge(second + 1, 9)), 1)
        (item,) = self.trashed()
        self.assertEqual(item.name, "d")


class QuotaContract(WithKeeping):
    """
    An owner keeps no more than he may, whatever he does at once.
    """

    keeping = {"owner_quota": 10, "max_versions": 0}

    def over(self, size: int, path: str = "z", owner: str | None = "me") -> bool:
        """
        :return: whether *size* bytes more are too many.
        """
        begun = self.store.begin(slot(path, size, owner=owner, overwrite=True))
        failed: list[Any] = []
        begun.addErrback(failed.append)
        if failed:
            failed[0].trap(OverQuota)
            return True
        self.successResultOf(self.successResultOf(begun).discard())
        return False

    def test_kept(self) -> None:
        """
        What is kept counts, the versions too, and other owners' does not.
        """
        self.write(b"x" * 4, owner="me")
        self.write(b"x" * 4, owner="me")
        self.assertEqual((self.over(2), self.over(3)), (False, True))
        self.assertEqual((self.over(10, owner="you"), self.over(99, owner=None)), (False, False))

    def test_coming(self) -> None:
        """
        What is under way counts as it was promised, until it ends.
        """
        upload = self.begin(slot(size=8, owner="me"), b"abc")
        self.assertEqual((self.over(2), self.over(3)), (False, True))
        self.successResultOf(upload.discard())
        self.assertFalse(self.over(10))

    def test_stored_this_moment(self) -> None:
        """
        What was stored this moment counts.
        """
        self.put(slot(size=3, owner="me"), b"abc")
        self.assertEqual((self.over(7), self.over(8)), (False, True))
        self.clock.advance(1)
        self.assertEqual((self.over(7), self.over(8)), (False, True))

    def test_figures_told(self) -> None:
        """
        The refusal tells what is kept and what may be.
        """
        self.write(b"x" * 4, owner="me")
        refusal = self.failureResultOf(self.store.begin(slot("b", 7, owner="me")), OverQuota)
        self.assertRegex(refusal.value.text, r"\b4\b.*\b10\b")

    def test_unknown_size(self) -> None:
        """
        An upload whose size nobody said may grow as far as its owner may.
        """
        upload = self.begin(slot(size=None, owner="me"), b"x" * 6)
        self.assertEqual((self.over(4), self.over(5)), (False, True))
        self.refused(OverQuota, upload.append([b"x" * 5]))
        self.assertEqual(upload.offset, 6)
        self.successResultOf(upload.append([b"x" * 4]))
        self.successResultOf(upload.commit())
        self.clock.advance(1)
        self.assertEqual((self.over(0), self.over(1)), (False, True))

    def test_soon(self) -> None:
        """
        What is to come with its commit counts from its beginning, until it ends.
        """
        upload, other = (
            self.successResultOf(self.store.begin(slot(path, 4, owner="me"), None, True))
            for path in ("a", "b")
        )
        self.assertEqual((self.over(2), self.over(3)), (False, True))
        self.successResultOf(other.discard())
        self.assertEqual((self.over(6), self.over(7)), (False, True))
        self.successResultOf(upload.commit(None, [b"x" * 4]))
        self.assertEqual((self.over(6), self.over(7)), (False, True))
        self.clock.advance(1)
        self.assertEqual((self.over(6), self.over(7)), (False, True))

    def test_last_of_unknown_size(self) -> None:
        """
        The last bytes of an upload whose size nobody said count as all before
        them; where they are too many it can go on, or end without them.
        """
        upload = self.begin(slot(size=None, owner="me"), b"x" * 6)
        self.refused(OverQuota, upload.commit(None, [b"x" * 5]))
        self.assertEqual(upload.offset, 6)
        self.successResultOf(upload.commit(None, [b"x" * 4]))
        self.clock.advance(1)
        self.assertEqual((self.over(0), self.over(1)), (False, True))

    def test_removed(self) -> None:
        """
        What is removed counts no longer.
        """
        self.write(b"x" * 8, owner="me")
        self.successResultOf(self.store.remove(NAME))
        self.assertFalse(self.over(10))

    def test_existing_first(self) -> None:
        """
        A name that is taken is told of first.
        """
        self.write(b"x" * 8, owner="me")
        self.refused(Exists, self.store.begin(slot(size=8, owner="me")))
