"""
TLS in front of a server that has none: ``python -m tests.tls_front PEM PORT TO``.

What comes in TLS to PORT of 127.0.0.1 and 127.0.0.2, by the certificate and the
key in PEM, is passed on to the port TO.
"""

from __future__ import annotations

import sys

from twisted.internet import reactor
from twisted.internet.ssl import PrivateCertificate
from twisted.protocols.portforward import ProxyFactory


def main(pem: str, port: str, to: str) -> None:
    with open(pem) as file:
        certificate = PrivateCertificate.loadPEM(file.read())
    for address in ("127.0.0.1", "127.0.0.2"):
        front = ProxyFactory("127.0.0.1", int(to))
        reactor.listenSSL(int(port), front, certificate.options(), interface=address)
    print("ready", flush=True)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
