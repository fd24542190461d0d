"""
Tests for :mod:`hmacfs.control.removing` and :mod:`hmacfs.control.finding`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import sha256

from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.control.asking import Gone
from hmacfs.errors import Banned, Deleted, NotStored
from hmacfs.names import StoredName
from hmacfs.records import Removed
from tests.contracts import NOW, slot
from tests.errands import WithErrands


def digest(data: bytes) -> str:
    """
    :return: its SHA-256 in hexadecimal.
    """
    return sha256(data).hexdigest()


class TakingDownTests(WithErrands, SynchronousTestCase):
    """
    What is taken down is nowhere any more, and what is not meant stays.
    """

    def take_down(self, ban: bool = False, dry: bool = False, **what: str) -> list[object]:
        """
        :return: kind, name and size of what went.
        """
        ((key, value),) = what.items()
        done = self.done(f"rm-{key}", **{_KEYS[key]: value}, ban=ban, dry=dry)
        self.assertEqual((done["count"], done["failed"]), (len(self.asker.rows), 0))
        return self.told("kind", "name", "size")

    def names(self) -> list[str]:
        """
        :return: of the files that are left.
        """
        self.done("ls", prefix="")
        return [name for (name,) in self.told("name")]

    def test_name(self) -> None:
        """
        A name goes with its versions and takes no upload; another one stays.
        """
        self.write("a", b"1")
        self.write("a", b"22")
        self.write("b", b"333")
        for dry in (True, False):
            gone = self.take_down(name="a", dry=dry)
            self.assertEqual(gone, [("file", "a", 2), ("version", "a", 1)])
        self.refused(Deleted, self.store.begin(slot("a")))
        self.assertEqual(self.names(), ["b"])

    def test_dry(self) -> None:
        """
        A dry run changes nothing.
        """
        self.write("a", b"1")
        self.take_down(name="a", dry=True)
        self.take_down(digest=digest(b"1"), ban=True, dry=True)
        self.assertEqual((self.get("a"), self.done("bans")), (b"1", {"bans": 0}))

    def test_nothing(self) -> None:
        """
        A name that holds nothing takes no upload from then on.
        """
        self.assertEqual(self.take_down(name="a"), [])
        self.refused(Deleted, self.store.begin(slot("a")))

    def test_digest(self) -> None:
        """
        Bytes go wherever they are, known by their digest or not.
        """
        self.write("a", b"bad")
        self.write("b", b"bad")
        self.write("c", b"fine")
        self.successResultOf(self.store.digest(slot("b").name))
        gone = self.take_down(digest=digest(b"bad"))
        self.assertEqual(gone, [("file", "b", 3), ("file", "a", 3)])
        self.assertEqual(self.names(), ["c"])

    def test_only_the_size(self) -> None:
        """
        Where the length of the bytes is known, no file of another length is read.
        """
        for name, data in (("a", b"bad"), ("b", b"longer"), ("c", b"one")):
            self.write(name, data)
        self.successResultOf(self.store.digest(slot("a").name))
        self.take_down(digest=digest(b"bad"))
        self.assertEqual({what for what, *_ in self.asker.told}, {"reading c"})

    def test_version(self) -> None:
        """
        Where a version is meant, it goes alone, and the file stays.
        """
        self.write("a", b"bad")
        self.write("a", b"fine")
        self.assertEqual(self.take_down(digest=digest(b"bad")), [("version", "a", 3)])
        self.assertEqual((self.get("a"), self.done("versions", name="a")["versions"]), (b"fine", 0))

    def test_hidden_version(self) -> None:
        """
        A version that nobody sees any more, over the bound, goes all the same.
        """
        for number in range(7):
            self.write("a", b"bad" if number == 0 else b"%d" % number)
        self.successResultOf(self.index.run(self.tell_digests))
        self.assertEqual(self.take_down(digest=digest(b"bad")), [("version", "a", 3)])
        self.assertEqual((self.get("a"), self.done("trash")["count"]), (b"6", 0))
        self.assertEqual(self.take_down(digest=digest(b"bad")), [])

    def tell_digests(self, database: sqlite3.Connection) -> None:
        """Let the index know which bytes the large version has."""
        database.execute("UPDATE versions SET sha256 = ? WHERE size = 3", (digest(b"bad"),))

    def test_trash(self) -> None:
        """
        What rests in the trash goes as well, and nothing else of its name.
        """
        self.write("a", b"bad", expires=NOW + 5)
        self.clock.advance(60)
        self.done("gc", dry=False, confirm=False)
        self.done("forget", name="a")
        self.write("a", b"fine")
        self.assertEqual(self.take_down(digest=digest(b"bad")), [("trash", "a", 3)])
        self.assertEqual((self.get("a"), self.done("trash")["count"]), (b"fine", 0))

    def test_owner(self) -> None:
        """
        Of an owner all goes that he uploaded, and what he has not finished.
        """
        romeo = {"owner": "romeo@example.net"}
        self.write("a", b"1", **romeo)
        self.write("b", b"22", **romeo)
        self.write("b", b"3", owner="juliet@example.net")
        self.assertEqual(
            self.take_down(owner="romeo@example.net"), [("file", "a", 1), ("version", "b", 2)]
        )
        self.assertEqual(self.names(), ["b"])

    def test_ban(self) -> None:
        """
        Banned bytes are refused under every name, until the ban is lifted.
        """
        bad = digest(b"bad")
        self.write("a", b"bad")
        self.take_down(digest=bad, ban=True)
        self.refused(Banned, self.begin(slot("b", 3), b"bad").commit())
        self.done("bans")
        self.assertEqual(self.told("sha256"), [(bad,)])
        lifted = [self.done("unban", sha256=bad)["lifted"] for _ in range(2)]
        self.assertEqual((lifted, self.write("b", b"bad").size), ([True, False], 3))

    def test_ban_of_a_version(self) -> None:
        """
        A ban of what an owner uploaded takes in his versions.
        """
        self.write("a", b"bad", owner="romeo@example.net")
        self.write("a", b"fine", owner="juliet@example.net")
        self.take_down(owner="romeo@example.net", ban=True)
        self.done("bans")
        self.assertEqual(self.told("sha256"), [(digest(b"bad"),)])

    def test_forget(self) -> None:
        """
        A name that is forgotten takes uploads again.
        """
        self.write("a", b"1")
        self.take_down(name="a")
        forgotten = [self.done("forget", name="a")["forgotten"] for _ in range(2)]
        self.assertEqual((forgotten, self.write("a", b"2").size), ([True, False], 1))

    def test_gone(self) -> None:
        """
        What went before who asked for it went away is gone, and the rest is there.
        """
        for name in "abc":
            self.write(name, b"1", owner="romeo@example.net")
        errand = self.perform(
            "rm-owner", patience=1, owner="romeo@example.net", ban=False, dry=False
        )
        self.failureResultOf(errand, Gone)
        self.assertEqual(self.names(), ["c"])

    def test_one_stays(self) -> None:
        """
        Where one does not go, the others do, and it is said which and why.
        """
        for name in "abc":
            self.write(name, b"1", owner="romeo@example.net")
        take_down = self.store.take_down

        def faulty(name: StoredName, ban: bool) -> Deferred[Sequence[Removed]]:
            if name.text == "b":
                return fail(NotStored("The disk is broken."))
            return take_down(name, ban)

        self.patch(self.store, "take_down", faulty)
        done = self.done("rm-owner", owner="romeo@example.net", ban=False, dry=False)
        self.assertEqual(done, {"count": 2, "size": 2, "failed": 1})
        self.assertEqual(
            self.told("name", "failed"), [("a", None), ("b", "The disk is broken."), ("c", None)]
        )
        self.assertEqual(self.names(), ["b"])


_KEYS = {"name": "name", "digest": "sha256", "owner": "owner"}
