"""
What every provider of :class:`hmacfs.interfaces.metadata.IMetadata` promises.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from hmacfs.interfaces.metadata import ILedger, IMetadata
from hmacfs.uploads import UploadRecord

NOW = 1_700_000_000
EXPIRY = 3600


def record(number: int = 1, **fields: Any) -> UploadRecord:
    """
    :return: the record of the upload with that *number*, and other *fields*.
    """
    told: dict[str, Any] = {
        "id": f"{number:032x}",
        "name": "a.txt",
        "length": 5,
        "content_type": "text/plain",
        "front": "put",
        "dialect": "v",
        "state": "open",
        "created": float(NOW),
        "until": NOW + EXPIRY,
        **fields,
    }
    return UploadRecord(**told)


class MetadataContract:
    """
    The newest record is kept, until it is removed for good.
    """

    metadata: IMetadata

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)

    async def assert_known(self, *records: UploadRecord) -> None:
        """
        All of *records* are known as they are.
        """
        known = [await self.metadata.get(record.id) for record in records]
        self.assertEqual(known, list(records))

    async def assert_unknown(self, *records: UploadRecord) -> None:
        """
        None of *records* is known.
        """
        known = [await self.metadata.get(record.id) for record in records]
        self.assertEqual(known, [None] * len(records))

    def test_metadata(self) -> None:
        """
        It is what the other floors know as metadata.
        """
        self.assertTrue(verifyObject(IMetadata, self.metadata))

    async def test_kept(self) -> None:
        """
        Records are known by their ids, and nothing else is.
        """
        await self.metadata.put(record(1))
        await self.metadata.put(record(2, name="b.txt"))

        await self.assert_known(record(1), record(2, name="b.txt"))
        await self.assert_unknown(record(3))

    async def test_every_field(self) -> None:
        """
        Every field comes back as it was, whatever it looks like.
        """
        whole = record(
            id="0123" * 8,
            name="ä/0123/\N{GRINNING FACE}.txt",
            length=2**62,
            front="tus",
            state="finished",
            created=NOW + 0.25,
            overwrite=True,
            expires=NOW + 60,
            owner="ü@example.org",
            metadata='filename eA==,"quoted" ,1e3',
            sha256="0" * 64,
            node="https://files.example.org/x",
            revision=7,
        )
        await self.metadata.put(whole)

        await self.assert_known(whole)

    async def test_newer(self) -> None:
        """
        A record gives way to one with a higher revision.
        """
        await self.metadata.put(record())
        await self.metadata.put(record(state="finished", revision=2))

        await self.assert_known(record(state="finished", revision=2))

    async def test_older(self) -> None:
        """
        A record does not give way to one with the same or a lower revision.
        """
        await self.metadata.put(record(state="finished", revision=10))
        await self.metadata.put(record(revision=10))
        await self.metadata.put(record(revision=9))

        await self.assert_known(record(state="finished", revision=10))

    async def test_removed(self) -> None:
        """
        A record that was removed is forgotten, and no other.
        """
        await self.metadata.put(record(1))
        await self.metadata.put(record(2))
        await self.metadata.remove(record(1).id)

        await self.assert_unknown(record(1))
        await self.assert_known(record(2))

    async def test_removed_for_good(self) -> None:
        """
        Whoever is late cannot bring back what was removed.
        """
        await self.metadata.put(record())
        await self.metadata.remove(record().id)
        await self.metadata.put(record())
        await self.metadata.put(record(revision=9))

        await self.assert_unknown(record())

    async def test_removed_first(self) -> None:
        """
        A removal that comes before the record, and comes twice, holds too.
        """
        await self.metadata.remove(record().id)
        await self.metadata.remove(record().id)
        await self.metadata.put(record())

        await self.assert_unknown(record())


class LedgerContract(MetadataContract):
    """
    This node's own records can be gone through.
    """

    metadata: ILedger

    def test_ledger(self) -> None:
        """
        It is what the other floors know as a ledger.
        """
        self.assertTrue(verifyObject(ILedger, self.metadata))

    async def test_all(self) -> None:
        """
        All records are told, in the order of their ids, and none that was removed.
        """
        for number in (3, 1, 2):
            await self.metadata.put(record(number))
        await self.metadata.remove(record(2).id)

        self.assertEqual(list(await self.metadata.all()), [record(1), record(3)])

    async def test_expired(self) -> None:
        """
        What is past its time is told, the oldest first and not more than asked for.
        """
        for number, until in [(1, NOW + 1), (2, NOW), (3, NOW - 5), (4, NOW - 9), (5, NOW - 5)]:
            await self.metadata.put(record(number, until=until))
        await self.metadata.remove(record(4).id)

        told = [await self.metadata.expired(NOW, most) for most in (2, 9)]
        self.assertEqual(
            [[int(each.id, 16) for each in records] for records in told], [[3, 5], [3, 5, 2]]
        )

    async def test_removal_forgotten(self) -> None:
        """
        That something was removed is not remembered for ever.
        """
        await self.metadata.remove(record(1).id)
        self.clock.advance(EXPIRY)
        await self.metadata.remove(record(2).id)
        await self.metadata.put(record(1))
        await self.metadata.put(record(2))

        self.assertEqual(list(await self.metadata.all()), [record(1)])

    def test_no_faults(self) -> None:
        """
        Where all is well there is nothing to tell an operator.
        """
        self.assertEqual(list(self.metadata.faults()), [])
