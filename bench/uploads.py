"""
Uploads, against nginx's DAV module and a dozen lines of twisted.web.

::

    python bench/uploads.py
    python bench/uploads.py --rounds 10 --folder /dev/shm
    python bench/uploads.py --full /var/tmp

All servers run at once and idle but for the one that is asked: see
:mod:`bench.rounds` and :mod:`bench.ratios`.  The exit status is 1 where a ratio's
lower bound is not what it has to be.

The client is nearly free: bodies leave by ``sendfile`` from memory, heads are
signed before the clock starts.  Every file has a name of its own, and is removed
behind its round.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, report
from bench.rivals import Server, hmacfs, naive, nginx
from bench.rounds import Work, measure
from hmacfs.units import format_size, parse_size
from tests.calling import signed

PATIENCE = 60.0
SMALL = 10 * 1024

_NUMBERS = count()


def names(number: int) -> list[str]:
    """
    :return: as many names that were never used.
    """
    return [f"f{next(_NUMBERS)}" for _ in range(number)]


def request(name: str, size: int) -> bytes:
    """
    :return: the head of a PUT.
    """
    return (
        f"PUT {signed(name, size)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
    ).encode()


def connect(port: int) -> socket.socket:
    """
    :return: a connection that sends at once.
    """
    client = socket.create_connection(("127.0.0.1", port), PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


@contextmanager
def body(size: int) -> Iterator[int]:
    """
    :return: a file in memory, of as many bytes.
    """
    file = os.memfd_create("body")
    try:
        piece = os.urandom(2**20)
        for at in range(0, size, len(piece)):
            os.pwrite(file, piece[: size - at], at)
        yield file
    finally:
        os.close(file)


def large(server: Server, file: int, size: int, clients: int) -> float:
    """
    Upload *file* once on each of *clients* connections, all at once.

    :return: bytes a second.
    """
    used = names(clients)
    with ExitStack() as stack:
        poller = stack.enter_context(closing(select.epoll()))
        under_way: dict[int, list[object]] = {}
        for _ in used:
            client = stack.enter_context(closing(connect(server.port)))
            under_way[client.fileno()] = [client, 0]
        began = time.perf_counter()
        for (number, state), name in zip(under_way.items(), used, strict=True):
            state[0].sendall(request(name, size))
            state[0].setblocking(False)
            poller.register(number, select.EPOLLOUT)
        left = clients
        while left:
            for number, _ in poller.poll(PATIENCE):
                client, at = under_way[number]
                if at < size:
                    try:
                        at += os.sendfile(number, file, at, min(size - at, 4 * 2**20))
                    except BlockingIOError:
                        continue
                    under_way[number][1] = at
                    if at == size:
                        poller.modify(number, select.EPOLLIN)
                else:
                    answer = client.recv(4096)
                    assert answer.startswith(b"HTTP/1.1 201 "), answer
                    poller.unregister(number)
                    left -= 1
        seconds = time.perf_counter() - began
    server.clear(used)
    return size * clients / seconds


def small(server: Server, size: int, clients: int, requests: int) -> float:
    """
    Upload *requests* files of *size* bytes, on connections that stay open, one at
    a time on each.

    :return: uploads a second.
    """
    used = names(requests)
    bytes_ = os.urandom(size)
    heads = [request(name, size) for name in used]
    with ExitStack() as stack:
        poller = stack.enter_context(closing(select.epoll()))
        open_: dict[int, socket.socket] = {}
        for _ in range(clients):
            client = stack.enter_context(closing(connect(server.port)))
            open_[client.fileno()] = client
            poller.register(client.fileno(), select.EPOLLIN)
        waiting = iter(heads)
        began = time.perf_counter()
        for client in open_.values():
            client.sendmsg([next(waiting), bytes_])
        left = requests
        while left:
            for number, _ in poller.poll(PATIENCE):
                client = open_[number]
                answer = client.recv(65536)
                assert answer.startswith(b"HTTP/1.1 201 ") and answer.count(b"HTTP/") == 1, answer
                left -= 1
                head = next(waiting, None)
                if head is not None:
                    client.sendmsg([head, bytes_])
        seconds = time.perf_counter() - began
    server.clear(used)
    return requests / seconds


def figures(
    folder: Path, real: Path, sizes: tuple[int, int], requests: int, rounds: int, buffer: str
) -> Iterator[Figure]:
    """
    :param folder: in memory.
    :param real: on a real file system.
    :param sizes: bytes of the one large file, and of each of eight.
    :param requests: small files in a round.
    :param buffer: nginx's ``client_body_buffer_size``.
    :return: what is measured.
    """
    with ExitStack() as started:

        def start(above: Path, make: Callable[[Path], Server]) -> Server:
            place = above / str(len(os.listdir(above)))
            (place / "files").mkdir(parents=True)
            server = make(place)
            started.callback(server.child.end)
            return server

        def ours(durability: str) -> Callable[[Path], Server]:
            return lambda place: hmacfs(place, MinFreeSpace="0", Durability=durability)

        dav = start(folder, lambda place: nginx(place, place / "files", buffer=buffer))
        simple = start(folder, lambda place: naive(place, place / "files"))
        fast = start(folder, ours("fast"))
        synced, unsynced = start(real, ours("full")), start(real, ours("fast"))
        file = started.enter_context(body(max(sizes)))
        for clients, size, least in ((1, sizes[0], 1.2), (8, sizes[1], 1.25)):
            yield from measure(
                Work(
                    f"{clients} x {format_size(size)} up",
                    "MB/s",
                    lambda server, size=size, clients=clients: (
                        large(server, file, size, clients) / 1e6
                    ),
                    {"hmacfs": fast, "nginx": dav},
                    {"nginx": least},
                ),
                rounds,
            )
        for clients in (1, 16, 64):
            yield from measure(
                Work(
                    f"PUT of {format_size(SMALL)}, {clients} connections",
                    "1/s",
                    lambda server, clients=clients: small(server, SMALL, clients, requests),
                    {"hmacfs": fast, "nginx": dav, "naive": simple},
                    {"naive": 1.2 if clients == 16 else None, "nginx": None},
                ),
                rounds,
            )
        yield from measure(
            Work(
                f"PUT of {format_size(SMALL)}, 64 connections, on disk",
                "1/s",
                lambda server: small(server, SMALL, 64, requests),
                {"full": synced, "fast": unsynced},
                {"fast": 0.5},
                ours="full",
            ),
            rounds,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """
    :return: the exit status.
    """
    parser = ArgumentParser(description="Measure uploads against other servers.")
    parser.add_argument("--folder", default="/dev/shm", help="in memory (/dev/shm)")
    parser.add_argument("--full", default="/var/tmp", help="on a real file system (/var/tmp)")
    parser.add_argument("--rounds", type=int, default=10, help="of each work (10)")
    parser.add_argument("--file", type=parse_size, default="1GiB", help="the large file (1GiB)")
    parser.add_argument("--eighth", type=parse_size, default="64MiB", help="each of eight (64MiB)")
    parser.add_argument("--requests", type=int, default=4000, help="small ones in a round (4000)")
    parser.add_argument("--buffer", default="1m", help="nginx's client_body_buffer_size (1m)")
    options = parser.parse_args(arguments)
    with (
        TemporaryDirectory(prefix="hmacfs-bench-", dir=options.folder) as folder,
        TemporaryDirectory(prefix="hmacfs-bench-", dir=options.full) as real,
    ):
        sizes = (options.file, options.eighth)
        kept = report(
            figures(
                Path(folder), Path(real), sizes, options.requests, options.rounds, options.buffer
            )
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
