"""
The kinds of socket that a site is reached by, for tests with a real reactor.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.python.failure import Failure
from twisted.trial import util

from tests.certificates import make_certificate


def head(method: str, target: str, *fields: str) -> bytes:
    """
    :return: a request's.
    """
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


class Client(Protocol):
    """
    Sends what it is told to, and waits for answers.
    """

    def __init__(self) -> None:
        self.received = b""
        self.wanted = ("", Deferred[Any]())
        self.gone: Deferred[bytes] = Deferred()

    def until(self, pattern: str) -> Deferred[Any]:
        """
        :return: fires when *pattern* is found in what came.
        """
        self.wanted = (pattern, Deferred())
        self.dataReceived(b"")
        return self.wanted[1]

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        pattern, found = self.wanted
        if pattern and not found.called and re.search(pattern.encode(), self.received):
            found.callback(None)

    def connectionLost(self, reason: Failure) -> None:
        self.gone.callback(self.received)


class Socket:
    """
    One kind, for a ``TestCase`` to be mixed with.

    :ivar port: what listens.
    """

    port: Any

    def listening(self) -> str:
        """
        :return: the endpoint string of the server.
        """
        raise NotImplementedError

    def way(self) -> IStreamClientEndpoint:
        """
        :return: the way to it, once it listens.
        """
        raise NotImplementedError


class TCP(Socket):
    """
    Over TCP.
    """

    def listening(self) -> str:
        return "tcp:0:interface=127.0.0.1"

    def way(self) -> IStreamClientEndpoint:
        return TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)


class UNIX(Socket):
    """
    Over a UNIX socket.
    """

    def listening(self) -> str:
        self.path = self.mktemp()
        return f"unix:{self.path}"

    def way(self) -> IStreamClientEndpoint:
        return UNIXClientEndpoint(reactor, self.path)


class TLS(Socket):
    """
    Over TLS.
    """

    # Twisted's ssl endpoint is told so by pyOpenSSL.  (A test that is a coroutine
    # begins outside of what trial suppresses.)
    suppress = [util.suppress(message="Passing pyOpenSSL .* objects is deprecated")]

    def listening(self) -> str:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.pem = make_certificate(folder)
        return f"ssl:0:interface=127.0.0.1:privateKey={self.pem}:certKey={self.pem}"

    def way(self) -> IStreamClientEndpoint:
        trusted = optionsForClientTLS("localhost", Certificate.loadPEM(self.pem.read_bytes()))
        tcp = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        return wrapClientTLS(trusted, tcp)
