"""
One work after the other, done by several contenders in turn.

Rounds are interleaved, and nobody is always the first behind the break, so that
a busy machine disturbs all alike.  The processor time that a server took itself
stands beside its speed: a busy machine hardly changes that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from statistics import median
from typing import Protocol

import attrs

from bench.lines import BYTES, Line, Load, Row, Unit, Verdict
from bench.ratios import percentile, ratio


class Measured(Protocol):
    """Who is measured: :class:`bench.rivals.Server` is one."""

    def seconds(self) -> float:
        """Of a processor, taken so far."""

    def peak(self) -> float:
        """Megabytes, since :meth:`forget_peak`."""

    def forget_peak(self) -> None:
        """Let the peak begin anew."""

    def asking(self, period: float) -> AbstractContextManager[Sequence[tuple[float, float]]]:
        """Ask for ``/health`` meanwhile: see :meth:`bench.probing.Probe.asking`."""


@attrs.frozen
class Contender:
    """
    :ivar server: who does it.
    :ivar run: the client: has it done once.
    """

    server: Measured
    run: Callable[[], Load]


@attrs.frozen
class Against:
    """
    Two contenders that are held against each other.

    :ivar least: what the ratio must reach at the lower end of its interval.
    :ivar most: what it must not pass at the upper end.
    :ivar aim: what its median should reach, or not pass.
    """

    ours: str
    theirs: str
    least: float | None = None
    most: float | None = None
    aim: float | None = None


@attrs.frozen
class Health:
    """
    What is promised of ``/health`` while *name* does the work.

    :ivar most: milliseconds at the 99th percentile.
    """

    name: str
    most: float
    aim: float


@attrs.frozen
class Work:
    """
    :ivar client: what the client is.
    :ivar check: called once with each contender's name, before the rounds; raises
        ``AssertionError`` where something does not work.
    :ivar contenders: makes them, by name; called when it is their turn, so that
        none is started that is not needed.
    :ivar period: seconds between two looks at ``/health``.
    """

    name: str
    section: str
    client: str
    contenders: Callable[[], Mapping[str, Contender]]
    unit: Unit = BYTES
    check: Callable[[str], None] = lambda name: None
    against: Sequence[Against] = ()
    health: Health | None = None
    period: float = 0.02
    note: str = ""

    @property
    def judged(self) -> bool:
        """Whether anything is promised."""
        return self.health is not None or any(
            (pair.least, pair.most) != (None, None) for pair in self.against
        )


@attrs.frozen
class Single:
    """
    A line that is not made in rounds.

    :ivar run: measures it.
    """

    name: str
    section: str
    run: Callable[[], Line]


@attrs.define
class _Found:
    values: list[float] = attrs.Factory(list)
    costs: list[float] = attrs.Factory(list)
    clients: list[float] = attrs.Factory(list)
    peaks: list[float] = attrs.Factory(list)
    healths: list[float] = attrs.Factory(list)
    waits: list[tuple[float, float]] = attrs.Factory(list)


def measure(work: Work, rounds: int) -> Line:
    """
    :param rounds: at least 1.
    :return: what was found.
    """
    contenders = work.contenders()
    names = list(contenders)
    found = {name: _Found() for name in names}
    for name in names:
        work.check(name)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            try:
                _once(work, contenders[name], found[name])
            except Exception as fault:
                fault.add_note(f"by {name}")
                raise
    return Line(
        work.name,
        work.section,
        work.client,
        tuple(_row(work, name, found[name]) for name in names),
        tuple(_verdicts(work, found)),
        work.note,
    )


def _once(work: Work, contender: Contender, found: _Found) -> None:
    server = contender.server
    server.forget_peak()
    with server.asking(work.period) as asked:
        before = server.seconds()
        load = contender.run()
        spent = server.seconds() - before
    found.values.append(work.unit.value(load))
    found.costs.append(work.unit.cost(load, spent))
    found.clients.append(work.unit.cost(load, load.client))
    found.peaks.append(server.peak())
    end = None if load.began is None else load.began + load.seconds
    found.healths += [
        taken * 1000 for now, taken in asked if end is None or load.began <= now - taken <= end
    ]
    if load.p50 is not None and load.p99 is not None:
        found.waits.append((load.p50, load.p99))


def _row(work: Work, name: str, found: _Found) -> Row:
    return Row(
        name,
        tuple(found.values),
        median(found.values),
        work.unit.name,
        median(found.costs),
        median(found.clients),
        work.unit.cost_name,
        max(found.peaks) or None,
        (percentile(found.healths, 50), percentile(found.healths, 99)) if found.healths else None,
        (median(p50 for p50, _ in found.waits), median(p99 for _, p99 in found.waits))
        if found.waits
        else None,
    )


def _verdicts(work: Work, found: Mapping[str, _Found]) -> Sequence[Verdict]:
    verdicts = []
    for pair in work.against:
        of = ratio(found[pair.ours].values, found[pair.theirs].values)
        verdicts.append(
            Verdict(
                f"{pair.ours} over {pair.theirs}",
                of.median,
                of.least,
                of.most,
                least=pair.least,
                most=pair.most,
                aim=pair.aim,
            )
        )
    if work.health is not None:
        promise = work.health
        p99 = percentile(found[promise.name].healths, 99)
        verdicts.append(
            Verdict.plain(
                f"/health of {promise.name}, p99", p99, "ms", most=promise.most, aim=promise.aim
            )
        )
    return verdicts
