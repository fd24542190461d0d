"""
What hmacfs promises of what it keeps and lets go, measured on this machine.

::

    python bench/keeping.py
    python bench/keeping.py --files 20000 --fewer 10000 --expired 200 --folder /mnt/disk

Real daemons are started in folders of their own below ``--folder``, and all of
it is removed at the end; a million files want some 5 GB there.  Measured are

* the processor time that a daemon takes while a sweep removes a thousand files
  out of an index of a million, and out of one of fewer, and how long
  ``/health`` takes meanwhile.  What ``/health`` costs is counted in.  Only the
  files that go are really there: a sweep looks at no other;
* what a crawl takes that finds a million files of another server: its peak of
  memory over a daemon with an empty store, and the longest that ``/health``
  had to wait: for the daemon, whatever held it up, and not for a processor
  that other programs had, which the kernel tells apart (``schedstat``).

Each figure is printed with its bound and whether it holds; the exit status is
1 where one does not.  With ``--untimed`` times have no bounds, for a machine
that others use as well.  Megabytes are 10^6 bytes.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, report, timed
from bench.planting import crawled
from bench.processes import memory, processor
from bench.promises import health
from hmacfs.records import ATTRIBUTE, Row
from hmacfs.store.labels import Label, encode
from hmacfs.store.tables import files
from hmacfs.units import parse_duration
from tests.process import Daemon

SWEEP_SECONDS = 3.0  # of processor time, under
HEALTH_P99 = 50.0  # milliseconds, under
CRAWL_OVER_IDLE = 100.0  # megabytes, at most
STALL = 50.0  # milliseconds, at most

BREATH = 0.02  # seconds between two requests
TOGETHER = 1000  # files in one folder


def main() -> int:
    """
    :return: the exit status.
    """
    parser = ArgumentParser(description="Measure what hmacfs promises of what it keeps.")
    parser.add_argument("--files", type=int, default=1_000_000, help="files kept (1000000)")
    parser.add_argument("--fewer", type=int, default=100_000, help="and fewer (100000)")
    parser.add_argument("--expired", type=int, default=1000, help="of them expire (1000)")
    parser.add_argument(
        "--due-in", type=parse_duration, default="10s", help="when the index is made (10s)"
    )
    parser.add_argument("--folder", help="where the files go for the time being (/tmp)")
    parser.add_argument("--untimed", action="store_true", help="times are told, and not judged")
    options = parser.parse_args()
    figures = chain(
        *(
            measure_sweep(options.folder, n, options.expired, options.due_in)
            for n in (options.fewer, options.files)
        ),
        measure_crawl(options.folder, options.files),
    )
    return 0 if report(map(unbounded, figures) if options.untimed else figures) else 1


def unbounded(figure: Figure) -> Figure:
    """
    :return: the same, without a bound where it is a time.
    """
    return attrs.evolve(figure, most=None) if figure.unit in ("s", "ms") else figure


def measure_sweep(where: str | None, count: int, expired: int, due_in: float) -> Iterator[Figure]:
    """
    :param count: files in the index.
    :param expired: how many of them expire.
    :param due_in: seconds for the daemon to start, until they do.
    """
    with TemporaryDirectory(prefix="hmacfs-bench-", dir=where) as name:
        folder = Path(name)
        due = fill_index(folder / "store", count, expired, due_in)
        daemon = Daemon(folder, SweepInterval="1s", MinFreeSpace="0")
        try:
            left = folder / "store" / "expired"
            while time.time() < due - 1:
                time.sleep(0.1)
            before = processor(daemon.pid)
            asked = list(healths(daemon, lambda: not left.exists()))
            spent = processor(daemon.pid) - before
        finally:
            daemon.end()
    times = [took for took, _ in asked]
    what = f"sweep of {expired} out of {count} files"
    yield Figure(f"{what}, processor time", spent, "s", SWEEP_SECONDS)
    yield Figure(f"{what}, /health p99", percentile(times, 99), "ms", HEALTH_P99)


def measure_crawl(where: str | None, count: int) -> Iterator[Figure]:
    """
    :param count: files that are taken in.
    """
    with TemporaryDirectory(prefix="hmacfs-bench-", dir=where) as name:
        folder = Path(name)
        done = r"the crawl looked at"
        daemon = Daemon(folder, MinFreeSpace="0")
        daemon.wait_for(done)
        idle = memory(daemon.pid, "VmRSS")
        daemon.stop()
        plant(folder / "store", count)
        with timed() as seconds:
            daemon = Daemon(folder, MinFreeSpace="0")
            try:
                asked = list(healths(daemon, lambda: done in daemon.output))
                peak = memory(daemon.pid, "VmHWM")
                taken = processor(daemon.pid)
            finally:
                daemon.end()
        with closing(sqlite3.connect(folder / "store" / ".hmacfs" / "index.sqlite")) as database:
            (listed,) = database.execute("SELECT COUNT(*) FROM files").fetchone()
    times = [took for took, _ in asked]
    stalls = [took - waited for took, waited in asked]
    what = f"crawl of {count} files"
    yield Figure(f"{what}, listed behind it", listed, "files", least=count)
    yield Figure(f"{what}, time", seconds[0], "s")
    yield Figure(f"{what}, processor time", taken, "s")
    yield Figure(f"{what}, peak over idle", peak - idle, "MB", CRAWL_OVER_IDLE)
    yield Figure(f"{what}, /health p99", percentile(times, 99), "ms")
    yield Figure(f"{what}, longest /health", percentile(times, 100), "ms")
    yield Figure(f"{what}, longest stall", percentile(stalls, 100), "ms", STALL)


def fill_index(store: Path, count: int, expired: int, due_in: float) -> float:
    """
    Make a store whose index lists *count* files, of which those that expire
    are there.

    :return: when they expire, unix seconds.
    """
    with crawled(store) as database:
        later = int(time.time()) + 10 * 365 * 86400
        files.write(
            database,
            (
                Row(f"kept/{n:08}.jpg", "image/jpeg", 1000, 1e9, expires=later + n, own=later + n)
                for n in range(count - expired)
            ),
        )
        due = int(time.time() + due_in)
        files.write(database, plant_expiring(store, expired, due))
    return due


def plant_expiring(store: Path, count: int, due: int) -> Iterator[Row]:
    """
    Make files that expire at *due*.
    """
    (store / "expired").mkdir()
    for n in range(count):
        name = f"expired/{n:08}.jpg"
        (store / name).write_bytes(b"x")
        label = Label("image/jpeg", 1, expires=due, commit=f"{n:014x}-bench", stored=1e9)
        os.setxattr(store / name, ATTRIBUTE, encode(label))
        yield Row(name, "image/jpeg", 1, 1e9, expires=due, own=due)


def plant(store: Path, count: int) -> None:
    """
    Make *count* files of another server.
    """
    for start in range(0, count, TOGETHER):
        folder = os.open(_made(store / f"{start:08}"), os.O_RDONLY)
        try:
            for n in range(start, min(count, start + TOGETHER)):
                os.close(os.open(f"{n:08}.jpg", os.O_CREAT | os.O_WRONLY, 0o640, dir_fd=folder))
        finally:
            os.close(folder)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def healths(daemon: Daemon, over: Callable[[], bool]) -> Iterator[tuple[float, float]]:
    """
    Ask for ``/health`` until it is *over*.

    :return: the milliseconds that each took, and how many of them somebody
        waited for a processor: we, or the one of the daemon's threads that
        waited longest, since it may be the one that the others wait for.
    """
    while True:
        ours, theirs = queued(os.getpid()), queued(daemon.pid)
        took = health(daemon.url) * 1e3
        waited = longest(ours, queued(os.getpid())) + longest(theirs, queued(daemon.pid))
        yield took, min(took, waited)
        if over():
            return
        time.sleep(BREATH)


def queued(pid: int) -> dict[str, float]:
    """
    :return: milliseconds that each thread of a process could have run, and had
        no processor.
    """
    found = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        # It may end this moment.
        with suppress(FileNotFoundError, ProcessLookupError):
            found[thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e6
    return found


def longest(before: dict[str, float], now: dict[str, float]) -> float:
    """
    :return: how much longer the one waited whose wait grew most.
    """
    return max(waited - before.get(thread, 0.0) for thread, waited in now.items())


def percentile(times: list[float], percent: int) -> float:
    """
    :return: what so many of a hundred did not pass.
    """
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


if __name__ == "__main__":
    sys.exit(main())
