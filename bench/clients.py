"""
Requests by programs of their own.

wrk does the small ones: one thread of C, which costs a tenth of what it measures.
It cannot ask for a HEAD, whose answer it would wait for a body of, which is done
by :func:`bench.loads.heads`; and no body over TLS that does not leave at once,
which is done by :mod:`bench.putting`.

wrk wants a whole number of seconds; it is interrupted where it is to be less,
which it takes as the end of its time.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event

import attrs

from bench.lines import Load

_SCRIPT = Path(__file__).with_name("load.lua")
_PUTTING = Path(__file__).with_name("putting.py")
_TIMEOUT = 60  # seconds for one answer
_LONGEST = 20  # seconds that the first answer may take


class Unanswered(AssertionError):
    """
    The time was over before the first answer was there.
    """


def patiently(run: Callable[[float], Load], seconds: float) -> Load:
    """
    Give a load more time where it was too short for one request.
    """
    while True:
        try:
            return run(seconds)
        except Unanswered:
            if seconds > _LONGEST:
                raise
            seconds *= 5


def wrk(
    url: str,
    connections: int,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    files: Sequence[Path] = (),
    inside: Sequence[str] = (),
) -> Load:
    """
    Ask over and over, each connection one request at a time.

    :param url: what is asked for where there are no *files*.
    :param files: what :file:`load.lua` is given.
    :param inside: what the command begins with.
    :raise AssertionError: an answer was an error.
    :raise Unanswered: there was none.
    """
    fields = [word for pair in (headers or {}).items() for word in ("-H", ": ".join(pair))]
    before = _children()
    process = subprocess.Popen(
        [
            *inside,
            *("wrk", "-t1", f"-c{connections}", "-d3600s", f"--timeout={_TIMEOUT}s"),
            *("-s", str(_SCRIPT), *fields, url, *map(str, files)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    began = time.perf_counter()
    Event().wait(seconds)
    process.send_signal(signal.SIGINT)
    told, faults = process.communicate(timeout=2 * _TIMEOUT)
    assert process.returncode == 0, said + faults
    return attrs.evolve(parse(told, _children() - before), began=began)


def parse(told: str, client: float = 0.0) -> Load:
    """
    :param told: what the script of wrk prints, or :mod:`bench.putting`.
    :param client: seconds of a processor that it took, where it does not say so.
    :raise AssertionError: not all went well.
    :raise Unanswered: it did nothing.
    """
    summary = json.loads(told.strip().splitlines()[-1])
    faults = {name: count for name, count in summary["faults"].items() if count}
    assert not faults, f"the client counted {faults}, of {summary['requests']} requests"
    if not summary["requests"]:
        raise Unanswered
    return Load(
        summary["requests"],
        summary["microseconds"] / 1e6,
        None,
        summary.get("client", client),
        summary["p50"] / 1000,
        summary["p99"] / 1000,
    )


def putting(
    place: tuple[str, int],
    connections: int,
    seconds: float,
    files: Sequence[Path],
    inside: Sequence[str] = (),
    anew: bool = False,
) -> Load:
    """
    Upload over TLS, each connection one file at a time.

    :param files: see :mod:`bench.putting`.
    :param anew: whether each file has a connection of its own.
    :raise AssertionError: an answer was another one than 201.
    """
    words = [*place, *files, connections, seconds, *(["anew"] if anew else [])]
    ran = subprocess.run(
        [*inside, sys.executable, str(_PUTTING), *map(str, words)], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr.strip().rpartition("\n")[2]
    return parse(ran.stdout)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
