"""
Tests for :mod:`hmacfs.control.errands`, and for those that change nothing.
"""

from __future__ import annotations

from hashlib import sha256

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.control.asking import Gone
from tests.contracts import NOW, TYPE, slot
from tests.errands import WithErrands


class ErrandsTests(WithErrands, SynchronousTestCase):
    """
    What is asked for is done, or a sentence says why not.
    """

    def test_unknown(self) -> None:
        """
        What nobody knows how to do is refused.
        """
        for do in ("format", "", None, ["ls"]):
            self.assertIn("no errand", self.error(do))

    def test_wrong_words(self) -> None:
        """
        So is what is told in another way than it has to be.
        """
        for told in ({}, {"prefix": 1}, {"prefix": None}, {"prefix": "", "more": 1}):
            self.assertIn("cannot be told", self.error("ls", **told))
        self.assertIn("UTF-8", self.error("ls", prefix="\udc80"))

    def test_refusal(self) -> None:
        """
        A name that can be none is refused as in a request.
        """
        for do in ("stat", "versions", "forget"):
            self.assertIn("segment", self.error(do, name="a/../b"))

    def test_unforeseen(self) -> None:
        """
        What nobody foresaw is in the log.
        """
        self.disk.close(self.disk.root(str(self.path)))
        self.successResultOf(self.store.stop())
        self.assertIn("log", self.error("ls", prefix=""))
        self.assertEqual(len(self.flushLoggedErrors(AssertionError)), 1)

    def test_gone(self) -> None:
        """
        Nothing more is done for who went away.
        """
        for name in "abc":
            self.write(name, b"1")
        self.failureResultOf(self.perform("ls", patience=1, prefix=""), Gone)
        self.assertEqual(self.told("name"), [("a",)])


class LookingTests(WithErrands, SynchronousTestCase):
    """
    What is kept can be looked at.
    """

    def test_ls(self) -> None:
        """
        Files are listed in the order of their names, those that were stored just now included.
        """
        self.write("b", b"22")
        self.write("a/x", b"1")
        self.put(slot("c"), b"333")
        self.assertEqual(self.done("ls", prefix=""), {"files": 3, "size": 6})
        self.assertEqual(
            self.told("name", "size", "type"),
            [("a/x", 1, TYPE), ("b", 2, TYPE), ("c", 3, TYPE)],
        )

    def test_prefix(self) -> None:
        """
        A prefix takes what begins with it, the name that it is included.
        """
        for name in ("a", "ab", "abc", "b/a", "b/c", "c", "é"):
            self.write(name, b"1")
        found = []
        for prefix in ("ab", "b/", "x", "é"):
            self.done("ls", prefix=prefix)
            found.append([name for (name,) in self.told("name")])
        self.assertEqual(found, [["ab", "abc"], ["b/a", "b/c"], [], ["é"]])

    def test_many(self) -> None:
        """
        A long list comes in pages, and none is told twice or left out.
        """
        names = [f"{number:04}" for number in range(1002)]
        rows = ((name, TYPE, 1, 1.0) for name in names)
        insert = "INSERT INTO files (name, content_type, size, stored) VALUES (?, ?, ?, ?)"
        self.index.run(lambda database: database.executemany(insert, rows) and None)
        self.assertEqual(self.done("ls", prefix=""), {"files": 1002, "size": 1002})
        self.assertEqual([name for (name,) in self.told("name")], names)

    def test_stat(self) -> None:
        """
        All that is known of a name is told at once.
        """
        self.write("a", b"1", owner="romeo@example.net")
        self.write("a", b"22", owner="juliet@example.net")
        known = {
            "name": "a",
            "state": "served",
            "size": 2,
            "type": TYPE,
            "stored": NOW + 1.0,
            "expires": None,
            "sha256": None,
            "owner": "juliet@example.net",
            "versions": 1,
            "versions_size": 1,
            "trash": 0,
            "trash_size": 0,
            "uploads": 0,
            "buried": False,
        }
        self.assertEqual(self.done("stat", name="a"), known)

    def test_stat_nothing(self) -> None:
        """
        So it is where nothing is kept, or was deleted.
        """
        self.write("deleted", b"1")
        self.done("rm-name", name="deleted", ban=False, dry=False)
        states = [self.done("stat", name=name)["state"] for name in ("nothing", "deleted")]
        self.assertEqual(states, ["absent", "deleted"])

    def test_versions(self) -> None:
        """
        The versions of a file are told, the newest first.
        """
        for data in (b"1", b"22", b"333"):
            self.write("a", data)
        self.assertEqual(self.done("versions", name="a"), {"versions": 2, "size": 3})
        self.assertEqual(self.told("size", "stored"), [(2, NOW + 1.0), (1, float(NOW))])
        self.assertIn("Nothing is kept", self.error("versions", name="b"))


