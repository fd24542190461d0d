"""
Tests for :mod:`hmacfs.web.channel`: how connections and bodies end before their time.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from hmacfs.events import RequestFailed
from hmacfs.ranges import Span
from hmacfs.web import pages
from hmacfs.web.channel import LEAST_RATE, LINGER_SECONDS, STALL_FACTOR
from hmacfs.web.site import Limits, UploadSite
from hmacfs.web.sources import FileSource
from tests.taker import LIMITS, Case
from tests.test_sources import SlowFile
from tests.wire import Conversation


class LossTests(Case):
    """
    A body that ends early is never completed.
    """

    def test_vanished(self) -> None:
        """
        The client is gone: whoever took the body hears it.
        """
        self.put(10)
        self.client.send(b"abc")
        self.client.vanish()
        self.assertEqual(self.body.losses, ["disconnected"])

    def test_short(self) -> None:
        """
        The client closed its half too early: it is told so.
        """
        self.put(10)
        self.client.send(b"abc")
        self.client.end()
        [answer] = self.client.answers()
        self.assertEqual((answer.status, answer.code), (400, "wrong-length"))
        self.assertEqual(self.body.losses, ["disconnected"])

    def test_short_before_the_verdict(self) -> None:
        """
        So it is when the upload is admitted only later, and it is not invited to go on.
        """
        self.taker.verdict = verdict = Deferred()
        self.put(10, "Expect: 100-continue")
        self.client.end()
        verdict.callback(None)
        self.assertEqual([answer.code for answer in self.client.answers()], ["wrong-length"])
        self.assertEqual(self.body.losses, ["disconnected"])

    def test_vanished_before_the_verdict(self) -> None:
        """
        What is admitted when the client is gone is put away at once.
        """
        self.taker.verdict = verdict = Deferred()
        self.put(10)
        self.client.vanish()
        verdict.callback(None)
        self.assertEqual(self.body.losses, ["disconnected"])

    def test_cut(self) -> None:
        """
        A connection that is cut says why.
        """
        self.put(10)
        self.client.channel.cut("shutting-down")
        self.assertEqual(self.body.losses, ["shutting-down"])
        [failed] = [event for event in self.hub.events if isinstance(event, RequestFailed)]
        self.assertEqual(failed.reason, "shutting-down")


class TimeTests(Case):
    """
    Silence is bounded.
    """

    def test_dripping_head(self) -> None:
        """
        A head is due as a whole, however often a byte of it comes.
        """
        for byte in b"GET /files HTTP/1.1":
            self.client.send(bytes([byte]))
            self.clock.advance(2)
        self.assertEqual(self.client.statuses(), [408])

    def test_late_head(self) -> None:
        """
        Its time begins with its first byte, also where it may take as long as
        a connection may be idle.
        """
        limits = Limits(header_timeout=30, idle_timeout=30)
        site = UploadSite(self.site.resource, self.hub, self.clock, self.site.manners, limits, "x")
        client = Conversation(site)
        client.request("GET", "/files")
        for piece in (b"GET /files HTTP/1.1\r\n", b"Host: x\r\n", b"\r\n"):
            self.clock.advance(14)
            client.send(piece)
        self.assertEqual(client.statuses(), [200, 200])

    def test_silent_connection(self) -> None:
        """
        A connection on which nothing comes is closed without a word.
        """
        self.clock.advance(min(LIMITS.header_timeout, LIMITS.idle_timeout))
        self.assertEqual((self.client.statuses(), self.client.transport.closed), ([], "closed"))

    def test_idle_between_requests(self) -> None:
        """
        Between two requests a connection may be idle for ``IdleTimeout``.
        """
        self.client.request("GET", "/files")
        self.clock.advance(LIMITS.idle_timeout - 1)
        before = self.client.transport.closed
        self.clock.advance(1)
        self.assertEqual((before, self.client.transport.closed), (None, "closed"))

    def test_silent_body(self) -> None:
        """
        A body that does not go on is answered 408, and never completed.
        """
        self.put(10)
        for _ in range(3):
            self.clock.advance(LIMITS.idle_timeout - 1)
            self.client.send(b"x")
        self.clock.advance(LIMITS.idle_timeout)
        self.assertEqual(self.client.statuses(), [408])
        self.assertEqual(self.body.losses, ["too-slow"])

    def test_long_answer(self) -> None:
        """
        An answer may take as long as it takes.
        """
        self.put(3)
        body, self.body.finished = self.body, lambda: None
        self.client.send(b"abc")
        self.clock.advance(3600)
        pages.tell(body.request, 201, 3)
        self.assertEqual(self.client.statuses(), [201])


class StallTests(Case):
    """
    A client that does not read its answer is cut off, in a while.
    """

    def test_stalled(self) -> None:
        """
        Nothing taken for several ``IdleTimeout`` is the end.
        """
        self.client.transport.blocked = True
        self.client.send(b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n")
        self.clock.pump([LIMITS.idle_timeout, LIMITS.idle_timeout * STALL_FACTOR])
        before = self.client.transport.closed
        self.clock.pump([LINGER_SECONDS] + [LIMITS.idle_timeout * STALL_FACTOR] * 2)
        self.assertEqual((before, self.client.transport.closed), (None, "aborted"))

    def test_half_closed(self) -> None:
        """
        Neither does a client stay that has closed its half and reads nothing.
        """
        self.client.transport.blocked = True
        self.client.send(b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n")
        self.client.end()
        self.clock.pump([LINGER_SECONDS] + [LIMITS.idle_timeout * STALL_FACTOR] * 2)
        self.assertEqual(self.client.transport.closed, "aborted")

    def ask(self) -> None:
        """Ask for more than a client takes in ten times that long."""
        self.taker.page = bytes(11 * self.least)
        self.client.transport.blocked = True
        self.client.send(b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n")

    @property
    def least(self) -> int:
        """Bytes that must be taken in that time."""
        return int(LIMITS.idle_timeout * STALL_FACTOR * LEAST_RATE)

    def test_slow(self) -> None:
        """
        A client that takes little is served to the end.
        """
        self.ask()
        self.clock.advance(LIMITS.idle_timeout)
        for _ in range(10):
            self.client.transport.take(self.least)
            self.clock.advance(LIMITS.idle_timeout * STALL_FACTOR)
        self.client.transport.unblock()
        self.assertEqual(self.client.statuses(), [200])
        self.assertIs(self.client.transport.closed, None)

    def test_too_slow(self) -> None:
        """
        One that takes next to nothing is not.
        """
        self.ask()
        self.clock.advance(LIMITS.idle_timeout)
        for _ in range(3):
            self.client.transport.take(self.least - 1)
            self.clock.advance(LIMITS.idle_timeout * STALL_FACTOR)
        self.assertEqual(self.client.transport.closed, "aborted")

    def test_slow_ourselves(self) -> None:
        """
        Where the client has taken all there is, it is not blamed.
        """
        self.put(1)
        body, self.body.finished = self.body, lambda: None
        self.client.send(b"x")
        request, source = body.request, FileSource(SlowFile(), [Span(0, 9)], lambda: 9)
        self.client.transport.blocked = True
        source.send(request)
        request.write(b"x")
        self.client.transport.unblock()
        self.clock.pump([LIMITS.idle_timeout * STALL_FACTOR] * 3)
        self.assertIs(self.client.transport.closed, None)
