"""
Tests for :mod:`hmacfs.cli.ways`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import loading
from hmacfs.cli import ways
from hmacfs.cli.failures import Failure
from hmacfs.cli.ways import Way
from hmacfs.settings import Settings
from tests.commands import write_settings


class WaysTestCase(SynchronousTestCase):
    """
    What the tests below share.
    """

    def settings(self, **settings: object) -> Settings:
        """
        :return: a configuration as the daemon reads it.
        """
        path = write_settings(self.mktemp(), **settings)
        return loading.load(path, "/").settings


class NearestTests(WaysTestCase):
    """
    A client on this machine finds the daemon by the first address of ListenPort.
    """

    def assertWay(self, listen: object, way: Way | None) -> None:
        """
        :param listen: a ``ListenPort``.
        """
        self.assertEqual(ways.nearest(self.settings(ListenPort=listen)), way)

    def test_loopback(self) -> None:
        """
        An address is an address.
        """
        self.assertWay("127.0.0.1:8080", Way("http://127.0.0.1:8080"))
        self.assertWay("[::1]:8080", Way("http://[::1]:8080"))

    def test_name(self) -> None:
        """
        A name stays a name.
        """
        self.assertWay("files.example.org:80", Way("http://files.example.org:80"))

    def test_all_interfaces(self) -> None:
        """
        Who listens everywhere is found on loopback.
        """
        self.assertWay(":8080", Way("http://127.0.0.1:8080"))
        self.assertWay("0.0.0.0:8080", Way("http://127.0.0.1:8080"))
        self.assertWay("[::]:8080", Way("http://[::1]:8080"))

    def test_socket(self) -> None:
        """
        A UNIX socket is reached by its path.
        """
        self.assertWay("unix:/tmp/h.sock", Way("http://localhost", socket="/tmp/h.sock"))
        self.assertWay("unix:/tmp/h.sock:mode=666", Way("http://localhost", socket="/tmp/h.sock"))

    def test_endpoints(self) -> None:
        """
        Endpoint strings say as much, by position or by name.
        """
        self.assertWay("tcp:8080", Way("http://127.0.0.1:8080"))
        self.assertWay("tcp:8080:interface=192.0.2.1", Way("http://192.0.2.1:8080"))
        self.assertWay(r"tcp6:port=8080:interface=\:\:1", Way("http://[::1]:8080"))

    def test_tls(self) -> None:
        """
        With TLS the certificate that the daemon shows is known too.
        """
        self.assertWay("ssl:8443", Way("https://127.0.0.1:8443", certificate="server.pem"))
        self.assertWay(
            r"ssl:8443:privateKey=/etc/k.pem:certKey=/etc/a\:b.pem",
            Way("https://127.0.0.1:8443", certificate="/etc/a:b.pem"),
        )

    def test_unknown(self) -> None:
        """
        What cannot be told is left out; a later address may do.
        """
        self.assertWay("systemd:domain=INET:index=0", None)
        self.assertWay("127.0.0.1:0", None)
        self.assertWay(["127.0.0.1:0", "127.0.0.1:8081"], Way("http://127.0.0.1:8081"))


class PublicTests(WaysTestCase):
    """
    Clients get URLs of PublicURL, and without one of the nearest address.
    """

    def test_public_url(self) -> None:
        """
        PublicURL counts first.
        """
        self.assertEqual(
            ways.public(self.settings(PublicURL="https://f.example.org/")),
            "https://f.example.org",
        )

    def test_address(self) -> None:
        """
        Without it the address counts.
        """
        self.assertEqual(ways.public(self.settings()), "http://127.0.0.1:8080")

    def test_neither(self) -> None:
        """
        Where neither is known, that is said.
        """
        settings = self.settings(ListenPort="systemd:domain=INET:index=0")
        with self.assertRaises(Failure) as raised:
            ways.public(settings)
        self.assertIn("PublicURL", raised.exception.text)


class ReadTests(WaysTestCase):
    """
    A URL on the command line may be written with or without the prefix.
    """

    def test_prefix(self) -> None:
        """
        The prefix is not doubled.
        """
        settings = self.settings(UploadSubDir="a/b")
        given = ["https://h", "https://h/", "https://h/a/b", "https://h/a/b/", "https://h/b"]
        self.assertEqual(
            [ways.read(url, settings) for url in given],
            ["https://h", "https://h", "https://h", "https://h", "https://h/b"],
        )

    def test_malformed(self) -> None:
        """
        What is no such URL is refused as a wrong call.
        """
        for url in ["", "files.example.org", "ftp://h", "https://h/?q", "https://me@h"]:
            with self.assertRaises(Failure) as raised:
                ways.read(url, self.settings())
            self.assertEqual(raised.exception.status, 2)


class SlotTests(WaysTestCase):
    """
    A URL that somebody else gave leads to its server, and is asked for as it is.
    """

    def test_urls(self) -> None:
        """
        The address is told from the target; what is encoded stays as it is.
        """
        expected = {
            "https://h/up/a%2Fb%20c.txt?v=1&x=%2b": ("https://h", "/up/a%2Fb%20c.txt?v=1&x=%2b"),
            "http://h:81": ("http://h:81", "/"),
            "HTTPS://H/a#part": ("https://h", "/a"),
            "http://[::1]:8080/a": ("http://[::1]:8080", "/a"),
            "http://h/a+b&c=d;e@f:g,h!i~j": ("http://h", "/a+b&c=d;e@f:g,h!i~j"),
        }
        for url, (base, target) in expected.items():
            self.assertEqual(ways.slot(url), (Way(base), target))

    def test_unencoded(self) -> None:
        """
        What no request can hold is encoded.
        """
        self.assertEqual(
            ways.slot("http://bücher.example/très cool.txt?é"),
            (Way("http://xn--bcher-kva.example"), "/tr%C3%A8s%20cool.txt?%C3%A9"),
        )

    def test_malformed(self) -> None:
        """
        What is no such URL is refused as a wrong call.
        """
        for url in (
            "", "a.txt", "//h/a", "ftp://h/a", "http:///a", "http://h:x/a", "http://h:99999/a",
            "http://me:secret@h/a", "http://[::1/a", "http://a..b/a",
        ):  # fmt: skip
            failure = self.assertRaises(Failure, ways.slot, url)
            self.assertEqual(failure.status, 2)

    @given(st.text())
    def test_anything(self, url: str) -> None:
        """
        Whatever it is, it is refused, or leads to what a request can hold.
        """
        try:
            way, target = ways.slot(url)
        except Failure:
            return
        self.assertTrue((way.base + target).isascii())
        self.assertEqual((way.base + target).split(), [way.base + target])
