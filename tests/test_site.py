"""
Tests for :mod:`hmacfs.web.site` and :mod:`hmacfs.web.request`: what is told, and how it ends.
"""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.server import Site

from hmacfs.events import (
    ConnectionClosed,
    ConnectionOpened,
    RequestCompleted,
    RequestReceived,
)
from hmacfs.metrics_site import MetricsSite
from hmacfs.web.secure_outlet import STRETCH
from hmacfs.web.site import LEAST_SHARE
from tests.certificates import make_certificate
from tests.taker import Case
from tests.wire import PEER, UNIX_PEER, Conversation, Transport

MEBIBYTE = 1024 * 1024


class EventTests(Case):
    """
    What happens is told.
    """

    def test_request(self) -> None:
        """
        A request is told from its connection's beginning to its end.
        """
        self.put(3, "User-Agent: test")
        self.clock.advance(2)
        self.client.send(b"abc")
        self.client.vanish()
        opened, received, completed, closed = self.hub.events
        self.assertEqual(
            [opened, received, completed, closed],
            [
                ConnectionOpened(1_700_000_000, 1, "192.0.2.1:4711"),
                RequestReceived(1_700_000_000, "feed-1", 1, "192.0.2.1:4711", "PUT", "/files"),
                RequestCompleted(
                    at=1_700_000_002,
                    request="feed-1",
                    connection=1,
                    client="192.0.2.1:4711",
                    method="PUT",
                    path="/files",
                    status=201,
                    code="",
                    received=3,
                    sent=2,
                    duration=2,
                    agent="test",
                ),
                ConnectionClosed(1_700_000_002, 1, "192.0.2.1:4711", 2),
            ],
        )

    def test_id(self) -> None:
        """
        The answer carries the request's id.
        """
        answer = self.client.request("GET", "/files")
        self.assertEqual(answer.headers["x-request-id"], "feed-1")

    def test_fault(self) -> None:
        """
        A fault of ours is logged, and the client hears 500 and no more.
        """
        self.taker.verdict = verdict = Deferred()
        self.put(3)
        verdict.errback(RuntimeError("/srv/secret"))
        [answer] = self.client.answers()
        self.assertEqual((answer.status, answer.code), (500, "internal"))
        self.assertNotIn(b"secret", answer.body)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_descriptors(self) -> None:
        """
        Where too many clients leave none to open a file with, one more is told so.
        """
        self.taker.verdict = verdict = Deferred()
        self.put(3)
        verdict.errback(OSError(errno.EMFILE, "Too many open files", "/srv/secret"))
        [answer] = self.client.answers()
        self.assertEqual(
            (answer.status, answer.headers["retry-after"], answer.body),
            (503, "5", b"Too many clients are served just now. (overloaded)\n"),
        )

    def test_faulty_page(self) -> None:
        """
        So it is where a resource does not answer by itself.
        """
        self.taker.render_GET = lambda request: b"text"
        self.assertEqual(self.client.request("GET", "/files").status, 500)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_late_fault(self) -> None:
        """
        A fault is logged also where nobody is left to hear of it.
        """
        self.taker.verdict = verdict = Deferred()
        self.put(3)
        self.client.vanish()
        verdict.errback(RuntimeError())
        self.assertEqual(self.client.statuses(), [])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_unix_peer(self) -> None:
        """
        A client on a UNIX socket is "unix", or who a proxy there says it is.
        """
        client = Conversation(self.site, UNIX_PEER)
        client.request("GET", "/files")
        client.request("GET", "/files", "X-Forwarded-For: 203.0.113.9")
        received = [event for event in self.hub.events if isinstance(event, RequestReceived)]
        self.assertEqual([event.client for event in received], ["unix", "203.0.113.9"])


