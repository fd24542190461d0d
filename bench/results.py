"""
``RESULTS.rst``: the last table, where it is from, and how to read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

from bench.lines import Line
from bench.plots import file_name
from bench.tables import CONTENDERS, VERDICTS, promised, row_cells, simple, verdict_cells

WIDTH = 100  # of the page's text, in characters

_TITLE = "How fast hmacfs is"

_INTRODUCTION = """\
Written by ``{command}``; run it, and this page is of your machine.

hmacfs, Debian's nginx (one worker; ``sendfile`` for downloads, its DAV module for uploads) and a
naive twisted.web server (``static.File``, and a resource that writes its body to a file) do the
same work in turn, on loopback.  The rounds are interleaved and the order rotates; {rounds} rounds
of what has a bound, {fewer} of the rest.  Stores are in memory (``{memory}``) and
``Durability = "fast"``, unless a line says *on a disk*.

The *median* is that of the rounds.  *Cost* is what the server took of a processor, *client's* what
the client took for the same: where that is near the server's, two cores hold both back.  *Peak* is
the most memory that the server's largest process had.  */health* is how long it took meanwhile,
and *request* how long a request did: the median and the 99th percentile.  Ratios are of two
contenders in the same round; *95 %* is the interval of their median, by order statistics.  A
*bound* is met by the worse end of that interval, the *aim* by the median."""

_SECTIONS = {
    "Large uploads": "Each body on a connection of its own, all at once; the files are removed "
    "behind each round.  *nginx* has a ``client_body_buffer_size`` of 1 MiB, which is faster for "
    "large bodies than its default of 16 KiB.",
    "Large downloads": "Each on a connection of its own, all at once.  The client lets the kernel "
    "drop the bytes.",
    "/health beside large transfers": "``/health`` is asked for each 2 ms by a process of its own "
    "while four transfers are under way.",
    "Small downloads": "The same file over and over; each connection asks anew when it has its "
    "answer.",
    "Small requests of other kinds": "Likewise: no body, an unchanged file, a part of a large "
    "one, a digest wanted, TLS.",
    "Small uploads": "Each file has a name and a signature of its own, made before the clock "
    "starts.  That the files are there, with their bytes, is looked at behind it.",
    "As operators run it": '``Durability = "full"`` on a real file system.  Behind nginx: one '
    "nginx with TLS, by what ``hmacfs setup nginx`` prints, before the UNIX socket of hmacfs; "
    "against one nginx with TLS whose DAV module stores the files itself, and syncs nothing.",
    "Growth": "Stores of as many files, and connections that do nothing.  Names are asked for at "
    "random: out of the same few in each store, and out of all that it has.  hmacfs holds small "
    "files that were asked for lately.",
    "Memory": "Of a process; megabytes of 10^6 bytes.",
}


def results(
    lines: Sequence[Line],
    machine: Mapping[str, str],
    command: str,
    rounds: int,
    fewer: int,
    memory: str,
) -> str:
    """
    :param command: that measured the *lines*.
    :param memory: the folder in memory.
    :return: the page.
    """
    words = _INTRODUCTION.format(command=command, rounds=rounds, fewer=fewer, memory=memory)
    text = [_TITLE, "=" * len(_TITLE), "", words, ""]
    text += [*simple(("", "measured on"), ([f"{name}", told] for name, told in machine.items()))]
    text += ["", "", *_headed("What was promised")]
    text += simple(("work", *VERDICTS), promised(lines))
    for line in lines:
        if line.fault:
            text += ["", f"*{line.name}* was not measured: {line.fault}"]
    sections: dict[str, list[Line]] = {}
    for line in lines:
        if not line.fault:
            sections.setdefault(line.section, []).append(line)
    for section, found in sections.items():
        text += ["", "", *_headed(section), *_wrapped(_SECTIONS.get(section, "")), ""]
        text += _section(section, found)
    return "\n".join([*text, ""])


def _section(section: str, lines: Sequence[Line]) -> list[str]:
    text = []
    rows = [
        _beside(line.name, at, row_cells(row)) for line in lines for at, row in enumerate(line.rows)
    ]
    if rows:
        text += [f".. image:: plots/{file_name(section)}", "", *simple(("work", *CONTENDERS), rows)]
    verdicts = [
        _beside(line.name, at, verdict_cells(verdict))
        for line in lines
        for at, verdict in enumerate(line.verdicts)
    ]
    if verdicts:
        text += ["", *simple(("work", *VERDICTS), verdicts)]
    clients: dict[str, list[str]] = {}
    for line in lines:
        if line.client:
            clients.setdefault(line.client, []).append(line.name)
    told = [f"Client of *{'*, *'.join(names)}*: {by}." for by, names in clients.items()]
    if len(clients) == 1:
        told = [f"Client: {by}." for by in clients]
    told += [f"*{line.name}*: {line.note}" for line in lines if line.note]
    text.append("")
    for words in told:
        text += _wrapped(words, "* ")
    return text


def _beside(name: str, at: int, cells: Sequence[str]) -> list[str]:
    # An empty first cell would make the row part of the one above it.
    return [name if at == 0 else "\\", *cells]


def _wrapped(words: str, bullet: str = "") -> list[str]:
    return wrap(
        words,
        WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _headed(title: str) -> list[str]:
    return [title, "-" * len(title), ""]
