"""
Tests for :mod:`hmacfs.metadata.encoding`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.metadata.encoding import read, write
from tests.metadata_contract import record


class EncodingTests(SynchronousTestCase):
    """
    A record is a line of ASCII, and nothing else is a record.
    """

    def test_text(self) -> None:
        """
        What is written is ASCII without blanks, and is read as what it was.
        """
        text = write(record(name="ä b.txt"))
        self.assertEqual((read(text), text.isascii()), (record(name="ä b.txt"), True))

    @given(st.text() | st.sampled_from(["[" * 100_000, "null", "{}", "1e999", '{"id":1}']))
    def test_anything(self, text: str) -> None:
        """
        Whatever else stands there is no record.
        """
        self.assertIsNone(read(text))
