"""
How fast hmacfs is, against Debian's nginx and a naive twisted.web server.

::

    python bench/speed.py
    python bench/speed.py --only 'GET of 10 KiB' --rounds 3
    python bench/speed.py --short
    python bench/speed.py --write

All servers are started on loopback as an operator would, and do the same work in
turn, rounds interleaved; each line is printed when it is measured.  ``--write``
keeps the whole in ``bench/RESULTS.rst``, which says how to read it, with its
pictures.  nginx and wrk have to be installed, and 12 GB of memory be free; a machine
that has nothing else to do is done in half an hour.

The exit status is 1 where a bound is not met, and 2 where something does not
work: a wrong status, wrong bytes.  ``--short`` looks for the latter alone.
"""

from __future__ import annotations

import json
import re
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import growing, large, operating, small
from bench.far import Impossible
from bench.ground import SHORT, Ground, Scale, ground, in_memory
from bench.lines import Line
from bench.machine import machine
from bench.plots import plots
from bench.results import results
from bench.rounds import Single, Work, measure
from bench.tables import VERDICTS, promised, shown, simple

HERE = Path(__file__).resolve().parent
COMMAND = "python bench/speed.py --write"


def main(arguments: Sequence[str] | None = None) -> int:
    """
    :return: the exit status.
    """
    parser = ArgumentParser(description="Measure hmacfs against other servers.")
    parser.add_argument("--only", default="", help="lines whose name this expression is found in")
    parser.add_argument("--rounds", type=int, default=10, help="of what has a bound (10)")
    parser.add_argument("--short", action="store_true", help="see that it works, judge nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write pictures there, as SVG")
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.rst")
    parser.add_argument("--memory", type=Path, default="/dev/shm", help="in memory (/dev/shm)")
    parser.add_argument("--disk", type=Path, default="/var/tmp", help="on a real disk (/var/tmp)")
    options = parser.parse_args(arguments)
    if options.write and (options.short or options.only):
        parser.error("--write keeps the whole: leave --only and --short out")
    if in_memory(options.disk) and not options.short:
        parser.error(f"--disk {options.disk} is in memory: name a folder on a real disk")
    fewer = min(options.rounds, Scale().fewer)
    scale = SHORT if options.short else Scale(rounds=options.rounds, fewer=fewer)
    lines = []
    with ground(options.memory, options.disk, scale) as place:
        for found in measured(place, re.compile(options.only)):
            line = found.unjudged() if options.short else found
            print(shown(line), flush=True)
            lines.append(line)
    if not lines:
        parser.error(f"no line has a name like {options.only!r}")
    _keep(lines, options, scale)
    faults = [line for line in lines if line.fault and not line.impossible]
    for line in faults:
        print(f"DOES NOT WORK: {line.name}: {line.fault}")
    if faults:
        return 2
    if options.short:
        return 0
    print("\n".join(simple(("work", *VERDICTS), promised(lines))))
    return 0 if all(verdict.met for line in lines for verdict in line.verdicts) else 1


def measured(place: Ground, wanted: re.Pattern[str]) -> Iterator[Line]:
    """
    :param wanted: is found in the names of the lines that are measured.
    :return: those lines.
    """
    lines: list[Line] = []
    works = chain(
        large.works(place),
        small.works(place),
        operating.works(place),
        growing.works(place),
        [growing.memory(place, lines)],
    )
    for work in works:
        if wanted.search(work.name):
            began = time.monotonic()
            line = attrs.evolve(_measured(work, place.scale), took=time.monotonic() - began)
            lines.append(line)
            yield line


def _measured(work: Work | Single, scale: Scale) -> Line:
    try:
        if isinstance(work, Single):
            return work.run()
        return measure(work, scale.rounds if work.judged else scale.fewer)
    except Impossible as reason:
        return Line(work.name, work.section, fault=str(reason), impossible=True)
    except Exception as fault:
        # One work that fails, whatever the reason, takes no other with it: they
        # have run for many minutes.
        return Line(work.name, work.section, fault=told(fault))


def told(fault: Exception) -> str:
    """
    :return: what went wrong, in one line.
    """
    words = [type(fault).__name__, str(fault), *getattr(fault, "__notes__", ())]
    return " ".join(", ".join(words).split())


def _keep(lines: Sequence[Line], options: Namespace, scale: Scale) -> None:
    where = machine(options.disk)
    if options.json:
        everything = {"machine": where, "lines": [attrs.asdict(line) for line in lines]}
        options.json.write_text(json.dumps(everything, indent=1))
    folders = [options.plots] if options.plots else []
    if options.write:
        folders.append(HERE / "plots")
        page = results(lines, where, COMMAND, scale.rounds, scale.fewer, str(options.memory))
        (HERE / "RESULTS.rst").write_text(page)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in plots(lines).items():
            (folder / name).write_text(picture)


if __name__ == "__main__":
    sys.exit(main())
