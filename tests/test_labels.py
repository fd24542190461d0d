"""
Tests for :mod:`hmacfs.store.labels`.
"""

from __future__ import annotations

import json

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.names import recall
from hmacfs.records import MAXIMUM, FileRecord, Row, Status
from hmacfs.store.labels import (
    Label,
    commit_id,
    decode,
    describe,
    encode,
    encode_whole,
    fits,
    has_room,
    identity,
    whole,
)

TEXT = st.text(st.characters(codec="utf-8"))
COUNT = st.integers(0, 2**53 - 1)
LABELS = st.builds(
    Label,
    content_type=TEXT,
    size=st.none() | COUNT,
    expires=st.none() | COUNT,
    owner=st.none() | TEXT,
    until=st.none() | COUNT,
    name=st.none() | TEXT,
    commit=st.none() | st.from_regex(r"[0-9a-f]{14}-[0-9a-f]{16}", fullmatch=True),
    stored=st.none() | st.floats(0, 2**40),
    sha256=st.none() | st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    metadata=st.none() | TEXT,
    signed_type=st.none() | TEXT,
    promised512=st.none() | st.from_regex(r"[0-9a-f]{128}", fullmatch=True),
)
ROWS = st.builds(
    Row,
    name=TEXT,
    content_type=TEXT,
    size=COUNT,
    stored=st.floats(0, 2**40),
    own=st.none() | COUNT,
    owner=st.none() | TEXT,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
KEYS = st.sampled_from([*attrs.fields_dict(Label), "type"])

NAME = recall(b"a/f.txt")
STATUS = Status(device=1, inode=2, kind="file", size=3, modified=4_000_000_000)
LABEL = Label("a/b", 3, owner="me", expires=9, commit=commit_id(5, "c" * 16), stored=5.5)


class CodecTests(SynchronousTestCase):
    """
    A label is read as it was written, and what is none is read as none.
    """

    @given(LABELS)
    def test_round_trip(self, label: Label) -> None:
        """
        What is written is read again.
        """
        self.assertEqual(decode(encode(label)), label)

    @given(ROWS)
    def test_whole(self, row: Row) -> None:
        """
        That of a file which is stored whole is written the same, the quick way.
        """
        label = whole(row, commit_id(5, "c" * 16))
        value = encode_whole(row, commit_id(5, "c" * 16))
        self.assertEqual(value, encode(label))
        self.assertEqual(has_room(value), fits(label))
        told = (label.name, label.content_type, label.size, label.stored)
        self.assertEqual(told, (row.name, row.content_type, row.size, row.stored))
        self.assertEqual((label.expires, label.owner), (row.own, row.owner))

    @given(st.binary())
    def test_bytes(self, value: bytes) -> None:
        """
        Any bytes at all are a label or none.
        """
        self.assertIsInstance(decode(value), Label | None)

    @given(st.dictionaries(KEYS, JSON))
    def test_values(self, told: dict[str, object]) -> None:
        """
        Whatever its keys hold, what is read as a label can be written and
        listed as one.
        """
        label = decode(json.dumps(told).encode())
        if label is not None:
            self.assertEqual(decode(encode(label)), label)
            self.assertTrue(all(isinstance(each, str) for each in (label.content_type,)))

    def test_wrong(self) -> None:
        """
        What lacks a type, or has a value of another kind, is none.
        """
        wrong = [
            b"",
            b"\xff",
            b"null",
            b"[]",
            b"{}",
            b'{"type":1}',
            b'{"type":"a/b","size":"3"}',
            b'{"type":"a/b","size":3.5}',
            b'{"type":"a/b","size":true}',
            b'{"type":"a/b","size":9007199254740992}',
            b'{"type":"a/b","stored":NaN}',
            b'{"type":"a/b","owner":"\\ud800"}',
            b'{"type":"a/b","commit":"../../etc"}',
            b'{"type":"a/b","sha256":"x"}',
            b"[" * 100_000,
            b'{"size":' + b"9" * 10_000 + b"}",
        ]
        self.assertEqual([value for value in wrong if decode(value) is not None], [])
        self.assertIsNone(decode(None))

    def test_more(self) -> None:
        """
        A later version may say more.
        """
        self.assertEqual(decode(b'{"type":"a/b","size":null,"more":1}'), Label("a/b", None))

    def test_readable(self) -> None:
        """
        A person who looks at the attribute can read it.
        """
        self.assertEqual(
            encode(Label("text/plain", 3, name="Größe")),
            '{"type":"text/plain","size":3,"name":"Größe"}'.encode(),
        )

    @given(LABELS, st.floats(0, 2**40))
    def test_room(self, label: Label, stored: float) -> None:
        """
        A label that fits has room for what its commit adds.
        """
        whole = attrs.evolve(
            label,
            commit=commit_id(2**50, "f" * 32),
            stored=stored,
            sha256="f" * 64,
            size=2**53 - 1,
            synced=2**53 - 1,
            trusted=2**53 - 1,
        )
        if fits(label):
            self.assertLessEqual(len(encode(whole)), MAXIMUM)

    def test_no_room(self) -> None:
        """
        The longest name has no room in an attribute, nor has a type as long as nobody
        declares one; the longest that is served has.
        """
        self.assertEqual(
            [
                fits(Label("a/b", 3, name="x" * 4096)),
                fits(Label("a/b", 3, signed_type="\0" * 500)),
                fits(Label('"' * 255, 3, owner="x" * 510)),
            ],
            [False, False, True],
        )


class IdentityTests(SynchronousTestCase):
    """
    A commit is known by its id, and what has none by what the system says.
    """

    def test_label(self) -> None:
        """
        A commit's id is that of the file.
        """
        self.assertEqual(identity(STATUS, LABEL), LABEL.commit)

    def test_none_believed(self) -> None:
        """
        Neither no label, nor that of a part, nor that of another size counts.
        """
        foreign = identity(STATUS, None)
        others = [
            attrs.evolve(LABEL, commit=None),
            attrs.evolve(LABEL, stored=None),
            attrs.evolve(LABEL, size=4),
        ]
        self.assertEqual({identity(STATUS, other) for other in others}, {foreign})

    @given(st.integers(), st.integers(0), st.integers(0))
    def test_changes(self, modified: int, inode: int, size: int) -> None:
        """
        Another inode, size or time is another file; the id can be a name.
        """
        status = Status(1, inode, "file", size, modified)
        other = attrs.evolve(status, modified=modified + 1)
        self.assertNotEqual(identity(status, None), identity(other, None))
        self.assertRegex(identity(status, None), r"^[0-9A-Za-z_-]{1,64}$")

    @given(st.integers(0, 2**55), st.integers(0, 2**55))
    def test_sorted(self, one: int, other: int) -> None:
        """
        Ids sort by time.
        """
        first, second = commit_id(one, "f" * 16), commit_id(other, "f" * 16)
        self.assertEqual(first < second, one < other)


class DescribeTests(SynchronousTestCase):
    """
    A file is described by its label, by its row, or by what it is.
    """

    def test_label(self) -> None:
        """
        What the label says is believed before what the index says.
        """
        record = describe(NAME, STATUS, LABEL, Row(NAME.text, "x/y", 3, 1.0))
        self.assertEqual(record, FileRecord(3, "a/b", 5.5, record.etag, None, 9, "me"))

    def test_row(self) -> None:
        """
        Without a label the index is believed, if it speaks of the same size.
        """
        row = Row(NAME.text, "x/y", 3, 1.0, "0" * 64, 9, "me")
        record = describe(NAME, STATUS, None, row)
        self.assertEqual(record, FileRecord(3, "x/y", 1.0, record.etag, "0" * 64, 9, "me"))
        other = describe(NAME, STATUS, None, attrs.evolve(row, size=4))
        self.assertEqual(other, FileRecord(3, "text/plain", 4.0, record.etag))
