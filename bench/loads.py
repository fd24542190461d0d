"""
Large bodies, by clients that cost next to nothing, so that what is measured is
the server.

A download's bytes are looked at by nobody: the kernel drops them (``MSG_TRUNC``
of tcp(7)), and what it dropped is counted.  Under TLS that is the ciphertext,
once the request is out; nobody has to decrypt it.  An upload's body leaves by
``sendfile`` from memory; but under TLS it has to be encrypted, and that costs as
much as it costs the server.
"""

from __future__ import annotations

import mmap
import os
import select
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress

from bench.lines import Load
from bench.ratios import percentile

_PIECE = 4 * 2**20
_HEAD = 64 * 1024
_PATIENCE = 60.0


@contextmanager
def body(size: int) -> Iterator[int]:
    """
    :return: a file in memory, of as many random bytes.
    """
    file = os.memfd_create("body")
    try:
        piece = os.urandom(2**20)
        for at in range(0, size, len(piece)):
            os.pwrite(file, piece[: size - at], at)
        yield file
    finally:
        os.close(file)


def connect(port: int) -> socket.socket:
    """
    :return: a connection that sends at once.  By its own congestion control: a
        kernel whose default is BBR paces what the client sends by timers, and
        they would be measured, whoever receives.
    """
    client = socket.create_connection(("127.0.0.1", port), _PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
    return client


def download(port: int, target: str, size: int, clients: int = 1, secure: bool = False) -> Load:
    """
    Download *target* once on each of *clients* connections, all at once.

    :param size: bytes that the file has.
    """
    request = f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    drop = bytearray(_PIECE)
    with ExitStack() as stack:
        poller = stack.enter_context(closing(select.epoll()))
        left: dict[int, int | None] = {}
        open_ = {}
        for _ in range(clients):
            client = stack.enter_context(closing(connect(port)))
            open_[client.fileno()] = (client, _Tls(client) if secure else None)
        spent, began = time.process_time(), time.perf_counter()
        for number, (client, tls) in open_.items():
            client.sendall(request if tls is None else tls.encrypt(request))
            poller.register(number, select.EPOLLIN)
            left[number] = None
        while left:
            for number, _ in poller.poll(_PATIENCE):
                client, tls = open_[number]
                missing = left[number]
                if missing is None:
                    head = client.recv(_HEAD)
                    missing = size - len(head)
                    if tls is None:
                        assert head.startswith(b"HTTP/1.1 200 "), head[:100]
                        missing += head.index(b"\r\n\r\n") + 4
                else:
                    got = client.recv_into(drop, min(missing, _PIECE), socket.MSG_TRUNC)
                    assert got, f"{missing} bytes are missing"
                    missing -= got
                left[number] = missing
                if missing <= 0:
                    poller.unregister(number)
                    del left[number]
        seconds = time.perf_counter() - began
    return Load(size * clients, seconds, began, time.process_time() - spent)


def upload(port: int, heads: Sequence[bytes], file: int, size: int) -> Load:
    """
    Upload the first *size* bytes of *file* once for each of *heads*, all at once.
    """
    with ExitStack() as stack:
        poller = stack.enter_context(closing(select.epoll()))
        under_way: dict[int, tuple[socket.socket, int]] = {}
        for _ in heads:
            client = stack.enter_context(closing(connect(port)))
            under_way[client.fileno()] = (client, 0)
        spent, began = time.process_time(), time.perf_counter()
        for head, (number, (client, _)) in zip(heads, under_way.items(), strict=True):
            client.sendall(head)
            client.setblocking(False)
            poller.register(number, select.EPOLLOUT)
        left = len(heads)
        while left:
            for number, _ in poller.poll(_PATIENCE):
                client, at = under_way[number]
                if at < size:
                    try:
                        at += os.sendfile(number, file, at, min(size - at, _PIECE))
                    except BlockingIOError:
                        continue
                    under_way[number] = (client, at)
                    if at == size:
                        poller.modify(number, select.EPOLLIN)
                else:
                    _created(client.recv(4096))
                    poller.unregister(number)
                    left -= 1
        seconds = time.perf_counter() - began
    return Load(size * len(heads), seconds, began, time.process_time() - spent)


def upload_securely(port: int, head: bytes, file: int, size: int) -> Load:
    """
    Upload the first *size* bytes of *file* over TLS.
    """
    with (
        mmap.mmap(file, size, prot=mmap.PROT_READ) as content,
        memoryview(content) as view,
        closing(insecure().wrap_socket(connect(port))) as client,
    ):
        spent, began = time.process_time(), time.perf_counter()
        client.sendall(head)
        for at in range(0, size, _PIECE):
            with view[at : at + _PIECE] as piece:
                client.sendall(piece)
        _created(client.recv(4096))
        return Load(size, time.perf_counter() - began, began, time.process_time() - spent)


def heads(port: int, target: str, connections: int, seconds: float) -> Load:
    """
    Send HEAD of *target* over and over, each connection one request at a time.

    :raise AssertionError: an answer was another one than 200.
    """
    request = f"HEAD {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    waits = []
    with ExitStack() as stack:
        poller = stack.enter_context(closing(select.epoll()))
        open_, sent = {}, {}
        for _ in range(connections):
            client = stack.enter_context(closing(connect(port)))
            open_[client.fileno()] = client
            poller.register(client, select.EPOLLIN)
        spent, began = time.process_time(), time.perf_counter()
        for number, client in open_.items():
            client.send(request)
            sent[number] = began
        while not waits or time.perf_counter() < began + seconds:
            for number, _ in poller.poll(_PATIENCE):
                answer = open_[number].recv(_HEAD)
                assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]
                assert answer.endswith(b"\r\n\r\n"), answer[-200:]
                now = time.perf_counter()
                waits.append((now - sent[number]) * 1000)
                sent[number] = now
                open_[number].send(request)
        return Load(
            len(waits),
            time.perf_counter() - began,
            began,
            time.process_time() - spent,
            percentile(waits, 50),
            percentile(waits, 99),
        )


def _created(answer: bytes) -> None:
    assert answer.startswith(b"HTTP/1.1 201 "), answer[:200]


def insecure() -> ssl.SSLContext:
    """
    :return: TLS that takes every certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Tls:
    """The client's half of a TLS connection, as far as a request needs it."""

    def __init__(self, client: socket.socket) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = insecure().wrap_bio(self._in, self._out)
        while True:
            try:
                self._object.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.sendall(self._out.read())
                self._in.write(client.recv(_HEAD))
        client.sendall(self._out.read())

    def encrypt(self, data: bytes) -> bytes:
        """
        :return: what is to be sent.
        """
        self._object.write(data)
        return self._out.read()
