"""
Tests for :mod:`hmacfs.cli.sign`.
"""

from __future__ import annotations

from time import time
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import loading
from hmacfs.errors import BadSignature, Expired
from hmacfs.http1 import parse_head
from hmacfs.names import StoredName
from hmacfs.verdict import Rules, Verdict, download_verdict, verdict
from tests.commands import Ran, run, write_settings
from tests.heads import HOST, write


def ask(method: str, url: str, *fields: str) -> bytes:
    """
    :return: the head with which curl asks for *url*.
    """
    split = urlsplit(url)
    line = f"{method} {split.path}{'?' if split.query else ''}{split.query} HTTP/1.1"
    return write(HOST, *(field.encode() for field in fields), line=line.encode())


class SignTests(SynchronousTestCase):
    """
    The daemon takes what ``hmacfs sign`` prints.
    """

    def setUp(self) -> None:
        """Sign and judge by one configuration."""
        self.path = write_settings(self.mktemp(), MaxUploadSize="1MiB")
        self.rules = Rules.of(loading.load(self.path, "/").settings)

    def sign(self, *arguments: str) -> Ran:
        """
        :param arguments: what stands behind ``hmacfs sign``.
        """
        return run("sign", "-c", self.path, *arguments)

    def judge(self, ran: Ran, size: int, *fields: str, later: float = 0) -> Verdict:
        """
        :return: what the daemon makes of a PUT to the URL, some seconds later.
        """
        url = ran.out.removesuffix("\n")
        head = parse_head(ask("PUT", url, f"Content-Length: {size}", *fields))
        return verdict(head, time() + later, self.rules)

    def test_output(self) -> None:
        """
        Standard output is the PUT URL alone, standard error the GET URL.
        """
        ran = self.sign("a/photo.jpg", "3")
        url = "http://127.0.0.1:8080/uploads/a/photo.jpg"
        mac = "375f4974cb191a5c351df982b4fa6915a3dc9a26f32b4fc84883472423b28230"
        self.assertEqual(ran, Ran(0, f"{url}?v={mac}\n", f"{url}\n"))

    def test_schemes(self) -> None:
        """
        Each scheme signs for its dialect, with the type that the extension suggests.
        """
        for scheme in ("v", "v2", "token", "v3"):
            found = self.judge(self.sign("photo.jpg", "3", "--scheme", scheme), 3)
            self.assertEqual((found.dialect, found.slot.content_type), (scheme, "image/jpeg"))

    def test_type(self) -> None:
        """
        The type that is named is the one that must be declared.
        """
        ran = self.sign("notes", "3", "--scheme", "v2", "--type", "text/plain; charset=utf-8")
        found = self.judge(ran, 3, "Content-Type: text/plain; charset=utf-8")
        self.assertEqual(found.slot.content_type, "text/plain; charset=utf-8")
        with self.assertRaises(BadSignature):
            self.judge(ran, 3, "Content-Type: text/plain")

    def test_size(self) -> None:
        """
        The size is exact, and may be written with a unit.
        """
        ran = self.sign("a", "1KiB")
        self.assertEqual(self.judge(ran, 1024).slot.size, 1024)
        with self.assertRaises(BadSignature):
            self.judge(ran, 1025)

    def test_expires(self) -> None:
        """
        A signature that is to end is a v3 one, and ends.
        """
        ran = self.sign("a", "1", "--expires", "10m")
        self.assertEqual(self.judge(ran, 1, later=590).dialect, "v3")
        with self.assertRaises(Expired):
            self.judge(ran, 1, later=601)

    def test_never_ends(self) -> None:
        """
        A scheme that knows no end does not pretend to.
        """
        ran = self.sign("a", "1", "--scheme", "v2", "--expires", "60")
        self.assertEqual((ran.status, ran.out), (2, ""))

    def test_names(self) -> None:
        """
        Names with blanks, Unicode, percent signs and backslashes arrive as they are.
        """
        for name in ("50% off.txt", "très cool/смайл 😀.png", "a\\b+c&d=e?f#g", "%2f", "~"):
            found = self.judge(self.sign(name, "1"), 1)
            self.assertEqual(found.slot.name.text, name)

    def test_impossible_names(self) -> None:
        """
        A name that the daemon would refuse is not signed.
        """
        for name in ("", "..", "a//b", "/etc/passwd", "a/", ".hmacfs/secret", "a\nb"):
            ran = self.sign(name, "1")
            self.assertEqual((ran.status, ran.out), (2, ""), name)

    def test_too_large(self) -> None:
        """
        Nor is a size that it would refuse.
        """
        ran = self.sign("a", "1048577")
        self.assertEqual((ran.status, ran.out), (1, ""))
        self.assertIn("MaxUploadSize", ran.err)

    def test_wrong_arguments(self) -> None:
        """
        What is no size, no duration and no scheme is told of with status 2.
        """
        for arguments in (["a", "much"], ["a", "1", "--expires", "0"], ["a", "1", "--scheme", "x"]):
            ran = self.sign(*arguments)
            self.assertEqual((ran.status, ran.out), (2, ""))

    def test_public_url(self) -> None:
        """
        URLs are those that clients use: PublicURL, unless another is asked for.
        """
        self.path = write_settings(
            self.mktemp(), PublicURL="https://files.example.org/x", UploadSubDir="up/load"
        )
        self.assertEqual(self.sign("a", "1").err, "https://files.example.org/x/up/load/a\n")
        self.assertEqual(
            self.sign("a", "1", "--url", "http://h:81/").err, "http://h:81/up/load/a\n"
        )

    def test_signed_downloads(self) -> None:
        """
        Where downloads are signed, the GET URL is a signed one.
        """
        self.path = write_settings(self.mktemp(), DownloadAuth="signed")
        rules = Rules.of(loading.load(self.path, "/").settings)
        url = self.sign("a b", "1").err.removesuffix("\n")
        name = download_verdict(parse_head(ask("GET", url)), time(), rules)
        self.assertEqual(name, StoredName((b"a b",)))

    @effort(max_examples=50, deadline=None)
    @given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
    def test_any_name(self, name: str) -> None:
        """
        Any name is either refused at once or taken by the daemon as it is.
        """
        ran = self.sign("--", name, "1")
        if ran.status == 0:
            self.assertEqual(self.judge(ran, 1).slot.name.text, name)
        else:
            self.assertEqual((ran.status, ran.out), (2, ""))
