"""
How long a file stays.

Three things may end it: ``FileTTL`` for all, a ``[[Retention]]`` rule for the
names that fit its pattern, and what its own label says (the term that was told
when it was stored, the expiry of a token included).  The shortest wins, and of
the rules the first one that fits.  A rule that says ``"never"`` exempts its
files from all of it.

Nothing is decided by the clock here: the moment is computed, and whoever has a
clock compares.  Two things guard against the operator's own mistakes.  A file
that was in the store before these rules were gets :data:`GRACE` before the
first of them takes it; and what :func:`allowed` does not let pass is for a
person to confirm.
"""

from __future__ import annotations

import json
from hashlib import sha256
from math import ceil

import attrs

from hmacfs.patterns import matches

GRACE = 24 * 3600
"""Seconds that files of before have, when a term is set or shortened."""

MANY = 1000
LARGE = 20
"""More than :data:`MANY` files, and more than one of :data:`LARGE`, are too
many to go in one sweep."""


@attrs.frozen
class Rule:
    """
    One ``[[Retention]]``.

    :ivar match: a pattern of names; see :mod:`hmacfs.patterns`.
    :ivar ttl: seconds, or ``None`` for ``"never"``.
    """

    match: str
    ttl: int | None


@attrs.frozen
class Retention:
    """
    All that decides when a file goes.

    :ivar rules: in the order of the configuration; the first that fits counts.
    :ivar file_ttl: seconds for every file, or ``None``.
    :ivar since: unix seconds from which on these rules hold; 0 where they
        always did.
    :ivar grace: seconds after :attr:`since` in which no file of before goes by
        a term that was not told when it was stored.
    """

    rules: tuple[Rule, ...] = ()
    file_ttl: int | None = None
    since: float = 0.0
    grace: int = GRACE

    def ttl(self, name: str) -> int | None:
        """
        :param name: the :attr:`~hmacfs.names.StoredName.text` of the file.
        :return: seconds that a file of this name stays, or ``None``: no term.
        """
        return self._term(self._rule(name))

    def expires(
        self, name: str, stored: float, own: int | None, counted: float | None = None
    ) -> int | None:
        """
        :param name: the :attr:`~hmacfs.names.StoredName.text` of the file.
        :param stored: when it was, unix seconds.
        :param own: unix seconds from which on it is gone by its own label: that
            was told, and binds even where terms became longer since.
        :param counted: from when on its term counts, where that is not
            *stored*: it was brought back from the trash, say.
        :return: unix seconds from which on it is not served, or ``None``.
        """
        if not self.rules and self.file_ttl is None:
            return own
        rule = self._rule(name)
        if _exempts(rule):
            return None
        term = self._term(rule)
        if term is None:
            return own
        end = (stored if counted is None else counted) + term
        if stored < self.since:
            end = max(end, self.since + self.grace)
        return ceil(end) if own is None else min(ceil(end), own)

    @property
    def fingerprint(self) -> str:
        """
        The same for the same terms, whenever they began: by it a change of
        the configuration is noticed.
        """
        terms = [self.file_ttl, *([rule.match, rule.ttl] for rule in self.rules)]
        return sha256(json.dumps(terms).encode()).hexdigest()[:32]

    def _rule(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules if matches(rule.match, name)), None)

    def _term(self, rule: Rule | None) -> int | None:
        if rule is None:
            return self.file_ttl
        if rule.ttl is None or self.file_ttl is None:
            return rule.ttl
        return min(rule.ttl, self.file_ttl)


def _exempts(rule: Rule | None) -> bool:
    return rule is not None and rule.ttl is None


def allowed(due: int, kept: int) -> bool:
    """
    Whether a sweep may take so much without being told to.

    :param due: how many files and versions are to go.
    :param kept: how many are kept at all, these included.
    """
    return due <= MANY or due * LARGE <= kept
