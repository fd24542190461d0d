"""
One work after the other, done by several servers in turn.

Rounds are interleaved, and nobody is always the first behind the break, so that
a busy machine disturbs all alike.  The processor time that a server took itself
stands beside its speed: a busy machine hardly changes that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import median

import attrs

from bench.figures import Figure
from bench.ratios import ratio
from bench.rivals import Server


@attrs.frozen
class Work:
    """
    :ivar unit: of what it yields.
    :ivar run: does it once with a server; yields the figure.
    :ivar servers: by name.
    :ivar ours: the one that is held against others.
    :ivar rivals: those, each with what our lower bound must reach of it.
    """

    name: str
    unit: str
    run: Callable[[Server], float]
    servers: Mapping[str, Server]
    rivals: Mapping[str, float | None]
    ours: str = "hmacfs"


def measure(work: Work, rounds: int) -> Iterator[Figure]:
    """
    :return: the figures of *work*.
    """
    found: dict[str, list[float]] = {name: [] for name in work.servers}
    seconds: dict[str, list[float]] = {name: [] for name in work.servers}
    names = list(work.servers)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            server = work.servers[name]
            before = server.seconds()
            found[name].append(work.run(server))
            seconds[name].append(server.seconds() - before)
    for name, values in found.items():
        yield Figure(f"{work.name}, {name}", median(values), work.unit)
        yield Figure(f"{work.name}, {name}, a round", median(seconds[name]), "s of a processor")
    for rival, least in work.rivals.items():
        against = ratio(found[work.ours], found[rival])
        yield Figure(f"{work.name}, over {rival}, median", against.median, "times")
        yield Figure(f"{work.name}, over {rival}, lower bound", against.least, "times", least=least)
