"""
What a benchmark prints: figures, each with its bound and whether it holds.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import attrs


@attrs.frozen
class Figure:
    """
    One line of the report.

    :ivar most: what *value* must not pass; ``None`` where that is not promised.
    :ivar least: what *value* must reach; ``None`` likewise.
    """

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return (self.most is None or self.value <= self.most) and (
            self.least is None or self.value >= self.least
        )

    def __str__(self) -> str:
        line = f"{self.name:<56}{self.value:>8.2f} {self.unit}"
        for words, bound in (("at most", self.most), ("at least", self.least)):
            if bound is not None:
                line += f", {words} {bound:g}: {'holds' if self.holds else 'DOES NOT HOLD'}"
        return line


def report(figures: Iterable[Figure]) -> bool:
    """
    Print each figure as soon as it is measured.

    :return: whether all hold.
    """
    kept = True
    for figure in figures:
        print(figure, flush=True)
        kept = kept and figure.holds
    return kept


@contextmanager
def timed() -> Iterator[list[float]]:
    """
    :return: a list that holds the seconds once it is over.
    """
    seconds: list[float] = []
    began = time.monotonic()
    yield seconds
    seconds.append(time.monotonic() - began)
