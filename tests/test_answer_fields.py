"""
Tests for :mod:`hmacfs.web.answer_fields`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.web.answer_fields import AnswerFields, lines


class LineTests(SynchronousTestCase):
    """
    A field is a line, whatever its value.
    """

    def test_lines(self) -> None:
        """
        Each field has its line, as it is written.
        """
        self.assertEqual(lines([(b"A", b"1"), (b"b-C", b"")]), b"A: 1\r\nb-C: \r\n")
        self.assertEqual(lines([]), b"")

    @given(st.lists(st.tuples(st.just(b"X"), st.text(alphabet="ab \r\n").map(str.encode))))
    def test_injected(self, fields: list[tuple[bytes, bytes]]) -> None:
        """
        No value begins a line of its own.
        """
        block = lines(fields)
        found = block.split(b"\r\n")
        self.assertEqual((len(found), found[-1]), (len(fields) + 1, b""))
        for line, (_, value) in zip(found, fields, strict=False):
            self.assertTrue(line.startswith(b"X: "))
            self.assertEqual((line.count(b"\r"), line.count(b"\n")), (0, 0))
            if not {b"\r"[0], b"\n"[0]} & set(value):
                self.assertEqual(line, b"X: " + value)


class AnswerFieldsTests(SynchronousTestCase):
    """
    What is set is said, once, and found by its name in any case.
    """

    def setUp(self) -> None:
        self.fields = AnswerFields.of([(b"Server", b"hmacfs"), (b"ETag", b'"x"')])

    def test_set(self) -> None:
        """
        A value takes the place of the one before.
        """
        self.fields.setRawHeaders(b"etag", [b'"y"'])
        self.fields.setRawHeaders("Transfer-Encoding", [b"chunked"])
        self.assertEqual(
            self.fields.lines, b'Server: hmacfs\r\netag: "y"\r\nTransfer-Encoding: chunked\r\n'
        )

    def test_add(self) -> None:
        """
        Several values are several lines.
        """
        self.fields.addRawHeader(b"Vary", b"Origin")
        self.fields.addRawHeader(b"vary", b"Accept")
        self.assertEqual(self.fields.getRawHeaders(b"VARY"), [b"Origin", b"Accept"])
        self.assertEqual(
            list(self.fields.getAllRawHeaders())[-1], (b"vary", [b"Origin", b"Accept"])
        )
        self.assertTrue(self.fields.lines.endswith(b"vary: Origin\r\nvary: Accept\r\n"))

    def test_remove(self) -> None:
        """
        What is removed is not said, and what was never there is not missed.
        """
        self.fields.removeHeader(b"eTag")
        self.fields.removeHeader(b"none")
        self.assertEqual(self.fields.lines, b"Server: hmacfs\r\n")
        self.assertEqual(
            (self.fields.hasHeader(b"ETAG"), self.fields.hasHeader(b"server")), (False, True)
        )

    def test_missing(self) -> None:
        """
        What is not there may have a default.
        """
        found = [self.fields.getRawHeaders(b"none"), self.fields.getRawHeaders(b"none", [b"x"])]
        self.assertEqual(found, [None, [b"x"]])

    def test_copy(self) -> None:
        """
        What is set in a copy is not set in what it was made of.
        """
        copy = self.fields.copy()
        copy.setRawHeaders(b"ETag", [b'"z"'])
        copy.addRawHeader(b"Server", b"other")
        copy.removeHeader(b"server")
        self.assertEqual(self.fields.lines, b'Server: hmacfs\r\nETag: "x"\r\n')
