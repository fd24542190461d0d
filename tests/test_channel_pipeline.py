"""
Tests for :mod:`hmacfs.web.channel`: several requests on one connection.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from hmacfs.web import pages
from hmacfs.web.channel import KEPT, PIECE, STEPS
from tests.taker import Case
from tests.wire import Conversation


class PipelineTests(Case):
    """
    Requests of one connection are answered in their order.
    """

    def test_many(self) -> None:
        """
        A thousand requests in one piece are all answered, and others between them.
        """
        request = b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n"
        self.client.send(request * 1000)
        self.assertEqual(self.client.statuses(), [200] * STEPS)
        other = Conversation(self.site)
        other.send(request)
        self.assertEqual(other.statuses(), [200])
        self.clock.advance(0)
        self.assertEqual(self.client.statuses(), [200] * 1000)

    def test_many_and_no_more(self) -> None:
        """
        So they are where the client has closed its half behind them.
        """
        self.client.send(b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        self.client.end()
        self.assertEqual(self.client.statuses(), [200] * STEPS)
        self.clock.advance(0)
        self.assertEqual(self.client.statuses(), [200] * 100)
        self.assertEqual(self.client.transport.closed, "closed")

    def test_many_and_gone(self) -> None:
        """
        Of one that is gone nothing more is answered.
        """
        self.client.send(b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        self.client.transport.abortConnection()
        self.clock.advance(0)
        self.assertEqual(self.client.statuses(), [200] * STEPS)

    def test_many_uploads(self) -> None:
        """
        Small uploads in one piece leave others their share as well.
        """
        upload = b"PUT /files HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        self.client.send(upload * 100)
        self.assertEqual(self.client.statuses(), [201] * (STEPS // 2))
        self.clock.advance(0)
        self.assertEqual(self.client.statuses(), [201] * 100)

    def test_between_bodies(self) -> None:
        """
        A request behind a body waits until the body's answer is out.
        """
        self.put(3)
        body, self.body.finished = self.body, lambda: None
        self.client.send(b"abcGET /files HTTP/1.1\r\nHost: x\r\n\r\n")
        before = self.client.statuses()
        pages.tell(body.request, 201, 3)
        self.assertEqual((before, self.client.statuses()), ([], [201, 200]))

    def test_behind_nothing(self) -> None:
        """
        A request behind a body of no bytes is answered too.
        """
        self.client.send(
            b"PUT /files HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
            b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        self.assertEqual(self.client.statuses(), [201, 200])

    def test_kept_body(self) -> None:
        """
        An upload of which much was sent before it was admitted goes on.
        """
        head = b"PUT /files HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
        self.taker.verdict = verdict = Deferred()
        # One read in which a whole record of TLS and what TLS had kept came together.
        self.client.transport.bufferSize = KEPT + len(head) + 1
        self.client.send(head + b"x" * 1_000_000)
        verdict.callback(None)
        self.assertEqual(self.client.statuses(), [201])

    def test_kept_behind_body(self) -> None:
        """
        However much is read at once of a body, what is kept behind it is bounded.
        """
        size = 3 * 1024 * 1024 + 100
        head = b"PUT /files HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
        self.client.send(head)
        body, self.body.finished = self.body, lambda: None
        self.client.send(b"x" * size + (head + b"y" * size))
        self.assertGreaterEqual(self.client.unread, len(head) + size - KEPT - PIECE)
        pages.tell(body.request, 201, size)
        self.assertEqual(self.client.statuses(), [201, 201])

    def test_byte_by_byte(self) -> None:
        """
        It does not matter how the bytes are cut.
        """
        sent = (
            b"\r\nPUT /files HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
            b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        for index in range(len(sent)):
            self.client.send(sent[index : index + 1])
        self.assertEqual((self.body.data, self.client.statuses()), (b"abc", [201, 200]))

    def test_close(self) -> None:
        """
        ``Connection: close`` is honoured and said, and nothing behind it is read.
        """
        self.client.send(
            b"GET /files HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n"
            b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        [answer] = self.client.answers()
        self.assertEqual(answer.headers["connection"], "close")
        self.assertTrue(self.client.transport.half_closed)

    def test_old_protocol(self) -> None:
        """
        HTTP/1.0 is answered and ends the connection.
        """
        self.client.send(b"GET /files HTTP/1.0\r\n\r\n")
        [answer] = self.client.answers()
        self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))

    def test_half_closed_behind_requests(self) -> None:
        """
        A client that has closed its half is answered all that it has asked.
        """
        self.put(3)
        body, self.body.finished = self.body, lambda: None
        self.client.send(b"abc" + b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n" * 2 + b"GET /fi")
        self.client.end()
        pages.tell(body.request, 201, 3)
        self.assertEqual(self.client.statuses(), [201, 200, 200])
        self.assertEqual(self.client.transport.closed, "closed")

    def test_half_closed_unread(self) -> None:
        """
        It may take its time to read the answers.
        """
        self.client.transport.blocked = True
        self.client.send(b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        self.client.end()
        before = self.client.transport.closed
        self.client.transport.unblock()
        self.assertEqual((before, self.client.transport.closed), (None, "closed"))
        self.assertEqual(self.client.statuses(), [200] * 3)

    def test_half_closed_behind_body(self) -> None:
        """
        A body that was sent to its end before it was admitted is complete.
        """
        self.taker.verdict = verdict = Deferred()
        self.client.send(b"PUT /files HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        self.client.end()
        verdict.callback(None)
        self.assertEqual((self.body.data, self.client.statuses()), (b"abc", [201]))

    def test_half_closed_client(self) -> None:
        """
        A client that has closed its half behind its request is still answered.
        """
        self.put(3)
        body, self.body.finished = self.body, lambda: None
        self.client.send(b"abc")
        self.client.end()
        pages.tell(body.request, 201, 3)
        self.assertEqual(self.client.statuses(), [201])
        self.assertEqual(self.client.transport.closed, "closed")
