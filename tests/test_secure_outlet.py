"""
Tests for :mod:`hmacfs.web.secure_outlet`.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from socket import AF_INET

from hypothesis import given
from hypothesis import strategies as st
from OpenSSL.SSL import TLS_METHOD, Connection, Context, WantReadError
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import Clock
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from hmacfs.web.outlet import Outlet, PlainOutlet
from hmacfs.web.secure_outlet import STRETCH, SecureOutlet, outlet
from tests.certificates import make_certificate
from tests.driven import Tls, TlsTransport, Wire, opened
from tests.wire import Transport

MUCH = b"0123456789" * (4 * STRETCH // 10)


def agreed(pem: Path) -> tuple[Connection, Connection]:
    """
    :return: a server and a client that have shaken hands, in memory.
    """
    context = Context(TLS_METHOD)
    context.use_certificate_file(str(pem))
    context.use_privatekey_file(str(pem))
    server, client = Connection(context, None), Connection(Context(TLS_METHOD), None)
    server.set_accept_state()
    client.set_connect_state()
    for ours, theirs in [(client, server), (server, client)] * 2:
        # The bare name is one that trial looks for in a module.
        with contextlib.suppress(WantReadError):
            ours.do_handshake()
        theirs.bio_write(ours.bio_read(STRETCH))
    return server, client


class SmallRecords(Tls):
    """One that adds 69 bytes to each record of 512."""

    def send(self, data: memoryview) -> int:
        size = min(len(data), 512)
        self._sealed += bytes(size + 69)
        return size


class SecureTests(SynchronousTestCase):
    """
    What is written goes out encrypted, in its order, and Twisted is left what
    is not to be encrypted now.
    """

    def setUp(self) -> None:
        self.wire = Wire(self)
        self.transport = TlsTransport(self.wire)
        self.outlet = SecureOutlet(self.transport)

    def test_at_once(self) -> None:
        """
        A small answer goes at once, behind what Twisted may have kept.
        """
        self.outlet.begin(b"head ")
        self.outlet.write(b"body")
        self.assertEqual(self.wire.take(), b"9:head body,")
        self.assertEqual((self.transport.flushed, self.wire.writing), (1, False))

    def test_counted(self) -> None:
        """
        It is counted as it was written.
        """
        self.outlet.write(b"body")
        self.wire.take()
        self.assertEqual((self.outlet.taken, self.outlet.unsent), (4, 0))

    def test_stretches(self) -> None:
        """
        Of what comes from one who has more, the last stretch waits for the
        reactor, and is large enough to pause him.
        """
        data = (b"0123456789" * (STRETCH // 4))[: STRETCH * 2 + 123]
        self.outlet.queue(data)
        self.assertGreater(self.outlet.queued, 65536)
        self.assertTrue(opened(self.wire.drain()) == data)

    def test_small_records(self) -> None:
        """
        Nothing stays with OpenSSL where the client wants the smallest records, and
        the cipher makes the most of each.
        """
        self.transport.tls = SmallRecords()
        self.outlet.queue(bytes(STRETCH))
        self.assertEqual(len(self.wire.drain()), STRETCH // 512 * (512 + 69))
        self.assertRaises(WantReadError, self.transport.tls.bio_read, 1)

    def test_nothing(self) -> None:
        """
        Nothing is no record.
        """
        self.outlet.write(b"")
        self.assertEqual((self.wire.take(), self.transport.taken), (b"", b""))

    def test_not_ready(self) -> None:
        """
        Before the handshake, and behind the end, Twisted knows what to do.
        """
        for name, value in [
            ("_handshakeDone", False),
            ("_appSendBuffer", [b"waiting"]),
            ("_lostTLSConnection", True),
            ("_aborted", True),
            ("disconnecting", True),
        ]:
            self.setUp()
            setattr(self.transport, name, value)
            self.outlet.write(b"body")
            self.assertEqual((self.transport.taken, self.wire.take()), (b"body", b""))

    @given(st.integers(0, 3 * STRETCH), st.integers(0, 3 * STRETCH), st.booleans())
    def test_interrupted(self, size: int, most: int, more: bool) -> None:
        """
        Where OpenSSL stops, Twisted goes on with the first byte that it did not take.
        """
        self.setUp()
        self.transport.tls.most = most
        data = (b"0123456789" * (size // 10 + 1))[:size]
        (self.outlet.queue if more else self.outlet.write)(data)
        self.assertTrue(opened(self.wire.drain()) + self.transport.taken == data)


class SpanTests(SynchronousTestCase):
    """
    Of a file goes out what there is room for, and no more of it is read.
    """

    def setUp(self) -> None:
        self.wire = Wire(self)
        self.transport = TlsTransport(self.wire)
        self.outlet = SecureOutlet(self.transport)
        Path(path := self.mktemp()).write_bytes(MUCH)
        self.file = os.open(path, os.O_RDONLY)
        self.addCleanup(os.close, self.file)

    def test_part(self) -> None:
        """
        What is asked for goes at once, and is counted.
        """
        self.assertEqual(self.outlet.send_span(self.file, 5, 7), 7)
        self.assertEqual((self.wire.take(), self.outlet.taken), (b"7:5678901,", 7))

    def test_no_room(self) -> None:
        """
        A stretch that does not fit is the last: it waits, and nothing overtakes it.
        """
        self.assertEqual(self.outlet.send_span(self.file, 0, len(MUCH)), STRETCH)
        self.assertRaises(BlockingIOError, self.outlet.send_span, self.file, STRETCH, 1)
        self.assertTrue(opened(self.wire.drain()) == MUCH[:STRETCH])

    def test_interrupted(self) -> None:
        """
        While OpenSSL waits for the client nothing more is read.
        """
        self.transport.tls.most = 2000
        self.transport.write = self.transport._appSendBuffer.append
        self.assertEqual(self.outlet.send_span(self.file, 0, 3 * STRETCH), STRETCH)
        self.assertRaises(BlockingIOError, self.outlet.send_span, self.file, STRETCH, 1)
        self.assertTrue(opened(self.wire.drain()) == MUCH[:2000])
        self.assertTrue(self.transport._appSendBuffer == [MUCH[2000:STRETCH]])

    def test_end(self) -> None:
        """
        A file that has become shorter is sent as far as it goes.
        """
        self.assertEqual(self.outlet.send_span(self.file, len(MUCH) - 4, 10), 4)
        self.assertEqual(self.outlet.send_span(self.file, len(MUCH), 10), 0)
        self.assertEqual(self.wire.take(), b"4:%b," % MUCH[-4:])

    def test_lost(self) -> None:
        """
        Of a connection that has said goodbye, or is cut, no file is read in vain.
        """
        for name in ("_lostTLSConnection", "_aborted"):
            self.setUp()
            setattr(self.transport, name, True)
            self.assertRaises(ConnectionLost, self.outlet.send_span, self.file, 0, 1)

    def test_driven(self) -> None:
        """
        The socket below says when there is room.
        """
        turns: list[int] = []
        self.outlet.drive(lambda: turns.append(1) or True)
        self.wire.turn()
        self.outlet.rest()
        resting = self.wire.writing
        self.outlet.wake()
        self.wire.turn()
        self.outlet.release()
        self.assertEqual((len(turns), resting, self.wire.writing), (3, False, False))


class WholeTests(SynchronousTestCase):
    """
    OpenSSL encrypts a stretch in one call.
    """

    def test_one_call(self) -> None:
        """
        It takes more than a record at once, and the other side reads it all.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        server, client = agreed(make_certificate(folder))
        transport = TlsTransport(Wire(self))
        transport.tls = server
        SecureOutlet(transport)
        self.assertEqual(server.send(MUCH[:STRETCH]), STRETCH)
        client.bio_write(server.bio_read(2 * STRETCH))
        read = b""
        while len(read) < STRETCH:
            read += client.recv(STRETCH)
        self.assertTrue(read == MUCH[:STRETCH])


