"""
Tests for :mod:`hmacfs.patterns`.
"""

from __future__ import annotations

from itertools import product
from time import process_time

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.patterns import covers, matches

#: Few letters, so that patterns and names meet.
PATTERNS = st.text("ab*?", max_size=7)
NAMES = ["".join(letters) for length in range(6) for letters in product("ab/", repeat=length)]


def plainly(pattern: str, name: str) -> bool:
    """
    What a pattern means, written down without any thought of time.
    """
    if not pattern:
        return not name
    if pattern[0] == "*":
        return plainly(pattern[1:], name) or (name != "" and plainly(pattern, name[1:]))
    return name != "" and pattern[0] in ("?", name[0]) and plainly(pattern[1:], name[1:])


class MatchTests(SynchronousTestCase):
    """
    An asterisk is any number of characters, a question mark is one.
    """

    def test_patterns(self) -> None:
        """
        Patterns fit the names that are meant.
        """
        for pattern, fit, other in [
            ("avatars/*", ["avatars/a.png", "avatars/a/b", "avatars/"], ["avatars", "x/avatars/a"]),
            ("*.jpg", ["a.jpg", "a/b.jpg", ".jpg"], ["a.JPG", "a.jpg.txt", "ajpg"]),
            ("a?c", ["abc", "a/c", "aéc", "a\nc"], ["ac", "abbc"]),
            ("*/tmp/*", ["a/tmp/b", "a/b/tmp/c/d"], ["tmp/b", "a/tmp"]),
            ("a", ["a"], ["", "b", "aa"]),
            ("[a]{b}\\", ["[a]{b}\\"], ["ab"]),
            ("*", ["", "a", "a/b"], []),
        ]:
            self.assertEqual([n for n in fit + other if matches(pattern, n)], fit, pattern)

    @given(PATTERNS, st.text("ab/", max_size=8))
    def test_any(self, pattern: str, name: str) -> None:
        """
        Every pattern fits exactly what its signs say.
        """
        self.assertEqual(matches(pattern, name), plainly(pattern, name))

    @given(st.text(), st.text())
    def test_any_text(self, pattern: str, name: str) -> None:
        """
        So it does where it is made of any characters.
        """
        self.assertEqual(matches(pattern, name), plainly(pattern, name))
        self.assertTrue(matches(pattern, pattern))

    def test_time(self) -> None:
        """
        No pattern takes long over a name that nearly fits.
        """
        begun = process_time()
        self.assertFalse(matches("*a" * 500 + "b", "a" * 4096))
        self.assertLess(process_time() - begun, 2)


class CoversTests(SynchronousTestCase):
    """
    A pattern covers another where nothing is left for that one.
    """

    def test_patterns(self) -> None:
        """
        What is covered is found, however it is written.
        """
        for first, second, expected in [
            ("*", "a/b", True),
            ("*", "*", True),
            ("a*", "a/*.jpg", True),
            ("*.jpg", "a/*.jpg", True),
            ("?*", "*?", True),
            ("?*a", "*ba", True),
            ("a*b*c", "a*b?*bc", True),
            ("**", "*", True),
            ("a?", "ab", True),
            ("a/*.jpg", "*.jpg", False),
            ("a?", "a*", False),
            ("?*", "*", False),
            ("ab", "a?", False),
            ("*a*b", "*b*a", False),
            ("A*", "a*", False),
        ]:
            self.assertEqual(covers(first, second), expected, (first, second))

    @given(PATTERNS, PATTERNS)
    @example("*a", "*ba")
    def test_any(self, first: str, second: str) -> None:
        """
        It is said of no pair of which a name shows the contrary, and of every
        pair of which none does.
        """
        contrary = [n for n in NAMES if matches(second, n) and not matches(first, n)]
        if contrary:
            self.assertFalse(covers(first, second), contrary[0])
        elif len(first) + len(second) < 6:
            self.assertTrue(covers(first, second))

    def test_patience(self) -> None:
        """
        Where it would take for ever to be certain, it is not.
        """
        begun = process_time()
        self.assertFalse(covers("*a" + "?" * 20, "*aa" + "?" * 19))
        self.assertTrue(covers("*a" + "?" * 20, "*a" + "?" * 20))
        self.assertFalse(covers("*a" + "?" * 500 + "*b" + "?" * 500, "*b" + "?" * 1000))
        self.assertLess(process_time() - begun, 5)
