"""
How long ``/health`` takes while a server is at work.

The clock runs in a process of its own, so that the load's client does not hold
it up: :class:`Probe` starts it, and tells it whom to ask.  It is idle while it
is not asked to.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

_REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
_PATIENCE = 60.0


class Probe:
    """
    The process that asks.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    @contextmanager
    def asking(self, port: int, period: float) -> Iterator[list[tuple[float, float]]]:
        """
        Ask a server, from now until the block ends.

        :param period: seconds between an answer and the next request.
        :return: a list that holds of each answer, behind the block, when it was
            there, by ``time.perf_counter``, and the seconds that it took.
        """
        taken: list[tuple[float, float]] = []
        self._say(f"{port} {period}")
        try:
            yield taken
        finally:
            taken += map(tuple, json.loads(self._say("enough")))

    def end(self) -> None:
        """Let it end."""
        self._process.communicate()

    def _say(self, line: str) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        answer = self._process.stdout.readline()
        assert answer, "the probe has died"
        return answer


def whole(answer: bytes) -> bool:
    """
    :return: whether an answer is there with all of its body.
    """
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return len(body) >= int(value)
    return True


def _ask(port: int, period: float) -> list[tuple[float, float]]:
    taken = []
    with closing(socket.create_connection(("127.0.0.1", port), _PATIENCE)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not select.select([sys.stdin], [], [], period)[0]:
            began = time.perf_counter()
            client.sendall(_REQUEST)
            answer = b""
            while not whole(answer):
                piece = client.recv(4096)
                if not piece:
                    return taken
                answer += piece
            now = time.perf_counter()
            taken.append((now, now - began))
    return taken


def main() -> None:
    """
    Obey the lines of standard input, until it ends.
    """
    for line in iter(sys.stdin.readline, ""):
        port, period = line.split()
        print("asking", flush=True)
        taken = _ask(int(port), float(period))
        sys.stdin.readline()
        print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main()
