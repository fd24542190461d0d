"""
Uploads over TLS, many at once, by a process of its own.

wrk cannot do it: it takes a body that OpenSSL has not sent in one go for a request
that it has not begun, makes another one, and starts its clock anew.

::

    python bench/putting.py ADDRESS PORT TARGETS CONTENT CONNECTIONS SECONDS [anew]

Each line of the file TARGETS is the target of one PUT, whose body is the file
CONTENT.  None is begun once the seconds are over, and those that were go on to
their end.  With ``anew`` each has a connection of its own, which counts into the
time that it takes.  It prints what :func:`bench.wrk.parse` reads.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

_PIECE = 128 * 1024
_PATIENCE = 120.0


class Uploader:
    """
    One client: an upload, and then the next.

    :ivar taken: seconds that each took.
    """

    def __init__(self, where: tuple[str, int], content: bytes, anew: bool) -> None:
        """
        :param anew: whether each upload has a connection of its own.
        """
        self._where = where
        self._content = memoryview(content)
        self._anew = anew
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._client: ssl.SSLSocket | None = None
        self.taken: list[float] = []

    def uploads(self, targets: Iterator[str], end: float) -> Iterator[tuple[ssl.SSLSocket, int]]:
        """
        Upload until *end*, but at least once.

        :return: what is waited for: the socket, and the event of epoll.
        :raise AssertionError: an answer was another one than 201.
        """
        while not self.taken or time.perf_counter() < end:
            began = time.perf_counter()
            if self._client is None:
                self._client = self._connecting()
                yield from self._shaken(self._client)
            yield from self._sent(self._client, next(targets))
            yield from self._created(self._client)
            self.taken.append(time.perf_counter() - began)
            if self._anew:
                self._client.close()
                self._client = None

    def connect(self) -> None:
        """
        Connect now, if one connection serves for all.
        """
        if not self._anew:
            plain = socket.create_connection(self._where, _PATIENCE)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client = self._context.wrap_socket(plain)
            self._client.setblocking(False)

    def _connecting(self) -> ssl.SSLSocket:
        plain = socket.socket()
        plain.setblocking(False)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = self._context.wrap_socket(plain, do_handshake_on_connect=False)
        client.connect_ex(self._where)
        return client

    def _shaken(self, client: ssl.SSLSocket) -> Iterator[tuple[ssl.SSLSocket, int]]:
        yield client, select.EPOLLOUT
        while True:
            try:
                client.do_handshake()
                return
            except ssl.SSLWantReadError:
                yield client, select.EPOLLIN
            except ssl.SSLWantWriteError:
                yield client, select.EPOLLOUT

    def _sent(self, client: ssl.SSLSocket, target: str) -> Iterator[tuple[ssl.SSLSocket, int]]:
        size = len(self._content)
        head = f"PUT {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
        pieces = [head.encode() + self._content[:_PIECE]]
        pieces += [self._content[at : at + _PIECE] for at in range(_PIECE, size, _PIECE)]
        for piece in pieces:
            while True:
                try:
                    client.send(piece)
                    break
                except ssl.SSLWantWriteError:
                    yield client, select.EPOLLOUT

    def _created(self, client: ssl.SSLSocket) -> Iterator[tuple[ssl.SSLSocket, int]]:
        answer = b""
        while b"\r\n\r\n" not in answer:
            yield client, select.EPOLLIN
            try:
                piece = client.recv(65536)
            except ssl.SSLWantReadError:
                continue
            assert piece, "the server has closed the connection"
            answer += piece
        assert answer.startswith(b"HTTP/1.1 201 "), answer[:200]


def run(uploaders: list[Uploader], targets: Iterator[str], seconds: float) -> float:
    """
    Let all of them upload.

    Those that keep their connections have them before the clock starts.

    :return: the seconds until the last has ended.
    """
    for uploader in uploaders:
        uploader.connect()
    began = time.perf_counter()
    with closing(select.epoll()) as poller:
        under_way = {}
        for uploader in uploaders:
            steps = uploader.uploads(targets, began + seconds)
            client, event = next(steps)
            under_way[client.fileno()] = steps
            poller.register(client, event)
        while under_way:
            events = poller.poll(_PATIENCE)
            assert events, f"nothing has happened for {_PATIENCE:g} s"
            for number, _ in events:
                steps = under_way.pop(number)
                poller.unregister(number)
                waited = next(steps, None)
                if waited is not None:
                    client, event = waited
                    under_way[client.fileno()] = steps
                    poller.register(client, event)
    return time.perf_counter() - began


def main(arguments: list[str]) -> None:
    """
    Upload, and say how it went.
    """
    address, port, targets, content, connections, seconds, *anew = arguments
    uploaders = [
        Uploader((address, int(port)), Path(content).read_bytes(), bool(anew))
        for _ in range(int(connections))
    ]
    slots = iter(Path(targets).read_text().splitlines())
    before = time.process_time()
    spent = run(uploaders, slots, float(seconds))
    taken = sorted(each for uploader in uploaders for each in uploader.taken)
    told = {
        "requests": len(taken),
        "microseconds": spent * 1e6,
        "p50": taken[len(taken) * 50 // 100] * 1e6,
        "p99": taken[len(taken) * 99 // 100] * 1e6,
        "client": time.process_time() - before,
        "faults": {},
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
