"""
Lines as pictures: a bar for each contender, by the work that it did.

The bars of one work are drawn to one scale; a thin line goes from the slowest
round to the fastest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from bench.lines import Line, Row
from bench.tables import figure

_COLOURS = ("#1b6ca8", "#7fb2d9", "#3f8f4f", "#a9cfa4", "#c2703d", "#8d6bb0")
_WIDTH = 860
_LEFT = 210  # where the bars begin
_LONGEST = 480
_BAR = 18
_TITLE = 28
_GAP = 14


def plots(lines: Sequence[Line]) -> Mapping[str, str]:
    """
    :return: a picture of each section, as SVG, by the name of its file.
    """
    sections: dict[str, list[Line]] = {}
    for line in lines:
        if line.rows:
            sections.setdefault(line.section, []).append(line)
    return {file_name(section): draw(section, found) for section, found in sections.items()}


def file_name(section: str) -> str:
    """
    :return: the name of the file that its picture has.
    """
    return re.sub(r"[^a-z0-9]+", "-", section.lower()).strip("-") + ".svg"


def draw(title: str, lines: Sequence[Line]) -> str:
    """
    :return: one picture.
    """
    names = list(dict.fromkeys(row.name for line in lines for row in line.rows))
    colours = {name: _COLOURS[at % len(_COLOURS)] for at, name in enumerate(names)}
    parts, top = [_text(10, 22, title, "bold 16px")], 36
    for line in lines:
        top += _TITLE
        parts.append(_text(10, top - 8, line.name, "bold 13px"))
        most = max(max(row.values) for row in line.rows) or 1.0
        for row in line.rows:
            parts += _bar(row, top, _LONGEST / most, colours[row.name])
            top += _BAR
        top += _GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}"'
            f' viewBox="0 0 {_WIDTH} {top}">',
            f'<rect width="{_WIDTH}" height="{top}" fill="#ffffff"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _bar(row: Row, top: int, scale: float, colour: str) -> list[str]:
    middle = top + _BAR / 2 - 1
    low, high = (_LEFT + end * scale for end in (min(row.values), max(row.values)))
    return [
        _text(_LEFT - 8, top + 12, row.name, "12px", "end"),
        f'<rect x="{_LEFT}" y="{top}" width="{row.value * scale:.1f}" height="{_BAR - 4}"'
        f' fill="{colour}"/>',
        f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" stroke="#333333"/>',
        _text(round(high) + 8, top + 12, f"{figure(row.value)} {row.unit}", "12px"),
    ]


def _text(x: int, y: int, words: str, font: str, anchor: str = "start") -> str:
    return (
        f'<text x="{x}" y="{y}" style="font: {font} sans-serif" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )
