"""
Uploads, against nginx's DAV module and a dozen lines of twisted.web.

::

    python bench/uploads.py
    python bench/uploads.py --rounds 10 --folder /dev/shm
    python bench/uploads.py --full /var/tmp

All servers run at once and idle but for the one that is asked; the rounds are
interleaved, so that a busy machine disturbs them alike, and what counts are the
ratios within a round: their median, and the lower bound of its 95 % interval
(by order statistics, so no distribution is assumed).  Behind them stand the
processor seconds that the server itself took, which a busy machine hardly changes.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from math import comb
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hmacfs.units import format_size, parse_size
from tests.calling import signed
from tests.process import Child, Daemon, free_port

NGINX = """\
daemon off;
master_process off;
worker_processes 1;
user root;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path {folder}/temp;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location /uploads/ {{
            alias {folder}/files/;
            client_body_buffer_size {buffer};
            dav_methods PUT;
            create_full_put_path on;
        }}
    }}
}}
"""
"""
One worker, no log.  The buffer is ``--buffer``: by nginx's own default, 16 KiB,
it takes half as much time again for a large body as with 1 MiB.
"""

NAIVE = """\
import sys
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site

class Upload(Resource):
    isLeaf = True

    def render_PUT(self, request):
        with open(f"{sys.argv[1]}/{request.postpath[-1].decode()}", "wb") as file:
            file.write(request.content.read())
        request.setResponseCode(201)
        return b""

root = Resource()
root.putChild(b"uploads", Upload())
reactor.listenTCP(int(sys.argv[2]), Site(root), interface="127.0.0.1", backlog=4096)
reactor.callWhenRunning(print, "ready", flush=True)
reactor.run()
"""

PATIENCE = 60.0
SMALL = 10 * 1024


@attrs.frozen
class Server:
    """
    One of those that are compared.

    :ivar files: where its files arrive.
    """

    name: str
    port: int
    pid: int
    files: Path

    def seconds(self) -> float:
        """
        :return: the processor time that it has taken so far.
        """
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def clear(self, names: Sequence[str]) -> None:
        """Remove the files *names*."""
        for name in names:
            (self.files / name).unlink()


@contextmanager
def nginx(folder: Path, buffer: str) -> Iterator[Server]:
    """nginx with its DAV module; *buffer* is its ``client_body_buffer_size``."""
    files, port = folder / "files", free_port()
    files.mkdir(parents=True)
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, buffer=buffer))
    arguments = ["/usr/sbin/nginx", "-p", str(folder), "-e", "stderr", "-c", str(config)]
    child = Child(arguments, folder, ready=r"using the .* event method")
    try:
        yield Server("nginx", port, child.pid, files)
    finally:
        child.end()


@contextmanager
def naive(folder: Path) -> Iterator[Server]:
    """twisted.web as its tutorial has it."""
    files, port = folder / "files", free_port()
    files.mkdir(parents=True)
    arguments = [sys.executable, "-c", NAIVE, str(files), str(port)]
    child = Child(arguments, folder, ready="ready")
    try:
        yield Server("naive", port, child.pid, files)
    finally:
        child.end()


@contextmanager
def hmacfs(folder: Path, durability: str, **settings: object) -> Iterator[Server]:
    """hmacfs, its access log in a file."""
    folder.mkdir(parents=True)
    port, log = free_port(), folder / "hmacfs.log"
    table = {"ListenPort": f"127.0.0.1:{port}", "MaxUploadSize": "0", "LogFile": str(log)}
    table |= {"MinFreeSpace": "0", "Durability": durability, **settings}
    daemon = Quiet(folder, **table)
    try:
        until_open(port)
        yield Server(f"hmacfs {durability}", port, daemon.pid, daemon.store)
    finally:
        daemon.end()


class Quiet(Daemon):
    """A daemon whose log nobody here has to read: that would cost the client."""

    READY = None


def until_open(port: int) -> None:
    """Wait until somebody listens on *port*."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


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


Work = Callable[[Server], float]