class KindTests(SynchronousTestCase):
    """
    Each transport has its outlet.
    """

    def test_kinds(self) -> None:
        """
        A plain socket, TLS over one, and whatever else.
        """
        plain = Wire(self).transport
        factory = TLSMemoryBIOFactory(CertificateOptions(), False, Factory(), Clock())
        secure = BufferingTLSTransport(factory, Protocol())
        secure.makeConnection(plain)
        over_another = BufferingTLSTransport(factory, Protocol())
        over_another.makeConnection(Transport())
        directlyProvides(over_another, ISSLTransport)
        kinds = [
            type(outlet(transport)) for transport in (plain, secure, over_another, Transport())
        ]
        self.assertEqual(kinds, [PlainOutlet, SecureOutlet, Outlet, Outlet])


class Nearby:
    """
    A transport of a client on this machine, and the one below it.

    :ivar chosen: what the kernel was told of its connection.
    """

    def __init__(self) -> None:
        self.transport = self
        self.chosen: list[bytes] = []
        self.family = AF_INET

    def getHandle(self) -> Nearby:
        return self

    def getpeername(self) -> tuple[str, int]:
        return "127.0.0.1", 80

    getsockname = getpeername

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        self.chosen.append(value)


class HasteTests(SynchronousTestCase):
    """
    That a long answer follows is said to the kernel, once a connection.
    """

    def test_once(self) -> None:
        """
        Plain or secure, it is the socket below that is meant; what has none is left alone.
        """
        told = []
        for kind in (PlainOutlet, SecureOutlet, Outlet):
            transport = Nearby()
            hastened = kind(transport)
            hastened.hasten()
            hastened.hasten()
            told.append(len(transport.chosen))
        self.assertEqual(told, [1, 1, 0])
