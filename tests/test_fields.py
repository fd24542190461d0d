"""
Tests for :mod:`hmacfs.fields`.
"""

from __future__ import annotations

from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.fields import OTHER, boolean, dictionary, item, natural

WELL_FORMED = [
    b"?1",
    b"-0",
    b"999999999999999",
    b"-1.5",
    b"999999999999.999",
    b'""',
    b'"a \\" \\\\ b"',
    b"*a/b:c",
    b"::",
    b":YQ==:",
    b":YWI:",
    b"@-5",
    b'%"%c3%a9 %22"',
    b"1;a",
    b'1;a;  b=?0;c="x;y"',
]
"""Items of every type."""

MALFORMED = [
    b"",
    b" ",
    b"?2",
    b"?",
    b"1000000000000000",
    b"1234567890123.1",
    b"1.",
    b"1.1234",
    b"-",
    b"+1",
    b"1 2",
    b"1, 2",
    b'"a',
    b'"\\a"',
    b'"\xe9"',
    b"\xe9",
    b":YQ===:",
    b":Y:",
    b":=Y=:",
    b":Y-==:",
    b":YQ",
    b"@1.5",
    b'%"%C3%A9"',
    b'%"%e9"',
    b'%"a',
    b"1;",
    b"1;A",
    b"1 ;a",
    b"1;a=",
    b"1;a=(1)",
    b"\t1",
]
"""Of the kind that a lenient reader would take."""


class ItemTests(SynchronousTestCase):
    """
    An Item is a value, and what is none counts as absent.
    """

    def test_types(self) -> None:
        """
        Booleans, integers and bytes are told apart, the others are not.
        """
        self.assertEqual(
            [item(sample) for sample in WELL_FORMED],
            [True, 0, 999999999999999, *[OTHER] * 5, b"", b"a", b"ab", *[OTHER] * 2, 1, 1],
        )
        self.assertEqual(repr(OTHER), "OTHER")

    def test_malformed(self) -> None:
        """
        Whatever breaks the grammar anywhere is no item, and no member either.
        """
        self.assertEqual([item(sample) for sample in MALFORMED], [None] * len(MALFORMED))
        for sample in MALFORMED:
            if sample.strip() and b", " not in sample:
                self.assertEqual((sample, dictionary(b"b, a=" + sample)), (sample, {}))

    def test_absent(self) -> None:
        """
        A field that is not there is no item.
        """
        self.assertEqual([item(None), boolean(None), natural(None)], [None] * 3)

    def test_wrong_type(self) -> None:
        """
        A value of another type than the field has counts as absent.
        """
        self.assertEqual([boolean(each) for each in (b"?0", b" ?1;a ", b"1", b"true")],
                         [False, True, None, None])  # fmt: skip
        self.assertEqual(
            [natural(each) for each in (b"17", b"007;x", b"0", b"-1", b"?1", b"1.0", b'"1"')],
            [17, 7, 0, None, None, None, None],
        )

    @given(st.binary() | st.text('?01 "\\;:=a-.@%(),', max_size=12).map(str.encode))
    def test_any(self, field: bytes) -> None:
        """
        Any bytes are an item or none, and a dictionary or none.
        """
        item(field)
        dictionary(field)

    @given(st.integers(0, 10**15 - 1), st.binary(), st.booleans())
    def test_written(self, number: int, data: bytes, truth: bool) -> None:
        """
        What is written as the standard says is read as it was meant.
        """
        encoded = b":%b:" % b64encode(data)
        flag = b"?%d" % truth
        self.assertEqual(
            (natural(b"%d" % number), item(encoded), boolean(flag)), (number, data, truth)
        )
        self.assertEqual(
            dictionary(b"a=%d,b=%b;c\t, d=%b" % (number, encoded, flag)),
            {"a": number, "b": data, "d": truth},
        )


class DictionaryTests(SynchronousTestCase):
    """
    A Dictionary has members, and what breaks the grammar has none.
    """

    def test_members(self) -> None:
        """
        Members are items, lists or nothing, which is true; the last of a key counts.
        """
        self.assertEqual(
            dictionary(b'a=1, *b-._c=:YQ==: ,\tc , d;x=2,e=(1 "x";y  ?0 );z,f=(),g=( ), a=?0'),
            {
                "a": False,
                "*b-._c": b"a",
                "c": True,
                "d": True,
                "e": OTHER,
                "f": OTHER,
                "g": OTHER,
            },
        )

    def test_malformed(self) -> None:
        """
        One member that is wrong, and none is right.
        """
        for field in [
            b"a=1,",
            b",a=1",
            b"a=1,,b=2",
            b"a = 1",
            b"A=1",
            b"a=1 b=2",
            b"a=1;",
            b"a=(1",
            b"a=(1 2",
            b'a=("x""y")',
            b"a=(1,2)",
            b"a=((1))",
            b"a=(1);",
            b"a=",
        ]:
            self.assertEqual((field, dictionary(field)), (field, {}))
        self.assertEqual([dictionary(None), dictionary(b""), dictionary(b"  ")], [{}] * 3)
        self.assertEqual([dictionary(b"  a \t"), dictionary(b"\ta")], [{"a": True}, {}])
