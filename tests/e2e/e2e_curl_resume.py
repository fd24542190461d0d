"""
``curl -C`` and ``Content-Range``.
"""

from __future__ import annotations

import re
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.curl import Answer
from tests.e2e.ways import FILM, Course, Direct, Proxied, whole
from tests.process import PATIENCE


class CurlContract:
    """An upload by curl that broke goes on where curl is told."""

    def setUp(self) -> None:
        super().setUp()
        self.path = self.write(FILM)
        self.target = self.slot(FILM)

    def put(self, *options: str) -> Answer:
        """
        Upload the file, or a part of it.
        """
        return self.curl(*options, "--upload-file", self.path, self.target)

    def break_off(self, *options: str) -> int:
        """
        Upload the file, or a part of it, over a line that breaks.

        :return: how many bytes have arrived.
        """
        self.cut()
        program = ["curl", "--silent", self.HTTP[0], "--upload-file", self.path, self.target]
        told = subprocess.run([*program, *options], env=self.environment, timeout=PATIENCE)
        self.assertNotEqual(told.returncode, 0)
        return self.ask("bytes */*")

    def ask(self, content_range: str) -> int:
        """
        :return: how many bytes have arrived, as a request without content tells.
        """
        told = self.curl("-X", "PUT", "-H", f"Content-Range: {content_range}", self.target)
        self.assertEqual((told.status, told.version), (308, self.HTTP[1]), self.daemon.output)
        return arrived(told)

    def test_cut(self) -> None:
        """
        After a plain upload that broke, curl sends the rest.
        """
        first = self.break_off()
        told = self.put("--continue-at", str(first))
        self.assertEqual((told.status, told.version), (201, self.HTTP[1]))
        self.assertEqual(self.course(FILM), Course(["PUT"] * 3, [308, 201], whole(FILM)))

    def test_twice(self) -> None:
        """
        The rest may break as well.
        """
        first = self.break_off()
        second = self.break_off("--continue-at", str(first))
        self.assertLess(first, second)
        self.assertEqual(self.put("--continue-at", str(second)).status, 201)
        self.assertEqual(self.course(FILM), Course(["PUT"] * 5, [308, 308, 201], whole(FILM)))

    def test_type(self) -> None:
        """
        The type that was declared first is kept, whatever those say who go on.
        """
        first = self.break_off("-H", "Content-Type: text/plain")
        self.assertEqual(self.put("--continue-at", str(first)).status, 201)
        served = (200, "text/plain", FILM.sha256)
        self.assertEqual(self.course(FILM), Course(["PUT"] * 3, [308, 201], served))

    def test_asked(self) -> None:
        """
        With and without the total, and again when all is there.
        """
        first = self.break_off()
        self.assertEqual(self.ask(f"bytes */{FILM.size}"), first)
        self.put("--continue-at", str(first))
        told = self.curl("-X", "PUT", "-H", "Content-Range: bytes */*", self.target)
        self.assertEqual(told.status, 200)

    def test_elsewhere(self) -> None:
        """
        Bytes that do not follow those that are there are refused, and told from where on.
        """
        first = self.break_off()
        for start in [str(first + 1), str(first - 1), "-"]:  # "-" is 0 to curl
            told = self.put("--continue-at", start)
            self.assertEqual((told.status, arrived(told)), (409, first))
        self.assertEqual(self.put("--continue-at", str(first)).status, 201)
        self.assertEqual(self.course(FILM).served, whole(FILM))

    def test_contradiction(self) -> None:
        """
        ``curl -r`` says one part and sends the whole: nothing of it is stored.
        """
        self.assertEqual(self.put("--range", "5-9").status, 400)
        self.assertEqual(self.course(FILM).served[0], 404)


def arrived(told: Answer) -> int:
    """
    :return: how many bytes *told* says that hmacfs has.
    """
    found = re.fullmatch(r"bytes=0-(\d+)", told.headers.get("range", ""))
    assert found is not None, told
    return int(found[1]) + 1


class DirectTests(CurlContract, Direct, SynchronousTestCase):
    """On a TCP port of hmacfs."""


class Http1Tests(CurlContract, Proxied, SynchronousTestCase):
    """Through nginx, over HTTP/1.1."""


class Http2Tests(CurlContract, Proxied, SynchronousTestCase):
    """Through nginx, over HTTP/2."""

    HTTP = ("--http2", "2")