class ExpiredTests(WithErrands, SynchronousTestCase):
    """
    What is past its time is listed until it is swept, and told from what is served.
    """

    ttl = 60

    def test_expired(self) -> None:
        """
        It is listed as long as it is there.
        """
        self.write("a", b"1")
        self.clock.advance(60)
        state = self.done("stat", name="a")["state"]
        self.assertEqual((state, self.done("ls", prefix="")["files"]), ("expired", 1))
        self.assertEqual(self.told("expires"), [(NOW + 60,)])

    def test_trash(self) -> None:
        """
        What was swept is told of as trash, and comes back by name, by time, or all of it.
        """
        for name in ("a", "b", "c"):
            self.write(name, name.encode())
            self.clock.advance(600)
            self.done("gc", dry=False, confirm=False)
        self.assertEqual(self.done("trash"), {"count": 3, "size": 3})
        self.assertEqual(self.told("name"), [("a",), ("b",), ("c",)])
        backs = []
        for told in ({"name": "b"}, {"since": 60.0}, {}, {}):
            self.done("undo", **{"name": None, "since": None, **told})
            backs.append(self.told("name", "back"))
        self.assertEqual(backs, [[("b", True)], [("c", True)], [("a", True)], []])
        self.assertEqual(self.get("a"), b"a")

    def test_taken(self) -> None:
        """
        Of two that had one name the last one comes back, and the other one stays.
        """
        for data in (b"1", b"22"):
            self.write("a", data)
            self.clock.advance(600)
            self.done("gc", dry=False, confirm=False)
            self.done("forget", name="a")
        self.assertEqual(self.done("undo", name=None, since=None)["left"], 1)
        self.assertEqual(self.told("size", "back"), [(2, True), (1, False)])
        self.assertEqual(self.get("a"), b"22")


class TendingTests(WithErrands, SynchronousTestCase):
    """
    The whole store can be looked after at once.
    """

    def test_gc(self) -> None:
        """
        What has to go is told by kind, and goes unless it was only asked for.
        """
        self.write("a", b"1", expires=NOW + 5)
        self.clock.advance(5)
        self.done("gc", dry=True, confirm=False)
        would = self.told("duty", "count")
        self.assertEqual(
            (would, self.done("ls", prefix="")["files"]), ([("files and versions", 1)], 1)
        )
        done = self.done("gc", dry=False, confirm=False)
        self.assertEqual(
            self.told("duty", "kind", "why", "count", "size"),
            [("files and versions", "file", "expired", 1, 1)],
        )
        self.assertEqual(done, {"rows": 1, "halted": None, "broken": []})
        self.assertEqual(self.done("ls", prefix="")["files"], 0)

    def test_fsck(self) -> None:
        """
        A file that the index does not list is told of, and mended where that is wanted.
        """
        self.write("a", b"1")
        (self.path / "b").write_bytes(b"22")
        left = []
        for repair in (False, True, False):
            done = self.done("fsck", repair=repair)
            left.append((done["found"], done["mended"], self.told("kind", "name")))
        wrong = [("no row", "b")]
        self.assertEqual(left, [(1, 0, wrong), (1, 1, wrong), (0, 0, [])])

    def test_reindex(self) -> None:
        """
        The index is made anew from the files, whatever it said before.
        """
        record = self.write("a", b"1", owner="romeo@example.net")
        (self.path / "b").write_bytes(b"22")
        self.assertEqual(self.done("reindex"), {"files": 2, "versions": 0, "trash": 0})
        self.done("ls", prefix="")
        told = self.told("name", "stored", "owner")
        self.assertEqual(told[0], ("a", record.stored, "romeo@example.net"))
        self.assertEqual(self.get("b"), b"22")

    def test_digest(self) -> None:
        """
        A digest that somebody asked for is told from then on.
        """
        self.write("a", b"1")
        self.done("rm-digest", sha256="0" * 64, ban=False, dry=True)
        self.done("ls", prefix="")
        self.assertEqual(self.told("sha256"), [(sha256(b"1").hexdigest(),)])
