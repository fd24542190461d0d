"""
tus-js-client in a real browser, on a page of another origin.
"""

from __future__ import annotations

import re
from itertools import groupby
from queue import Empty
from typing import Any, ClassVar
from urllib.parse import quote

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.browser import Chromium, Page
from tests.e2e.relay import Cut
from tests.e2e.ways import FILM, THIRD, Direct, Proxied, whole


class BrowserContract:
    """
    The browser lets the page do all that an upload needs: it asks first, sends,
    reads the fields of the answers, and goes on after a break.
    """

    # The protocol, as tus-js-client calls it.
    PROTOCOL: ClassVar = "tus-v1"

    def open(self, **job: Any) -> tuple[Page, Chromium]:
        """
        Let a browser open the page, which uploads a file.

        :param job: what the page is to know beside that.
        """
        options = {
            "endpoint": self.slot(FILM),
            "protocol": self.PROTOCOL,
            "metadata": {"filename": FILM.name, "filetype": FILM.content_type},
        }
        url = f"{self.url}{quote(FILM.name)}"
        usual = {"name": FILM.name, "type": FILM.content_type, "url": url, "options": options}
        page = Page({**usual, **job}, FILM.content)
        self.addCleanup(page.end)
        browser = Chromium(self.folder / "browser", page.url)
        self.addCleanup(browser.end)
        return page, browser

    def upload(self, **job: Any) -> dict[str, Any]:
        """
        :return: what the page tells when it is done.
        """
        page, browser = self.open(**job)
        try:
            return page.told()
        except Empty:
            self.fail(f"{browser.output}\n{self.ledger.requests}\n{self.daemon.output}")

    def check(self, told: dict[str, Any], breaks: bool = False, reloaded: bool = False) -> None:
        """
        The page has the file back.

        :param breaks: whether the upload went on where it broke, at least once.
        """
        self.assertEqual(
            told,
            {
                "reloaded": reloaded,
                "status": 200,
                "type": FILM.content_type,
                "etag": True,
                "sha256": FILM.sha256,
            },
        )
        requests = [each for each in self.ledger.requests if each != "OPTIONS"]
        self.assertLess(len(requests), len(self.ledger.requests), "the browser never asked first")
        # Where a connection breaks that it had used before, the browser sends
        # the same request again by itself, and may hear 409.
        begun, *more, got = [each for each, _ in groupby(requests)]
        patches, heads = more[::2], more[1::2]
        expected = ("POST", "PATCH 0", {"HEAD"} if breaks else set(), "GET")
        self.assertEqual((begun, patches[0], set(heads), got), expected)
        self.assertEqual(self.ledger.twice, 0)

    def test_whole(self) -> None:
        """
        A page of another origin uploads a file, and fetches it again.
        """
        self.check(self.upload())

    def test_cut(self) -> None:
        """
        A broken line is not the end: it goes on where it broke.
        """
        self.cut(again=Cut(THIRD))
        self.check(self.upload(), breaks=True)

    def test_reloaded(self) -> None:
        """
        Nor is a page that is loaded anew after that.
        """
        self.cut(again=Cut(THIRD))
        self.check(self.upload(reload=True), breaks=True, reloaded=True)


class DirectTests(BrowserContract, Direct, SynchronousTestCase):
    """tus, on a TCP port of hmacfs."""

    def test_readme(self) -> None:
        """
        What README.rst shows uploads, and goes on where the line broke.
        """
        self.cut(again=Cut(THIRD))
        _, browser = self.open(readme=True)
        browser.wait_for(r'"stored"')
        self.assertIn("HEAD", self.ledger.requests)
        self.assertEqual(self.course(FILM).served, whole(FILM))


class DraftDirectTests(BrowserContract, Direct, SynchronousTestCase):
    """The IETF draft, whose answers may begin with a 104."""

    PROTOCOL = "ietf-draft-05"


class ProxiedContract(BrowserContract):
    """Over HTTP/2, which the browser prefers."""

    def check(self, *arguments: Any, **options: Any) -> None:
        super().check(*arguments, **options)
        self.assertEqual(
            set(re.findall(r" (HTTP/\S+)\" ", self.nginx.log.read_text())), {"HTTP/2.0"}
        )


class ProxiedTests(ProxiedContract, Proxied, SynchronousTestCase):
    """tus, through nginx, over HTTP/2."""


class DraftProxiedTests(ProxiedContract, Proxied, SynchronousTestCase):
    """The IETF draft, through nginx, over HTTP/2."""

    PROTOCOL = "ietf-draft-05"
