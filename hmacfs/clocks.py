"""
Whether the wall clock has jumped ahead.

Files expire by the wall clock, which anyone may set; a clock that is ten years
ahead would have a sweep take everything.  So it is held against the clock that
counts the seconds since the machine was started, and that nobody can set: a
:class:`Watch` is a state machine that is fed with :class:`Look`\\ s and has no
clock of its own.

================================  ============================================
since the last trusted look       the wall clock has jumped, where
================================  ============================================
the same boot                     it went an hour further than the other clock
another boot                      it was off for more than a week
================================  ============================================

A machine whose clock has no battery starts in the past, and is set right a
little later: in the first hour after a start the clock may go ahead to what
the second line allows, once.

A jump back is none: nothing expires too early by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

import attrs

AHEAD = 3600
"""Seconds that the wall clock may gain on the other one between two looks."""

AWAY = 7 * 24 * 3600
"""Seconds that a machine may have been off."""

SETTLING = 3600
"""Seconds after its start in which a machine sets its clock."""


@attrs.frozen
class Look:
    """
    Both clocks at one moment.

    :ivar wall: unix seconds.
    :ivar elapsed: seconds since the machine was started, those in which it
        slept included.
    :ivar boot: which start of the machine this was; ``""`` where nobody knows.
    """

    wall: float
    elapsed: float
    boot: str

    def follows(self, other: Look) -> bool:
        """Whether the machine was not started again since *other*."""
        return self.boot == other.boot and self.elapsed >= other.elapsed

    @classmethod
    def recall(cls, kept: object) -> Look | None:
        """
        :param kept: what ``attrs.asdict`` made of a look, and JSON brought back.
        :return: ``None`` where it is something else.
        """
        match kept:
            case {"wall": int() | float(), "elapsed": int() | float(), "boot": str()}:
                assert isinstance(kept, Mapping)
                look = cls(kept["wall"], kept["elapsed"], kept["boot"])
                return look if isfinite(look.wall) and isfinite(look.elapsed) else None
        return None


@attrs.frozen
class Watch:
    """
    What is known of the wall clock.

    :ivar trusted: the last look at which it was right; it is what to keep over
        a restart.  ``None`` before the first one, which is always trusted.
    :ivar ahead: seconds that it is ahead of where it should be, as far as is
        known; 0 where it is right.
    """

    trusted: Look | None = None
    ahead: float = 0.0
    _former: Look | None = None

    @property
    def jumped(self) -> bool:
        """Whether nothing should be decided by the wall clock."""
        return self.ahead > 0

    def see(self, look: Look) -> Watch:
        """
        :return: what is known after *look*: that the clock jumped, that it is
            back where it was expected, or that all is as before.
        """
        if self.trusted is None:
            return Watch(look)
        if not look.follows(self.trusted):
            off = _off(self.trusted, look)
            # Kept, since where the clock starts in the past it is still to be set.
            return attrs.evolve(self, ahead=off) if off > AWAY else Watch(look, 0.0, self.trusted)
        ahead = look.wall - self.trusted.wall - (look.elapsed - self.trusted.elapsed)
        if ahead <= AHEAD:
            return Watch(look, 0.0, self._former)
        if (
            self._former is not None
            and look.elapsed <= SETTLING
            and _off(self._former, look) <= AWAY
        ):
            return Watch(look)
        return attrs.evolve(self, ahead=ahead)

    def accept(self, look: Look) -> Watch:
        """
        :return: what is known where somebody says that *look* is right.
        """
        return Watch(look)


def _off(former: Look, look: Look) -> float:
    """
    How long the machine was off, at most, if the wall clock is right.
    """
    return look.wall - look.elapsed - former.wall
