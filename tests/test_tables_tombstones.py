"""
Tests for :mod:`hmacfs.store.tables.tombstones`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.tables import tombstones
from hmacfs.store.tables.tombstones import Burial, tombstone_hash
from tests.tables import WithTables


class TombstonesTests(WithTables, SynchronousTestCase):
    """
    A name is buried before its file goes, and known by a hash when it is gone.
    """

    def bury(self, *burials: Burial) -> None:
        tombstones.bury(self.database, burials)

    def find(self, *names: str) -> list[Burial | None]:
        return [tombstones.find(self.database, name) for name in names]

    def test_hash(self) -> None:
        """
        A name is known by the first half of its SHA-256.
        """
        self.assertEqual(tombstone_hash("abc").hex(), "ba7816bf8f01cfea414140de5dae2223")

    def test_bury(self) -> None:
        """
        A tombstone is found by its name.
        """
        self.bury(Burial("a", 9, "{}"), Burial("Größe", 8))
        self.assertEqual(
            self.find("a", "Größe", "b"), [Burial("a", 9, "{}"), Burial("Größe", 8), None]
        )

    def test_longer(self) -> None:
        """
        One that holds longer is not shortened by another.
        """
        self.bury(Burial("a", 9))
        self.bury(Burial("a", 5, "{}"))
        self.assertEqual(self.find("a"), [Burial("a", 9, "{}")])
        self.bury(Burial("a", 20))
        self.assertEqual(self.find("a"), [Burial("a", 20)])

    def test_unfinished(self) -> None:
        """
        What was begun and not settled is known by name; what was settled is
        remembered by its hash alone.
        """
        self.bury(Burial("b", 9, "2"), Burial("a", 9, "1"), Burial("c", 9))
        self.assertEqual(
            tombstones.unfinished(self.database), [Burial("a", 9, "1"), Burial("b", 9, "2")]
        )
        tombstones.settle(self.database, ["a", "x"])
        self.assertEqual(tombstones.unfinished(self.database), [Burial("b", 9, "2")])
        names = self.database.execute("SELECT name FROM tombstones WHERE name IS NOT NULL")
        self.assertEqual((list(names), self.find("a")), ([("b",)], [Burial("a", 9)]))

    def test_exhume(self) -> None:
        """
        A tombstone that is taken away is gone.
        """
        self.bury(Burial("a", 9), Burial("b", 9, "1"))
        self.assertEqual(tombstones.exhume(self.database, ["a", "b", "c"]), 2)
        self.assertEqual(self.find("a", "b"), [None, None])
        self.assertEqual(tombstones.exhume(self.database, []), 0)

    def test_hashes(self) -> None:
        """
        All of them are told, page by page.
        """
        self.bury(*(Burial(name, 9) for name in "abc"))
        hashes = sorted(map(tombstone_hash, "abc"))
        self.assertEqual(tombstones.hashes(self.database, b"", 2), hashes[:2])
        self.assertEqual(tombstones.hashes(self.database, hashes[1], 2), hashes[2:])

    def test_expire(self) -> None:
        """
        Those whose time is over are forgotten, but no removal under way.
        """
        self.bury(Burial("a", 9), Burial("b", 8), Burial("c", 10), Burial("d", 1, "{}"))
        self.assertEqual(tombstones.count_expired(self.database, 9.0, 99), 2)
        gone = [tombstones.expire(self.database, 9.0, 1) for _ in range(3)]
        self.assertEqual(
            (gone, self.find("a", "b", "c", "d")),
            ([1, 1, 0], [None, None, Burial("c", 10), Burial("d", 1, "{}")]),
        )

    def test_cost(self) -> None:
        """
        Whatever is asked is found by an index.
        """
        found = {
            query: self.looked_at(getattr(tombstones, query))
            for query in ("_FIND", "_UNFINISHED", "_HASHES", "_EXPIRED")
        }
        self.assertEqual(
            found,
            {
                "_FIND": "SEARCH tombstones USING PRIMARY KEY (hash=?)",
                "_UNFINISHED": "SCAN tombstones USING INDEX tombstones_doing",
                "_HASHES": "SEARCH tombstones USING PRIMARY KEY (hash>?)",
                "_EXPIRED": "SEARCH tombstones USING INDEX tombstones_until (until<?)",
            },
        )
