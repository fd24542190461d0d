"""
What everything that sends a file promises, however it does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface.verify import verifyObject

from hmacfs.ranges import Piece, Span
from hmacfs.web.sources import Truncated

ALPHABET = b"abcdefghijklmnopqrstuvwxyz"

any_order = given(
    st.lists(
        st.binary(max_size=3)
        | st.tuples(st.integers(0, 25), st.integers(1, 26)).map(
            lambda pair: Span(pair[0], min(26, pair[0] + pair[1]))
        )
    ),
    st.lists(st.sampled_from(["pause", "resume", "step"])),
)


class Consumer:
    """
    A consumer whose bytes go elsewhere.

    :ivar producer: as it is registered.
    """

    producer: Any = None

    def __init__(self, *takers: Callable[[bytes], None]) -> None:
        """
        :param takers: called with each piece, in their order.
        """
        self._takers = takers

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        assert streaming and self.producer is None
        self.producer = producer

    def unregisterProducer(self) -> None:
        assert self.producer is not None
        self.producer = None

    def write(self, data: bytes) -> None:
        for taker in self._takers:
            taker(data)


class SourceContract:
    """
    The bytes go out in order, as fast as they are taken, and the file is closed.

    Its methods that raise are for whoever mixes it in.

    :ivar client: the :class:`Consumer`.
    :ivar source: what is tested.
    :ivar sent: what its ``send`` returned.
    :ivar hears: called with what the client is written, before it gets it.
    :ivar broken: whether the file cannot be read.
    """

    client: Consumer
    source: Any
    sent: Deferred[bool]
    hears: Callable[[bytes], None] = staticmethod(lambda data: None)
    broken = False

    def begin(self, *pieces: Piece) -> None:
        """Send *pieces* of a file that holds the alphabet."""
        raise NotImplementedError

    def step(self) -> None:
        """Let the disk, or the client's machine, do a little."""
        raise NotImplementedError

    def arrived(self) -> bytes:
        """
        :return: all that has come to the client when nothing moves any more.
        """
        raise NotImplementedError

    def cut(self, size: int) -> None:
        """Make the file shorter."""
        raise NotImplementedError

    def closed(self) -> int:
        """
        :return: how often the file was closed.
        """
        raise NotImplementedError

    def test_interface(self) -> None:
        """
        It pushes.
        """
        self.begin()
        self.assertTrue(verifyObject(IPushProducer, self.source))

    def test_whole(self) -> None:
        """
        All of a file comes, and the file is closed.
        """
        self.begin(Span(0, 26))
        self.assertEqual(self.arrived(), ALPHABET)
        self.assertTrue(self.successResultOf(self.sent))
        self.assertEqual((self.source.sent, self.closed(), self.client.producer), (26, 1, None))

    def test_pieces(self) -> None:
        """
        Bytes and spans go out in their order.
        """
        self.begin(b"<", Span(24, 26), b"|", Span(0, 2), b">")
        self.assertEqual(self.arrived(), b"<yz|ab>")
        self.assertTrue(self.successResultOf(self.sent))
        self.assertEqual(self.source.sent, 7)

    def test_nothing(self) -> None:
        """
        A body without pieces is sent at once.
        """
        self.begin()
        self.assertTrue(self.successResultOf(self.sent))
        self.assertEqual((self.arrived(), self.closed()), (b"", 1))

    def test_paused(self) -> None:
        """
        A client that has enough gets no more until it asks.
        """
        self.begin(Span(0, 26))
        self.source.pauseProducing()
        before = self.arrived()
        self.step()
        self.assertEqual(self.arrived(), b"")
        self.assertNoResult(self.sent)
        self.source.resumeProducing()
        self.assertEqual(before + self.arrived(), ALPHABET)
        self.assertTrue(self.successResultOf(self.sent))

    def test_gone(self) -> None:
        """
        A client that goes away ends it, once, and is not spoken to.
        """
        self.begin(Span(0, 26))
        self.step()
        self.source.stopProducing()
        self.source.stopProducing()
        self.source.resumeProducing()
        self.arrived()
        self.assertFalse(self.successResultOf(self.sent))
        self.assertEqual((self.closed(), self.client.producer), (1, self.source))

    def test_gone_in_write(self) -> None:
        """
        A client that goes away while it is written to gets nothing more.
        """
        self.hears = lambda data: self.client.producer.stopProducing()
        for pieces in [(b"<", Span(0, 26)), (Span(0, 26),)]:
            self.begin(*pieces)
            self.arrived()
            self.assertFalse(self.successResultOf(self.sent))
            self.assertEqual((self.arrived(), self.closed()), (b"", 1))

    def test_truncated(self) -> None:
        """
        A file that has become shorter is an error, and is not filled up.
        """
        self.begin(Span(20, 30))
        self.assertEqual(self.arrived(), b"uvwxyz")
        self.failureResultOf(self.sent, Truncated)
        self.assertEqual((self.closed(), self.client.producer), (1, None))

    def test_truncated_on_the_way(self) -> None:
        """
        So it is when it becomes shorter while it is sent.
        """
        self.begin(Span(0, 26))
        self.source.pauseProducing()
        before = self.arrived()
        self.cut(2)
        self.source.resumeProducing()
        arrived = before + self.arrived()
        self.assertTrue(ALPHABET.startswith(arrived) and len(arrived) < 26, arrived)
        self.failureResultOf(self.sent, Truncated)
        self.assertEqual(self.closed(), 1)

    def test_failing_disk(self) -> None:
        """
        A disk that fails ends it.
        """
        self.broken = True
        self.begin(b"<", Span(0, 26))
        self.arrived()
        self.failureResultOf(self.sent, OSError)
        self.assertEqual((self.closed(), self.client.producer), (1, None))

    def test_failing_write(self) -> None:
        """
        A client that cannot be written to ends it.
        """

        def refuse(data: bytes) -> None:
            raise RuntimeError("closed")

        self.hears = refuse
        self.begin(b"<", Span(0, 26))
        self.arrived()
        self.failureResultOf(self.sent, RuntimeError)
        self.assertEqual(self.closed(), 1)

    def check_any_order(self, pieces: list[Piece], deeds: list[str]) -> None:
        """
        Whoever is slow, and whenever, the bytes are the same: for
        :data:`any_order` of each source, since Hypothesis wants a test of one
        class alone.
        """
        self.begin(*pieces)
        for deed in deeds:
            if deed == "pause":
                self.source.pauseProducing()
            elif deed == "resume":
                self.source.resumeProducing()
            else:
                self.step()
        self.source.resumeProducing()
        self.assertEqual(
            self.arrived(),
            b"".join(
                ALPHABET[piece.start : piece.stop] if isinstance(piece, Span) else piece
                for piece in pieces
            ),
        )
        self.assertTrue(self.successResultOf(self.sent))
