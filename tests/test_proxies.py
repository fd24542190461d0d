"""
Tests for :mod:`hmacfs.proxies`.
"""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.http1 import Head
from hmacfs.proxies import client_address, is_proxy, origin_of

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
            ("10.0.0.1:80", (xff, b"203.0.113.9:" + b"1" * 99), "10.0.0.1:80"),
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


class IsProxyTests(SynchronousTestCase):
    """
    A proxy is trusted by its address, or by the socket that it may open.
    """

    def test_table(self) -> None:
        """
        Its port does not matter, nor does an IPv4 address in IPv6's clothes.
        """
        cases = {
            "unix": True,
            "10.1.2.3:80": True,
            "[2001:db8::1]:80": True,
            "[::ffff:10.1.2.3]:80": True,
            "192.0.2.1:80": False,
            "[2001:db9::1]:80": False,
            "nonsense": False,
        }
        self.assertEqual({peer: is_proxy(peer, TRUSTED) for peer in cases}, cases)


class OriginTests(SynchronousTestCase):
    """
    The URLs that we make are those that the client asked.
    """

    def origin(self, *fields: tuple[bytes, bytes], peer: str = "unix", secure: bool = False) -> str:
        asked = Head(b"PUT", b"/", b"HTTP/1.1", fields, host=b"in.example:8080")
        return origin_of(peer, asked, secure, TRUSTED).decode()

    def test_direct(self) -> None:
        """
        Without a proxy they are those of the connection.
        """
        found = [self.origin(peer="192.0.2.1:1", secure=secure) for secure in (False, True)]
        self.assertEqual(found, ["http://in.example:8080", "https://in.example:8080"])

    def test_proxy(self) -> None:
        """
        A trusted proxy says what it was asked, in whichever fields.
        """
        proto, host = b"x-forwarded-proto", b"x-forwarded-host"
        cases = [
            ([(proto, b"https")], "https://in.example:8080"),
            ([(proto, b"HTTPS"), (host, b"a.example")], "https://a.example"),
            ([(host, b"evil, a.example:444")], "http://a.example:444"),
            ([(host, b"[2001:db8::1]:80")], "http://[2001:db8::1]:80"),
            (
                [(b"forwarded", b'for=1.2.3.4;proto=https;host="a.example:444"')],
                "https://a.example:444",
            ),
            ([(b"forwarded", b"Host=a.example ; PROTO=https")], "https://a.example"),
            ([(b"forwarded", b"proto=https"), (host, b"evil")], "https://in.example:8080"),
            ([], "http://in.example:8080"),
        ]
        for peer in ("unix", "10.0.0.1:80"):
            self.assertEqual(
                [self.origin(*fields, peer=peer) for fields, _ in cases],
                [origin for _, origin in cases],
            )

    def test_untrusted(self) -> None:
        """
        Of anybody else nothing is believed.
        """
        for field in (
            (b"x-forwarded-proto", b"https"),
            (b"x-forwarded-host", b"evil"),
            (b"forwarded", b"proto=https;host=evil"),
        ):
            self.assertEqual(self.origin(field, peer="192.0.2.1:1"), "http://in.example:8080")

    def test_before_the_proxy(self) -> None:
        """
        Nor of what the client sent along, before the proxy's own word.
        """
        for sent in (b"host=evil", b'host=evil;by="', b'by="x, host=evil'):
            self.assertEqual(
                self.origin((b"forwarded", sent + b", for=1.2.3.4;proto=https")),
                "https://in.example:8080",
            )

    def test_junk(self) -> None:
        """
        What is no origin is not told on.
        """
        for field in (
            (b"x-forwarded-proto", b"javascript"),
            (b"x-forwarded-host", b"a.example/path?"),
            (b"x-forwarded-host", b"user@a.example"),
            (b"forwarded", b"proto=gopher"),
            (b"forwarded", b'host="a b"'),
            (b"forwarded", b"host="),
            (b"forwarded", b"==;;,"),
            (b"x-forwarded-proto", b""),
        ):
            self.assertEqual(self.origin(field), "http://in.example:8080", field)

    def test_no_host(self) -> None:
        """
        Where nobody names a host, there is no origin.
        """
        asked = Head(b"PUT", b"/", b"HTTP/1.0", ())
        self.assertEqual(origin_of("192.0.2.1:1", asked, False, TRUSTED), b"")

    @given(
        st.binary(max_size=100),
        st.sampled_from([b"forwarded", b"x-forwarded-proto", b"x-forwarded-host"]),
    )
    def test_anything(self, value: bytes, name: bytes) -> None:
        """
        Whatever is sent, it is a scheme and a host, and nothing else.
        """
        self.assertRegex(self.origin((name, value)), r"\Ahttps?://[A-Za-z0-9.\-_~%\[\]:]+\Z")
