"""
Tests for :mod:`hmacfs.web.channel` on real sockets: what transports in memory cannot show.

TLS closes by a goodbye that the client answers, and gives what it has read in
pieces of its own; a socket in the kernel takes what nobody reads.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import connectProtocol, serverFromString
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.store.memory import MemoryStore
from hmacfs.web.channel import LINGER_SECONDS
from hmacfs.web.root import make_site
from tests.serving import settings, signed
from tests.sockets import TCP, TLS, UNIX, head
from tests.taker import Memo

SIZE = 5 * 1024 * 1024
BODY = bytes(range(256)) * (SIZE // 256)


class Client(Protocol):
    """
    Sends what it is told to and keeps what comes.

    :ivar gone: fires with all that came when the server has closed.
    """

    def __init__(self) -> None:
        self.received = b""
        self.gone: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Failure) -> None:
        self.gone.callback(self.received)


class Sockets:
    """
    What is true of every kind of socket.
    """

    # No client of these tests needs to be cut off to go.
    timeout = LINGER_SECONDS / 2

    @inlineCallbacks
    def setUp(self) -> Any:
        self.site = make_site(
            MemoryStore(reactor), MemoryMetadata(reactor, 1), Memo(), settings(), reactor
        )
        self.port = yield serverFromString(reactor, self.listening()).listen(self.site)

    @inlineCallbacks
    def tearDown(self) -> Any:
        yield self.port.stopListening()
        yield self.site.cut()

    @inlineCallbacks
    def ask(self, *sent: bytes) -> Any:
        """
        :return: all that the server says until it closes.
        """
        client = yield connectProtocol(self.way(), Client())
        for data in sent:
            client.transport.write(data)
        return (yield client.gone)

    @inlineCallbacks
    def test_refused(self) -> Any:
        """
        A client that sends its whole file before it reads meets the refusal,
        and is not kept when it has.
        """
        asked = head("PUT", "/uploads/a", f"Content-Length: {SIZE}")
        answer = yield self.ask(asked, BODY)
        self.assertEqual(answer.split(b"\r\n")[0], b"HTTP/1.1 403 Forbidden")
        self.assertEqual(answer.count(b"HTTP/1.1"), 1)

    @inlineCallbacks
    def test_one_after_the_other(self) -> Any:
        """
        Two uploads and a download that are sent in one go are served in order.
        """
        length = f"Content-Length: {SIZE}"
        answers = yield self.ask(
            head("PUT", signed("a", SIZE), length),
            BODY,
            head("PUT", signed("b", SIZE), length),
            BODY,
            head("GET", "/uploads/b", "Connection: close"),
        )
        self.assertEqual(answers.count(b"HTTP/1.1 201 Created\r\n"), 2)
        self.assertTrue(answers.endswith(b"\r\n\r\n" + BODY))

    @inlineCallbacks
    def test_slow_reader(self) -> Any:
        """
        A client that pauses is waited for, and gets every byte.
        """
        client = yield connectProtocol(self.way(), Client())
        client.transport.write(head("PUT", signed("a", SIZE), f"Content-Length: {SIZE}"))
        client.transport.write(BODY)
        client.transport.write(head("GET", "/uploads/a", "Connection: close"))
        client.transport.pauseProducing()
        reactor.callLater(0.05, client.transport.resumeProducing)
        answers = yield client.gone
        self.assertTrue(answers.endswith(b"\r\n\r\n" + BODY))


class TCPTests(TCP, Sockets, TestCase):
    """
    Over TCP.
    """


class UNIXTests(UNIX, Sockets, TestCase):
    """
    Over a UNIX socket.
    """


class TLSTests(TLS, Sockets, TestCase):
    """
    Over TLS.
    """
