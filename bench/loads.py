"""
Clients that cost next to nothing, so that what is measured is the server.

They look at no byte of a body: the kernel drops it (``MSG_TRUNC`` of tcp(7)),
and what it dropped is counted.  Under TLS that is the ciphertext, once the
request is out; nobody has to decrypt it.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from contextlib import ExitStack, closing

_PIECE = 4 * 2**20
_HEAD = 64 * 1024
_PATIENCE = 60.0


def _request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def fetch(port: int, target: str, size: int, secure: bool = False) -> float:
    """
    Download *target* once, on a connection of its own.

    :param size: bytes that the file has.
    :return: seconds from the request to the last byte.
    """
    with closing(socket.create_connection(("127.0.0.1", port), _PATIENCE)) as client:
        tls = _handshake(client) if secure else None
        request = _request(target)
        began = time.perf_counter()
        client.sendall(request if tls is None else tls.encrypt(request))
        head = client.recv(_HEAD)
        left = size - len(head)
        if tls is None:
            assert head.startswith(b"HTTP/1.1 200 "), head[:100]
            left += head.index(b"\r\n\r\n") + 4
        drop = bytearray(_PIECE)
        while left > 0:
            got = client.recv_into(drop, min(left, _PIECE), socket.MSG_TRUNC)
            assert got, f"{left} bytes are missing"
            left -= got
        return time.perf_counter() - began


class _Tls:
    """The client's half of a TLS connection, as far as a request needs it."""

    def __init__(self, client: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out)
        while True:
            try:
                self._object.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.sendall(self._out.read())
                self._in.write(client.recv(_HEAD))
        client.sendall(self._out.read())

    def encrypt(self, data: bytes) -> bytes:
        self._object.write(data)
        return self._out.read()


_handshake = _Tls


def rate(port: int, target: str, size: int, connections: int, seconds: float) -> float:
    """
    Ask for *target* over and over, each connection one request at a time.

    :param size: bytes that the file has.
    :return: answers per second.
    """
    request = _request(target)
    with ExitStack() as stack:
        poller = stack.enter_context(closing(select.epoll()))
        clients = {}
        for _ in range(connections):
            client = socket.create_connection(("127.0.0.1", port), _PATIENCE)
            stack.enter_context(closing(client))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            clients[client.fileno()] = client
            poller.register(client, select.EPOLLIN)
        first = next(iter(clients.values()))
        first.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            head += first.recv(_HEAD)
        assert head.startswith(b"HTTP/1.1 200 "), head[:100]
        answer = head.index(b"\r\n\r\n") + 4 + size
        left = dict.fromkeys(clients, answer)
        left[first.fileno()] -= len(head)
        for client in clients.values():
            if client is not first:
                client.sendall(request)
        drop = bytearray(_HEAD)
        count = 0
        began = time.perf_counter()
        end = began + seconds
        while (now := time.perf_counter()) < end:
            for number, _ in poller.poll(_PATIENCE):
                client = clients[number]
                got = client.recv_into(drop, _HEAD, socket.MSG_TRUNC)
                assert got, "the server has closed the connection"
                left[number] -= got
                if left[number] <= 0:
                    count += 1
                    left[number] = answer
                    client.send(request)
        return count / (now - began)
