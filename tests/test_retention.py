"""
Tests for :mod:`hmacfs.retention`.
"""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.retention import Retention, Rule, allowed

DAY = 86400
NOW = 1_700_000_000.0
RULES = (
    Rule("avatars/*", None),
    Rule("*.tmp", 60),
    Rule("long/*", 100 * DAY),
    Rule("*.tmp2", 5),
)
SOME = Retention(RULES, 30 * DAY)
TERMS = st.none() | st.integers(1, 1000 * 365 * DAY)
MOMENTS = st.floats(0, 1e11)


class TermTests(SynchronousTestCase):
    """
    The first rule that fits counts, and of two terms the shorter.
    """

    def test_terms(self) -> None:
        """
        Each name has its term.
        """
        names = ["avatars/a.tmp", "a/b.tmp", "long/a.tmp", "long/a", "a"]
        terms = [SOME.ttl(name) for name in names]
        self.assertEqual(terms, [None, 60, 60, 30 * DAY, 30 * DAY])

    def test_without_a_bound(self) -> None:
        """
        Where nothing is said of all files, what no rule fits stays.
        """
        rules = attrs.evolve(SOME, file_ttl=None)
        self.assertEqual(
            [rules.ttl(n) for n in ["a", "long/a", "avatars/a"]], [None, 8640000, None]
        )
        self.assertEqual(Retention().expires("a", NOW, None), None)


class ExpiryTests(SynchronousTestCase):
    """
    A file goes at the end of its term, or at that of its label.
    """

    def test_term(self) -> None:
        """
        Its term counts from when it was stored, to the end of that second.
        """
        self.assertEqual(SOME.expires("a", NOW + 0.25, None), int(NOW) + 30 * DAY + 1)

    def test_label(self) -> None:
        """
        What its label says ends it before, and never keeps it longer.
        """
        end = int(NOW) + 30 * DAY
        self.assertEqual(
            [SOME.expires("a", NOW, own) for own in (end - 1, end + 1, 0)], [end - 1, end, 0]
        )
        self.assertEqual(Retention().expires("a", NOW, 7), 7)

    def test_exempt(self) -> None:
        """
        A rule that says "never" is stronger than a label.
        """
        self.assertIsNone(SOME.expires("avatars/a", NOW, int(NOW) + 5))

    def test_longer(self) -> None:
        """
        A term that was told binds after the terms became longer.
        """
        told = SOME.expires("a", NOW, None)
        longer = attrs.evolve(SOME, file_ttl=365 * DAY, since=NOW + 5)
        self.assertEqual(longer.expires("a", NOW, told), told)

    def test_files_of_before(self) -> None:
        """
        What was there before the rules were waits for a day; what came since
        does not, nor does what would stay longer anyway.
        """
        rules = attrs.evolve(SOME, since=NOW)
        self.assertEqual(
            [rules.expires("a", stored, None) for stored in (0, NOW - 30 * DAY, NOW - 1, NOW)],
            [NOW + DAY, NOW + DAY, NOW - 1 + 30 * DAY, NOW + 30 * DAY],
        )
        self.assertEqual(rules.expires("b.tmp", NOW, None), NOW + 60)
        self.assertEqual(rules.expires("a", 0, int(NOW) - 5), NOW - 5)

    def test_counted_anew(self) -> None:
        """
        What was brought back has a whole term from then on.
        """
        self.assertEqual(SOME.expires("a", 0, None, counted=NOW), NOW + 30 * DAY)
        rules = attrs.evolve(SOME, since=NOW)
        self.assertEqual(rules.expires("b.tmp", 0, None, counted=NOW + 2 * DAY), NOW + 2 * DAY + 60)

    @given(st.text(), MOMENTS, TERMS, MOMENTS, TERMS)
    def test_any(
        self, name: str, stored: float, own: int | None, since: float, file_ttl: int | None
    ) -> None:
        """
        No file goes before its own term and its day of grace are over, but by
        its label; and none outlives its label.
        """
        rules = Retention((), file_ttl, since)
        end = rules.expires(name, stored, own)
        if own is None and file_ttl is None:
            self.assertIsNone(end)
            return
        assert end is not None
        if own is not None:
            self.assertLessEqual(end, own)
        if end != own:
            assert file_ttl is not None
            self.assertGreaterEqual(end, stored + file_ttl)
            self.assertTrue(stored >= since or end >= since + DAY)


class ChangeTests(SynchronousTestCase):
    """
    A change of the terms is noticed, and nothing else is one.
    """

    def test_fingerprint(self) -> None:
        """
        Other terms, or another order of the rules, are other rules.
        """
        others = [
            SOME,
            Retention(),
            attrs.evolve(SOME, file_ttl=None),
            attrs.evolve(SOME, file_ttl=30),
            attrs.evolve(SOME, rules=RULES[1:]),
            attrs.evolve(SOME, rules=RULES[::-1]),
            attrs.evolve(SOME, rules=(Rule("avatars/*", 60), *RULES[1:])),
        ]
        self.assertEqual(len({rules.fingerprint for rules in others}), len(others))
        self.assertEqual(attrs.evolve(SOME, since=NOW).fingerprint, SOME.fingerprint)


class GuardTests(SynchronousTestCase):
    """
    More than 1,000 files that are more than a twentieth of all do not go unasked.
    """

    def test_bounds(self) -> None:
        """
        Both bounds must be passed.
        """
        self.assertEqual(
            [
                allowed(due, kept)
                for due, kept in [
                    (0, 0),
                    (1000, 1000),
                    (1001, 1001),
                    (1001, 20019),
                    (1001, 20020),
                    (50_000, 1_000_000),
                    (50_001, 1_000_000),
                ]
            ],
            [True, True, False, False, True, True, False],
        )
