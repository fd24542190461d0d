"""
As operators run it: what is acknowledged survives a power cut, on a real file
system, behind nginx with TLS.

A *sync pair* is what a single upload needs at least: its bytes are synced, then
the folder that has its name.  Who did no more than that, one upload after the
other, would take as many uploads a second as there are pairs in one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path

import attrs

from bench.far import far
from bench.ground import DAV, FAST, FRONTED, FULL, KIB, LARGEST_SMALL, MIB, Ground
from bench.lines import REQUESTS, Line, Load
from bench.ratios import percentile
from bench.rivals import Server
from bench.rounds import Against, Contender, Single, Work, measure
from bench.small import BY_WRK, CLIENT, among, counted, put
from hmacfs.units import format_size

SECTION = "As operators run it"
PAIRS = "one sync pair an upload"
SIZES = (10 * KIB, 100 * KIB, MIB, LARGEST_SMALL)
_UPLOADER = "epoll and Python's ssl"
_FAR_SIZE = 200 * KIB


def works(ground: Ground) -> Iterator[Work | Single]:
    """
    :return: what is measured.
    """
    small = SIZES[0]
    pairs = Syncs(ground.disk)
    yield Work(
        f"PUT of {format_size(small)}, 64 connections, on a disk",
        SECTION,
        CLIENT,
        lambda: {
            **among(ground, [FULL, FAST], partial(_put, ground, small, 64)),
            PAIRS: Contender(pairs, lambda: pairs.run(small, ground.scale.seconds / 2)),
        },
        REQUESTS,
        against=[
            Against(FULL, FAST, least=0.5, aim=0.8),
            Against(FULL, PAIRS, least=1.0),
        ],
        note=f"What {PAIRS} waits is the latency of the disk's syncs.",
    )
    for size, connections in product(SIZES, (1, 16)):
        promise = Against(FRONTED, DAV)
        if (size, connections) == (MIB, 16):
            promise = Against(FRONTED, DAV, least=0.9, aim=1.0)
        yield Work(
            f"PUT of {format_size(size)}, {counted(connections)}, TLS, on a disk",
            SECTION,
            CLIENT if size <= BY_WRK else _UPLOADER,
            partial(among, ground, [FRONTED, DAV], partial(_put, ground, size, connections)),
            REQUESTS,
            against=[promise],
        )
    name = (
        f"PUT of {format_size(_FAR_SIZE)}, {ground.scale.far} clients at 300 ms and 2 % loss, TLS"
    )
    yield Single(name, SECTION, partial(_far, ground, name))


def _put(ground: Ground, size: int, connections: int, server: Server) -> Load:
    # One alone leaves the disk and the processors time to spare.
    seconds = ground.scale.seconds / (2 if connections == 1 else 1)
    load = put(ground, size, connections, seconds, server)
    # What one leaves to the disk, the next shall not wait for.
    os.sync()
    return load


def _far(ground: Ground, name: str) -> Line:
    scale = ground.scale
    with far() as line:
        servers = {
            FRONTED: ground.started(
                ground.rivals.fronted(ground.folder(ground.disk), line.place, Durability="full")
            ),
            DAV: ground.started(
                ground.rivals.nginx(ground.folder(ground.disk), True, "1m", line.place)
            ),
        }
        try:
            work = Work(
                name,
                SECTION,
                _UPLOADER,
                lambda: {
                    name: Contender(
                        server,
                        partial(put, ground, _FAR_SIZE, scale.far, scale.far_seconds, server, True),
                    )
                    for name, server in servers.items()
                },
                REQUESTS,
                against=[Against(FRONTED, DAV)],
                note=f"{line.how}  Each upload has a connection of its own, which is counted in.",
            )
            return measure(work, 1)
        finally:
            for server in servers.values():
                server.end()


@attrs.frozen
class Syncs:
    """
    Who writes small files and syncs them, one after the other.

    :ivar folder: where.
    """

    folder: Path

    def seconds(self) -> float:
        """See :class:`bench.rounds.Measured`."""
        return time.process_time()

    def peak(self) -> float:
        """It is part of the benchmark: what it has in memory says nothing."""
        return 0.0

    def forget_peak(self) -> None:
        """There is none."""

    @contextmanager
    def asking(self, period: float) -> Iterator[Sequence[tuple[float, float]]]:
        """Nobody answers."""
        yield []

    def run(self, size: int, seconds: float) -> Load:
        """
        :return: how many files of *size* bytes it made durable, and how long each took.
        """
        content = os.urandom(size)
        folder = os.open(self.folder, os.O_RDONLY)
        taken = []
        try:
            began = now = time.perf_counter()
            while not taken or now < began + seconds:
                file = os.open("pair", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=folder)
                os.write(file, content)
                os.fsync(file)
                os.close(file)
                os.rename("pair", f"pair-{len(taken)}", src_dir_fd=folder, dst_dir_fd=folder)
                os.fsync(folder)
                before, now = now, time.perf_counter()
                taken.append((now - before) * 1000)
            spent = now - began
        finally:
            for number in range(len(taken)):
                os.unlink(f"pair-{number}", dir_fd=folder)
            os.close(folder)
        os.sync()
        return Load(len(taken), spent, began, 0.0, percentile(taken, 50), percentile(taken, 99))
