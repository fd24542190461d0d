"""
Tests for :mod:`hmacfs.cli.tables`.
"""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.cli.tables import EXPIRES, NAME, SIZE, Table, as_json, counted
from hmacfs.control.lines import Message
from hmacfs.redaction import visible


def printed(programs: bool, *rows: Message) -> str:
    """
    :return: what a table of *rows* looks like.
    """
    table, out = Table([SIZE, EXPIRES, NAME], programs), StringIO()
    with redirect_stdout(out):
        for row in rows:
            table.row(row)
    return out.getvalue()


class TableTests(SynchronousTestCase):
    """
    People get columns, programs get an object a line, and terminals nothing that drives them.
    """

    def test_columns(self) -> None:
        """
        What stands below one another belongs together, and titles come once.
        """
        self.assertEqual(
            printed(
                False,
                {"name": "a", "size": 1536, "expires": 0},
                {"name": "b c", "size": 2**60, "expires": None},
            ),
            "      size  expires (UTC)        name\n"
            "   1.5 KiB  1970-01-01 00:00:00  a\n"
            "     1 EiB  -                    b c\n",
        )

    def test_nothing(self) -> None:
        """
        A table without a row is nothing at all.
        """
        self.assertEqual(printed(False), "")

    def test_json(self) -> None:
        """
        A program gets times by RFC 3339, and all else as it is.
        """
        row = {"name": "é\x7f", "stored": 1.5, "expires": None, "more": [1]}
        line = as_json(row)
        self.assertEqual(
            line,
            '{"name": "\\u00e9\\u007f", "stored": "1970-01-01T00:00:01.500Z", '
            '"expires": null, "more": [1]}',
        )
        self.assertEqual(json.loads(line)["name"], "é\x7f")

    @given(st.text())
    def test_terminal(self, name: str) -> None:
        """
        Whatever stands in a name, it neither breaks its line nor drives a terminal.
        """
        for programs in (False, True):
            row = {"name": name, "size": 1, "expires": None}
            *_, last, end = printed(programs, row).split("\n")
            self.assertEqual((visible(last), end), (last, ""))

    def test_counted(self) -> None:
        """
        One is one, and everything else is many.
        """
        self.assertEqual(
            [counted(number, "file") for number in (0, 1, 2)], ["0 files", "1 file", "2 files"]
        )
