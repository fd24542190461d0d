"""
Tests for :mod:`hmacfs.proxies`.
"""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.http1 import Head
from hmacfs.proxies import client_address

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


def head(*fields: tuple[bytes, bytes]) -> Head:
    """A GET with *fields*."""
    return Head(b"GET", b"/", b"HTTP/1.1", fields)


class ClientAddressTests(SynchronousTestCase):
    """
    The client is the nearest address that no trusted proxy has.
    """

    def test_table(self) -> None:
        """
        Only trusted proxies are believed, each for the hop before it.
        """
        xff, forwarded = b"x-forwarded-for", b"forwarded"
        cases = [
            ("192.0.2.1:80", (xff, b"203.0.113.9"), "192.0.2.1:80"),
            ("10.0.0.1:80", (xff, b"203.0.113.9"), "203.0.113.9"),
            ("unix", (xff, b"203.0.113.9"), "203.0.113.9"),
            ("10.0.0.1:80", (xff, b"198.51.100.1, 203.0.113.9, 10.0.0.2"), "203.0.113.9"),
            ("10.0.0.1:80", (xff, b"203.0.113.9, junk, 10.0.0.2"), "10.0.0.2"),
            ("10.0.0.1:80", (xff, b"10.0.0.3,10.0.0.2"), "10.0.0.3"),
            ("10.0.0.1:80", (xff, b""), "10.0.0.1:80"),
            ("[2001:db8::1]:80", (xff, b"2001:db9::5"), "2001:db9::5"),
            ("10.0.0.1:80", (xff, b"::ffff:203.0.113.9"), "203.0.113.9"),
            ("10.0.0.1:80", (xff, b"203.0.113.9:4711"), "203.0.113.9"),
            ("10.0.0.1:80", (forwarded, b'for="[2001:db9::5]:1"'), "2001:db9::5"),
            ("10.0.0.1:80", (forwarded, b"for=203.0.113.9;proto=https"), "203.0.113.9"),
            ("10.0.0.1:80", (forwarded, b"proto=http; For=203.0.113.9"), "203.0.113.9"),
            ("10.0.0.1:80", (forwarded, b"for=1.2.3.4, for=203.0.113.9"), "203.0.113.9"),
            ("10.0.0.1:80", (forwarded, b"for=unknown"), "10.0.0.1:80"),
            ("10.0.0.1:80", (forwarded, b"for=_hidden"), "10.0.0.1:80"),
        ]
        self.assertEqual(
            [client_address(peer, head(field), TRUSTED) for peer, field, _ in cases],
            [client for _, _, client in cases],
        )

    def test_bounded(self) -> None:
        """
        A chain without end is followed for a bounded number of hops.
        """
        chain = b"203.0.113.9," + b",".join([b"10.0.0.2"] * 1000)
        self.assertEqual(
            client_address("10.0.0.1:80", head((b"x-forwarded-for", chain)), TRUSTED), "10.0.0.2"
        )

    @given(st.binary(max_size=200), st.sampled_from([b"forwarded", b"x-forwarded-for"]))
    def test_anything(self, value: bytes, name: bytes) -> None:
        """
        Whatever is sent, the client is an address that was told, or the peer.
        """
        found = client_address("unix", head((name, value)), TRUSTED)
        self.assertRegex(found, r"\A(unix|[0-9a-f.:]+)\Z")
