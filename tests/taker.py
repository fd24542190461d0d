"""
A site with one resource that takes bodies, and a client of it.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from hmacfs.errors import NotFound
from hmacfs.events import Event
from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.web import IBody, ITakesBodies
from hmacfs.web import pages
from hmacfs.web.site import Limits, UploadSite
from tests.wire import Conversation

LIMITS = Limits(header_timeout=20, idle_timeout=30, read_size=1024 * 1024)


@implementer(IHub)
class Memo:
    """A hub that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def kinds(self) -> list[type]:
        return [type(event) for event in self.events]


@implementer(IBody)
class Body:
    """Keeps what it gets; answers 201 with how much that was."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.data = b""
        self.losses: list[str] = []
        self.producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def write(self, data: bytes) -> None:
        self.data += data

    draws = False

    def draw(self, socket: int, most: int) -> Any:
        raise NotImplementedError

    def finished(self) -> None:
        pages.tell(self.request, 201, len(self.data))

    def lost(self, reason: str) -> None:
        self.losses.append(reason)


@implementer(ITakesBodies)
class Taker(Resource):
    """Takes the bodies of PUTs; GET answers a page."""

    isLeaf = True
    body_methods = frozenset([b"PUT"])

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[Body] = []
        self.verdict: Deferred[Any] = succeed(None)
        self.page = b"page"

    def admit(self, request: Any) -> Deferred[Any]:
        def admitted(result: object) -> Body:
            self.bodies.append(Body(request))
            return self.bodies[-1]

        verdict, self.verdict = self.verdict, succeed(None)
        return verdict.addCallback(admitted)

    def render_GET(self, request: Any) -> int:
        if request.head.query:
            raise NotFound("Nothing.")
        request.setHeader(b"Content-Length", b"%d" % len(self.page))
        request.write(self.page)
        request.finish()
        return NOT_DONE_YET


class Case(SynchronousTestCase):
    """A site with one resource, and a client."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.hub = Memo()
        self.taker = Taker()
        root = Resource()
        root.putChild(b"files", self.taker)
        self.site = UploadSite(
            root, self.hub, self.clock, pages.Manners.for_origins(["*"]), LIMITS, "feed"
        )
        self.client = Conversation(self.site)

    def put(self, length: int, *fields: str) -> None:
        """Send the head of a PUT."""
        lines = ["PUT /files HTTP/1.1", "Host: x", f"Content-Length: {length}", *fields, "", ""]
        self.client.send("\r\n".join(lines).encode())

    @property
    def body(self) -> Body:
        return self.taker.bodies[-1]
