"""
Tests for :mod:`hmacfs.store.retiring` and :mod:`hmacfs.store.undoing` where the
disk fails, or somebody else was there.
"""

from __future__ import annotations

import errno
from hashlib import sha256

import attrs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from hmacfs.abilities import IBans, IIndexed
from hmacfs.errors import Banned, Deleted, NoSpace, NotStored, Refusal
from hmacfs.names import recall
from hmacfs.retention import Retention
from hmacfs.store.opened import Policy
from hmacfs.store.retiring import PATIENCE
from hmacfs.store.tables import tombstones
from hmacfs.uploads import Slot
from tests.crashes import Life, Moment, result
from tests.keeping_stories import NAME, PATH, found, world
from tests.powercut import PowerCutDisk
from tests.stories import AT_REST, NEW, OLD
from tests.test_commit import Failing

EXPIRING = Policy(retention=Retention((), 10))


def new_life(policy: Policy) -> Life:
    disk = PowerCutDisk()
    return Life(disk, Moment(disk.tree, None, (), frozenset(), policy=policy)).start()


class FaultTests(SynchronousTestCase):
    """
    What the disk does not let go stays, or is gone on with; nobody is told
    that it went.
    """

    def life(self) -> Life:
        """
        :return: a store that has a file and its version.
        """
        life = new_life(Policy())
        for data in (OLD, NEW):
            life.put(PATH, data, overwrite=True)
            life.rest()
        return life

    def ask(self, life: Life, what: str, calls: int, number: int) -> type[Refusal] | None:
        """
        :param calls: how many calls of the disk are done before one fails.
        :return: how it ended.
        """
        version = result(life.store.versions(NAME))[0].id
        life.disk.before = Failing({"": calls}, number)
        try:
            if what == "remove":
                result(life.store.remove(NAME))
            elif what == "restore":
                result(life.store.restore(NAME, version))
            else:
                result(life.store.remove_version(NAME, version))
        except Refusal as refusal:
            return type(refusal)
        finally:
            life.disk.before = lambda call: None
        # That a folder which is empty stays is no matter.
        return None

    def test_remove(self) -> None:
        """
        A removal that fails is told of, and can be asked for again.
        """
        for calls in range(100):
            life = self.life()
            if self.ask(life, "remove", calls, errno.EIO) is None:
                break
            self.assertNotEqual(self.flushLoggedErrors(OSError), [])
            if life.get(PATH) is not None:
                result(life.store.remove(NAME))
                self.assertEqual(found(life), world(None, buried=True))
            self.assertEqual(life.disk.descriptors, AT_REST)
        self.assertGreater(calls, 3)

    def test_nothing_removed(self) -> None:
        """
        Where nothing went nothing is buried.
        """
        life = self.life()
        self.assertEqual(self.ask(life, "remove", 0, errno.EROFS), NotStored)
        self.assertEqual(found(life), world(NEW, [OLD]))
        self.assertEqual(life.index.transact(tombstones.unfinished), [])
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_restore(self) -> None:
        """
        A version that could not be restored is one still, and the file stands;
        a full disk is told as such.
        """
        for number, ends in ((errno.EIO, NotStored), (errno.ENOSPC, NoSpace)):
            for calls in range(100):
                life = self.life()
                ended = self.ask(life, "restore", calls, number)
                if ended is None:
                    break
                self.assertEqual(ended, ends)
                self.assertEqual((life.get(PATH) or (None, b""))[1], NEW)
                self.assertIn(OLD, found(life).versions)
                self.assertEqual(list(life.folder(b".hmacfs", b"parts").entries), [])
                self.assertEqual(life.disk.descriptors, AT_REST)
                self.flushLoggedErrors(OSError)
            self.assertGreater(calls, 5)
            self.flushLoggedErrors(OSError)


