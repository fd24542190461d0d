"""
Tests for :mod:`hmacfs.web.pacing`.
"""

from __future__ import annotations

import socket
from contextlib import closing
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.web.pacing import unpace


class Connection:
    """
    One between two addresses.

    :ivar control: the congestion control that was chosen.
    :ivar refused: whether the kernel lets nobody choose.
    """

    def __init__(self, peer: str, own: str, family: int = socket.AF_INET) -> None:
        self.family = family
        self.control: bytes | None = None
        self.refused = False
        self._ends = peer, own

    def getpeername(self) -> tuple[str, int]:
        return self._ends[0], 4711

    def getsockname(self) -> tuple[str, int]:
        return self._ends[1], 8080

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        assert (level, option) == (socket.IPPROTO_TCP, socket.TCP_CONGESTION)
        if self.refused:
            raise PermissionError
        self.control = value


class UnpaceTests(SynchronousTestCase):
    """
    Nothing is spread over time for a client on this machine, and all that is
    for others is left to the kernel.
    """

    def control(self, peer: str, own: str, family: int = socket.AF_INET6) -> bytes | None:
        connection: Any = Connection(peer, own, family)
        unpace(connection)
        chosen: bytes | None = connection.control
        return chosen

    def test_this_machine(self) -> None:
        """
        Addresses of loopback are this machine's, and so is one that both ends have.
        """
        ends = [
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.2", "127.0.0.1"),
            ("::1", "::1"),
            ("::ffff:127.0.0.2", "::ffff:127.0.0.1"),
            ("192.0.2.7", "192.0.2.7"),
            ("fe80::1%eth0", "fe80::1%eth0"),
        ]
        self.assertEqual([self.control(*each) for each in ends], [b"reno"] * len(ends))

    def test_others(self) -> None:
        """
        A client of the network is served as the operator has set up the machine.
        """
        ends = [
            ("192.0.2.7", "192.0.2.8"),
            ("::ffff:192.0.2.7", "::ffff:192.0.2.8"),
            ("fe80::2%eth0", "fe80::1%eth0"),
        ]
        self.assertEqual([self.control(*each) for each in ends], [None] * len(ends))

    def test_unix(self) -> None:
        """
        A UNIX socket knows no congestion.
        """
        self.assertIsNone(self.control("", "", socket.AF_UNIX))

    def test_refused(self) -> None:
        """
        Where the kernel refuses, the connection stays as it was.
        """
        connection: Any = Connection("127.0.0.1", "127.0.0.1")
        connection.refused = True
        unpace(connection)
        self.assertIsNone(connection.control)

    def test_kernel(self) -> None:
        """
        The kernel takes it, also of a connection that is closed meanwhile.
        """
        with closing(socket.create_server(("127.0.0.1", 0))) as port:
            client = socket.create_connection(port.getsockname())
            unpace(client)
            chosen = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
            self.assertEqual(chosen.rstrip(b"\0"), b"reno")
            client.close()
            unpace(client)