class DrainTests(Case):
    """
    A daemon that stops lets what is under way finish.
    """

    def test_idle(self) -> None:
        """
        Connections without a request end at once.
        """
        self.client.request("GET", "/files")
        drained = self.site.drain()
        self.assertEqual(self.client.transport.closed, "closed")
        self.successResultOf(drained)

    def test_under_way(self) -> None:
        """
        An upload under way gets its answer, which says that the connection ends.
        """
        self.put(3)
        drained = self.site.drain()
        self.assertNoResult(drained)
        self.client.send(b"abc")
        self.client.end()
        [answer] = self.client.answers()
        self.assertEqual((answer.status, answer.headers["connection"]), (201, "close"))
        self.successResultOf(drained)

    def test_cut(self) -> None:
        """
        What is left is cut, and waited for until it is put away.
        """
        self.put(3)
        ended: Deferred[None] = Deferred()
        self.site.watch(ended)
        cut = self.site.cut()
        self.assertEqual(self.body.losses, ["shutting-down"])
        self.assertNoResult(cut)
        ended.callback(None)
        self.successResultOf(cut)

    def test_on_its_way(self) -> None:
        """
        What is answered, and not taken yet, arrives: a connection that was closed
        on a client's further requests would be reset.
        """
        transport = self.client.transport
        transport.blocked = True
        for _ in range(3):
            self.client.send(b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertGreater(self.client.unread, 0)
        drained = self.site.drain()
        self.assertEqual((transport.half_closed, self.client.unread), (True, 0))
        transport.unblock()
        self.assertEqual((self.client.statuses(), transport.closed), ([200], None))
        self.client.end()
        self.successResultOf(drained)

    def test_new_connection(self) -> None:
        """
        A connection that comes too late is closed, told with its number, and
        leaves no timer.
        """
        self.client.vanish()
        self.site.drain()
        self.assertEqual(Conversation(self.site).transport.closed, "closed")
        numbers = [
            event.connection for event in self.hub.events if isinstance(event, ConnectionClosed)
        ]
        self.assertEqual((numbers, self.clock.getDelayedCalls()), ([1, 2], []))


class ShareTests(Case):
    """
    All uploads together have a bounded place in memory.
    """

    def test_share(self) -> None:
        """
        The more uploads are under way, the less of each is in memory; it grows
        again when they end.
        """
        most, shares, ends = 4 * MEBIBYTE, [], []
        for _ in range(1024):
            ends.append(Deferred[None]())
            self.site.watch(ends[-1])
            shares.append((self.site.share(most), self.site.read_size))
        for end in ends[1:]:
            end.callback(None)
        self.assertEqual(
            [shares[count - 1] for count in (1, 8, 64, 256, 1024)],
            [
                (4 * MEBIBYTE, MEBIBYTE),
                (1536 * 1024, MEBIBYTE),
                (192 * 1024, 192 * 1024),
                (48 * 1024, 48 * 1024),
                (LEAST_SHARE, LEAST_SHARE),
            ],
        )
        self.assertEqual(self.site.share(most), most)

    def test_stretch(self) -> None:
        """
        Under TLS the more connections there are, the less is encrypted at once on
        each that comes.
        """
        stretches, clients = [], []
        for _ in range(600):
            clients.append(Conversation(self.site))
            stretches.append(self.site.stretch)
        self.assertEqual(
            [stretches[count - 2] for count in (2, 64, 256, 600)],
            [STRETCH, 64 * 1024, LEAST_SHARE, LEAST_SHARE],
        )


class HandshakeTests(Case):
    """
    A TLS client may offer protocols in its handshake, and HTTP/1.1 is among them.
    """

    def ask(self, site: Site, target: str, *offered: bytes) -> bytes:
        """
        Ask *site* by way of a handshake.

        :param offered: the protocols that the client offers; it may offer none.
        :return: the first line of the answer.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        pem = make_certificate(folder).read_bytes()
        options = CertificateOptions(
            load_pem_private_key(pem, None), x509.load_pem_x509_certificate(pem)
        )
        server = TLSMemoryBIOFactory(options, False, site, self.clock).buildProtocol(PEER)
        transport = Transport()
        transport.protocol = server
        server.makeConnection(transport)
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        if offered:
            context.set_alpn_protos(offered)
        client = SSL.Connection(context)
        client.set_connect_state()

        def exchange() -> None:
            with contextlib.suppress(SSL.WantReadError):
                server.dataReceived(client.bio_read(65536))
            written, transport.written = transport.written, b""
            if written:
                client.bio_write(written)

        for _ in range(3):
            with contextlib.suppress(SSL.WantReadError):
                client.do_handshake()
            exchange()
        client.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        exchange()
        self.clock.advance(1)
        exchange()
        return client.recv(65536).partition(b"\r\n")[0]

    def test_offers(self) -> None:
        """
        Whatever else it offers beside it, also nothing, it is served.
        """
        for offered in ([], [b"http/1.1"], [b"h2", b"http/1.1"]):
            self.assertEqual(self.ask(self.site, "/files", *offered), b"HTTP/1.1 200 OK")

    def test_metrics(self) -> None:
        """
        So it is on the metrics site.
        """
        site = MetricsSite(CollectorRegistry(), self.clock)
        self.assertEqual(self.ask(site, "/metrics", b"h2", b"http/1.1"), b"HTTP/1.1 200 OK")
