"""
One client of the control socket.

He asks for one thing, hears what becomes of it, and is hung up on.  Where he is
slow the errand waits for him; where he goes away it ends at its next step.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.control.asking import Asker, Gone
from hmacfs.control.lines import Garbled, Lines, Message, encode

SELDOM = 0.1
"""Seconds between two tellings of how far an errand is: nobody reads faster."""

#: ``pid``, ``uid`` and ``gid`` of the other end (``struct ucred``, unix(7)).
_CREDENTIALS = struct.Struct("3i")

Perform = Callable[[Message, Asker], Awaitable[Message]]
"""Does what a request wants, and returns the last message of its answer."""


@implementer(IPushProducer)
class Conversation(Protocol):
    """
    The client, who is the :class:`~hmacfs.control.asking.Asker` of his errand.
    """

    transport: Any

    def __init__(
        self, perform: Perform, clock: IReactorTime, over: Callable[[Conversation], object]
    ) -> None:
        """
        :param over: called once, when nothing is done for him any more.
        """
        self.who = "somebody"
        self._perform, self._clock, self._over = perform, clock, over
        self._lines = Lines()
        self._asked = False
        self._gone = False
        self._farewell = ""
        self._paused = False
        self._held: Deferred[None] | None = None
        self._told: float | None = None

    def connectionMade(self) -> None:
        """Ask the kernel who he is, and to be told when he does not keep up."""
        packed = self.transport.getHandle().getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
        )
        _, user, _ = _CREDENTIALS.unpack(packed)
        self.who = f"user {user}"
        self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        """Begin what he asks for.  He asks once: what follows is not heard."""
        if self._asked:
            return
        try:
            request = next(self._lines.feed(data), None)
        except Garbled as error:
            self._hang_up({"error": str(error)})
            return
        if request is not None:
            self._asked = True
            Deferred.fromCoroutine(self._do(request))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """He is gone."""
        self._leave()
        if not self._asked:
            self._over(self)

    def leave(self, farewell: str) -> None:
        """
        Let his errand end at its next step.

        :param farewell: a sentence that he is told then.
        """
        self._farewell = farewell
        if not self._asked:
            self._hang_up({"error": farewell})
        self._leave()

    async def row(self, row: Message) -> None:
        """See :meth:`hmacfs.control.asking.Asker.row`."""
        self._tell({"row": row})
        if self._paused:
            self._held = Deferred()
            await self._held
            self._check()

    def progress(self, what: str, done: int, total: int | None, unit: str) -> None:
        """See :meth:`hmacfs.control.asking.Asker.progress`."""
        self._check()
        now = self._clock.seconds()
        if not self._paused and (self._told is None or abs(now - self._told) >= SELDOM):
            self._told = now
            self._tell({"progress": {"what": what, "done": done, "total": total, "unit": unit}})

    def pauseProducing(self) -> None:
        """He does not keep up."""
        self._paused = True

    def resumeProducing(self) -> None:
        """He has caught up."""
        self._paused = False
        self._go_on()

    def stopProducing(self) -> None:
        """He is gone; :meth:`connectionLost` hears that, too."""

    async def _do(self, request: Message) -> None:
        try:
            last = await self._perform(request, self)
        except Gone:
            last = {"error": self._farewell}
        self._hang_up(last)
        self._over(self)

    def _hang_up(self, last: Message) -> None:
        self.transport.write(encode(last))
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def _leave(self) -> None:
        self._gone = True
        self._go_on()

    def _check(self) -> None:
        if self._gone:
            raise Gone()

    def _tell(self, message: Message) -> None:
        self._check()
        self.transport.write(encode(message))

    def _go_on(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.callback(None)
