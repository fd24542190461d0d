"""
Tests for :mod:`hmacfs.web.sinks`.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import NoSpace
from hmacfs.interfaces.disk import Drawn
from hmacfs.web.sinks import FileSink

HIGH_WATER = 10


class FileSinkTests(SynchronousTestCase):
    """
    A sink writes one call at a time, and holds its producer back by what waits.
    """

    def setUp(self) -> None:
        self.calls: list[tuple[Sequence[bytes], Deferred[int]]] = []
        self.failures: list[Failure] = []
        self.client = StringTransport()
        self.sink = FileSink(self.append, lambda: HIGH_WATER, self.failures.append)
        self.sink.registerProducer(self.client, True)

    def append(self, pieces: Sequence[bytes]) -> Deferred[int]:
        self.calls.append((pieces, Deferred()))
        return self.calls[-1][1]

    def written(self) -> list[list[bytes]]:
        return [list(pieces) for pieces, _ in self.calls]

    def disk_catches_up(self) -> None:
        self.calls[-1][1].callback(0)

    def test_at_once(self) -> None:
        """
        The first piece is written without waiting for more.
        """
        self.sink.write(b"a")
        self.assertEqual(self.written(), [[b"a"]])

    def test_together(self) -> None:
        """
        What comes during a write goes together with the next one.
        """
        for piece in (b"a", b"b", b"c"):
            self.sink.write(piece)
        before = self.written()
        self.disk_catches_up()
        self.assertEqual((before, self.written()), ([[b"a"]], [[b"a"], [b"b", b"c"]]))

    def test_slow_disk(self) -> None:
        """
        A client that outruns the disk is paused, then let go on.
        """
        self.sink.write(b"x" * (HIGH_WATER + 1))
        paused = self.client.producerState
        self.disk_catches_up()
        self.assertEqual((paused, self.client.producerState), ("paused", "producing"))

    def test_slow_client(self) -> None:
        """
        A client that the disk outruns is never paused.
        """
        self.sink.write(b"x" * HIGH_WATER)
        self.assertEqual(self.client.producerState, "producing")

    def test_quiet(self) -> None:
        """
        It is quiet when all is stored, what waited included.
        """
        self.sink.write(b"a")
        self.sink.write(b"b")
        quiet = self.sink.quiet()
        self.disk_catches_up()
        self.assertNoResult(quiet)
        self.disk_catches_up()
        self.successResultOf(quiet)

    def test_quiet_behind_more(self) -> None:
        """
        It is not quiet when a client that was let go on has sent more at once.
        """
        self.client.resumeProducing = lambda: self.sink.write(b"more")
        self.sink.write(b"x" * (HIGH_WATER + 1))
        quiet = self.sink.quiet()
        self.disk_catches_up()
        self.assertNoResult(quiet)
        self.disk_catches_up()
        self.successResultOf(quiet)

    def test_quiet_from_the_start(self) -> None:
        """
        A sink that got nothing is quiet.
        """
        self.successResultOf(self.sink.quiet())

    def test_failure(self) -> None:
        """
        A write that fails is told once, and nothing is written behind it.
        """
        self.sink.write(b"a")
        self.sink.write(b"b")
        quiet = self.sink.quiet()
        self.calls[-1][1].errback(NoSpace("Full."))
        self.sink.write(b"c")
        self.successResultOf(quiet)
        self.assertEqual(self.written(), [[b"a"]])
        self.assertEqual([failure.type for failure in self.failures], [NoSpace])

    def test_dropped(self) -> None:
        """
        What is dropped is not written, what is being written ends.
        """
        self.sink.write(b"a")
        self.sink.write(b"b")
        self.sink.drop()
        quiet = self.sink.quiet()
        self.assertNoResult(quiet)
        self.disk_catches_up()
        self.successResultOf(quiet)
        self.assertEqual(self.written(), [[b"a"]])

    def test_drawn(self) -> None:
        """
        What is drawn is stored behind what was written, and before whoever waits
        for quiet is told of any: he may close the file.
        """
        drawing: Deferred[Drawn] = Deferred()
        began: list[str] = []

        def draw() -> Deferred[Drawn]:
            began.append("drawing")
            return drawing

        self.sink.write(b"a")
        drawn = Deferred.fromCoroutine(self.sink.draw(draw))
        self.sink.quiet().addCallback(lambda _: began.append("quiet"))
        self.assertEqual(began, [])
        self.disk_catches_up()
        self.assertEqual(began, ["drawing"])
        drawing.callback(Drawn(5))
        self.assertEqual(self.successResultOf(drawn), Drawn(5))
        self.assertEqual(began, ["drawing", "quiet"])
