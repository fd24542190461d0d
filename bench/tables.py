"""
Lines as tables, for people: on the terminal, and in reStructuredText.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.lines import Line, Row, Verdict

CONTENDERS = (
    *("contender", "median", "unit", "cost", "client's", "unit"),
    *("peak, MB", "/health, ms", "request, ms"),
)
VERDICTS = ("of", "median", "95 %", "unit", "bound", "met", "aim", "reached")

NOTHING = ""


def simple(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """
    :return: the lines of a simple table of reStructuredText.
    """
    table = [list(header), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in table
    ]
    return [rule, text[0], rule, *text[1:], rule]


def figure(value: float | None) -> str:
    """
    :return: a number with the digits that count, three of them.
    """
    if value is None:
        return NOTHING
    size = abs(value)
    digits = 0 if size >= 100 or size == 0 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f}"


def row_cells(row: Row) -> list[str]:
    """
    :return: what stands under :data:`CONTENDERS`.
    """
    return [
        row.name,
        figure(row.value),
        row.unit,
        figure(row.cost),
        figure(row.client),
        row.cost_unit or NOTHING,
        figure(row.peak),
        _pair(row.health),
        _pair(row.wait),
    ]


def verdict_cells(verdict: Verdict) -> list[str]:
    """
    :return: what stands under :data:`VERDICTS`.
    """
    interval = f"{figure(verdict.low)} to {figure(verdict.high)}"
    bound = NOTHING
    if verdict.least is not None:
        bound = f"at least {verdict.least:g}"
    elif verdict.most is not None:
        bound = f"at most {verdict.most:g}"
    aim = verdict.aim is not None
    return [
        verdict.what,
        figure(verdict.median),
        NOTHING if verdict.low == verdict.high else interval,
        verdict.unit,
        bound,
        (("yes" if verdict.met else "NO") if verdict.judged else NOTHING),
        f"{verdict.aim:g}" if aim else NOTHING,
        (("yes" if verdict.reached else "no") if aim else NOTHING),
    ]


def shown(line: Line) -> str:
    """
    :return: a line for the terminal.
    """
    text = [f"{line.name}" + (f"  [{line.client}]" if line.client else "")]
    if line.fault:
        text.append(f"  NOT MEASURED: {line.fault}")
    if line.rows:
        text += indented(simple(CONTENDERS, map(row_cells, line.rows)))
    if line.verdicts:
        text += indented(simple(VERDICTS, map(verdict_cells, line.verdicts)))
    if line.note:
        text.append(f"  {line.note}")
    return "\n".join([*text, ""])


def indented(lines: Iterable[str]) -> list[str]:
    """
    :return: the same, two blanks further right.
    """
    return [f"  {line}" for line in lines]


def promised(lines: Iterable[Line]) -> list[list[str]]:
    """
    :return: of all that has a bound the line's name, and what stands under
        :data:`VERDICTS`.
    """
    return [
        [line.name, *verdict_cells(verdict)]
        for line in lines
        for verdict in line.verdicts
        if verdict.judged
    ]


def _pair(pair: tuple[float, float] | None) -> str:
    return NOTHING if pair is None else f"{figure(pair[0])}, {figure(pair[1])}"
