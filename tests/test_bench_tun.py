"""
Tests for :mod:`bench.tun`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.tun import exchanged


class PacketTests(SynchronousTestCase):
    """
    What goes over the bad line comes back from the other end.
    """

    def test_exchanged(self) -> None:
        """
        Sender and receiver are exchanged, and nothing else.
        """
        packet = bytes(range(40))
        self.assertEqual(exchanged(packet)[12:20], bytes([16, 17, 18, 19, 12, 13, 14, 15]))
        self.assertEqual(exchanged(exchanged(packet)), packet)
