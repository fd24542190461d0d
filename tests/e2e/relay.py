"""
A bad line: a proxy for one server that breaks connections when it is told to.

A :class:`Relay` passes bytes on in both directions and lets a
:class:`~tests.e2e.ledger.Ledger` read along.  It knows no HTTP, so that it can
stand before TLS and HTTP/2 as well.  It lives on an event loop in a thread of
its own, since the clients of the tests block theirs.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any, NoReturn, Protocol

import attrs

PIECE = 2**18  # bytes that are passed on at once, at most


class Line(Protocol):
    """Reads along on one connection."""

    def sent(self, data: bytes) -> None:
        """The client sent *data*, and the server gets it."""

    def heard(self, data: bytes) -> None:
        """The server sent *data*, and the client gets it."""


@attrs.define
class Cut:
    """
    When to break a connection.

    :ivar after: bytes that still pass, counted over all connections.
    :ivar meanwhile: called when they have passed, while nothing goes on.
    :ivar rudely: by RST, as a client's machine that was started anew; else as
        a program that ended.
    :ivar again: when to break the next one.
    """

    after: int
    meanwhile: Callable[[], object] = lambda: None
    rudely: bool = False
    again: Cut | None = None


class Relay:
    """
    A proxy on loopback before one server.

    :ivar address: where it listens: ``host:port``, or the path of a UNIX socket.
    :ivar sent: bytes that clients sent through it so far.
    :ivar heard: bytes that they got.
    :ivar cuts: how many connections it broke.
    """

    def __init__(
        self, server: str, address: str, read_along: Callable[[], Line] | None = None
    ) -> None:
        """
        :param server: where the server listens, as of *address*; it need not
            do so yet.
        :param address: where to listen.
        :param read_along: called for each connection.
        """
        self.address = address
        self.sent = self.heard = self.cuts = 0
        self._server = server
        self._read_along = read_along or _Blind
        self._cut_sent: Cut | None = None
        self._cut_heard: Cut | None = None
        self._listening = _socket(address)
        self._listening.bind(_place(address))
        self._listening.listen()
        self._listening.setblocking(False)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._lines: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.run_coroutine_threadsafe(self._accept(), self._loop)

    def cut_sent(self, cut: Cut | None) -> None:
        """
        :param cut: counts the bytes of clients, from now; ``None`` takes an
            order back that was not carried out.
        """
        self._cut_sent = cut

    def cut_heard(self, cut: Cut | None) -> None:
        """
        :param cut: counts the bytes of the server, from now.
        """
        self._cut_heard = cut

    def end(self) -> None:
        """Break all connections, and listen no more."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._accepting.cancel()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines)
        self._listening.close()

    async def _accept(self) -> None:
        while True:
            client, _ = await self._loop.sock_accept(self._listening)
            line = asyncio.create_task(self._serve(client))
            self._lines.add(line)
            line.add_done_callback(self._lines.discard)

    async def _serve(self, client: socket.socket) -> None:
        server = _socket(self._server)
        ways: list[asyncio.Task[None]] = []
        with client, server, suppress(asyncio.CancelledError):
            client.setblocking(False)
            server.setblocking(False)
            try:
                await self._loop.sock_connect(server, _place(self._server))
                line = self._read_along()
                ways = [
                    asyncio.create_task(self._pass_sent(client, server, line)),
                    asyncio.create_task(self._pass_heard(server, client, line)),
                ]
                await asyncio.gather(*ways)
            except _Broken as broken:
                if broken.cut.rudely:
                    _reset(client)
                    _reset(server)
            except OSError:
                pass  # who is there no more hears nothing either
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_sent(self, client: socket.socket, server: socket.socket, line: Line) -> None:
        taken = True
        while data := await self._loop.sock_recv(client, PIECE):
            data, cut = _until(self._cut_sent, data)
            self.sent += len(data)
            line.sent(data)
            try:
                if taken:
                    await self._loop.sock_sendall(server, data)
            except OSError:
                # It may have answered already: that is to be heard, before
                # the connection ends.
                taken = False
            if cut is not None:
                self._cut_sent = cut.again
                self._break(cut)
        if taken:
            server.shutdown(socket.SHUT_WR)

    async def _pass_heard(self, server: socket.socket, client: socket.socket, line: Line) -> None:
        while data := await self._loop.sock_recv(server, PIECE):
            data, cut = _until(self._cut_heard, data)
            self.heard += len(data)
            line.heard(data)
            await self._loop.sock_sendall(client, data)
            if cut is not None:
                self._cut_heard = cut.again
                self._break(cut)
        client.shutdown(socket.SHUT_WR)

    def _break(self, cut: Cut) -> NoReturn:
        self.cuts += 1
        cut.meanwhile()
        raise _Broken(cut)


class _Broken(Exception):
    """The connection is to be broken now."""

    def __init__(self, cut: Cut) -> None:
        super().__init__()
        self.cut = cut


class _Blind:
    """Reads nothing."""

    def sent(self, data: bytes) -> None:
        pass

    def heard(self, data: bytes) -> None:
        pass


def _until(cut: Cut | None, data: bytes) -> tuple[bytes, Cut | None]:
    """
    :return: what of *data* still passes, and *cut* when it is due behind that.
    """
    if cut is None:
        return data, None
    passing = data[: cut.after]
    cut.after -= len(passing)
    return passing, None if cut.after else cut


def _socket(address: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX if address.startswith("/") else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made


def _place(address: str) -> Any:
    host, _, port = address.rpartition(":")
    return address if address.startswith("/") else (host, int(port))


def _reset(connected: socket.socket) -> None:
    """Let the close be an RST."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
