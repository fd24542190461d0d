"""
Tests for :mod:`hmacfs.addresses`.
"""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.addresses import FORM, PATH_FORM, Endpoint, Tcp, Unix, located, parse, written

PIECES = ["unix", "tcp", "ssl", "tls", ":", "::1", "[", "]", "80", "99999", "/run/x", "a.b", "="]
PIECES += ["127.0.0.1", "\\", "port", "\0", " ", "é", ".", "%eth0"]


class TcpTests(SynchronousTestCase):
    """
    A port alone is all interfaces; a host before it is that one.
    """

    def test_addresses(self) -> None:
        """
        Hosts and ports come apart, and brackets come off.
        """
        for text, expected in [
            (":8080", Tcp("", 8080)),
            ("8080", Tcp("", 8080)),
            ("127.0.0.1:8080", Tcp("127.0.0.1", 8080)),
            ("localhost:0", Tcp("localhost", 0)),
            ("files.example.org:65535", Tcp("files.example.org", 65535)),
            ("[::1]:8080", Tcp("::1", 8080)),
            ("[::]:8080", Tcp("::", 8080)),
            ("[fe80::1%eth0]:80", Tcp("fe80::1%eth0", 80)),
        ]:
            self.assertEqual(parse(text), expected)

    def test_refused(self) -> None:
        """
        What is no address is refused with all the forms there are.
        """
        for text in [
            "",
            "localhost",
            "127.0.0.1",
            ":65536",
            ":-1",
            ":port",
            "300.1.1.1:80",
            "[nonsense]:80",
            "[]:80",
            "*:80",
            "http://127.0.0.1:80",
            "127.0.0.1:80 ",
            "\u0661:80",
            "onion:80:public",
        ]:
            with self.assertRaises(ValueError) as raised:
                parse(text)
            self.assertEqual(str(raised.exception), f'"{text}" is no address; write {FORM}.')

    def test_bare_ipv6(self) -> None:
        """
        IPv6 without brackets says where the brackets go.
        """
        with self.assertRaises(ValueError) as raised:
            parse("::1:8080")
        self.assertEqual(
            str(raised.exception),
            '"::1:8080" is no address; write IPv6 addresses in brackets: "[::1]:8080".',
        )


class UnixTests(SynchronousTestCase):
    """
    A UNIX socket is a path behind ``unix:``, or a path where paths are meant.
    """

    def test_prefixed(self) -> None:
        """
        A path behind "unix:" is a socket in either case.
        """
        self.assertEqual(parse("unix:/run/x.sock"), Unix("/run/x.sock"))
        self.assertEqual(parse("unix:x.sock", unix=True), Unix("x.sock"))

    def test_plain(self) -> None:
        """
        With UnixSocket a plain path is a socket, one with a colon too.
        """
        for path in ["/run/x.sock", "x.sock", "./a b", "/run/x:8080"]:
            self.assertEqual(parse(path, unix=True), Unix(path))

    def test_path_without_switch(self) -> None:
        """
        A path where TCP is meant says what is missing.
        """
        with self.assertRaises(ValueError) as raised:
            parse("/run/x.sock")
        self.assertEqual(
            str(raised.exception),
            '"/run/x.sock" is a path; write "unix:" before it, as in "unix:/run/hmacfs.sock".',
        )

    def test_address_with_switch(self) -> None:
        """
        An address where a path is meant is no file in the working folder.
        """
        for text in ["127.0.0.1:8080", ":8080", "8080"]:
            with self.assertRaises(ValueError) as raised:
                parse(text, unix=True)
            self.assertEqual(
                str(raised.exception),
                f'"{text}" is an address, and UnixSocket is true; write {PATH_FORM}.',
            )

    def test_no_path(self) -> None:
        """
        Nothing, or a NUL in it, is no path.
        """
        self.assertRaises(ValueError, parse, "", True)
        self.assertRaises(ValueError, parse, "/a\0b", True)


