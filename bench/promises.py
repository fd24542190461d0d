"""
What hmacfs promises in numbers, measured on this machine.

::

    python bench/promises.py
    python bench/promises.py --file 64MiB --beside 64MiB --folder /mnt/disk

A real daemon is started in a folder of its own, below ``--folder``, and all of
it is removed at the end.  Measured are

* its memory: idle, and at its peak over the upload of one large file and over
  the download of the same.  Peaks are the kernel's own (``VmHWM``), set back
  before each;
* how long ``/health`` takes while slow clients, one half uploading and one half
  downloading, are served, and a fast one uploads beside them.

Each figure is printed with its bound and whether it holds; the exit status is
1 where one does not.  Megabytes are 10^6 bytes.
"""

from __future__ import annotations

import socket
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from itertools import chain
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Event, Thread
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, report, timed
from bench.processes import memory
from hmacfs.signing import Claim, sign
from hmacfs.units import format_size, parse_size
from tests.process import SECRET, Daemon

IDLE = 65.0  # megabytes, at most
OVER_IDLE = 40.0  # megabytes, at most, that a transfer adds
HEALTH_P99 = 50.0  # milliseconds, under

DEEDS = ("upload", "download")

PIECE = Random(0).randbytes(2**20)  # so that bytes that come in another order are seen


class Client:
    """
    One connection to the daemon, as plain as it can be: what it costs is not
    to be measured.
    """

    def __init__(self, url: str) -> None:
        """
        :param url: the daemon's, with the prefix.
        """
        where = urlsplit(url)
        self._prefix = where.path
        self.socket = socket.create_connection((where.hostname, where.port), timeout=60)

    def ask(self, method: str, name: str, size: int | None = None) -> None:
        """
        Send a head.

        :param size: bytes of the body that will follow.
        """
        target, length = self._prefix + name, ""
        if size is not None:
            mac = sign("v", Claim(path=name.encode(), size=size), SECRET.encode())
            target, length = f"{target}?v={mac}", f"Content-Length: {size}\r\n"
        self.socket.sendall(f"{method} {target} HTTP/1.1\r\nHost: bench\r\n{length}\r\n".encode())

    def answer(self) -> HTTPResponse:
        """
        Read the head of the answer.
        """
        response = HTTPResponse(self.socket)
        response.begin()
        return response

    def upload(self, name: str, size: int) -> None:
        """
        Send a file as fast as it goes.

        :raise AssertionError: it was not stored.
        """
        self.ask("PUT", name, size)
        for start in range(0, size, len(PIECE)):
            self.socket.sendall(PIECE[: size - start])
        assert self.answer().status == 201

    def download(self, name: str, size: int) -> None:
        """
        Fetch a file as fast as it goes.

        :raise AssertionError: it is not what was uploaded.
        """
        self.ask("GET", name)
        response = self.answer()
        assert (response.status, response.length) == (200, size)
        buffer = bytearray(len(PIECE))
        for start in range(0, size, len(PIECE)):
            wanted = memoryview(buffer)[: size - start]
            got = 0
            while got < len(wanted):
                got += response.readinto(wanted[got:])
            assert wanted == PIECE[: len(wanted)]


def measure_memory(daemon: Daemon, size: int) -> Iterator[Figure]:
    """
    :param size: bytes of the large file.
    """
    idle = memory(daemon.pid, "VmRSS")
    yield Figure("memory, idle", idle, "MB", IDLE)
    for deed in DEEDS:
        client = Client(daemon.url)
        Path(f"/proc/{daemon.pid}/clear_refs").write_text("5")  # sets VmHWM back
        with client.socket, timed() as seconds:
            getattr(client, deed)("large", size)
        peak = memory(daemon.pid, "VmHWM")
        what = f"{deed} of {format_size(size)}"
        yield Figure(f"{what}, peak over idle", peak - idle, "MB", OVER_IDLE)
        yield Figure(f"{what}, speed", size / seconds[0] / 1e6, "MB/s")


def be_slow(url: str, name: str, rate: int, enough: Event) -> None:
    """
    Be a client on a very bad line, until it is enough.

    :param name: begins with what is done: ``upload`` or ``download``.
    :param rate: bytes a second.
    """
    client = Client(url)
    with client.socket:
        client.ask("PUT", name, 2**30) if name.startswith("upload") else client.ask("GET", "large")
        while not enough.wait(1):
            if name.startswith("upload"):
                client.socket.sendall(PIECE[:rate])
            else:
                client.socket.recv(rate)


def measure_health(daemon: Daemon, clients: int, rate: int, size: int) -> Iterator[Figure]:
    """
    :param clients: how many are slow.
    :param rate: bytes a second of each.
    :param size: bytes of the upload beside them.
    """
    enough = Event()
    slow = [
        Thread(target=be_slow, args=(daemon.url, f"{DEEDS[n % 2]}-{n}", rate, enough))
        for n in range(clients)
    ]
    fast = Client(daemon.url)
    upload = Thread(target=fast.upload, args=("beside", size))
    times = []
    for thread in [*slow, upload]:
        thread.start()
    try:
        with fast.socket:
            while upload.is_alive():
                times.append(health(daemon.url))
    finally:
        enough.set()
        for thread in slow:
            thread.join()
    times.sort()
    what = f"/health beside {clients} slow clients and {format_size(size)}"
    yield Figure(f"{what}, p50 of {len(times)}", times[len(times) // 2] * 1e3, "ms")
    yield Figure(f"{what}, p99", times[len(times) * 99 // 100] * 1e3, "ms", HEALTH_P99)


def health(url: str) -> float:
    """
    :return: how many seconds ``/health`` took, the connection included.
    """
    where = urlsplit(url)
    with timed() as seconds:
        connection = HTTPConnection(where.hostname or "", where.port, timeout=60)
        connection.request("GET", "/health")
        assert connection.getresponse().read()
        connection.close()
    return seconds[0]


def main() -> int:
    """
    :return: the exit status.
    """
    parser = ArgumentParser(description="Measure what hmacfs promises in numbers.")
    parser.add_argument("--file", type=parse_size, default="4GiB", help="the large file (4GiB)")
    parser.add_argument("--beside", type=parse_size, default="1GiB", help="the upload (1GiB)")
    parser.add_argument("--clients", type=int, default=20, help="how many are slow (20)")
    parser.add_argument("--rate", type=parse_size, default="1kB", help="of each, a second (1kB)")
    parser.add_argument("--folder", help="where the files go for the time being (/tmp)")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="hmacfs-bench-", dir=options.folder) as folder:
        daemon = Daemon(Path(folder), MaxUploadSize="0", MinFreeSpace="0")
        try:
            kept = report(
                chain(
                    measure_memory(daemon, options.file),
                    measure_health(daemon, options.clients, options.rate, options.beside),
                )
            )
        finally:
            daemon.end()
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
