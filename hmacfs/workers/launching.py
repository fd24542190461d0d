"""
A worker process, begun: what it inherits, and the line to it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.python.failure import Failure

from hmacfs.workers.line import Line, Serve

LINE, COMMONS, GUARD, SOCKETS = 3, 4, 5, 6
"""The descriptors of a worker; the listening sockets are the last."""


class _Ended(ProcessProtocol):
    def __init__(self, ended: Callable[[str], object]) -> None:
        self._ended = ended

    def processEnded(self, reason: Failure) -> None:
        """See :class:`twisted.internet.interfaces.IProcessProtocol`."""
        status: Any = reason.value
        if status.signal is not None:
            self._ended(f"by {signal.Signals(status.signal).name}")
        else:
            self._ended(f"with status {status.exitCode}")


class Launched:
    """
    A worker that runs.

    :ivar line: the line to it.
    """

    def __init__(self, line: Line, process: Any) -> None:
        self.line = line
        self._process = process

    def kill(self) -> None:
        """End it, whatever it does."""
        with suppress(ProcessExitedAlready):
            self._process.signalProcess(signal.SIGKILL)


class Launcher:
    """
    Begins workers, which inherit what is open by then.
    """

    def __init__(self, reactor: Any, inherited: Callable[[], Sequence[int]]) -> None:
        """
        :param inherited: tells the descriptors of the memory in common, of the
            lock of the store and of each listening socket.
        """
        self._reactor = reactor
        self._inherited = inherited

    def launch(
        self, serve: Serve, lost: Callable[[], object], ended: Callable[[str], object]
    ) -> Launched:
        """
        :param serve: does what it asks for.
        :param lost: called when its line has ended.
        :param ended: called with how it did, when the process is no more.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs:
            files = {0: 0, 1: 1, 2: 2, LINE: theirs.fileno()}
            files.update(enumerate(self._inherited(), COMMONS))
            # It is to find what we have found, and nothing of the folder it is in.
            path = os.pathsep.join(os.path.abspath(each) for each in sys.path)
            process = self._reactor.spawnProcess(
                _Ended(ended),
                sys.executable,
                [sys.executable, "-P", "-m", "hmacfs.worker"],
                {**os.environ, "PYTHONPATH": path},
                childFDs=files,
            )
            return Launched(adopt(self._reactor, ours, serve, lost), process)


def adopt(reactor: Any, connected: socket.socket, serve: Serve, lost: Callable[[], object]) -> Line:
    """
    :param connected: one end of a line; may be closed behind this.
    :return: the line.
    """
    line = Line(serve, lost)
    connected.setblocking(False)
    factory = Factory.forProtocol(lambda: line)
    factory.noisy = False
    reactor.adoptStreamConnection(connected.fileno(), socket.AF_UNIX, factory)
    return line
