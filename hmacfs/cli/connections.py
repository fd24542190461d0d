"""
Connections to a daemon, for the commands that speak HTTP.

TCP, TLS and UNIX sockets are one thing here: a
:class:`http.client.HTTPConnection` that a :class:`hmacfs.cli.ways.Way` leads
to.  What goes wrong on the way is told in sentences that say what to look at.
"""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

from hmacfs.cli.failures import Failure
from hmacfs.cli.ways import Way


class _SocketConnection(HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            self.sock = None
            raise


def prepare(way: Way, patience: float) -> HTTPConnection:
    """
    :param patience: seconds that the other side may be silent.
    :return: a connection that is still to be made; ``connect`` raises what
        :func:`reason` explains.
    :raise Failure: the certificate that *way* names cannot be read.
    """
    where = urlsplit(way.base)
    assert where.hostname is not None
    if way.socket is not None:
        return _SocketConnection(way.socket, patience)
    if where.scheme == "https":
        return HTTPSConnection(
            where.hostname, where.port, timeout=patience, context=_trust(way.certificate)
        )
    return HTTPConnection(where.hostname, where.port, timeout=patience)


def reason(error: OSError, way: Way) -> str:
    """
    :param error: what connecting to *way* raised.
    :return: what is wrong, and on a line of its own what to look at.
    """
    place = way.socket or way.base
    if isinstance(error, ssl.SSLError):
        return (
            f"the connection: TLS with {place} fails: {error.reason or error}.\n"
            "Is the certificate the one that the settings name, and is it in force?"
        )
    if isinstance(error, PermissionError):
        return (
            f"the connection: {place} may not be opened by this user.\n"
            "UnixSocketMode and the folder's permissions decide who may."
        )
    return (
        f"the connection: nothing answers at {place} ({error.strerror or error}).\n"
        "Is the daemon running, and with these settings? twistd -n hmacfs starts it."
    )


def hopeless(error: OSError) -> bool:
    """
    :param error: what connecting raised.
    :return: whether it would be raised again however often one tries.
    """
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return False
    return isinstance(error, ssl.SSLError | PermissionError)


def _trust(certificate: str | None) -> ssl.SSLContext:
    """
    :param certificate: the one that must be shown, whatever name it bears; or
        ``None`` to judge as a browser does.
    """
    context = ssl.create_default_context()
    if certificate is not None:
        context.check_hostname = False
        # Also where an authority signed it, since that one may be unknown here.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_verify_locations(certificate)
        except OSError as error:
            raise Failure(f"the certificate: {certificate}: {error.strerror or error}.") from None
    return context
