"""
What a benchmark finds: a line for each kind of work.

A line has a :class:`Row` for each contender, and a :class:`Verdict` for each
thing that is told of them together: a ratio of two, or a figure that has a bound.
What is promised of a verdict is a bound, which it meets by the end of its 95 %
interval, and an aim, which it meets by its median.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs


@attrs.frozen
class Load:
    """
    What a client did in one round.

    :ivar amount: bytes or requests.
    :ivar seconds: how long it took.
    :ivar began: when, by ``time.perf_counter``; ``None`` where that is not known.
    :ivar client: seconds of a processor that the client took.
    :ivar p50: milliseconds that half of the requests took at most, or ``None``.
    :ivar p99: likewise of 99 in a hundred.
    """

    amount: float
    seconds: float
    began: float | None = None
    client: float = 0.0
    p50: float | None = None
    p99: float | None = None


@attrs.frozen
class Unit:
    """
    How the speed of a load is told, and what it costs.

    :ivar value: of a load.
    :ivar cost_name: the unit of what *cost* yields.
    :ivar per: bytes or requests that the cost is for.
    """

    name: str
    value: Callable[[Load], float]
    cost_name: str
    per: float

    def cost(self, load: Load, seconds: float) -> float:
        """
        :param seconds: of a processor.
        """
        return seconds / load.amount * self.per


BYTES = Unit("MB/s", lambda load: load.amount / load.seconds / 1e6, "s/GiB", 2**30)
REQUESTS = Unit("1/s", lambda load: load.amount / load.seconds, "s/1000", 1000)
ONE_BY_ONE = Unit("ms", lambda load: load.seconds / load.amount * 1000, "s/1000", 1000)


@attrs.frozen
class Row:
    """
    What one contender did; medians over the rounds.

    :ivar values: the speed of each round.
    :ivar cost: seconds of a processor, of the server.
    :ivar client: likewise of the client.
    :ivar peak: megabytes of the server's largest process, the most of all rounds.
    :ivar health: milliseconds at the median and the 99th percentile, over all
        rounds; ``None`` where it was not asked.
    :ivar wait: likewise of the requests, each the median of the rounds.
    """

    name: str
    values: tuple[float, ...]
    value: float
    unit: str
    cost: float | None = None
    client: float | None = None
    cost_unit: str = ""
    peak: float | None = None
    health: tuple[float, float] | None = None
    wait: tuple[float, float] | None = None


@attrs.frozen
class Verdict:
    """
    :ivar what: ``over nginx``, or what the figure is of.
    :ivar median: the figure.
    :ivar low: the lower end of its 95 % interval; *median* where it has none.
    :ivar high: the upper end.
    :ivar least: what *low* must reach; ``None`` where that is not promised.
    :ivar most: what *high* must not pass; likewise.
    :ivar aim: what *median* should reach, or not pass.
    """

    what: str
    median: float
    low: float
    high: float
    unit: str = "times"
    least: float | None = None
    most: float | None = None
    aim: float | None = None

    @classmethod
    def plain(cls, what: str, figure: float, unit: str, **bounds: float | None) -> Verdict:
        """
        :return: one of a figure without an interval.
        """
        return cls(what, figure, figure, figure, unit, **bounds)

    @property
    def judged(self) -> bool:
        """Whether anything is promised."""
        return self.least is not None or self.most is not None

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return (self.least is None or self.low >= self.least) and (
            self.most is None or self.high <= self.most
        )

    @property
    def reached(self) -> bool:
        """Whether the aim is, too; true where there is none."""
        if self.aim is None:
            return True
        return self.median <= self.aim if self.most is not None else self.median >= self.aim


@attrs.frozen
class Line:
    """
    :ivar section: what it belongs to.
    :ivar client: which client did the work.
    :ivar note: what has to be known to read it.
    :ivar fault: why there is nothing to be told; "" where there is.
    :ivar took: seconds that it took to measure it.
    :ivar impossible: whether that is the machine's fault.
    """

    name: str
    section: str
    client: str = ""
    rows: tuple[Row, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    note: str = ""
    fault: str = ""
    took: float = 0.0
    impossible: bool = False

    def unjudged(self) -> Line:
        """
        :return: the same, with nothing promised.
        """
        free = (attrs.evolve(each, least=None, most=None, aim=None) for each in self.verdicts)
        return attrs.evolve(self, verdicts=tuple(free))
