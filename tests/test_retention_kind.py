"""
Tests for :mod:`hmacfs.retention_kind`.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.kinds import Place
from hmacfs.patterns import covers, matches
from hmacfs.retention import Rule
from hmacfs.retention_kind import MOST, RETENTION
from tests.configuring import KEY, ConfigCase

PLACE = Place("/etc")
FORM = 'sections [[Retention]], each with match, such as "avatars/*", and ttl, such as "never"'


def rule(match: Any = "a/*", ttl: Any = "1d", **more: Any) -> dict[str, Any]:
    """
    A rule as TOML gives it.
    """
    return {"match": match, "ttl": ttl, **more}


def wrong(value: object) -> list[str]:
    """
    The sentences that *value* is refused with.
    """
    try:
        RETENTION.read(value, PLACE)
    except ValueError as error:
        return list(error.args)
    return []


class RuleTests(SynchronousTestCase):
    """
    A rule has a pattern of names and how long those files stay.
    """

    def test_rules(self) -> None:
        """
        Rules are read in their order, seconds once.
        """
        read = RETENTION.read([rule("avatars/*", "never"), rule("*.tmp", 60), rule("*")], PLACE)
        self.assertEqual(read, (Rule("avatars/*", None), Rule("*.tmp", 60), Rule("*", 86400)))
        self.assertEqual(RETENTION.read([], PLACE), ())

    def test_patterns(self) -> None:
        """
        A pattern that fits no name of a file is refused.
        """
        text = "write text, between quotation marks."
        for match, sentence in [
            ("", 'no name is empty; write a pattern, such as "avatars/*".'),
            ("/a/*", '"/a/*" begins with a slash, and no name does; leave it out.'),
            ("a/", '"a/" ends in a slash, and no name does; write "*" behind it.'),
            ("a//*", '"a//*" has two slashes side by side, and no name has.'),
            ("a/../*", '"a/../*" has a segment of dots alone, and no name has.'),
            ("./*", '"./*" has a segment of dots alone, and no name has.'),
            ("a" * 1025, "a pattern has at most 1024 characters."),
            ("a\nb", '"a\\nb" holds a control character; write text.'),
            (7, f"7 is no text; {text}"),
            (["a"], f"a list is no text; {text}"),
        ]:
            self.assertEqual(wrong([rule(match)]), [f"rule 1: match: {sentence}"])

    def test_durations(self) -> None:
        """
        A term is whole seconds, more than none of them, or "never".
        """
        form = 'seconds or a number with a unit, such as "30d", "1h30m" or "250ms", or "never".'
        whole = 'seconds or a number with a unit, such as "30d" or "1h30m", or "never".'
        for ttl, sentence in [
            ("a day", f'"a day" is no duration; write {form}'),
            ("Never", f'"Never" is no duration; write {form}'),
            ("", f'"" is no duration; write {form}'),
            (0, '0 is no duration that works here; write more than "0s", or "never".'),
            (True, f"true is no duration; write {whole}"),
            ("250ms", '"250ms" is no number of whole seconds; write one, such as "1s" or "2m", '
             'or "never".'),
        ]:  # fmt: skip
            self.assertEqual(wrong([rule(ttl=ttl)]), [f"rule 1: ttl: {sentence}"])

    def test_keys(self) -> None:
        """
        A rule has these two keys and no others: a setting that follows it in
        the file has become a part of it.
        """
        self.assertEqual(
            wrong([{}, rule(FileTTL="30d"), {"Match": "b", "ttl": 1}]),
            [
                "rule 1: match is missing.",
                "rule 1: ttl is missing.",
                'rule 2: "FileTTL" has no place in a rule; write settings above the first '
                "[[Retention]].",
                'rule 3: "Match" has no place in a rule; did you mean match?',
                "rule 3: match is missing.",
            ],
        )

    def test_no_rules(self) -> None:
        """
        What is no list of rules is told how they are written.
        """
        one = "is one section; write [[Retention]] above each rule, in two brackets."
        for value, sentence in [
            (rule(), one),
            ("a", f'"a" is no list of rules; write {FORM}.'),
            (["a"], f'rule 1: "a" is no rule; write {FORM}.'),
            ([rule("a")] * (MOST + 1), "257 rules are too many; 256 are the most there can be."),
        ]:
            self.assertEqual(wrong(value), [sentence])

    def test_idle(self) -> None:
        """
        A rule that an earlier one leaves nothing for is refused, by its number.
        """
        self.assertEqual(
            wrong(
                [rule("b"), rule("*.tmp"), rule("a/*.tmp"), rule("?"), rule("b", "x"), rule("a")]
            ),
            [
                'rule 5: ttl: "x" is no duration; write seconds or a number with a unit, such as '
                '"30d", "1h30m" or "250ms", or "never".',
                'rule 3: "a/*.tmp" never matches, because rule 2, "*.tmp", comes first; '
                "put the narrower one above.",
                'rule 6: "a" never matches, because rule 4, "?", comes first; '
                "put the narrower one above.",
            ],
        )

    @given(st.lists(st.text("ab*?/", min_size=1, max_size=4), max_size=4), st.text("ab/"))
    def test_any(self, patterns: list[str], name: str) -> None:
        """
        Rules that are taken have each a name of their own, as far as is known;
        and those that are not have one sentence each, at least.
        """
        sentences = wrong([rule(match) for match in patterns])
        if sentences:
            self.assertTrue(all(sentence.isprintable() for sentence in sentences))
        else:
            firsts = [match for match in patterns if matches(match, name)]
            self.assertFalse(any(covers(firsts[0], other) for other in firsts[1:]))


class SettingTests(ConfigCase):
    """
    The rules are a setting like any other.
    """

    def test_problems(self) -> None:
        """
        All that is wrong with them stands beside all else that is wrong.
        """
        table = {"Secret": KEY, "Retention": [rule(ttl="x"), {"ttl": 1}], "MaxVersions": -1}
        self.assertEqual(
            self.problems(table),
            [
                "MaxVersions: -1 is no such number; write a whole number from 0 to 1000000.",
                'Retention: rule 1: ttl: "x" is no duration; write seconds or a number with a '
                'unit, such as "30d", "1h30m" or "250ms", or "never".',
                "Retention: rule 2: match is missing.",
            ],
        )

    def test_misspelt(self) -> None:
        """
        So is what is nearly its name.
        """
        self.assertEqual(
            self.problems({"Secret": KEY, "retention": [rule()]}),
            ["retention: is no setting; did you mean Retention?"],
        )

    def test_off(self) -> None:
        """
        Trash and tombstones can be done without.
        """
        settings = self.settings(TrashTTL="0", TombstoneTTL=0)
        self.assertEqual((settings.trash_ttl, settings.tombstone_ttl), (0, 0))
        self.assertEqual(self.settings().trash_ttl, 86400)
