"""
From the client to the store, at the pace of the slower of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer, IProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.interfaces.disk import Drawn

Append = Callable[[Sequence[bytes]], Deferred[int]]


@implementer(IConsumer)
class FileSink:
    """
    A consumer that hands what it gets to *append*, one call at a time.

    What arrives while a call is under way waits and goes with the next, so a
    fast client is written in large pieces and a slow one without delay.  When
    more than *high_water* bytes wait or are being written, the producer is
    paused; when all of them are stored, it goes on.

    :ivar failed: what *append* failed with; the sink takes no more then.
    """

    failed: Failure | None = None

    def __init__(
        self,
        append: Append,
        high_water: Callable[[], int],
        on_failure: Callable[[Failure], None],
    ) -> None:
        """
        :param append: stores pieces and fires with the new offset, as
            :meth:`hmacfs.interfaces.store.IUpload.append`.
        :param high_water: tells how many bytes, each time that some came.
        :param on_failure: called once, with what *append* failed with.
        """
        self._append = append
        self._high_water = high_water
        self._on_failure = on_failure
        self._producer: Any = None
        self._waiting: list[bytes] = []
        self._held = 0
        self._paused = False
        self._writing = False
        self._quiet: list[Deferred[None]] = []

    @property
    def idle(self) -> bool:
        """Whether all that came is stored."""
        return not self._writing and self.failed is None

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """
        :param streaming: always true: a connection pushes.
        """
        self._producer = producer

    def unregisterProducer(self) -> None:
        """No more will be written."""
        self._producer = None

    def write(self, data: bytes) -> None:
        """
        Take *data*.  Behind a failure it is dropped.
        """
        if self.failed is not None:
            return
        self._waiting.append(data)
        self._held += len(data)
        if not self._paused and self._producer is not None and self._held > self._high_water():
            self._paused = True
            self._producer.pauseProducing()
        self._pump()

    async def draw(self, draw: Callable[[], Deferred[Drawn]]) -> Drawn:
        """
        Let *draw* store what does not come through here, behind all that did;
        what comes meanwhile waits.
        """
        await self.quiet()
        if self.failed is not None:
            return Drawn(0, ended=True)
        self._writing = True
        try:
            drawn = await draw()
        except BaseException:
            self._fail(Failure())
            return Drawn(0, ended=True)
        self._stored(0)
        return drawn

    def quiet(self) -> Deferred[None]:
        """
        :return: fires once nothing waits and nothing is being written, also
            where that is so because of a failure.
        """
        if not self._writing:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._quiet.append(done)
        return done

    def drop(self) -> None:
        """
        Forget what waits: the upload is given up.
        """
        self._held -= sum(map(len, self._waiting))
        self._waiting = []

    def end(self) -> None:
        """
        Take no more, and forget who would hear of a failure.

        Mostly it is who has this sink: a circle that would stay in memory, with
        the bytes that hang on it, until Python's collector comes by.
        """
        self._on_failure = _forgotten

    def _pump(self) -> None:
        if self._writing or not self._waiting:
            return
        pieces, self._waiting = self._waiting, []
        size = sum(map(len, pieces))
        self._writing = True
        self._append(pieces).addCallbacks(lambda _: self._stored(size), self._fail)

    def _stored(self, size: int) -> None:
        self._writing = False
        self._held -= size
        if self._waiting:
            self._pump()
            return
        if self._paused and self._producer is not None:
            self._paused = False
            self._producer.resumeProducing()
        self._settle()

    def _fail(self, failure: Failure) -> None:
        self._writing = False
        self.failed = failure
        self.drop()
        self._on_failure(failure)
        self._settle()

    def _settle(self) -> None:
        # One who is told may write again: then the next one waits for that.
        while self._quiet and not self._writing:
            self._quiet.pop(0).callback(None)


def _forgotten(failure: Failure) -> None:
    """Who heard of the failures of a sink that has ended."""
