"""
Tests for :mod:`hmacfs.workers.sockets`.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hmacfs.addresses import Endpoint
from hmacfs.config import Problems
from hmacfs.descriptors import PAUSE
from hmacfs.ports import Ports
from hmacfs.workers.sockets import TURN, Acceptor, Lending, Lent, lend


class Reactor(Clock):
    """
    A reactor that takes note of who reads, and of connections.

    :ivar trouble: raised at the next connection.
    """

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []
        self.adopted: list[int] = []
        self.trouble: OSError | None = None

    def addReader(self, reader: Any) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        if reader in self.readers:
            self.readers.remove(reader)

    removeWriter = removeReader

    def adoptStreamConnection(self, fileno: int, family: int, factory: Any) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.adopted.append(family)


class AcceptorTests(SynchronousTestCase):
    """
    Connections are accepted one by one, and wait where there is no descriptor.
    """

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.setblocking(False)
        self.place = self.listening.getsockname()
        self.crowded = False
        self.acceptor = Acceptor(self.reactor, self.listening, Factory(), lambda: self.crowded)
        self.addCleanup(self.acceptor.close)

    def call(self) -> None:
        self.addCleanup(socket.create_connection(self.place).close)

    def test_one_a_turn(self) -> None:
        """
        A turn accepts one, so that others get theirs.
        """
        self.call()
        self.call()
        self.acceptor.doRead()
        self.assertEqual(self.reactor.adopted, [socket.AF_INET])
        self.acceptor.doRead()
        self.assertEqual(len(self.reactor.adopted), 2)

    def test_crowded(self) -> None:
        """
        Who has many leaves the next one to others, for a moment.
        """
        self.call()
        self.crowded = True
        self.acceptor.doRead()
        self.assertEqual((len(self.reactor.adopted), self.reactor.readers), (1, []))
        self.reactor.advance(TURN)
        self.assertEqual(self.reactor.readers, [self.acceptor])

    def test_taken(self) -> None:
        """
        Where another worker was faster nothing happens.
        """
        self.acceptor.doRead()
        self.assertEqual(self.reactor.adopted, [])

    def test_full(self) -> None:
        """
        Without a descriptor nobody is accepted for a moment, and who was is
        served as soon as there is one, though nobody else comes.
        """
        heard = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)
        self.call()
        self.reactor.trouble = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        self.acceptor.doRead()
        self.assertEqual(self.reactor.readers, [])
        self.reactor.advance(PAUSE)
        self.assertEqual((self.reactor.readers, self.reactor.adopted), ([], []))
        self.assertEqual(len(heard), 1)
        self.reactor.trouble = None
        self.reactor.advance(PAUSE)
        self.assertEqual(
            (self.reactor.readers, self.reactor.adopted), ([self.acceptor], [socket.AF_INET])
        )

    def test_closed_while_one_waits(self) -> None:
        """
        Who was accepted and waits is served by a worker that accepts no more.
        """
        self.call()
        self.reactor.trouble = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        self.acceptor.doRead()
        self.reactor.trouble = None
        self.acceptor.close()
        self.assertEqual(self.reactor.adopted, [socket.AF_INET])

    def test_gone(self) -> None:
        """
        A client that went before it was served does no harm.
        """
        self.call()
        self.reactor.trouble = OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        self.acceptor.doRead()
        self.assertEqual(self.reactor.readers, [self.acceptor])

    def test_closed(self) -> None:
        """
        What is closed stays closed, a pause or not.
        """
        self.call()
        self.reactor.trouble = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        self.acceptor.doRead()
        self.acceptor.close()
        self.reactor.advance(PAUSE)
        self.assertEqual(self.reactor.readers, [])


class LendingTests(SynchronousTestCase):
    """
    The sockets of the supervisor listen, and nobody reads there.
    """

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.lending = Lending(self.reactor)

    def test_tcp(self) -> None:
        """
        A port is listened on, and known by its number.
        """
        port = self.lending.listenTCP(0, Factory(), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        host = port.getHost()
        assert isinstance(host, IPv4Address)
        socket.create_connection((host.host, host.port)).close()
        self.assertEqual((self.reactor.readers, port.socket.getblocking()), ([], False))

    def test_unix(self) -> None:
        """
        A socket in the file system has its mode, and goes with its file.
        """
        path = os.path.relpath(self.mktemp())
        port = self.lending.listenUNIX(path, Factory(), mode=0o600)
        self.assertEqual(port.getHost(), UNIXAddress(os.fsencode(path)))
        self.assertEqual(Path(path).stat().st_mode & 0o777, 0o600)
        port.stopListening()
        self.assertFalse(Path(path).exists())

    def test_taken(self) -> None:
        """
        A port that is taken is an error, and leaves nothing open.
        """
        port = self.lending.listenTCP(0, Factory(), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        number = port.socket.getsockname()[1]
        self.assertRaises(OSError, self.lending.listenTCP, number, Factory(), interface="127.0.0.1")

    def test_rest(self) -> None:
        """
        All else is the reactor's.
        """
        self.assertEqual(self.lending.seconds(), 0.0)


class Willful(Lending):
    """
    A reactor whose endpoints listen without asking it.
    """

    def listenTCP(self, *args: Any, **more: Any) -> Any:
        return self._reactor.listenTCP(*args, **more)


class LendTests(TestCase):
    """
    Every endpoint is lent to the workers, or refused.
    """

    def ports(self, lending: Lending, description: str) -> Ports:
        ports = Ports(lending, "ListenPort", [Endpoint(description)], 0o660, Factory())
        self.addCleanup(ports.close)
        return ports

    async def test_wrapped(self) -> None:
        """
        One that is made of others is lent as these are.
        """
        ports = self.ports(Lending(reactor), "haproxy:tcp:0:interface=127.0.0.1")
        await lend(ports)
        self.assertEqual([type(port) for _, port in ports.opened], [Lent])

    async def test_willful(self) -> None:
        """
        One that listens in a way of its own is refused by name, and closed.
        """
        ports = self.ports(Willful(reactor), "tcp:0:interface=127.0.0.1")
        with self.assertRaises(Problems) as caught:
            await lend(ports)
        (problem,) = caught.exception.problems
        self.assertEqual(
            (problem.key, problem.text, ports.opened),
            (
                "ListenPort",
                "tcp:0:interface=127.0.0.1 listens in a way that several processes cannot "
                "share: it needs Workers = 1.",
                (),
            ),
        )
