"""
The listening sockets, which the supervisor opens and every worker accepts on.

:class:`Lending` stands in for the reactor where :class:`hmacfs.ports.Ports`
opens them: they listen, and nobody reads.  :class:`Borrowing` stands in for it
in a worker, where an endpoint is asked again to listen, and is given the socket
that is there.  So every endpoint works that is made of Twisted's own.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IProtocolFactory
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from hmacfs.addresses import Address, Endpoint, written
from hmacfs.config import Problem, Problems
from hmacfs.descriptors import PAUSE, left
from hmacfs.ports import Ports

TURN = 0.002
"""Seconds that another worker has to accept the next one."""

_FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Lent:
    """
    A port that is listened on, and accepted from by others.

    :ivar socket: it.
    """

    def __init__(self, lent: socket.socket, path: str = "") -> None:
        """
        :param path: of the file that goes with it.
        """
        lent.setblocking(False)
        self.socket = lent
        self._path = path

    def getHost(self) -> IPv4Address | IPv6Address | UNIXAddress:
        """See :class:`twisted.internet.interfaces.IListeningPort`."""
        name = self.socket.getsockname()
        match self.socket.family:
            case socket.AF_INET6:
                return IPv6Address("TCP", *name)
            case socket.AF_INET:
                return IPv4Address("TCP", *name)
            case _:
                return UNIXAddress(name if isinstance(name, bytes) else os.fsencode(name))

    def stopReading(self) -> None:
        """Nobody reads."""

    def stopListening(self) -> None:
        """See :class:`twisted.internet.interfaces.IListeningPort`."""
        if self._path:
            os.unlink(self._path)
        self.socket.close()


class Lending:
    """
    A reactor whose ports nobody accepts from here.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def adoptStreamPort(self, fileno: int, family: int, factory: IProtocolFactory) -> Lent:
        """See :class:`twisted.internet.interfaces.IReactorSocket`."""
        return Lent(socket.fromfd(fileno, family, socket.SOCK_STREAM))

    def listenTCP(
        self, port: int, factory: IProtocolFactory, backlog: int = 50, interface: str = ""
    ) -> Lent:
        """See :class:`twisted.internet.interfaces.IReactorTCP`."""
        family = socket.AF_INET6 if ":" in interface else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((interface, port))
            opened.listen(backlog)
        except OSError:
            opened.close()
            raise
        return Lent(opened)

    def listenSSL(
        self,
        port: int,
        factory: IProtocolFactory,
        contextFactory: object,
        backlog: int = 50,
        interface: str = "",
    ) -> Lent:
        """See :class:`twisted.internet.interfaces.IReactorSSL`."""
        return self.listenTCP(port, factory, backlog, interface)

    def listenUNIX(
        self,
        address: str,
        factory: IProtocolFactory,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: int = 0,
    ) -> Lent:
        """See :class:`twisted.internet.interfaces.IReactorUNIX`."""
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.bind(address)
            os.chmod(address, mode)
            opened.listen(backlog)
        except OSError:
            opened.close()
            raise
        return Lent(opened, address)


async def lend(ports: Ports) -> None:
    """
    Open *ports*, of a :class:`Lending`.

    :raise Problems: as of :meth:`hmacfs.ports.Ports.open`; also where an
        endpoint listens in a way of its own, which no worker could inherit.
    """
    await ports.open()
    strange = [address for address, port in ports.opened if not isinstance(port, Lent)]
    if strange:
        await ports.close()
        text = "listens in a way that several processes cannot share: it needs Workers = 1."
        raise Problems([Problem("ListenPort", f"{written(each)} {text}") for each in strange])


