"""
The line between the supervisor and one worker: a pair of connected sockets.

Both sides ask and tell; what one of them says is heard in that order.  An
answer may come when it is ready, before those to earlier questions.  A line
that ends answers all that was asked with :class:`LineLost`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import Int32StringReceiver
from twisted.python.failure import Failure

from hmacfs.errors import Refusal, ShuttingDown
from hmacfs.workers import pickling

Serve = Callable[..., Any]
"""Called with what is asked for, and its arguments; the answer, or a Deferred."""

_ASK, _TELL, _DONE, _FAILED = range(4)


class LineLost(ShuttingDown):
    """
    The other process is no more, or about to be: clients are told so of this one.
    """

    def __init__(self) -> None:
        super().__init__("The server is about to stop.", [(b"Retry-After", b"5")])


class Line(Int32StringReceiver):
    """
    One end of it.
    """

    log = Logger()
    # A charter lists all that waits to be gone on with.
    MAX_LENGTH = 2**31 - 1

    def __init__(self, serve: Serve, lost: Callable[[], object]) -> None:
        """
        :param serve: does what the other side asks for.
        :param lost: called when it has ended.
        """
        self._serve = serve
        self._lost = lost
        self._last = 0
        self._asked: dict[int, Deferred[Any]] = {}
        self._ended = False
        self._over: Deferred[None] = Deferred()

    def ask(self, what: str, *args: Any) -> Deferred[Any]:
        """
        :return: fires with the answer, or fails as the other side did.
        :raise LineLost: there will be none.
        """
        if self._ended:
            return fail(LineLost())
        self._last += 1
        answer = self._asked[self._last] = Deferred()
        self.sendString(pickling.dumps((_ASK, self._last, what, args)))
        return answer

    def tell(self, what: str, *args: Any) -> None:
        """Say something that wants no answer."""
        if not self._ended:
            self.sendString(pickling.dumps((_TELL, 0, what, args)))

    def hang_up(self) -> Deferred[None]:
        """
        :return: fires when all that was said is out, and the line has ended.
        """
        if self._ended or self.transport is None:
            return succeed(None)
        self.transport.loseConnection()
        return self._over

    def stringReceived(self, string: bytes) -> None:
        """A whole message came."""
        kind, number, *rest = pickling.loads(string)
        if kind == _DONE:
            self._asked.pop(number).callback(rest[0])
        elif kind == _FAILED:
            self._asked.pop(number).errback(pickling.heard(rest[0]))
        else:
            self._do(kind, number, *rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other side has ended, or ended the line."""
        self._ended = True
        asked, self._asked = self._asked, {}
        for answer in asked.values():
            answer.errback(LineLost())
        self._lost()
        self._over.callback(None)

    def _do(self, kind: int, number: int, what: str, args: tuple[Any, ...]) -> None:
        done = maybeDeferred(self._serve, what, *args)
        if kind == _ASK:
            done.addCallback(lambda value: self._say(_DONE, number, value))
        done.addErrback(self._failed, kind, number, what)

    def _failed(self, failure: Failure, kind: int, number: int, what: str) -> None:
        error = failure.value
        if kind == _TELL or not isinstance(error, Refusal | OSError):
            self.log.failure("{what} could not be done", failure, what=what)
        if kind == _ASK and error is not None:
            self._say(_FAILED, number, pickling.told(error))

    def _say(self, kind: int, number: int, value: object) -> None:
        if not self._ended:
            self.sendString(pickling.dumps((kind, number, value)))
