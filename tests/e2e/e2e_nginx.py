"""
A real nginx with TLS between the clients and hmacfs' UNIX socket.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.certificates import make_certificate
from tests.e2e.contracts import SlotContract
from tests.e2e.issuers import IssuedByEjabberd, IssuedByFileShare, IssuedByV, IssuedByV2
from tests.e2e.proxy import Nginx
from tests.process import Daemon, free_port


class ProxiedContract(SlotContract):
    """All that holds without nginx holds behind it."""

    def start_daemon(self) -> None:
        self.certificate = make_certificate(self.folder)
        port = free_port()
        self.daemon = Daemon(self.folder, unix=True, PublicURL=f"https://localhost:{port}")
        self.addCleanup(self.daemon.end)
        nginx = Nginx(self.folder / "nginx", port, self.certificate, self.snippet("nginx"))
        self.addCleanup(nginx.end)


class Http1Tests(IssuedByV, ProxiedContract, SynchronousTestCase):
    """``?v=`` over HTTP/1.1."""


class Http1BearerTests(IssuedByFileShare, ProxiedContract, SynchronousTestCase):
    """A JWT in a header of HTTP/1.1."""


class Http2Tests(IssuedByV2, ProxiedContract, SynchronousTestCase):
    """``?v2=`` over HTTP/2."""

    HTTP = ("--http2", "2")


class Http2BearerTests(IssuedByFileShare, ProxiedContract, SynchronousTestCase):
    """A JWT in a header of HTTP/2."""

    HTTP = ("--http2", "2")


class Http2EjabberdTests(IssuedByEjabberd, ProxiedContract, SynchronousTestCase):
    """The three segments of ejabberd over HTTP/2."""

    HTTP = ("--http2", "2")
