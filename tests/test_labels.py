"""
Tests for :mod:`hmacfs.store.labels`.
"""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.names import recall
from hmacfs.records import MAXIMUM, Status
from hmacfs.store.labels import Label, commit_id, decode, describe, encode, fits, identity

COMMIT = commit_id(1_700_000_000_000_000, "0123456789abcdef")
WHOLE = Label(
    content_type="text/plain",
    size=3,
    expires=9,
    owner="ö",
    until=10,
    name="a/ü",
    commit=COMMIT,
    stored=1.5,
    sha256="0" * 64,
)
FILE = Status(1, 2, "file", 3, 4_000_000_000)


class CodecTests(SynchronousTestCase):
    """
    What is written is read, and nothing else is believed.
    """

    def test_round(self) -> None:
        """
        A label comes back as it was.
        """
        labels = [WHOLE, Label("text/plain", None), attrs.evolve(WHOLE, owner=None)]
        self.assertEqual([decode(encode(label)) for label in labels], labels)

    def test_none(self) -> None:
        """
        No attribute is no label.
        """
        self.assertIs(decode(None), None)

    def test_table(self) -> None:
        """
        What has a value of another kind, or lacks the type, is no label.
        """
        strange = [
            b"",
            b"nul",
            b"[]",
            b"5",
            b"{}",
            b'{"size":3}',
            b'{"type":null}',
            b'{"type":"a","size":"3"}',
            b'{"type":"a","size":true}',
            b'{"type":"a","size":1e400}',
            b'{"type":"a","size":99999999999999999999}',
            b'{"type":"a","stored":NaN}',
            b'{"type":"a","owner":5}',
            b'{"type":"a","owner":"\\ud800"}',
            b'{"type":"a","commit":"../b"}',
            b'{"type":"a","sha256":"xyz"}',
            b"[" * 3000,
            b"\xff",
        ]
        self.assertEqual([decode(value) for value in strange], [None] * len(strange))

    @given(st.binary(max_size=200))
    def test_anything(self, value: bytes) -> None:
        """
        Any bytes are a label or none.
        """
        self.assertIsInstance(decode(value), Label | None)

    def test_room(self) -> None:
        """
        A label that the attribute has no room for says so before its commit
        would find out.
        """
        name = "x" * (MAXIMUM - 400)
        self.assertTrue(fits(attrs.evolve(WHOLE, name=name, commit=None, sha256=None)))
        self.assertFalse(fits(attrs.evolve(WHOLE, name=name + "x" * 400)))


class IdentityTests(SynchronousTestCase):
    """
    No two contents are told by one name.
    """

    def test_committed(self) -> None:
        """
        A file of ours is told by its commit.
        """
        self.assertEqual(identity(FILE, WHOLE), COMMIT)

    def test_changed(self) -> None:
        """
        One that was changed since is told by what the system says.
        """
        changed = attrs.evolve(FILE, size=4)
        names = {identity(changed, WHOLE), identity(FILE, None), identity(changed, None), COMMIT}
        self.assertEqual(len(names), 3)

    def test_sorted(self) -> None:
        """
        Names sort by time, before 1970 too.
        """
        names = [commit_id(time, "0" * 16) for time in (-5, 0, 1, 10**9, 10**15, 10**16)]
        self.assertEqual(names, sorted(names))

    def test_described(self) -> None:
        """
        A file is described by its label, one of another server by what the
        system says.
        """
        ours = describe(recall(b"a.png"), FILE, WHOLE)
        theirs = describe(recall(b"a.png"), FILE, None)
        self.assertEqual((ours.content_type, ours.stored, ours.owner), ("text/plain", 1.5, "ö"))
        self.assertEqual((theirs.content_type, theirs.stored, theirs.owner), ("image/png", 4, None))
