"""
Patterns of names: ``avatars/*``.

``*`` is any number of characters, slashes too, ``?`` is one of them, and every
other character is itself, in its own case.  Nothing escapes: a name that holds
an asterisk is matched by one that any character could stand for.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 1024
"""Characters of a pattern."""

#: Steps after which :func:`covers` gives up: no pattern that a person writes
#: takes a hundred.
PATIENCE = 10_000


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """
    :return: what matches the whole of a name, in a time that grows with the
        product of both lengths and no faster.
    """
    head, *rest = _tidied(pattern).split("*")
    text = _literal(head)
    if rest:
        *inner, tail = rest
        # The first place that fits is as good as any later one, and an atomic
        # group never comes back to try those.
        text += "".join(f"(?>.*?{_literal(piece)})" for piece in inner)
        text += f".*{_literal(tail)}"
    return re.compile(text, re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """
    :param name: the :attr:`~hmacfs.names.StoredName.text` of a file.
    """
    return compiled(pattern).fullmatch(name) is not None


def covers(first: str, second: str) -> bool:
    """
    Whether *first* matches every name that *second* matches.

    Both are walked along at once: through every way in which a name can fit
    *second*, with the set of places where the same name could stand in
    *first*.  Where a name comes to its end in one and cannot in the other,
    *second* matches something of its own.

    :return: ``True`` only where it is certain.
    """
    walk = _Walk(_tidied(first))
    pattern = _tidied(second)
    if walk.pattern == pattern:
        return True
    # Besides the letters of *first* one that is none of them stands for all others.
    letters = [*dict.fromkeys(walk.pattern.replace("*", "").replace("?", "")), ""]
    todo = [(0, walk.start)]
    seen = set(todo)
    while todo:
        if len(seen) > PATIENCE:
            return False
        at, places = todo.pop()
        if at == len(pattern):
            if not walk.ended(places):
                return False
            continue
        sign = pattern[at]
        ahead = at if sign == "*" else at + 1
        found = [
            (ahead, walk.step(places, letter)) for letter in (letters if sign in "*?" else sign)
        ]
        if sign == "*":
            found.append((at + 1, places))
        fresh = set(found) - seen
        seen |= fresh
        todo.extend(fresh)
    return True


class _Walk:
    """
    Where a name that is read letter by letter can stand in *pattern*: a set
    of places, each a bit of one integer.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._any = _bits(pattern, "?")
        self._stars = _bits(pattern, "*")
        self.start = self._past_stars(1)

    def step(self, places: int, letter: str) -> int:
        """
        :param letter: ``""`` is one that the pattern does not hold.
        :return: the places behind *letter*.
        """
        fits = self._any | (_bits(self.pattern, letter) if letter not in ("", "*", "?") else 0)
        return self._past_stars((places & fits) << 1 | places & self._stars)

    def ended(self, places: int) -> bool:
        """Whether the name may end here."""
        return bool(places >> len(self.pattern) & 1)

    def _past_stars(self, places: int) -> int:
        # One step is enough, since no two stand side by side.
        return places | (places & self._stars) << 1


def _bits(pattern: str, sign: str) -> int:
    return sum(1 << at for at, each in enumerate(pattern) if each == sign)


def _tidied(pattern: str) -> str:
    """*pattern* with one asterisk for several."""
    return re.sub(r"\*+", "*", pattern)


def _literal(piece: str) -> str:
    return ".".join(map(re.escape, piece.split("?")))