def rounds(
    servers: Sequence[Server], work: Work, number: int
) -> tuple[Mapping[str, list[float]], Mapping[str, list[float]]]:
    """
    Let each of *servers* do *work*, in turn, *number* times.

    :return: by its name, how fast it was in each round, and its processor seconds.
    """
    speeds: dict[str, list[float]] = {server.name: [] for server in servers}
    seconds: dict[str, list[float]] = {server.name: [] for server in servers}
    for turn in range(number):
        # Nobody is always the first behind the break.
        order = [*servers[turn % len(servers) :], *servers[: turn % len(servers)]]
        for server in order:
            before = server.seconds()
            speeds[server.name].append(work(server))
            seconds[server.name].append(server.seconds() - before)
    return speeds, seconds


def lower_bound(ratios: Sequence[float]) -> float:
    """
    :return: what the median is above of, at 97.5 %: the order statistic that a
        sign test allows; the least of all where there are too few.
    """
    number, total = len(ratios), 0.0
    rank = 0
    for rank in range(number):
        total += comb(number, rank) / 2**number
        if total > 0.025:
            break
    return sorted(ratios)[max(0, rank - 1)]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure, and print a table.
    """
    parser = ArgumentParser(description="Uploads, against nginx's DAV module and twisted.web.")
    parser.add_argument("--folder", default="/dev/shm", help="in memory")
    parser.add_argument("--full", default="/var/tmp", help="on a real file system")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--file", type=parse_size, default=2**30, help="the large file")
    parser.add_argument("--eighth", type=parse_size, default=64 * 2**20, help="each of eight")
    parser.add_argument("--requests", type=int, default=4000, help="small ones in a round")
    parser.add_argument("--buffer", default="1m", help="nginx's client_body_buffer_size")
    parser.add_argument("--only", default="", help="words that a work's name must hold")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="hmacfs-", dir=options.folder)))
        real = Path(stack.enter_context(TemporaryDirectory(prefix="hmacfs-", dir=options.full)))
        rival = stack.enter_context(nginx(folder / "nginx", options.buffer))
        plain = stack.enter_context(naive(folder / "naive"))
        fast = stack.enter_context(hmacfs(folder / "fast", "fast"))
        file = stack.enter_context(body(max(options.file, options.eighth)))
        on_disk = [
            stack.enter_context(hmacfs(real / "full", "full")),
            stack.enter_context(hmacfs(real / "fast", "fast")),
        ]
        number, requests = options.rounds, options.requests

        def works() -> Iterator[tuple[str, str, list[Server], Work]]:
            one, eighth = options.file, options.eighth
            yield (
                f"one upload of {format_size(one)}",
                "MB/s",
                [rival, fast],
                lambda server: large(server, file, one, 1) / 1e6,
            )
            yield (
                f"8 uploads of {format_size(eighth)}",
                "MB/s",
                [rival, fast],
                lambda server: large(server, file, eighth, 8) / 1e6,
            )
            for clients in (1, 16, 64):
                yield (
                    f"PUT of 10 KiB, {clients} connections",
                    "a second",
                    [plain, rival, fast],
                    lambda server, clients=clients: small(server, SMALL, clients, requests),
                )
            yield (
                "PUT of 10 KiB, 64 connections, on disk",
                "a second",
                [on_disk[1], on_disk[0]],
                lambda server: small(server, SMALL, 64, requests),
            )

        for name, unit, servers, work in works():
            if options.only in name:
                show(name, unit, *rounds(servers, work, number))
    return 0


def show(
    name: str, unit: str, speeds: Mapping[str, list[float]], seconds: Mapping[str, list[float]]
) -> None:
    """
    Print what one work came to; ratios are of the last server to each before it.
    """
    print(name, flush=True)
    *_, ours = speeds
    for server, found in speeds.items():
        line = f"    {server:<14}{median(found):>10.0f} {unit}, {median(seconds[server]):6.2f} s"
        if server != ours:
            ratios = [mine / its for mine, its in zip(speeds[ours], found, strict=True)]
            line += f", {ours} has {median(ratios):.2f} of it (at least {lower_bound(ratios):.2f})"
        print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
