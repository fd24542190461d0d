"""
Tests for :mod:`hmacfs.uploads`.
"""

from __future__ import annotations

import json
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import Completed, Gone, NotFound, Refusal
from hmacfs.names import recall
from hmacfs.uploads import STEPS, Slot, UploadRecord, decode, encode, follow

RECORD = UploadRecord(
    id="0123456789abcdef" * 2,
    name="a/b.txt",
    length=12,
    content_type="text/plain",
    front="tus",
    dialect="v2",
    state="open",
    created=1_700_000_000.5,
    until=1_700_086_400,
)

FULL = attrs.evolve(
    RECORD,
    name="ä/" + "x" * 255,
    front="draft",
    dialect="jwt",
    state="finished",
    overwrite=True,
    expires=1_800_000_000,
    owner="älice@example.com",
    metadata="filename YQ==,filetype",
    signed_type="image/é",
    sha256="0" * 64,
    sha512="1" * 128,
    node="https://a.example/x",
    revision=7,
)


def became(state: str | None, step: str) -> str | type[Exception] | None:
    """
    The state behind *step*, or the kind of refusal.
    """
    try:
        return follow(state, step)
    except (Refusal, ValueError) as refused:
        return type(refused)


class StepTests(SynchronousTestCase):
    """
    Which step may follow which is one table.
    """

    def test_all(self) -> None:
        """
        An open upload goes on, a finished one can be asked about and forgotten, and no other.
        """
        states = (None, "open", "finished", "invalid")
        self.assertEqual(
            {step: [became(state, step) for state in states] for step in STEPS},
            {
                "create": ["open", ValueError, Completed, Gone],
                "append": [NotFound, "open", Completed, Gone],
                "probe": [NotFound, "open", "finished", Gone],
                "complete": [NotFound, "finished", Completed, Gone],
                "spoil": [NotFound, "invalid", Completed, Gone],
                "cancel": [NotFound, None, None, None],
                "expire": [NotFound, None, None, None],
            },
        )

    def test_statuses(self) -> None:
        """
        What is told of an upload that cannot go on says why.
        """
        told = [became(state, "append") for state in (None, "finished", "invalid")]
        self.assertEqual(
            [(kind.status, kind.code) for kind in told if isinstance(kind, type(Refusal))],
            [(404, "not-found"), (403, "completed"), (410, "gone")],
        )


class RecordTests(SynchronousTestCase):
    """
    A record is what is remembered, and it goes through JSON unchanged.
    """

    def decoded(self, **changes: Any) -> UploadRecord | None:
        """
        The record with some of its fields changed, out of JSON.
        """
        return decode(json.loads(json.dumps({**encode(RECORD), **changes})))

    def test_slot(self) -> None:
        """
        A record says what its signature allowed.
        """
        self.assertEqual(
            FULL.slot,
            Slot(
                recall(FULL.name.encode()),
                12,
                "text/plain",
                most=12,
                overwrite=True,
                expires=1_800_000_000,
                owner="älice@example.com",
            ),
        )

    def test_changed(self) -> None:
        """
        Every change is a new revision.
        """
        changed = FULL.changed(state="invalid")
        self.assertEqual(changed, attrs.evolve(FULL, state="invalid", revision=8))

    def test_written(self) -> None:
        """
        What is as it mostly is takes no room.
        """
        self.assertEqual(
            encode(RECORD),
            {
                "id": "0123456789abcdef0123456789abcdef",
                "name": "a/b.txt",
                "length": 12,
                "content_type": "text/plain",
                "front": "tus",
                "dialect": "v2",
                "state": "open",
                "created": 1_700_000_000.5,
                "until": 1_700_086_400,
            },
        )
        self.assertEqual([decode(encode(each)) for each in (RECORD, FULL)], [RECORD, FULL])
        self.assertEqual(len(encode(FULL)), len(attrs.fields(UploadRecord)))

    def test_newer(self) -> None:
        """
        A key that a newer release added is passed over; whole seconds are a time too.
        """
        self.assertEqual(self.decoded(colour="red", created=5), attrs.evolve(RECORD, created=5.0))

    def test_unsound(self) -> None:
        """
        What no record of ours could hold is no record.
        """
        wrong: dict[str, list[Any]] = {
            "id": [None, 5, "", "0" * 31, "0" * 33, "A" * 32, "0" * 32 + "\n", "../" + "0" * 29],
            "name": [
                None,
                "",
                "/a",
                "a//b",
                "..",
                "a/../b",
                ".hmacfs/x",
                "a\0",
                "\ud800",
                "a" * 5000,
            ],
            "length": [None, -1, 1.0, True, "12", 2**63],
            "content_type": [None, 5, "é", "x" * 256],
            "front": [None, "", "ftp", ["tus"]],
            "dialect": [None, "v4", {}],
            "state": [None, "", "Open", []],
            "created": [None, -1.0, float("nan"), float("inf"), "5", True],
            "until": [None, 1.5, -1, 253402300800],
            "overwrite": [None, 0, "yes"],
            "expires": [-1, 1.5, "5", False],
            "owner": [5, "\udfff", "x" * 4097],
            "metadata": [None, "é", "x" * 2049],
            "signed_type": [None, 5, "\u0100", "é" * 256],
            "sha256": ["", "0" * 63, "G" * 64, 5],
            "sha512": ["", "0" * 64, "G" * 128, 5],
            "node": [None, 5],
            "revision": [None, 0, -1, 1.0, True],
        }
        self.assertEqual(set(wrong), {field.name for field in attrs.fields(UploadRecord)})
        for field, values in wrong.items():
            for value in values:
                self.assertEqual(
                    (field, value, self.decoded(**{field: value})), (field, value, None)
                )

    def test_missing(self) -> None:
        """
        A record without one of the fields that every upload has is none.
        """
        for field in encode(RECORD):
            told = encode(RECORD)
            del told[field]
            self.assertIsNone(decode(told))
        self.assertEqual([decode(each) for each in (None, [], "x", 5, {})], [None] * 5)

    @given(
        st.dictionaries(
            st.sampled_from([field.name for field in attrs.fields(UploadRecord)]),
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text()
            | st.lists(st.none()),
        )
    )
    def test_any(self, changes: dict[str, Any]) -> None:
        """
        Whatever is read is a record that is written as it was read, or none.
        """
        record = decode({**encode(FULL), **changes})
        if record is not None:
            self.assertEqual(decode(encode(record)), record)
            self.assertEqual(record.slot.name.text, record.name)
