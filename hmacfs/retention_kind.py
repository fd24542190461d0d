"""
``[[Retention]]``, as the configuration writes it.

::

    [[Retention]]
    match = "avatars/*"
    ttl = "never"

A list of rules is wrong in more ways than one value: all that is wrong is told
at once, with the number of the rule, counted from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from hmacfs import kinds, patterns
from hmacfs.kinds import Kind, Place
from hmacfs.quoting import shown
from hmacfs.retention import Rule

#: Every file that is stored is held against them, one after the other.
MOST = 256

_FORM = 'sections [[Retention]], each with match, such as "avatars/*", and ttl, such as "never"'
_KEYS = ("match", "ttl")
_TTL = kinds.duration()


def _read(value: object, place: Place) -> tuple[Rule, ...]:
    """
    :raise ValueError: with a sentence for each thing that is wrong, as its
        arguments.
    """
    if isinstance(value, Mapping):
        raise ValueError("is one section; write [[Retention]] above each rule, in two brackets.")
    if not isinstance(value, list):
        raise ValueError(f"{shown(value)} is no list of rules; write {_FORM}.")
    if len(value) > MOST:
        raise ValueError(f"{len(value)} rules are too many; {MOST} are the most there can be.")
    rules: dict[int, Rule] = {}
    sentences = []
    for number, item in enumerate(value, 1):
        wrong = list(_wrong(item, place))
        sentences += [f"rule {number}: {sentence}" for sentence in wrong]
        if not wrong:
            ttl = item["ttl"]
            rules[number] = Rule(item["match"], None if ttl == "never" else _TTL.read(ttl, place))
    sentences += _idle(rules)
    if sentences:
        raise ValueError(*sentences)
    return tuple(rules.values())


RETENTION = Kind(_FORM, _read)


def _wrong(item: object, place: Place) -> Iterator[str]:
    """
    :return: a sentence for each thing that is wrong with one rule.
    """
    if not isinstance(item, Mapping):
        yield f"{shown(item)} is no rule; write {_FORM}."
        return
    for key in item:
        if key not in _KEYS:
            nearest = get_close_matches(key.lower(), _KEYS, n=1, cutoff=0.75)
            yield f"{shown(key)} has no place in a rule; " + (
                f"did you mean {nearest[0]}?"
                if nearest
                # What follows [[Retention]] in the file is part of that rule.
                else "write settings above the first [[Retention]]."
            )
    for key, check in (("match", _wrong_match), ("ttl", _wrong_ttl)):
        if key not in item:
            yield f"{key} is missing."
        elif sentence := check(item[key], place):
            yield f"{key}: {sentence}"


def _wrong_match(value: object, place: Place) -> str:
    """
    What is wrong with a pattern; ``""`` where nothing is.
    """
    try:
        pattern: str = kinds.TEXT.read(value, place)
    except ValueError as error:
        return str(error)
    if not pattern:
        return 'no name is empty; write a pattern, such as "avatars/*".'
    if len(pattern) > patterns.LONGEST:
        return f"a pattern has at most {patterns.LONGEST} characters."
    if pattern.startswith("/"):
        return f"{shown(pattern)} begins with a slash, and no name does; leave it out."
    if pattern.endswith("/"):
        return f'{shown(pattern)} ends in a slash, and no name does; write "*" behind it.'
    if "//" in pattern:
        return f"{shown(pattern)} has two slashes side by side, and no name has."
    if {".", ".."} & {*pattern.split("/")}:
        return f"{shown(pattern)} has a segment of dots alone, and no name has."
    return ""


def _wrong_ttl(value: object, place: Place) -> str:
    if value == "never":
        return ""
    try:
        _TTL.read(value, place)
    except ValueError as error:
        return f'{str(error).removesuffix(".")}, or "never".'
    return ""


def _idle(rules: Mapping[int, Rule]) -> Iterator[str]:
    """
    :param rules: those that are right, by their numbers.
    :return: a sentence for each that never gets its turn.
    """
    for number, rule in rules.items():
        for earlier, other in rules.items():
            if earlier < number and patterns.covers(other.match, rule.match):
                yield (
                    f"rule {number}: {shown(rule.match)} never matches, because rule {earlier}, "
                    f"{shown(other.match)}, comes first; put the narrower one above."
                )
                break
