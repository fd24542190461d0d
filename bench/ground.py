"""
Where a benchmark takes place: folders, files, and servers that are started when
they are first asked for.

All of it is gone at the end.  A :class:`Scale` says how large everything is.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from bench.loads import body, upload, upload_securely
from bench.probing import Probe
from bench.rivals import Rivals, Server
from tests.certificates import make_certificate
from tests.process import SECRET

KIB = 1024
MIB = 1024 * KIB

LARGEST_SMALL = 5 * MIB

ONE = "hmacfs"
TWO = "hmacfs, 2 workers"
NGINX = "nginx"
STOCK = "nginx, 16 KiB buffer"
NAIVE = "naive"
SECURE = "hmacfs, TLS"
NGINX_SECURE = "nginx, TLS"
FULL = "full"
FAST = "fast"
FRONTED = "hmacfs behind nginx"
DAV = "nginx's DAV"


@attrs.frozen
class Scale:
    """
    :ivar large: bytes of the one large file.
    :ivar eighth: of each of eight that go up.
    :ivar down: of each of eight that come down.
    :ivar beside: of each of four beside which ``/health`` is asked for.
    :ivar digested: of the one whose digest is wanted.
    :ivar alone: seconds after which hmacfs holds a small file that was left alone.
    :ivar seconds: that small requests are asked for in a round.
    :ivar rounds: of what is judged.
    :ivar fewer: rounds of what is not.
    :ivar stores: how many files are in each store.
    :ivar idle: how many connections do nothing.
    :ivar far: clients of a bad line.
    :ivar far_seconds: that they are at work for.
    """

    large: int = 1024 * MIB
    eighth: int = 64 * MIB
    down: int = 128 * MIB
    beside: int = 512 * MIB
    digested: int = 256 * MIB
    alone: float = 2.5
    seconds: float = 1.0
    rounds: int = 10
    fewer: int = 3
    stores: Sequence[int] = (1_000, 10_000, 100_000)
    idle: Sequence[int] = (1, 100, 1_000, 10_000)
    far: int = 200
    far_seconds: float = 10.0

    @property
    def served(self) -> Sequence[int]:
        """Bytes of each large file that is fetched."""
        return (self.eighth, self.down, self.large)


SHORT = Scale(
    large=4 * MIB,
    eighth=MIB,
    down=2 * MIB,
    beside=2 * MIB,
    digested=MIB,
    alone=0,
    seconds=0.1,
    rounds=1,
    fewer=1,
    stores=(100, 1_000),
    idle=(1, 50),
    far=5,
    far_seconds=1.0,
)


class Ground:
    """
    :ivar memory: a folder in memory.
    :ivar disk: one on a real file system.
    :ivar scale: how large everything is.
    :ivar bodies: a file in memory, of as many bytes as the largest upload has.
    :ivar rivals: starts servers.
    """

    def __init__(self, memory: Path, disk: Path, scale: Scale, stack: ExitStack) -> None:
        """
        :param stack: ends what is begun here.
        """
        self.memory = memory
        self.disk = disk
        self.scale = scale
        self.bodies = stack.enter_context(body(max(scale.large, LARGEST_SMALL)))
        probe = Probe()
        stack.callback(probe.end)
        self.rivals = Rivals(probe, make_certificate(memory))
        self._stack = stack
        self._numbers = count()
        self._servers: dict[str, Server] = {}

    def server(self, name: str) -> Server:
        """
        :param name: a key of :data:`MAKERS`.
        :return: the one of that name, with the files that are fetched.
        """
        if name not in self._servers:
            above, make = MAKERS[name]
            self._servers[name] = self.started(
                make(self.rivals, self.folder(self.disk if above == "disk" else self.memory))
            )
            if above == "served":
                self._furnish(self._servers[name], name)
        return self._servers[name]

    def known(self) -> Mapping[str, Server]:
        """
        :return: the servers that were asked for so far.
        """
        return self._servers

    def started(self, server: Server) -> Server:
        """
        :return: the same, which will be ended.
        """
        self._stack.callback(server.end)
        return server

    def folder(self, above: Path) -> Path:
        """
        :return: a new one.
        """
        place = above / f"place-{next(self._numbers)}"
        place.mkdir()
        return place

    def slots(self, size: int, number: int) -> tuple[str, list[str]]:
        """
        :return: what the names of so many new files begin with, and the target of
            a PUT of *size* bytes to each, signed.
        """
        prefix = f"up-{next(self._numbers)}-"
        return prefix, [slot(f"{prefix}{at}", size) for at in range(number)]

    def content(self, size: int) -> bytes:
        """
        :return: the bytes of an upload of that size.
        """
        return os.pread(self.bodies, size, 0)

    def _furnish(self, server: Server, name: str) -> None:
        """Put there what is fetched: by upload to hmacfs, by the same file to others."""
        for size in sorted({10 * KIB, 200 * KIB, *self.scale.served}):
            if name.startswith(ONE):
                asked = head(slot(served(size), size), size)
                if server.secure:
                    upload_securely(server.port, asked, self.bodies, size)
                else:
                    upload(server.port, [asked], self.bodies, size)
            else:
                found = self.server(ONE).files / served(size)
                (server.files / served(size)).hardlink_to(found)
        if name.startswith(ONE):
            time.sleep(self.scale.alone)


def served(size: int) -> str:
    """
    :return: the name of the file of that size that is fetched.
    """
    return f"served-{size}"


def slot(name: str, size: int) -> str:
    """
    :return: the target of a PUT, signed as the README shows.
    """
    mac = hmac.digest(SECRET.encode(), f"{name} {size}".encode(), "sha256").hex()
    return f"/uploads/{name}?v={mac}"


def head(target: str, size: int, *fields: str) -> bytes:
    """
    :return: the head of a PUT.
    """
    lines = [f"PUT {target} HTTP/1.1", "Host: localhost", f"Content-Length: {size}", *fields]
    return "\r\n".join([*lines, "", ""]).encode()


def _two(rivals: Rivals, folder: Path) -> Server:
    return rivals.hmacfs(folder, Workers=2)


MAKERS: Mapping[str, tuple[str, Callable[[Rivals, Path], Server]]] = {
    ONE: ("served", lambda rivals, folder: rivals.hmacfs(folder)),
    TWO: ("served", _two),
    NGINX: ("served", lambda rivals, folder: rivals.nginx(folder)),
    STOCK: ("memory", lambda rivals, folder: rivals.nginx(folder, buffer="16k")),
    NAIVE: ("served", lambda rivals, folder: rivals.naive(folder)),
    SECURE: ("served", lambda rivals, folder: rivals.hmacfs(folder, secure=True)),
    NGINX_SECURE: ("served", lambda rivals, folder: rivals.nginx(folder, secure=True)),
    FULL: ("disk", lambda rivals, folder: rivals.hmacfs(folder, Durability="full")),
    FAST: ("disk", lambda rivals, folder: rivals.hmacfs(folder)),
    FRONTED: ("disk", lambda rivals, folder: rivals.fronted(folder, Durability="full")),
    DAV: ("disk", lambda rivals, folder: rivals.nginx(folder, secure=True)),
}


@contextmanager
def ground(memory: Path, disk: Path, scale: Scale) -> Iterator[Ground]:
    """
    :param memory: a folder of a file system in memory.
    :param disk: a folder of a real one.
    """
    with (
        TemporaryDirectory(prefix="hmacfs-bench-", dir=memory) as fast,
        TemporaryDirectory(prefix="hmacfs-bench-", dir=disk) as real,
        ExitStack() as stack,
    ):
        yield Ground(Path(fast), Path(real), scale, stack)


def in_memory(folder: Path) -> bool:
    """
    :return: whether *folder* is on no disk.
    """
    mounts = Path("/proc/self/mountinfo").read_text()
    return filesystem(folder, mounts) in ("tmpfs", "ramfs")


def filesystem(folder: Path, mounts: str) -> str:
    """
    :param mounts: what ``/proc/self/mountinfo`` holds.
    :return: the kind of the file system that *folder* is on.
    """
    found, kind = "", ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4]
        inside = folder.resolve().is_relative_to(point)
        # A later mount on the same point lies over the former.
        if inside and len(point) >= len(found):
            found, kind = point, after.split()[0]
    return kind
