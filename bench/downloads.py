"""
How fast files are served, compared with nginx and with a naive twisted.web.

::

    python bench/downloads.py
    python bench/downloads.py --rounds 3 --file 64MiB --seconds 1 --folder /tmp

The same files are served by hmacfs, by Debian's nginx with one worker and
``sendfile``, and by ``static.File``; all of it in a folder of its own below
``--folder``, which is removed at the end.  Rounds are interleaved.  For each
kind of work a line tells the median of each server, in MB/s of 10^6 bytes or in
requests a second, and the processor time that it took; and one the ratio.  The
exit status is 1 where a ratio's lower bound is not what it has to be.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from threading import Event, Thread

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, report
from bench.loads import fetch, rate
from bench.rivals import Server, hmacfs, naive, nginx
from bench.rounds import Work, measure
from hmacfs.units import format_size, parse_size
from tests.certificates import make_certificate

SMALL = 10 * 1024
CLIENTS = 64
ALONE = 2.5  # seconds after which hmacfs holds a small file that was left alone
BESIDE = 4  # large downloads beside which /health is asked


def health(port: int, target: str, size: int, seconds: float) -> float:
    """
    :return: the 99th percentile of ``/health`` beside large downloads, ms.
    """
    over = Event()

    def load() -> None:
        while not over.is_set():
            fetch(port, target, size)

    others = [Thread(target=load) for _ in range(BESIDE)]
    for other in others:
        other.start()
    taken = []
    try:
        with closing(socket.create_connection(("127.0.0.1", port))) as client:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                began = time.perf_counter()
                client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                client.recv(4096)
                taken.append(time.perf_counter() - began)
                over.wait(0.002)
    finally:
        over.set()
        for other in others:
            other.join()
    return quantiles(taken, n=100)[98] * 1000


def fill(path: Path, size: int) -> None:
    """
    Make a file of *size* random bytes.
    """
    piece = os.urandom(2**20)
    with path.open("wb") as file:
        for offset in range(0, size, len(piece)):
            file.write(piece[: size - offset])


def figures(folder: Path, size: int, rounds: int, seconds: float) -> Iterator[Figure]:
    """
    :param size: bytes of the large file.
    :param seconds: that small requests are asked for in each round.
    :return: what is measured.
    """
    with ExitStack() as started:

        def start(make: Callable[..., Server], *arguments: Path | None) -> Server:
            place = folder / str(len(os.listdir(folder)))
            place.mkdir()
            server = make(place, *arguments)
            started.callback(server.child.end)
            return server

        certificate = make_certificate(folder)
        plain = start(hmacfs)
        files = plain.files
        fill(files / "large", size)
        fill(files / "small", SMALL)
        secure = start(hmacfs, certificate)
        (secure.files / "large").hardlink_to(files / "large")
        nginx_plain, nginx_secure = start(nginx, files), start(nginx, files, certificate)
        simple = start(naive, files)
        time.sleep(ALONE)

        speed = size / 1e6
        large = f"{format_size(size)} down"
        yield from measure(
            Work(
                large,
                "MB/s",
                lambda server: speed / fetch(server.port, "/uploads/large", size),
                {"hmacfs": plain, "nginx": nginx_plain, "naive": simple},
                {"nginx": 1.1, "naive": None},
            ),
            rounds,
        )
        yield from measure(
            Work(
                f"{large} by TLS",
                "MB/s",
                lambda server: speed / fetch(server.port, "/uploads/large", size, True),
                {"hmacfs": secure, "nginx": nginx_secure},
                {"nginx": 0.8},
            ),
            rounds,
        )
        yield from measure(
            Work(
                f"GET of {format_size(SMALL)}, {CLIENTS} connections",
                "1/s",
                lambda server: rate(server.port, "/uploads/small", SMALL, CLIENTS, seconds),
                {"hmacfs": plain, "nginx": nginx_plain, "naive": simple},
                {"naive": 2.2, "nginx": None},
            ),
            rounds,
        )
        yield Figure(
            f"/health beside {BESIDE} times {large}, p99",
            median(health(plain.port, "/uploads/large", size, seconds) for _ in range(rounds)),
            "ms",
            most=15,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """
    :return: the exit status.
    """
    parser = ArgumentParser(description="Measure downloads against other servers.")
    parser.add_argument("--file", type=parse_size, default="1GiB", help="the large file (1GiB)")
    parser.add_argument("--rounds", type=int, default=10, help="of each work (10)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of small requests (2)")
    parser.add_argument("--folder", default="/dev/shm", help="where the files go (/dev/shm)")
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="hmacfs-bench-", dir=options.folder) as folder:
        kept = report(figures(Path(folder), options.file, options.rounds, options.seconds))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
