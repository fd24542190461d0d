"""
Tests for :mod:`hmacfs.quoting`.
"""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.quoting import LONGEST, quoted, shown


class ShownTests(SynchronousTestCase):
    """
    A message repeats what was written, briefly, and on one line.
    """

    def test_values(self) -> None:
        """
        Plain values stand as in the file; others are named.
        """
        for value, expected in [
            ("10 potatoes", '"10 potatoes"'),
            ("grüß 'dich'", "\"grüß 'dich'\""),
            (True, "true"),
            (-3, "-3"),
            (1.5, "1.5"),
            (10**5000, "a huge number"),
            ([1], "a list"),
            ({"a": 1}, "a section"),
            (date(2026, 11, 22), "a date"),
        ]:
            self.assertEqual(shown(value), expected)

    def test_long(self) -> None:
        """
        A long text is cut, and one sees that it is.
        """
        self.assertEqual(shown("x" * (LONGEST + 1)), f'"{"x" * LONGEST}..."')

    def test_forged_line(self) -> None:
        """
        A value cannot pose as another line of the log.
        """
        self.assertEqual(quoted("a\nb\x85c\u2028d\x1b"), r'"a\nb\x85c\u2028d\u001b"')

    @settings(deadline=None)
    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """
        Whatever is quoted can be printed.
        """
        self.assertTrue(quoted(text).isprintable())
