"""
Tests for :mod:`hmacfs.web.channel`: heads before bodies, one request after the other.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from hmacfs.errors import BadSignature
from hmacfs.events import RequestReceived
from hmacfs.web import pages
from hmacfs.web.channel import KEPT, LINGER_BYTES, LINGER_SECONDS, PIECE
from tests.taker import LIMITS, Case


class OrderTests(Case):
    """
    The head is decided on before the body is asked for.
    """

    def test_streams(self) -> None:
        """
        A body arrives as it comes, before it is complete.
        """
        self.put(6)
        self.client.send(b"abc")
        self.assertEqual(self.body.data, b"abc")
        self.client.send(b"def")
        self.assertEqual((self.body.data, self.client.statuses()), (b"abcdef", [201]))

    def test_continue(self) -> None:
        """
        ``100 Continue`` goes out when the upload is admitted, and not before.
        """
        self.taker.verdict = verdict = Deferred()
        self.put(3, "Expect: 100-continue")
        before = self.client.statuses()
        verdict.callback(None)
        self.assertEqual((before, self.client.statuses()), ([], [100]))

    def test_needless_continue(self) -> None:
        """
        A client that did not wait is not invited.
        """
        self.taker.verdict = verdict = Deferred()
        self.put(3, "Expect: 100-continue")
        self.client.send(b"abc")
        verdict.callback(None)
        self.assertEqual(self.client.statuses()[-1], 201)

    def test_unsigned(self) -> None:
        """
        A refused client hears one answer, and no invitation.
        """
        self.taker.verdict = verdict = Deferred()
        self.put(3, "Expect: 100-continue")
        verdict.errback(BadSignature("No."))
        self.assertEqual(self.client.statuses(), [403])

    def test_empty_body(self) -> None:
        """
        A body of no bytes is complete when it is admitted.
        """
        self.put(0)
        self.assertEqual((self.body.data, self.client.statuses()), (b"", [201]))

    def test_chunked(self) -> None:
        """
        A chunked body arrives without its framing, and the next request behind it.
        """
        self.client.send(
            b"PUT /files HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: 1\r\n\r\nGET /files HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        self.assertEqual((self.body.data, self.client.statuses()), (b"abcde", [201, 200]))

    def test_broken_chunk(self) -> None:
        """
        A broken chunk ends the upload: 400, and the body is never completed.
        """
        self.client.send(
            b"PUT /files HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\nzz\r\n"
        )
        self.assertEqual(self.body.losses, ["malformed-request"])
        self.assertEqual(self.client.statuses(), [400])
        self.assertTrue(self.client.transport.half_closed)


class HoldingBackTests(Case):
    """
    A client is read no faster than what it sends can be dealt with.
    """

    def test_undecided(self) -> None:
        """
        While an upload is being decided on, its body stays in the network.
        """
        self.taker.verdict = verdict = Deferred()
        self.put(200_000)
        self.client.send(b"x" * 200_000)
        self.assertGreaterEqual(self.client.unread, 200_000 - KEPT)
        verdict.callback(None)
        self.assertEqual(len(self.body.data), 200_000)

    def test_slow_disk(self) -> None:
        """
        Who takes the body can stop the client and let it go on.
        """
        self.put(100)
        self.body.producer.pauseProducing()
        self.client.send(b"x" * 50)
        held = self.body.data
        self.body.producer.resumeProducing()
        self.assertEqual((held, len(self.body.data)), (b"", 50))

    def test_held_at_the_end(self) -> None:
        """
        A connection whose client was held back with the last bytes of a body
        still takes the next request.
        """
        self.put(3)
        body = self.body
        body.write = lambda data: body.producer.pauseProducing()
        body.finished = lambda: None
        self.client.send(b"abc")
        pages.tell(body.request, 201, 3)
        self.client.request("GET", "/files")
        self.assertEqual(self.client.statuses(), [201, 200])

    def test_time_stands_still(self) -> None:
        """
        A client that we hold back does not time out.
        """
        self.put(100)
        self.body.producer.pauseProducing()
        self.clock.advance(10 * LIMITS.idle_timeout)
        self.body.producer.resumeProducing()
        self.client.send(b"x" * 100)
        self.assertEqual(self.client.statuses(), [201])

    def test_pipelined_flood(self) -> None:
        """
        What a client sends behind an unanswered request is kept up to a bound.
        """
        self.put(3)
        self.body.finished = lambda: None
        self.client.send(b"abc" + b"x" * (4 * KEPT))
        self.assertGreaterEqual(self.client.unread, 4 * KEPT - KEPT - PIECE)

    def test_unread_answers(self) -> None:
        """
        A client that reads no answers gets no more of its requests served.
        """
        self.client.transport.blocked = True
        self.client.send(b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        self.assertEqual(self.hub.kinds().count(RequestReceived), 1)
        self.client.transport.unblock()
        self.clock.advance(0)
        self.assertEqual(self.client.statuses(), [200] * 50)

    def test_late_full(self) -> None:
        """
        A transport that finds out only later that it is full, as TLS does,
        holds the next request back.
        """
        self.client.request("GET", "/files")
        self.client.channel.pauseProducing()
        self.client.send(b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n")
        before = self.client.statuses()
        self.client.channel.resumeProducing()
        self.assertEqual((before, self.client.statuses()), ([200], [200, 200]))

    def test_large_pieces(self) -> None:
        """
        A large body is read in large pieces, and only that.
        """
        self.put(1024 * 1024)
        during = self.client.transport.bufferSize
        self.client.send(b"x" * 1024 * 1024)
        self.assertEqual((during, self.client.transport.bufferSize), (LIMITS.read_size, PIECE))


class RefusalTests(Case):
    """
    A refused body is never read as a request, and the answer arrives.
    """

    def refuse(self) -> None:
        self.taker.verdict = verdict = Deferred()
        self.put(1000)
        verdict.errback(BadSignature("No."))

    def test_closing(self) -> None:
        """
        The answer says that the connection ends, and our half is closed.
        """
        self.refuse()
        self.assertEqual(self.client.answers()[0].headers["connection"], "close")
        self.assertTrue(self.client.transport.half_closed)
        self.assertIs(self.client.transport.closed, None)

    def test_smuggled(self) -> None:
        """
        A request in the refused body is not answered.
        """
        self.refuse()
        self.client.send(b"GET /files HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(self.client.statuses(), [403])

    def test_client_closes(self) -> None:
        """
        The connection ends when the client has closed its half.
        """
        self.refuse()
        self.client.send(b"x" * 1000)
        self.client.end()
        self.assertEqual(self.client.transport.closed, "closed")

    def test_bounded_time(self) -> None:
        """
        A client that does not close is waited for a bounded time.
        """
        self.refuse()
        self.clock.advance(LINGER_SECONDS)
        self.assertEqual(self.client.transport.closed, "aborted")

    def test_bounded_bytes(self) -> None:
        """
        A client that goes on sending is cut off.
        """
        self.refuse()
        for _ in range(LINGER_BYTES // (1024 * 1024) + 1):
            self.client.send(b"x" * 1024 * 1024)
        self.assertEqual(self.client.transport.closed, "aborted")

    def test_without_body(self) -> None:
        """
        A refusal of a request without a body leaves the connection as it was.
        """
        self.client.request("GET", "/files?missing")
        self.client.request("GET", "/files")
        self.assertEqual(self.client.statuses(), [404, 200])

    def test_unwanted_body(self) -> None:
        """
        A body that nobody takes ends the connection behind the answer.
        """
        answer = self.client.request("GET", "/files", "Content-Length: 5")
        self.client.send(b"GET /")
        self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))
        self.assertTrue(self.client.transport.half_closed)

    def test_malformed_head(self) -> None:
        """
        A head that cannot be read is 400 with a code, and the end.
        """
        self.client.send(b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\nGET / HTTP/1.1\r\n")
        [answer] = self.client.answers()
        self.assertEqual((answer.status, answer.code), (400, "malformed-request"))
        self.assertTrue(self.client.transport.half_closed)

    def test_bare_line_feed(self) -> None:
        """
        A bare LF is refused at once, without waiting for the end of the head.
        """
        self.client.send(b"GET / HTTP/1.1\n")
        self.assertEqual(self.client.statuses(), [400])

    def test_given_up(self) -> None:
        """
        Who takes a body can cut its client off.
        """
        self.put(1000)
        self.body.producer.stopProducing()
        self.assertEqual(
            (self.client.transport.closed, self.body.losses), ("aborted", ["disconnected"])
        )

    def test_later_body_lost(self) -> None:
        """
        A body of which no more is wanted is dropped, and its taker is told once.
        """
        self.put(1000)
        body = self.body
        self.client.send(b"x" * 10)
        pages.refuse(body.request, BadSignature("No."))
        self.client.send(b"y" * 990)
        self.assertEqual((body.data, body.losses), (b"x" * 10, ["refused"]))
