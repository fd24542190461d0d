"""
Tests for :mod:`hmacfs.web.secure_inlet`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.web.secure_inlet import SecureInlet

KIB = 1024


class Socket:
    """What TLS stands on."""

    bufferSize = 64 * KIB


class Tls:
    """
    Twisted's TLS, which hands on a record of 16 KiB by itself.

    :ivar transport: what is below.
    :ivar wrappedProtocol: what is above.
    :ivar given: how much it was given to decrypt, each time.
    """

    def __init__(self) -> None:
        self.transport = Socket()
        self.wrappedProtocol = Protocol(SecureInlet(self))
        self.given: list[int] = []
        self.broken = False

    def dataReceived(self, data: bytes | memoryview) -> None:
        self.given.append(len(data))
        for at in range(0, len(data), 16 * KIB):
            self.wrappedProtocol.dataReceived(bytes(data[at : at + 16 * KIB]))
        if self.broken:
            raise RuntimeError("broken")


class Protocol:
    """
    :ivar pieces: what it was handed.
    """

    def __init__(self, inlet: SecureInlet) -> None:
        self.inlet = inlet
        self.pieces: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        if not self.inlet.gathers(data):
            self.pieces.append(data)


class InletTests(SynchronousTestCase):
    """
    What is read of a large body comes in one piece.
    """

    def setUp(self) -> None:
        self.tls = Tls()
        self.above = self.tls.wrappedProtocol

    def test_large(self) -> None:
        """
        It is decrypted a little at a time, and comes at once.
        """
        self.above.inlet.read_in(1024 * KIB)
        data = bytes(range(250)) * 1000
        self.tls.dataReceived(data)
        self.assertEqual(self.tls.given, [64 * KIB, 64 * KIB, 64 * KIB, len(data) - 192 * KIB])
        self.assertTrue(self.above.pieces == [data])
        self.assertEqual(self.tls.transport.bufferSize, 1024 * KIB)

    def test_other(self) -> None:
        """
        All else comes as Twisted has it, before and behind.
        """
        data = bytes(40 * KIB)
        self.tls.dataReceived(data)
        self.above.inlet.read_in(1024 * KIB)
        self.above.inlet.read_in(64 * KIB)
        self.tls.dataReceived(data)
        self.assertEqual([len(piece) // KIB for piece in self.above.pieces], [16, 16, 8] * 2)
        self.assertEqual(self.tls.transport.bufferSize, 64 * KIB)
        self.assertNotIn("dataReceived", vars(self.tls))

    def test_crowded(self) -> None:
        """
        Where there are many connections, OpenSSL is given less at once, be the
        body large or small.
        """
        inlet = SecureInlet(self.tls, 32 * KIB)
        self.above.inlet = inlet
        inlet.read_in(64 * KIB)
        self.assertEqual(self.tls.transport.bufferSize, 32 * KIB)
        inlet.read_in(1024 * KIB)
        self.tls.dataReceived(bytes(80 * KIB))
        self.assertEqual(self.tls.given, [32 * KIB, 32 * KIB, 16 * KIB])

    def test_nothing(self) -> None:
        """
        Nothing is no piece.
        """
        self.above.inlet.read_in(1024 * KIB)
        self.tls.dataReceived(b"")
        self.assertEqual(self.above.pieces, [])

    def test_ended_within(self) -> None:
        """
        Who has enough in the middle of it hears of the rest as ever.
        """
        inlet = self.above.inlet
        inlet.read_in(1024 * KIB)
        taken = self.above.dataReceived

        def enough(data: bytes) -> None:
            taken(data)
            if self.above.pieces:
                inlet.read_in(64 * KIB)

        self.above.dataReceived = enough
        self.tls.dataReceived(bytes(128 * KIB))
        self.tls.dataReceived(bytes(16 * KIB))
        self.assertEqual([len(piece) // KIB for piece in self.above.pieces], [128, 16])

    def test_broken(self) -> None:
        """
        Where it fails, what comes later is not kept back.
        """
        self.above.inlet.read_in(1024 * KIB)
        self.tls.broken = True
        self.assertRaises(RuntimeError, self.tls.dataReceived, b"lost")
        self.above.dataReceived(b"next")
        self.assertEqual(self.above.pieces, [b"next"])

    @given(st.lists(st.tuples(st.integers(0, 200 * KIB), st.integers(0, 1024 * KIB))))
    def test_any_order(self, reads: list[tuple[int, int]]) -> None:
        """
        However it is read, all of it comes, in its order.
        """
        self.setUp()
        sent = b""
        for number, (size, most) in enumerate(reads):
            data = (b"%d " % number * size)[:size]
            sent += data
            self.above.inlet.read_in(most)
            self.tls.dataReceived(data)
        self.assertTrue(b"".join(self.above.pieces) == sent)
