"""
What the listeners of events cost: the access log and the metrics.

::

    python bench/events.py
    python bench/events.py --rounds 3 --requests 2000 --folder /tmp

The same small file is asked for of two daemons, one after the other in each
round: one as it is, and one whose events nobody is told of.  What the first takes
more of the processor, for each request, is what events cost beside being made.
The exit status is 1 where their share is more than it may be.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import toml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, report
from tests.calling import until
from tests.process import ROOT, SECRET, Child, Daemon, free_port

SIZE = 10 * 1024
CLIENTS = 64
WARM = 2  # rounds that do not count
SHARE = 5.0  # what events may take of a request, in %

_TOLD = "from twisted.scripts.twistd import run; run()"
_NOBODY = f"from hmacfs.hub import Hub; Hub.emit = lambda hub, event: None; {_TOLD}"


class Served:
    """
    A daemon, with a small file in its store, and clients.
    """

    def __init__(self, program: str, folder: Path, stack: ExitStack) -> None:
        """
        :param program: what Python is to run.
        :param stack: ends it all.
        """
        port, log, config = free_port(), folder / "log", folder / "hmacfs.toml"
        settings = {
            "ListenPort": f"127.0.0.1:{port}",
            "Secret": SECRET,
            "StoreDir": str(folder / "store"),
            "MetricsPort": f"127.0.0.1:{free_port()}",
            "LogFile": str(log),
        }
        log.touch()
        config.write_text(toml.dumps(settings))
        arguments = ["-n", "--pidfile=", "hmacfs", "--config", str(config)]
        child = Child(
            [sys.executable, "-c", program, *arguments], folder, {"PYTHONPATH": str(ROOT)}
        )
        stack.callback(child.end)
        until(lambda: re.search(Daemon.READY, log.read_text()))
        (folder / "store" / "small").write_bytes(os.urandom(SIZE))
        self._pid = child.pid
        self._clients = [
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port))))
            for _ in range(CLIENTS)
        ]

    def seconds(self, requests: int) -> float:
        """
        :return: the processor time that each of so many *requests* takes it.
        """
        request = b"GET /uploads/small HTTP/1.1\r\nHost: localhost\r\n\r\n"
        before, turns = self._used(), requests // CLIENTS
        for _ in range(turns):
            for client in self._clients:
                client.sendall(request)
            for client in self._clients:
                head, _, body = client.recv(SIZE).partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 "), head
                left = SIZE - len(body)
                while left:
                    left -= len(client.recv(left))
        return (self._used() - before) / (turns * CLIENTS)

    def _used(self) -> float:
        """
        :return: the processor time of all its threads so far: finer than the
            hundredths of a second in ``/proc/PID/stat``.
        """
        threads = Path(f"/proc/{self._pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def figures(folder: Path, rounds: int, requests: int) -> Iterator[Figure]:
    """
    :param requests: how many there are in a round.
    :return: what is measured.
    """
    with ExitStack() as stack:
        servers = []
        for name, program in (("told", _TOLD), ("nobody", _NOBODY)):
            (folder / name).mkdir()
            servers.append(Served(program, folder / name, stack))
        found = []
        for turn in range(rounds + WARM):
            order = servers if turn % 2 else servers[::-1]
            taken = {server: server.seconds(requests) for server in order}
            found.append([taken[server] * 1e6 for server in servers])
        told, nobody = (list(column) for column in zip(*found[WARM:], strict=True))
        yield Figure("a small GET", median(told), "us of a processor")
        yield Figure("a small GET, events told to nobody", median(nobody), "us of a processor")
        share = median((one - other) / one * 100 for one, other in zip(told, nobody, strict=True))
        yield Figure("the share of events in a small GET", share, "%", most=SHARE)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    :return: the exit status.
    """
    parser = ArgumentParser(description="Measure what the listeners of events cost.")
    parser.add_argument("--rounds", type=int, default=10, help="that count (10)")
    parser.add_argument("--requests", type=int, default=6400, help="in each (6400)")
    parser.add_argument("--folder", default="/dev/shm", help="where the stores go (/dev/shm)")
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="hmacfs-bench-", dir=options.folder) as folder:
        kept = report(figures(Path(folder), options.rounds, options.requests))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
