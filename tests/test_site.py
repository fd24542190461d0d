"""
Tests for :mod:`hmacfs.web.site` and :mod:`hmacfs.web.request`: what is told, and how it ends.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from hmacfs.events import (
    ConnectionClosed,
    ConnectionOpened,
    RequestCompleted,
    RequestReceived,
)
from tests.taker import Case
from tests.wire import UNIX_PEER, Conversation


class EventTests(Case):
    """
    What happens is told.
    """

    def test_request(self) -> None:
        """
        A request is told from its connection's beginning to its end.
        """
        self.put(3, "User-Agent: test")
        self.clock.advance(2)
        self.client.send(b"abc")
        self.client.vanish()
        opened, received, completed, closed = self.hub.events
        self.assertEqual(
            [opened, received, completed, closed],
            [
                ConnectionOpened(1_700_000_000, 1, "192.0.2.1:4711"),
                RequestReceived(1_700_000_000, "feed-1", 1, "192.0.2.1:4711", "PUT", "/files"),
                RequestCompleted(
                    at=1_700_000_002,
                    request="feed-1",
                    connection=1,
                    client="192.0.2.1:4711",
                    method="PUT",
                    path="/files",
                    status=201,
                    code="",
                    received=3,
                    sent=2,
                    duration=2,
                    agent="test",
                ),
                ConnectionClosed(1_700_000_002, 1, "192.0.2.1:4711", 2),
            ],
        )

    def test_id(self) -> None:
        """
        The answer carries the request's id.
        """
        answer = self.client.request("GET", "/files")
        self.assertEqual(answer.headers["x-request-id"], "feed-1")

    def test_fault(self) -> None:
        """
        A fault of ours is logged, and the client hears 500 and no more.
        """
        self.taker.verdict = verdict = Deferred()
        self.put(3)
        verdict.errback(RuntimeError("/srv/secret"))
        [answer] = self.client.answers()
        self.assertEqual((answer.status, answer.code), (500, "internal"))
        self.assertNotIn(b"secret", answer.body)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_unix_peer(self) -> None:
        """
        A client on a UNIX socket is "unix", or who a proxy there says it is.
        """
        client = Conversation(self.site, UNIX_PEER)
        client.request("GET", "/files")
        client.request("GET", "/files", "X-Forwarded-For: 203.0.113.9")
        received = [event for event in self.hub.events if isinstance(event, RequestReceived)]
        self.assertEqual([event.client for event in received], ["unix", "203.0.113.9"])


class DrainTests(Case):
    """
    A daemon that stops lets what is under way finish.
    """

    def test_idle(self) -> None:
        """
        Connections without a request end at once.
        """
        self.client.request("GET", "/files")
        drained = self.site.drain()
        self.assertEqual(self.client.transport.closed, "closed")
        self.successResultOf(drained)

    def test_under_way(self) -> None:
        """
        An upload under way gets its answer, which says that the connection ends.
        """
        self.put(3)
        drained = self.site.drain()
        self.assertNoResult(drained)
        self.client.send(b"abc")
        self.client.end()
        [answer] = self.client.answers()
        self.assertEqual((answer.status, answer.headers["connection"]), (201, "close"))
        self.successResultOf(drained)

    def test_cut(self) -> None:
        """
        What is left is cut, and waited for until it is put away.
        """
        self.put(3)
        ended: Deferred[None] = Deferred()
        self.site.watch(ended)
        cut = self.site.cut()
        self.assertEqual(self.body.losses, ["shutting-down"])
        self.assertNoResult(cut)
        ended.callback(None)
        self.successResultOf(cut)

    def test_new_connection(self) -> None:
        """
        A connection that comes too late is closed, told with its number, and
        leaves no timer.
        """
        self.client.vanish()
        self.site.drain()
        self.assertEqual(Conversation(self.site).transport.closed, "closed")
        numbers = [
            event.connection for event in self.hub.events if isinstance(event, ConnectionClosed)
        ]
        self.assertEqual((numbers, self.clock.getDelayedCalls()), ([1, 2], []))