class EndpointTests(SynchronousTestCase):
    """
    Endpoint strings are Twisted's; what it would stumble over is caught here.
    """

    def test_passed_on(self) -> None:
        """
        An endpoint string stays as it is, whatever UnixSocket says.
        """
        for text in [
            "ssl:8443:privateKey=key.pem:certKey=cert.pem",
            "ssl:port=8443:privateKey=key.pem",
            "tls:/etc/certificates:port=8443",
            "tcp:8080:interface=127.0.0.1",
            "tcp6:8080",
            "unix:/run/x.sock:mode=660",
            "unix:/run/a\\:b",
            "systemd:domain=INET:name=web",
            "haproxy:tcp:8080",
        ]:
            self.assertEqual((parse(text), parse(text, unix=True)), (Endpoint(text),) * 2)

    def test_no_port(self) -> None:
        """
        A port that cannot be is found before anything listens.
        """
        for text in ["tcp:99999", "tcp:http", "ssl:privateKey=key.pem", "tcp6:-1"]:
            with self.assertRaises(ValueError) as raised:
                parse(text)
            scheme = text.partition(":")[0]
            self.assertEqual(
                str(raised.exception),
                f'"{text}" has no port from 0 to 65535; write "{scheme}:8080".',
            )

    def test_broken(self) -> None:
        """
        An endpoint of nothing, or that ends in an escape, is none.
        """
        for text in ["tcp:", "unix:", "tls:", "systemd:a\\", "haproxy:\\\\\\"]:
            self.assertRaises(ValueError, parse, text)


class LocatedTests(SynchronousTestCase):
    """
    Paths in an endpoint string begin where those of all settings do.
    """

    def located(self, text: str, folder: str = "/etc/hmacfs") -> str:
        return located(Endpoint(text), folder).description

    def test_relative(self) -> None:
        """
        Keys, certificates and sockets are found beside the configuration.
        """
        for text, meant in [
            (
                "ssl:8443:privateKey=key.pem:certKey=a/b.pem",
                "ssl:8443:privateKey=/etc/hmacfs/key.pem:certKey=/etc/hmacfs/a/b.pem",
            ),
            (
                "ssl:8443:extraCertChain=c.pem:dhParameters=dh.pem",
                "ssl:8443:extraCertChain=/etc/hmacfs/c.pem:dhParameters=/etc/hmacfs/dh.pem",
            ),
            ("unix:a.sock:mode=660", "unix:/etc/hmacfs/a.sock:mode=660"),
            ("unix:address=a.sock", "unix:address=/etc/hmacfs/a.sock"),
            ("unix:mode=660:address=a.sock", "unix:mode=660:address=/etc/hmacfs/a.sock"),
            ("haproxy:unix:a.sock", "haproxy:unix:/etc/hmacfs/a.sock"),
        ]:
            self.assertEqual(self.located(text), meant)

    def test_absolute(self) -> None:
        """
        Whole paths, and what is no path, stay as they are.
        """
        for text in [
            "ssl:8443:privateKey=/k.pem:interface=127.0.0.1",
            "unix:/run/a.sock:mode=660",
            "unix:address=/run/a.sock",
            r"unix:/run/a\:certKey=b",
            "tcp:8080",
            "systemd:domain=UNIX:index=0",
        ]:
            self.assertEqual(self.located(text), text)

    @given(st.lists(st.sampled_from(PIECES)).map("".join))
    def test_any_text(self, text: str) -> None:
        """
        Whatever an endpoint says, its paths are made absolute once.
        """
        once = self.located(text)
        self.assertEqual(self.located(once), once)

    def test_odd_folder(self) -> None:
        """
        A folder whose name holds what separates arguments is written as Twisted reads it.
        """
        self.assertEqual(
            self.located("ssl:1:privateKey=k.pem", r"/a:b=c\d"),
            r"ssl:1:privateKey=/a\:b\=c\\d/k.pem",
        )


class WrittenTests(SynchronousTestCase):
    """
    An address is told as it is written.
    """

    def test_written(self) -> None:
        """
        Brackets come back, and a socket is its path.
        """
        texts = [":80", "[::1]:80", "localhost:80", "unix:/run/x", "tcp6:80"]
        self.assertEqual(
            [written(parse(text)) for text in texts],
            [":80", "[::1]:80", "localhost:80", "/run/x", "tcp6:80"],
        )


class AnyTextTests(SynchronousTestCase):
    """
    Nothing but a ``ValueError`` comes out of a text that is no address.
    """

    @settings(deadline=None)
    @given(st.lists(st.sampled_from(PIECES)).map("".join) | st.text(), st.booleans())
    def test_any_text(self, text: str, unix: bool) -> None:
        """
        Any text is an address or is refused in a sentence.
        """
        with contextlib.suppress(ValueError):
            self.assertIsInstance(parse(text, unix), Tcp | Unix | Endpoint)
