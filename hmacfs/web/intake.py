"""
A large body, taken off a plain socket by a thread.

Bytes that Python reads and writes again are copied twice, and the thread of the
reactor does one half of that.  Here a thread of the store moves them from the
socket to the file by itself (``splice(2)``), a few MiB at a time, until there
is nothing on the socket; then the reactor waits for more.  Nobody else waits:
the reactor's thread moves no byte.

It works on a descriptor of its own, a duplicate, so that a connection which is
given up meanwhile cannot have its number taken by another one.  Whatever is
unusual, the client's end included, ends it, and the connection is read as
ever: there the same thing shows again.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.interfaces.disk import Drawn

LEAST = 256 * 1024
"""
Bytes that are worth it: each time costs a call of a thread, and a wait for the
reactor.
"""


@implementer(IReadDescriptor)
class Intake:
    """
    One body on its way from *socket* to whoever draws it.
    """

    def __init__(
        self,
        socket: int,
        reactor: IReactorFDSet,
        draw: Callable[[int, int], Deferred[Drawn]],
        size: int,
        drawn: Callable[[int], None],
        wait: Callable[[bool], None],
        ended: Callable[[], None],
    ) -> None:
        """
        :param draw: takes the descriptor, and how many bytes may come; see
            :meth:`hmacfs.interfaces.store.IUpload.draw`.
        :param size: bytes of the body that are still to come.
        :param drawn: told how many came.
        :param wait: told whether the client is waited for, from now on.
        :param ended: called when nothing more is taken: all is here, or it is
            to be read as ever.  Not behind :meth:`stop`.
        :raise OSError: there is no descriptor left for it.
        """
        self._socket = os.dup(socket)
        self._reactor = reactor
        self._draw = draw
        self._left = size
        self._tell, self._wait, self._ended = drawn, wait, ended
        self._then = ended
        self._drawing = False
        self._stopped = False

    def start(self) -> None:
        """
        Take what is there.
        """
        self._drawing = True
        self._wait(False)
        self._draw(self._socket, self._left).addCallbacks(self._drawn, self._failed)

    def stop(self, then: Callable[[], None]) -> None:
        """
        Take no more than what is being taken.  Harmless when called twice.

        :param then: called when nobody takes anything any more, be it at once.
            Until then the socket is not to be read: what is read below a thread
            that draws would be missing in the middle of what that stores.
        """
        if not self._stopped:
            self._stopped, self._then = True, then
            if not self._drawing:
                self._let_go()

    def fileno(self) -> int:
        """See :meth:`IReadDescriptor.fileno`."""
        return -1 if self._stopped else self._socket

    def logPrefix(self) -> str:
        """What the reactor calls this."""
        return "intake"

    def doRead(self) -> None:
        """Something is there."""
        self._reactor.removeReader(self)
        self.start()

    def connectionLost(self, reason: Failure) -> None:
        """The client is gone: whoever reads the connection hears of it."""
        self._end()

    def _drawn(self, drawn: Drawn) -> None:
        self._drawing = False
        self._left -= drawn.size
        if self._stopped:
            self._let_go()
            return
        self._tell(drawn.size)
        if self._stopped:
            return
        if not self._left or drawn.ended:
            self._end()
        elif drawn.more:
            self.start()
        else:
            self._wait(True)
            self._reactor.addReader(self)

    def _failed(self, failure: Failure) -> None:
        # Whoever drew it knows why, and says so to the client.
        self._drawing = False
        if self._stopped:
            self._let_go()
        else:
            self._end()

    def _end(self) -> None:
        self.stop(self._ended)

    def _let_go(self) -> None:
        self._reactor.removeReader(self)
        os.close(self._socket)
        self._then()
