"""
How many files and connections this process may have open.

Each connection is a descriptor, and each file on its way another one.  Systems
start a process with a low bound and let it ask for more, up to a second one:
the low one is there for programs that use ``select``, which Twisted does not
here.

Where they run out all the same, new connections wait in the system's queue.
Twisted would accept them and close them again; and to let in whoever comes
leaves none for the files of those who are here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

KEPT = 1024
"""Descriptors that are kept back from connections; a quarter of all at most."""

PAUSE = 0.1
"""Seconds until it is tried again where there is no descriptor left."""

_log = Logger()


def raise_bound() -> None:
    """
    Ask for as many as may be had.
    """
    before, most = getrlimit(RLIMIT_NOFILE)
    if before != most:
        setrlimit(RLIMIT_NOFILE, (most, most))
        _log.info(
            "descriptors: {most} may be open at once, in place of {before}",
            most=most,
            before=before,
        )


def counted() -> int:
    """
    :return: how many are open; 0 where the system does not say: Linux does
        since 6.2, as the size of a folder.
    """
    try:
        return os.stat("/proc/self/fd").st_size
    except OSError:
        return 0


def left(file: int, count: Callable[[], int] = counted) -> int:
    """
    :param file: any that is open.
    :param count: as :func:`counted`.
    :return: how many more connections may be accepted; none where it is not
        above 0.
    """
    # The lowest free descriptor is given out: so behind a high one few are
    # left.  One lower may be free for a moment, or because it was closed; so
    # two are tried, and where the system counts them it is asked.  Else each
    # client that leaves would let in as many as there are places above his.
    # This takes 2 us.
    try:
        first = os.dup(file)
        try:
            second = os.dup(first)
            os.close(second)
        finally:
            os.close(first)
    except OSError:
        return 0
    bound = getrlimit(RLIMIT_NOFILE)[0]
    return bound - min(bound // 4, KEPT) - max(second, count() + 1)


class Patient:
    """
    Lets a port of Twisted's wait where there are no descriptors for more.
    """

    log = Logger()

    def __init__(self, port: Any, clock: IReactorTime, left: Callable[[int], int] = left) -> None:
        """
        :param port: a :class:`twisted.internet.tcp.Port` that is open.
        :param left: as the function of that name.
        """
        self._port, self._clock, self._left = port, clock, left
        self._accept = port.doRead
        self._waiting = False
        port.doRead = self._read

    def _read(self) -> None:
        port = self._port
        room = self._left(port.fileno())
        if room > 0:
            self._waiting = False
            # It accepts so many in one turn, and raises the number by itself.
            port.numberAccepts = min(port.numberAccepts, room)
            self._accept()
            return
        if not self._waiting:
            self._waiting = True
            self.log.warn("connections wait: there are too many open files")
        port.stopReading()
        self._clock.callLater(PAUSE, self._again)

    def _again(self) -> None:
        # Meanwhile it may have been closed, by itself or only its socket.
        if not self._port.disconnecting and self._port.fileno() >= 0:
            self._port.startReading()
