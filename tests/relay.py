"""
A bad line: what stands between a client and a server, and breaks when told.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread

import attrs


@attrs.frozen
class Break:
    """
    How one connection ends.

    :ivar up: bytes from the client that get through, ``None`` for all.
    :ivar down: bytes from the server that get through, ``None`` for all.
    :ivar holds: whether it stands still then, in place of ending.
    """

    up: int | None = None
    down: int | None = None
    holds: bool = False


class Relay:
    """
    Passes connections on to a port of loopback, and breaks the first of them.

    :ivar port: where it listens.
    :ivar sent: bytes from clients that got through.
    :ivar held: set when a connection stands still.
    """

    def __init__(self, port: int, *breaks: Break) -> None:
        """
        :param port: of the server.
        :param breaks: one for each connection to come; further ones are not
            broken.
        """
        self.sent = 0
        self.held = Event()
        self._server = port
        self._breaks = list(breaks)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [Thread(target=self._accept)]
        self._threads[0].start()

    def stop(self) -> None:
        """End every connection, and let go of the port."""
        # Closing alone would leave the threads in accept() and recv().
        self._end(self._listening)
        self._threads[0].join()
        for one in self._sockets:
            self._end(one)
        for thread in self._threads:
            thread.join()
        for one in [self._listening, *self._sockets]:
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                server = socket.create_connection(("127.0.0.1", self._server))
                self._sockets += [client, server]
                end = self._breaks.pop(0) if self._breaks else Break()
                broken = Event()
                for pump in (
                    Thread(target=self._up, args=[client, server, end, broken]),
                    Thread(target=self._down, args=[server, client, end, broken]),
                ):
                    self._threads.append(pump)
                    pump.start()

    def _up(self, client: socket.socket, server: socket.socket, end: Break, broken: Event) -> None:
        with suppress(OSError):
            for data in _received(client, end.up):
                server.sendall(data)
                self.sent += len(data)
            if end.up is not None and end.holds:
                self.held.set()
                return
            if end.up is not None:
                broken.set()
            # The server has seen the end when it closes; only then the client may.
            server.shutdown(socket.SHUT_WR)

    def _down(
        self, server: socket.socket, client: socket.socket, end: Break, broken: Event
    ) -> None:
        with suppress(OSError):
            for data in _received(server, end.down):
                if not broken.is_set():
                    client.sendall(data)
            if end.down is not None and end.holds:
                self.held.set()
                return
        if broken.is_set():
            # It stands in the middle of sending: without a reset it would wait.
            client.close()
        self._end(client)
        self._end(server)

    @staticmethod
    def _end(one: socket.socket) -> None:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _received(source: socket.socket, most: int | None) -> Iterator[bytes]:
    """
    :return: what comes from *source*, *most* bytes of it.
    """
    passed = 0
    while most is None or passed < most:
        data = source.recv(65536 if most is None else min(65536, most - passed))
        if not data:
            return
        passed += len(data)
        yield data