class Acceptor(FileDescriptor):
    """
    Accepts, one connection a turn: so whoever has much to do leaves the next
    one to another worker.  Who has many open leaves it too: the system would
    wake the same one again and again.  Without a descriptor to spare,
    connections wait; some are kept back for what those ask for that are here.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        listening: socket.socket,
        factory: IProtocolFactory,
        crowded: Callable[[], bool],
    ) -> None:
        """
        :param crowded: whether others should accept the next one.
        """
        super().__init__(reactor)
        self._crowded = crowded
        self._on = reactor
        self._listening = listening
        self._factory = factory
        self._open = True
        self._accepted: socket.socket | None = None
        self._waiting = False
        factory.doStart()
        # Now others know that there is one more, who has none yet.
        crowded()
        self.startReading()

    def fileno(self) -> int:
        """See :class:`twisted.internet.interfaces.IFileDescriptor`."""
        return self._listening.fileno()

    def doRead(self) -> None:
        """See :class:`twisted.internet.interfaces.IReadDescriptor`."""
        try:
            if self._accepted is None:
                if left(self._listening.fileno()) <= 0:
                    # Another worker may have some.
                    self._wait()
                    return
                self._accepted, _ = self._listening.accept()
            self._adopt(self._accepted)
        except BlockingIOError:
            return  # Another worker has it.
        except OSError as error:
            if error.errno in _FULL:
                # One that is accepted already waits as well.
                self._wait()
                return
        self._waiting = False
        self._let_go()
        if self._crowded():
            self._rest(TURN)

    def close(self) -> None:
        """Accept no more; others do."""
        if self._open:
            self._open = False
            self.stopReading()
            if self._accepted is not None:
                with suppress(OSError):
                    self._adopt(self._accepted)
                self._let_go()
            self._listening.close()
            self._factory.doStop()

    def connectionLost(self, reason: Failure) -> None:
        """See :class:`twisted.internet.interfaces.IReadDescriptor`: the reactor ends."""
        self.close()

    def logPrefix(self) -> str:
        """See :class:`twisted.internet.interfaces.ILoggingContext`."""
        return type(self).__name__

    def _adopt(self, accepted: socket.socket) -> None:
        """
        :raise OSError: the client is gone by now, or there is no second
            descriptor for it.
        """
        accepted.setblocking(False)
        self._on.adoptStreamConnection(accepted.fileno(), accepted.family, self._factory)

    def _let_go(self) -> None:
        accepted, self._accepted = self._accepted, None
        if accepted is not None:
            accepted.close()

    def _wait(self) -> None:
        if not self._waiting:
            self._waiting = True
            self.log.warn("connections wait: there are too many open files")
        self._rest(PAUSE)

    def _rest(self, seconds: float) -> None:
        self.stopReading()
        self._on.callLater(seconds, self._again)

    def _again(self) -> None:
        if self._open:
            self.startReading()
            if self._accepted is not None:
                # Perhaps nobody comes behind it, and so nothing is to be read.
                self.doRead()


class Borrowing:
    """
    A reactor that listens on one socket that is there.
    """

    def __init__(self, reactor: Any, listening: socket.socket, crowded: Callable[[], bool]) -> None:
        self._reactor = reactor
        self._listening = listening
        self._crowded = crowded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(self, port: int, factory: IProtocolFactory, *args: Any, **more: Any) -> Acceptor:
        """See :class:`twisted.internet.interfaces.IReactorTCP`."""
        return Acceptor(self._reactor, self._listening, factory, self._crowded)

    def listenSSL(
        self, port: int, factory: IProtocolFactory, contextFactory: Any, *args: Any, **more: Any
    ) -> Acceptor:
        """See :class:`twisted.internet.interfaces.IReactorSSL`."""
        return self.listenTCP(port, TLSMemoryBIOFactory(contextFactory, False, factory))

    listenUNIX = listenTCP


class Doors:
    """
    All of them, as one worker has them.
    """

    def __init__(
        self,
        reactor: Any,
        addresses: Sequence[Address],
        sockets: Sequence[int],
        factory: IProtocolFactory,
        crowded: Callable[[], bool],
    ) -> None:
        """
        :param addresses: of each socket, what the settings say.
        :param sockets: their descriptors, which become ours.
        :param crowded: as of :class:`Acceptor`.
        """
        self._reactor = reactor
        self._closed = list(zip(addresses, sockets, strict=True))
        self._factory, self._crowded = factory, crowded
        self._open: list[Acceptor] = []

    async def open(self) -> None:
        """Accept."""
        while self._closed:
            address, file = self._closed.pop(0)
            listening = socket.socket(fileno=file)
            # systemd hands its sockets to the supervisor alone.
            if isinstance(address, Endpoint) and not address.description.startswith("systemd:"):
                borrowing = Borrowing(self._reactor, listening, self._crowded)
                endpoint = serverFromString(borrowing, address.description)
                self._open.append(await endpoint.listen(self._factory))
            else:
                self._open.append(Acceptor(self._reactor, listening, self._factory, self._crowded))

    def close(self) -> None:
        """Accept no more.  Harmless when called twice."""
        while self._open:
            self._open.pop().close()
