"""
Tests for :mod:`hmacfs.web.plan`.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.digests import Digest
from hmacfs.resumable.content_range import RANGE
from hmacfs.resumable.draft import DRAFT
from hmacfs.resumable.steps import Append, Create, Front
from hmacfs.resumable.tus import TUS
from hmacfs.uploads import UploadRecord
from hmacfs.web.plan import Plan, Rest

CONTENT = Digest("Content-Digest", "sha256", b"x" * 32)
FRONTS: dict[str, Front | None] = {"put": None, "range": RANGE, "tus": TUS, "draft": DRAFT}


def record(**fields: Any) -> UploadRecord:
    """
    :return: the record of an upload of six bytes.
    """
    told: dict[str, Any] = {
        "id": "0" * 32,
        "name": "a",
        "length": 6,
        "content_type": "text/plain",
        "front": "tus",
        "dialect": "v",
        "state": "open",
        "created": 0.0,
        "until": 100,
    }
    return UploadRecord(**{**told, **fields})


def whole(sha256: str) -> Digest:
    """
    :return: the promise that the whole file has this digest.
    """
    return Digest("Repr-Digest", "sha256", bytes.fromhex(sha256))


class RestTests(SynchronousTestCase):
    """
    What becomes of the bytes when a request ends before its time.
    """

    def rests(self, reason: str, *digests: Digest) -> dict[str, Rest]:
        step = Append(0, None, digests=digests)
        return {name: Plan(record(), front, step).rest(reason) for name, front in FRONTS.items()}

    def test_client_left(self) -> None:
        """
        What came is kept, whyever the client does not go on.
        """
        for reason in ("disconnected", "too-slow", "shutting-down", "gone-on-with"):
            self.assertEqual(set(self.rests(reason).values()), {Rest.KEPT}, reason)

    def test_client_left_amid_checksum(self) -> None:
        """
        Content that cannot be checked any more is not kept, and what was before it is.
        """
        self.assertEqual(set(self.rests("disconnected", CONTENT).values()), {Rest.BACK})

    def test_wrong(self) -> None:
        """
        Wrong content is not kept; of a plain PUT there is nothing else.
        """
        reasons = (
            "wrong-digest",
            "checksum-mismatch",
            "wrong-length",
            "malformed-request",
            "inconsistent-length",
            "no-space",
        )
        expected = {"put": Rest.GONE, "range": Rest.BACK, "tus": Rest.BACK, "draft": Rest.BACK}
        for reason in reasons:
            self.assertEqual(self.rests(reason), expected, reason)

    def test_too_large(self) -> None:
        """
        Over the length the draft forbids to go on; the others stay where they were.
        """
        expected = {"put": Rest.GONE, "range": Rest.BACK, "tus": Rest.BACK, "draft": Rest.SPOILT}
        self.assertEqual(self.rests("too-large"), expected)

    def test_faults(self) -> None:
        """
        Of what the disk did not keep, or nobody foresaw, nothing is believed.
        """
        for reason in ("not-stored", "internal", "exists"):
            self.assertEqual(set(self.rests(reason).values()), {Rest.GONE}, reason)

    def test_whole_only(self) -> None:
        """
        Where there is no record, nobody could go on.
        """
        plan = Plan(None, None, Create(6, complete=True))
        self.assertEqual(plan.rest("disconnected"), Rest.GONE)


class CompletesTests(SynchronousTestCase):
    """
    When the file is to be there.
    """

    def test_table(self) -> None:
        """
        The request says it, or else the length does.
        """
        cases = [
            (True, 3, True),
            (True, 6, True),
            (False, 3, False),
            (False, 6, False),
            (None, 3, False),
            (None, 6, True),
        ]
        found = [
            Plan(record(), TUS, Append(0, None, complete=complete)).completes(offset)
            for complete, offset, _ in cases
        ]
        self.assertEqual(found, [expected for _, _, expected in cases])

    def test_unknown_length(self) -> None:
        """
        What has no record comes whole, whatever its length.
        """
        self.assertTrue(Plan(None, None, Create(0)).completes(17))


class PromisedTests(SynchronousTestCase):
    """
    What the whole file shall hash to.
    """

    def promised(self, begun: str | None, now: str | None) -> set[str]:
        said = () if now is None else (whole(now),)
        plan = Plan(record(sha256=begun), RANGE, Append(0, None, promised=said))
        self.assertEqual(len(plan.promised), len(set(plan.promised)))
        return {digest.value.hex() for digest in plan.promised}

    def test_table(self) -> None:
        """
        A promise may come with the first request, with a later one, or with both.
        """
        one, other = "1" * 64, "2" * 64
        cases = [(None, None), (one, None), (None, one), (one, one), (one, other)]
        self.assertEqual(
            [self.promised(*case) for case in cases], [set(), {one}, {one}, {one}, {one, other}]
        )

    def test_without_record(self) -> None:
        """
        It counts of an upload too that nobody can go on with.
        """
        plan = Plan(None, None, Create(0, promised=(whole("1" * 64),)))
        self.assertEqual(plan.promised, (whole("1" * 64),))
