"""
Preconditions, entity tags and dates.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.conditions import (
    Validators,
    check_unchanged,
    format_date,
    parse_date,
    range_holds,
    wanted,
)
from hmacfs.errors import PreconditionFailed

NOW = 1_800_000_000
MODIFIED = NOW - 1000
FILE = Validators(etag=b"abc", modified=MODIFIED)

BEFORE, EXACT, AFTER = (format_date(MODIFIED + n) for n in (-1, 0, 1))


def outcome(fields: dict[bytes, bytes]) -> int:
    """The status that *fields* lead to."""
    try:
        return 200 if wanted(fields.get, FILE, NOW) else 304
    except PreconditionFailed as refusal:
        return refusal.status


class DateTests(SynchronousTestCase):
    """
    Three forms of a date are understood, and one is sent.
    """

    def test_forms(self) -> None:
        """
        The three forms of RFC 9110 name the same second.
        """
        for form in [
            b"Sun, 06 Nov 1994 08:49:37 GMT",
            b"Sunday, 06-Nov-94 08:49:37 GMT",
            b"Sun Nov  6 08:49:37 1994",
            b"Sun Nov 06 08:49:37 1994",
        ]:
            self.assertEqual(parse_date(form, NOW), 784_111_777, form)

    def test_leap_second(self) -> None:
        """
        A leap second is the second after the fifty-ninth.
        """
        self.assertEqual(
            parse_date(b"Sat, 31 Dec 2016 23:59:60 GMT", NOW),
            parse_date(b"Sun, 01 Jan 2017 00:00:00 GMT", NOW),
        )

    def test_two_digits(self) -> None:
        """
        A year of two digits is the latest that is not over 50 years ahead.
        """
        for now, day, year in [
            ((2026, 11, 22), b"22-Nov-76", 2076),
            ((2026, 11, 22), b"23-Nov-76", 1976),
            ((2026, 11, 22), b"22-Nov-94", 1994),
            ((2026, 11, 22), b"22-Nov-00", 2000),
            ((2026, 11, 22), b"29-Feb-24", 2024),
            ((2080, 1, 1), b"01-Jan-10", 2110),
            ((1999, 12, 31), b"01-Jan-05", 2005),
        ]:
            parsed = parse_date(
                b"Sunday, " + day + b" 00:00:00 GMT", datetime(*now, tzinfo=UTC).timestamp()
            )
            assert parsed is not None
            self.assertEqual(datetime.fromtimestamp(parsed, UTC).year, year, (now, day))

    def test_none(self) -> None:
        """
        What is no date is none.
        """
        for value in [
            b"",
            b"0",
            b"784111777",
            b"Sun, 06 Nov 1994 08:49:37",
            b"Sun, 06 Nov 1994 08:49:37 UTC",
            b"Sun, 06 Nov 1994 08:49:37 +0000",
            b"Sun, 6 Nov 1994 08:49:37 GMT",
            b"sun, 06 nov 1994 08:49:37 gmt",
            b"Sun, 31 Nov 1994 08:49:37 GMT",
            b"Wed, 29 Feb 1995 08:49:37 GMT",
            b"Sun, 06 Nov 0000 08:49:37 GMT",
            b"Sun, 06 Nov 1994 24:00:00 GMT",
            b"Sun, 06 Nov 1994 08:60:00 GMT",
            b"Sun, 06 Nov 1994 08:49:61 GMT",
            b"Sun, 06-Nov-94 08:49:37 GMT",
            b"Sunday, 29-Feb-23 08:49:37 GMT",
            b"Sun Nov   6 08:49:37 1994",
            b"Sun Nov  0 08:49:37 1994",
            b"Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
            b"Sun, 06 Nov 1994 08:49:37 GMT\n",
        ]:
            self.assertIsNone(parse_date(value, NOW), value)

    @given(st.integers(-62_135_596_800, 253_402_300_799))
    def test_round(self, seconds: int) -> None:
        """
        What is sent is understood, and is what others send.
        """
        sent = format_date(seconds)
        self.assertEqual(parse_date(sent, NOW), seconds)
        self.assertEqual(sent.decode(), formatdate(seconds, usegmt=True))

    @given(st.binary() | st.from_regex(rb"[A-Z][a-z]{2},? [0-9A-Za-z :-]{0,30}", fullmatch=True))
    def test_any_bytes(self, value: bytes) -> None:
        """
        No field at all is more than a date or none.
        """
        parsed = parse_date(value, NOW)
        self.assertTrue(parsed is None or isinstance(parsed, int))


class TagTests(SynchronousTestCase):
    """
    Entity tags are compared strongly to change or to glue, weakly to spare a copy.
    """

    def test_matching(self) -> None:
        """
        One tag of the list is enough; a weak one is enough for a copy only.
        """
        for value, match, none_match in [
            (b'"abc"', 200, 304),
            (b"*", 200, 304),
            (b'"x", "abc"', 200, 304),
            (b'"x","abc"', 200, 304),
            (b', "x" ,,\t"abc" ,', 200, 304),
            (b'"a,b", "abc"', 200, 304),
            (b'W/"x", "abc"', 200, 304),
            (b'W/"abc"', 412, 304),
            (b'W/"abc", "abc"', 200, 304),
            (b'"x"', 412, 200),
            (b'"abc', 412, 200),
            (b"abc", 412, 200),
            (b'""', 412, 200),
            (b"", 412, 200),
            (b",,", 412, 200),
            (b'"*"', 412, 200),
            (b'*, "abc"', 412, 200),
            (b'"abc" "x"', 412, 200),
            (b'"abc"; q=1', 412, 200),
            (b'w/"abc"', 412, 200),
            (b'W/ "abc"', 412, 200),
            (b'"ABC"', 412, 200),
            (b'"x", junk, "abc"', 412, 200),
        ]:
            self.assertEqual(
                (outcome({b"if-match": value}), outcome({b"if-none-match": value})),
                (match, none_match),
                value,
            )

    def test_many(self) -> None:
        """
        Tags and commas without number are read once and matched.
        """
        many = b",".join(b'W/"%d"' % n for n in range(3000)) + b"," * 16_384
        self.assertEqual(outcome({b"if-none-match": many}), 200)
        self.assertEqual(outcome({b"if-none-match": many + b'"abc"'}), 304)
        self.assertEqual(outcome({b"if-none-match": b" " * 16_384 + b"x"}), 200)

    @given(
        st.lists(
            st.tuples(
                st.booleans(),
                st.sampled_from([b"abc", b"x"])
                | st.lists(
                    st.sampled_from([*range(0x23, 0x7F), 0x21, *range(0x80, 0x100)]), max_size=5
                ).map(bytes),
            )
        ),
        st.sampled_from([b",", b" , ", b",,\t"]),
    )
    def test_lists(self, tags: list[tuple[bool, bytes]], comma: bytes) -> None:
        """
        A list matches when the tag is in it, and strongly when a strong one is.
        """
        value = comma.join((b"W/" if weak else b"") + b'"' + tag + b'"' for weak, tag in tags)
        self.assertEqual(
            (outcome({b"if-match": value}), outcome({b"if-none-match": value})),
            (
                200 if (False, b"abc") in tags else 412,
                304 if b"abc" in [tag for _, tag in tags] else 200,
            ),
        )

    @given(st.binary())
    def test_any_bytes(self, value: bytes) -> None:
        """
        No field at all is worth more than a match or none.
        """
        self.assertIn(outcome({b"if-match": value}), (200, 412))
        self.assertIn(outcome({b"if-none-match": value}), (200, 304))
        self.assertIn(range_holds({b"if-range": value}.get, FILE, NOW), (True, False))


class WantedTests(SynchronousTestCase):
    """
    Each precondition by itself, and which of two counts.
    """

    def test_table(self) -> None:
        """
        The order is that of RFC 9110 section 13.2.2.
        """
        match, unmodified = b"if-match", b"if-unmodified-since"
        none_match, modified = b"if-none-match", b"if-modified-since"
        mine, other = b'"abc"', b'"x"'
        for fields, status in [
            ({}, 200),
            # The dates, to the second.
            ({unmodified: BEFORE}, 412),
            ({unmodified: EXACT}, 200),
            ({unmodified: AFTER}, 200),
            ({modified: BEFORE}, 200),
            ({modified: EXACT}, 304),
            ({modified: AFTER}, 304),
            ({modified: format_date(NOW + 10_000)}, 304),
            # A date that is none is ignored; two of them are none.
            ({unmodified: b"yesterday"}, 200),
            ({modified: b"yesterday"}, 200),
            ({unmodified: BEFORE + b", " + BEFORE}, 200),
            ({modified: AFTER + b", " + AFTER}, 200),
            # A tag counts more than a date of the same kind.
            ({match: mine, unmodified: BEFORE}, 200),
            ({match: other, unmodified: AFTER}, 412),
            ({none_match: mine, modified: BEFORE}, 304),
            ({none_match: other, modified: AFTER}, 200),
            # 412 counts more than 304.
            ({match: other, none_match: mine}, 412),
            ({unmodified: BEFORE, modified: AFTER}, 412),
            ({unmodified: BEFORE, none_match: mine}, 412),
            ({match: mine, none_match: mine}, 304),
            ({match: mine, none_match: other}, 200),
            ({match: mine, modified: AFTER}, 304),
            ({unmodified: AFTER, none_match: mine}, 304),
            ({unmodified: b"junk", modified: AFTER}, 304),
        ]:
            self.assertEqual(outcome(fields), status, fields)


class IfRangeTests(SynchronousTestCase):
    """
    A part is sent only to who surely holds the rest of the same file.
    """

    def holds(self, value: bytes, now: float = NOW) -> bool:
        return range_holds({b"if-range": value}.get, FILE, now)

    def test_absent(self) -> None:
        """
        Without If-Range every range is served.
        """
        self.assertTrue(range_holds({}.get, FILE, NOW))

    def test_tag(self) -> None:
        """
        One strong tag, the file's own, holds; lists and weak ones do not.
        """
        self.assertTrue(self.holds(b'"abc"'))
        for value in [b'W/"abc"', b'"x"', b'"abc", "x"', b'"abc",', b"*", b"abc", b"", b'"abc']:
            self.assertFalse(self.holds(value), value)

    def test_date(self) -> None:
        """
        A date holds when it is exactly the file's, in any form.
        """
        self.assertTrue(self.holds(EXACT))
        self.assertTrue(
            self.holds(datetime.fromtimestamp(MODIFIED, UTC).strftime("%a %b %e %T %Y").encode())
        )
        for value in [BEFORE, AFTER, EXACT + b", " + EXACT]:
            self.assertFalse(self.holds(value), value)

    def test_fresh(self) -> None:
        """
        A date that is not a minute old may stand for two states of the file.
        """
        self.assertFalse(self.holds(EXACT, now=MODIFIED + 59))
        self.assertTrue(self.holds(EXACT, now=MODIFIED + 60))


class RemovalTests(SynchronousTestCase):
    """
    Who wants a file removed may want it in one state only.
    """

    def holds(self, **fields: bytes) -> bool:
        """
        :return: whether it may be removed.
        """
        given = {name.replace("_", "-").encode(): value for name, value in fields.items()}
        try:
            check_unchanged(given.get, FILE, NOW)
        except PreconditionFailed:
            return False
        return True

    def test_table(self) -> None:
        """
        ``If-Match`` goes before ``If-Unmodified-Since``; ``If-None-Match``
        refuses where a GET would be 304; ``If-Modified-Since`` says nothing.
        """
        found = [
            self.holds(),
            self.holds(if_match=b'"abc"'),
            self.holds(if_match=b"*"),
            self.holds(if_match=b'"abc"', if_unmodified_since=BEFORE),
            self.holds(if_unmodified_since=EXACT),
            self.holds(if_none_match=b'"x"'),
            self.holds(if_modified_since=AFTER),
            self.holds(if_match=b'"x"'),
            self.holds(if_match=b'W/"abc"'),
            self.holds(if_unmodified_since=BEFORE),
            self.holds(if_none_match=b'W/"abc"'),
            self.holds(if_none_match=b"*"),
            self.holds(if_match=b'"abc"', if_none_match=b'"abc"'),
        ]
        self.assertEqual(found, [True] * 7 + [False] * 6)