class SweepTests(SynchronousTestCase):
    """
    One file that stays does not hold up the others.
    """

    def setUp(self) -> None:
        self.life = new_life(EXPIRING)
        for path in (b"a", b"b", b"c"):
            self.life.put(path, OLD)
        self.life.rest()
        self.life.wait(20)
        self.now = self.life.clock.seconds()

    def due(self, now: float) -> list[str]:
        return [each.name for each in result(self.life.store.due(now, 100))]

    def retire(self) -> list[str]:
        due = result(self.life.store.due(self.now, 100))
        return [each.name for each in result(self.life.store.retire(due, self.now))]

    def test_put_off(self) -> None:
        """
        What the disk does not let go is due again later, and goes then.
        """
        self.life.disk.before = Failing({"rename": 1})
        self.assertEqual(self.retire(), ["a", "c"])
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertEqual(self.due(self.now + 1), [])
        self.now += PATIENCE
        self.assertEqual((self.due(self.now), self.retire()), (["b"], ["b"]))
        self.assertEqual(self.due(self.now), [])

    def test_gone_meanwhile(self) -> None:
        """
        A row whose file somebody else has removed goes without a tombstone.
        """
        tree = self.life.disk.tree
        tree.change(tree.root, b"b", None)
        self.assertEqual(self.retire(), ["a", "c"])
        self.assertEqual(list(self.life.index.rows), [])
        self.assertFalse(result(self.life.store.buried(recall(b"b"))))

    def test_restarted(self) -> None:
        """
        What is buried is so after a restart.
        """
        self.retire()
        result(self.life.store.stop())
        result(self.life.store.start())
        self.assertTrue(result(self.life.store.buried(recall(b"a"))))


class AbilityTests(SynchronousTestCase):
    """
    The store can do what it says.
    """

    def test_interfaces(self) -> None:
        """
        It has the bans and the index that the operator's commands ask for.
        """
        life = new_life(Policy())
        for ability in (IBans, IIndexed):
            self.assertTrue(verifyObject(ability, life.store))

    def test_bans(self) -> None:
        """
        A ban is told, once, and holds over a restart until it is lifted.
        """
        life, digest = new_life(Policy()), sha256(OLD).hexdigest()
        self.assertEqual([result(life.store.ban(digest)) for _ in range(2)], [True, False])
        result(life.store.stop())
        result(life.store.start())
        self.assertRaises(Banned, life.put, PATH, OLD)
        self.assertEqual(list(result(life.store.banned())), [digest])
        self.assertEqual([result(life.store.unban(digest)) for _ in range(2)], [True, False])
        life.put(PATH, OLD)

    def test_cut_off(self) -> None:
        """
        An upload that was cut off ends as one to a name that was deleted,
        also where names are not buried.
        """
        life = new_life(attrs.evolve(Policy(), tombstone_ttl=0))
        upload = life.begin(PATH, OLD)
        result(life.store.take_down(NAME))
        self.assertRaises(Deleted, result, upload.commit())
        self.assertEqual(life.disk.descriptors, AT_REST)


class QuotaTests(SynchronousTestCase):
    """
    What was promised is let go of once, whatever becomes of the upload.
    """

    def test_every_end(self) -> None:
        """
        An owner has all of his quota again when nothing of his is left.
        """
        life = new_life(attrs.evolve(Policy(), owner_quota=10, tombstone_ttl=0))
        begin = life.store.begin

        def wanted(path: bytes) -> Slot:
            return Slot(recall(path), 10, "a/b", 10, owner="me")

        for end in ("discard", "suspend"):
            upload = result(begin(wanted(b"a")))
            result(getattr(upload, end)())
        upload = result(begin(wanted(b"a")))
        result(upload.append([b"x" * 10]))
        life.put(b"a", OLD)
        self.assertRaises(Refusal, result, upload.commit())
        upload = result(begin(wanted(b"b")))
        result(upload.append([b"x" * 10]))
        result(upload.commit())
        result(life.store.remove(recall(b"b")))
        result(result(begin(wanted(b"c"))).discard())
