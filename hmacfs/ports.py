"""
The doors: what ``ListenPort`` and ``MetricsPort`` say, opened and closed.

All interfaces means a socket for IPv6 and one for IPv4.  One socket for both
would show IPv4 clients as ``::ffff:192.0.2.1``, to the log and to
``TrustedProxies``, and is not there where IPv6 is off.

A UNIX socket is bound, given its mode, and only then listened on, so that
nobody connects who may not.  The file of a daemon that died is replaced, the
one of a daemon that lives is not.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory

from hmacfs.addresses import Address, Endpoint, Tcp, Unix, written
from hmacfs.config import Problem, Problems

#: Connections that may wait to be accepted; the system's own bound holds too.
BACKLOG = 1024

#: Errors of one family that do not matter where the other one works.
_NO_SUCH_FAMILY = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})

#: How often a free port of one family is looked for that is free in the other.
_TRIES = 10

_WHY = {
    errno.EADDRINUSE: "is taken: another program listens there",
    errno.EACCES: "may not be opened by this user",
    errno.EADDRNOTAVAIL: "is no address of this machine",
}


class Ports:
    """
    The ports of one site.
    """

    def __init__(
        self,
        reactor: Any,
        key: str,
        addresses: Sequence[Address],
        mode: int,
        factory: IProtocolFactory,
    ) -> None:
        """
        :param reactor: listens on sockets that are bound already, on UNIX
            sockets, and on whatever the endpoint strings want.
        :param key: the setting that *addresses* are from.
        :param mode: permission bits of every UNIX socket.
        :param factory: makes a protocol for each connection.
        """
        self._reactor, self._key, self._addresses = reactor, key, addresses
        self._mode, self._factory = mode, factory
        self._ports: list[tuple[Address, Any]] = []

    @property
    def places(self) -> list[str]:
        """
        Where it listens, as it is: the port that the system chose for 0.
        """
        return [place(address, port.getHost()) for address, port in self._ports]

    @property
    def opened(self) -> Sequence[tuple[Address, Any]]:
        """
        Each port, and what the settings say of it.
        """
        return tuple(self._ports)

    async def open(self) -> None:
        """
        Listen everywhere.

        :raise Problems: with every address that cannot be listened on; the
            others are closed again.
        """
        problems = []
        for address in self._addresses:
            try:
                await self._open(address)
            except (OSError, CannotListenError, ValueError) as error:
                problems.append(Problem(self._key, f"{written(address)} {why(error)}."))
        if problems:
            await self.close()
            raise Problems(problems)

    async def open_before(self, others: Ports) -> None:
        """
        Listen everywhere.

        :param others: are opened later; where these here cannot be, they are
            tried at once, so that the operator hears of all of them together.
        :raise Problems: as of :meth:`open`.
        """
        try:
            await self.open()
        except Problems as found:
            raise Problems([*found.problems, *await others.tried()]) from None

    async def tried(self) -> Sequence[Problem]:
        """
        Listen everywhere for a moment.

        :return: as of :meth:`open`, none where all is well.
        """
        try:
            await self.open()
        except Problems as found:
            return found.problems
        await self.close()
        return ()

    async def close(self) -> None:
        """
        Take no new connection.  Those that are open stay.
        """
        ports, self._ports = self._ports, []
        for address, port in ports:
            if _stays(address, port.getHost()):
                port.stopReading()
                port.socket.close()
            else:
                await maybeDeferred(port.stopListening)

    async def _open(self, address: Address) -> None:
        match address:
            case Tcp(host, port):
                for each in bound(host, port):
                    with each:
                        adopted = self._reactor.adoptStreamPort(
                            each.fileno(), each.family, self._factory
                        )
                    self._ports.append((address, adopted))
            case Unix(path):
                make_way(path)
                opened = self._reactor.listenUNIX(path, self._factory, BACKLOG, self._mode)
                self._ports.append((address, opened))
            case Endpoint(description):
                opened = await self._endpoint(description).listen(self._factory)
                self._ports.append((address, opened))
                host = opened.getHost()
                if description.startswith("systemd:") and isinstance(host, UNIXAddress):
                    # Twisted has just made it writable for everybody.
                    os.chmod(host.name or b"", self._mode)

    def _endpoint(self, description: str) -> Any:
        try:
            return serverFromString(self._reactor, description)
        except OSError:
            raise
        except Exception as error:
            # Twisted's parsers, and OpenSSL's of keys, raise what they like.
            raise ValueError(f"is no endpoint that works: {error}") from error


def bound(host: str, port: int) -> Sequence[socket.socket]:
    """
    :param host: a name or an address; ``""`` is all interfaces.
    :param port: 0 is a free one, the same for every address of *host*.
    :return: a listening socket for each address of *host*, at least one.
    :raise OSError: there is none, or one cannot be had.
    """
    # Looking up a name blocks, once and before anybody waits.
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    places = [(family, address) for family, _, _, _, address in found]
    for _ in range(_TRIES - 1 if port == 0 else 0):
        try:
            return listening(places)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return listening(places)


def listening(places: Sequence[tuple[socket.AddressFamily, Any]]) -> Sequence[socket.socket]:
    """
    :param places: families and addresses, as ``getaddrinfo`` finds them.
    :return: a listening socket for each whose family is there, at least one.
    :raise OSError: there is none, or one cannot be had.
    """
    sockets: list[socket.socket] = []
    missing = None
    try:
        for family, (host, port, *rest) in places:
            try:
                # What the system chose for the first, the others want as well.
                port = port or next((each.getsockname()[1] for each in sockets), 0)
                sockets.append(_listening_on(family, (host, port, *rest)))
            except OSError as error:
                if error.errno not in _NO_SUCH_FAMILY:
                    raise
                missing = error
    except OSError:
        for each in sockets:
            each.close()
        raise
    if missing is not None and not sockets:
        raise missing
    return sockets


def _listening_on(family: socket.AddressFamily, address: Any) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(address)
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError:
        opened.close()
        raise
    return opened


def make_way(path: str) -> None:
    """
    Remove the socket of a daemon that died.

    :raise OSError: somebody listens there.
    :raise ValueError: it is no socket.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ValueError("is there and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        # Somebody whose backlog is full lives, and is not waited for.
        caller.setblocking(False)
        try:
            caller.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _stays(address: Address, host: Any) -> bool:
    """
    Whether the socket's file is not ours to remove when we close.

    Twisted's port unlinks it always: it would take away the socket that
    systemd made and goes on listening on, and where the file is gone it
    fails and never says that it is closed.
    """
    if not isinstance(host, UNIXAddress):
        return False
    ours = not (isinstance(address, Endpoint) and address.description.startswith("systemd:"))
    return not (ours and os.path.lexists(host.name or b""))


def why(error: Exception) -> str:
    """
    :return: what ends a sentence that begins with the address.
    """
    if isinstance(error, CannotListenError):
        error = error.socketError
    if isinstance(error, socket.gaierror):
        return f"cannot be found: {error.strerror}"
    if isinstance(error, OSError):
        return _WHY.get(error.errno or 0) or f"cannot be opened: {error.strerror}"
    return str(error)


def place(address: Address, host: Any) -> str:
    """
    :param host: where a port listens, as Twisted tells it.
    :return: it as it is written in the configuration.
    """
    match host:
        case IPv6Address(host=name, port=port):
            text = f"[{name}]:{port}"
        case IPv4Address(host=name, port=port):
            text = f"{name}:{port}"
        case UNIXAddress(name=name):
            text = f"unix:{os.fsdecode(name or b'')}"
        case _:
            text = str(host)
    scheme = address.description.partition(":")[0] if isinstance(address, Endpoint) else ""
    return f"{text} ({scheme})" if scheme else text
