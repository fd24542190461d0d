"""
Tests for :mod:`hmacfs.cli.sign`.
"""

from __future__ import annotations

from time import time
from urllib.parse import urlsplit

import attrs
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import loading
from hmacfs.errors import BadSignature, Expired
from hmacfs.http1 import parse_head
from hmacfs.names import StoredName
from hmacfs.operations import Operation
from hmacfs.permission import deletion_verdict, download_verdict, operation_verdict
from hmacfs.verdict import Rules, Verdict, verdict
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

    def test_order(self) -> None:
        """
        What stands behind ``hmacfs sign`` may stand there in any order.
        """
        for arguments in (
            ["a", "1", "--scheme", "v2"],
            ["a", "--scheme", "v2", "1"],
            ["--scheme", "v2", "a", "1"],
        ):
            self.assertEqual(self.judge(self.sign(*arguments), 1).dialect, "v2")
        for arguments in (["a", "--method", "GET"], ["--method", "GET", "a"]):
            self.assertEqual(self.sign(*arguments).status, 0)
            self.assertEqual(self.sign(*arguments, "1").status, 2)

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

    def ask(self, ran: Ran, method: str) -> bytes:
        """
        :return: the head of a request to the one URL that was printed.
        """
        self.assertEqual((ran.status, ran.err), (0, ""))
        return ask(method, ran.out.removesuffix("\n"))

    def test_operations(self) -> None:
        """
        An operation is signed for the first method that it goes with, or the
        one that is named, and its URL stands alone.
        """
        for arguments, method, expected in [
            (["--operation", "versions"], "GET", Operation("versions")),
            (["--operation", "version=7"], "GET", Operation("version", "7")),
            (["--operation", "version=7", "--method", "HEAD"], "HEAD", Operation("version", "7")),
            (
                ["--operation", "version=7", "--method", "DELETE", "--expires", "9s"],
                "DELETE",
                Operation("version", "7"),
            ),
            (["--operation", "restore=a-b_C"], "POST", Operation("restore", "a-b_C")),
        ]:
            head = parse_head(self.ask(self.sign("a b/c", *arguments), method))
            found = operation_verdict(head, time(), self.rules)
            self.assertEqual(found, (StoredName((b"a b", b"c")), expected))

    def test_deletion(self) -> None:
        """
        A file is deleted by a v3, and by Metronome's token where there is a
        DeleteSecret.
        """
        ran = self.sign("a b", "--method", "DELETE", "--scheme", "token")
        self.assertEqual((ran.status, ran.out), (1, ""))
        self.assertIn("DeleteSecret", ran.err)
        self.path = write_settings(self.mktemp(), DeleteSecret="delme")
        rules = Rules.of(loading.load(self.path, "/").settings)
        for arguments in ([], ["--expires", "60"], ["--scheme", "v3"], ["--scheme", "token"]):
            ran = self.sign("a b", "--method", "DELETE", *arguments)
            name = deletion_verdict(parse_head(self.ask(ran, "DELETE")), time(), rules)
            self.assertEqual(name, StoredName((b"a b",)))

    def test_download(self) -> None:
        """
        A download is signed when it is asked for.
        """
        rules = attrs.evolve(self.rules, signed_downloads=True)
        for method in ("GET", "HEAD"):
            head = parse_head(self.ask(self.sign("a", "--method", method), method))
            self.assertEqual(download_verdict(head, time(), rules), StoredName((b"a",)))

    def test_contradictions(self) -> None:
        """
        What no URL could be good for is told of with status 2.
        """
        for arguments, word in [
            ([], "SIZE"),
            (["--method", "PUT"], "SIZE"),
            (["1", "--method", "GET"], "SIZE"),
            (["--method", "GET", "--type", "x/y"], "--type"),
            (["--method", "POST"], "restore=ID"),
            (["--method", "GET", "--operation", "restore=7"], "POST"),
            (["1", "--method", "PUT", "--operation", "version=7"], "GET or HEAD or DELETE"),
            (["--operation", "version=a.b"], "versions, version=ID or restore=ID"),
            (["--operation", "versions", "--scheme", "v2"], "only v3"),
            (["--method", "GET", "--scheme", "token"], "only v3"),
            (["--method", "DELETE", "--operation", "version=7", "--scheme", "token"], "only v3"),
            (["--method", "DELETE", "--scheme", "token", "--expires", "9"], "never ends"),
            (["--method", "PATCH"], "invalid choice"),
        ]:
            ran = self.sign("a", *arguments)
            self.assertEqual((ran.status, ran.out), (2, ""), arguments)
            self.assertIn(word, ran.err)

    def test_ambiguous_names(self) -> None:
        """
        Nor is a name signed that reads like an operation on another file.
        """
        for arguments in (["1"], ["--method", "GET"]):
            ran = self.sign("a?versions", *arguments)
            self.assertEqual((ran.status, ran.out), (2, ""))

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
