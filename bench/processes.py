"""
What processes have taken of processors and memory, as the kernel tells it.

A server is a session: what it started itself counts, too.  Megabytes are 10^6
bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def fields(stat: str) -> list[int]:
    """
    :param stat: what ``/proc/PID/stat`` holds.
    :return: the numbers behind the state, from the parent's id on (proc(5)).
    """
    # The name may hold anything, blanks and brackets as well.
    return [int(word) for word in stat.rpartition(")")[2].split()[1:]]


def session(leader: int) -> Iterator[tuple[int, list[int]]]:
    """
    :param leader: the id of the process that began the session.
    :return: the id and the :func:`fields` of each of its processes.
    """
    for name in os.listdir("/proc"):
        if name.isdigit():
            # It may end this moment.
            with suppress(FileNotFoundError, ProcessLookupError):
                found = fields(Path(f"/proc/{name}/stat").read_text())
                if found[2] == leader:
                    yield int(name), found


def processor(leader: int) -> float:
    """
    :return: seconds that a session has taken so far, those of its processes
        that have ended included.
    """
    return sum(sum(found[10:14]) for _, found in session(leader)) / _TICKS


def memory(pid: int, field: str) -> float:
    """
    :param field: ``VmRSS`` for what is resident now, ``VmHWM`` for the most there was.
    :return: megabytes of one process.
    """
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kibibytes = next((line.split()[1] for line in lines if line.startswith(f"{field}:")), "0")
    return int(kibibytes) * 1024 / 1e6


def largest(leader: int, field: str) -> float:
    """
    :return: megabytes of the process of a session that has most.
    """
    return max((memory(pid, field) for pid, _ in session(leader)), default=0.0)


def forget_peaks(leader: int) -> None:
    """
    Let ``VmHWM`` begin anew for all of a session.
    """
    for pid, _ in session(leader):
        Path(f"/proc/{pid}/clear_refs").write_text("5")
