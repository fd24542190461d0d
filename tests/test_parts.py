"""
Tests for :mod:`hmacfs.store.parts`, for what their labels say of an upload, and
for the calls of the disk that go on with a file.
"""

from __future__ import annotations

import errno
import os

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import Disk
from hmacfs.interfaces.disk import IDisk
from hmacfs.records import MAXIMUM
from hmacfs.store.labels import Label, abridged, begun, completed, decode, encode, fits, recorded
from tests.powercut import PowerCutDisk
from tests.resuming_contract import WHOLE, record


class AppendTests(SynchronousTestCase):
    """
    A file can be gone on with by one at a time.
    """

    def setUp(self) -> None:
        self.disk = self.make_disk()
        self.root = self.disk.root(os.path.abspath(self.mktemp()))
        self.addCleanup(self.disk.close, self.root)
        self.file = self.disk.create(self.root, b"a", 0o600)
        self.disk.write(self.file, [b"abc"])

    def make_disk(self) -> IDisk:
        return Disk()

    def test_reopened(self) -> None:
        """
        What comes stands behind what was there, and both can be read.
        """
        self.disk.close(self.file)
        file = self.disk.reopen(self.root, b"a")
        self.addCleanup(self.disk.close, file)
        self.disk.write(file, [b"de"])
        self.assertEqual(self.disk.read(file, 0, 9), b"abcde")

    def test_missing(self) -> None:
        """
        What is not there is not made.
        """
        self.disk.close(self.file)
        error = self.assertRaises(OSError, self.disk.reopen, self.root, b"b")
        self.assertEqual((error.errno, self.disk.names(self.root)), (errno.ENOENT, [b"a"]))

    def test_truncated(self) -> None:
        """
        What comes behind a cut stands where the cut is.
        """
        self.addCleanup(self.disk.close, self.file)
        self.disk.truncate(self.file, 1)
        self.disk.write(self.file, [b"d"])
        self.assertEqual(self.disk.read(self.file, 0, 9), b"ad")

    def test_claimed(self) -> None:
        """
        A file is claimed until it is closed, whoever else has it open.
        """
        other = self.disk.reopen(self.root, b"a")
        self.addCleanup(self.disk.close, other)
        self.disk.claim(self.file)
        self.assertRaises(BlockingIOError, self.disk.claim, other)
        self.disk.close(self.file)
        self.disk.claim(other)

    def test_boot(self) -> None:
        """
        One boot of the machine is one boot.
        """
        self.addCleanup(self.disk.close, self.file)
        self.assertEqual((self.disk.boot(), self.disk.boot() != ""), (self.disk.boot(), True))


class PowerCutAppendTests(AppendTests):
    """
    Also on the disk of the power cuts.
    """

    def make_disk(self) -> IDisk:
        return PowerCutDisk()


class LabelTests(SynchronousTestCase):
    """
    A label tells all that is remembered of an upload.
    """

    def test_round(self) -> None:
        """
        The record comes back as it was.
        """
        for told in (record(), WHOLE):
            label = decode(encode(begun(told.slot, told, 0, "b")))
            assert label is not None
            self.assertEqual((recorded(told.id, label), label.boot), (told, "b"))

    def test_none(self) -> None:
        """
        A part that was begun without one has none.
        """
        label = begun(WHOLE.slot, None, 5, "b")
        self.assertEqual((recorded(WHOLE.id, label), label.until), (None, 5))

    def test_spoilt(self) -> None:
        """
        Nor has one whose label somebody changed to what no record is.
        """
        label = begun(WHOLE.slot, WHOLE, 0, "b")
        for change in ({"front": "x"}, {"promised": "x"}, {"name": "../x"}, {"size": None}):
            self.assertEqual(recorded(WHOLE.id, attrs.evolve(label, **change)), None)

    def test_strange(self) -> None:
        """
        What has a value of another kind is no label at all.
        """
        strange = [
            b'{"type":"a","front":5}',
            b'{"type":"a","created":"1"}',
            b'{"type":"a","overwrite":1}',
            b'{"type":"a","overwrite":false}',
            b'{"type":"a","synced":1.5}',
            b'{"type":"a","boot":[]}',
        ]
        self.assertEqual([decode(value) for value in strange], [None] * len(strange))

    def test_room(self) -> None:
        """
        The usual label has room in the attribute, all metadata included.
        """
        told = attrs.evolve(record(), metadata="k " + "A" * 2046, name="x/" * 50 + "y")
        label = begun(told.slot, told, 0, "0" * 36)
        long = attrs.evolve(label, name="x" * 1000)
        self.assertEqual((fits(label), fits(long), fits(abridged(long))), (True, False, True))
        self.assertLess(len(encode(abridged(long))), MAXIMUM)

    @given(st.text(max_size=9), st.none() | st.text(max_size=9))
    def test_abridged(self, name: str, metadata: str | None) -> None:
        """
        What was left out of an attribute is put back.
        """
        label = Label("text/plain", 3, name=name, metadata=metadata)
        self.assertEqual(completed(abridged(label), label), label)
