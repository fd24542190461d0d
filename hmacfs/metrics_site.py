"""
The site that Prometheus scrapes, apart from the one that the world sees.

``prometheus_client.twisted`` has a resource of its own; it is made for WSGI,
runs in the thread pool, and fails on UNIX sockets.  Writing the numbers down
takes a millisecond, so these few lines do it where they stand.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web import http
from twisted.web.pages import errorPage, notFound
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from hmacfs.web.site import ALPN

Refresh = Callable[[], Deferred[None]]
"""Brings the numbers up to now; the Deferred never fails."""


class Page(Resource):
    """
    A page that is there to be read.
    """

    def render(self, request: Request) -> object:
        # The pages of Resource itself for this and for 404 are deprecated.
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"allow", b"GET, HEAD")
            return errorPage(405, "Method Not Allowed", "Read it by GET.").render(request)
        return super().render(request)


class Exposition(Page):
    """
    ``/metrics``: the numbers, in the format that ``Accept`` asks for.
    """

    isLeaf = True

    def __init__(self, registry: Collector, refresh: Refresh | None) -> None:
        super().__init__()
        self._registry = registry
        self._refresh = refresh

    def render_GET(self, request: Request) -> bytes | int:
        if self._refresh is None:
            return self._told(request)
        gone = request.notifyFinish().addErrback(lambda _: None)

        def tell(_: object) -> None:
            if not gone.called:
                body = self._told(request)
                request.setHeader(b"content-length", b"%d" % len(body))
                request.write(body)
                request.finish()

        self._refresh().addCallback(tell)
        return NOT_DONE_YET

    def _told(self, request: Request) -> bytes:
        accept = b",".join(request.requestHeaders.getRawHeaders(b"accept", []))
        try:
            encode, content_type = choose_encoder(accept.decode("latin-1"))
            body = encode(self._registry)
        except (TypeError, ValueError):
            # It compares "version=a.b" with numbers: who asks for such a
            # version gets the format that everybody reads.
            encode, content_type = choose_encoder("")
            body = encode(self._registry)
        request.setHeader(b"content-type", content_type.encode("latin-1"))
        request.setHeader(b"cache-control", b"no-store")
        return body


class Pointer(Page):
    """
    ``/``: where the numbers are, for who looks with a browser.
    """

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return b"The metrics of hmacfs are at /metrics.\n"


class Root(Resource):
    """
    The two pages, and nothing else.
    """

    def __init__(self, registry: Collector, refresh: Refresh | None) -> None:
        super().__init__()
        self.putChild(b"", Pointer())
        self.putChild(b"metrics", Exposition(registry, refresh))

    def getChild(self, path: bytes, request: Request) -> IResource:
        return notFound()


class MetricsSite(Site):
    """
    The site, which keeps no log of its scrapes.
    """

    noisy = False

    def __init__(
        self, registry: Collector, reactor: IReactorTime, refresh: Refresh | None = None
    ) -> None:
        """
        :param refresh: called at each scrape, and waited for; brings the
            numbers up to now.
        """
        root = Root(registry, refresh)
        super().__init__(root, timeout=30, reactor=reactor, parsePOSTFormSubmission=False)

    def log(self, request: http.Request) -> None:
        """Nobody wants a line every 15 seconds."""

    def acceptableProtocols(self) -> list[bytes]:
        """
        What a TLS handshake settles on: see :data:`hmacfs.web.site.ALPN`.
        """
        return ALPN
