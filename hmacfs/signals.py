"""
What a signal means to the daemon.

======================  ====================================================
``SIGTERM``, ``SIGINT`` stop: transfers under way may end, then status 0
the second of these     end at once, by that signal
``SIGHUP``              open the log file anew
======================  ====================================================

Twisted's own handlers would make twistd end itself by the signal that it got,
so that every supervisor took an orderly stop for an accident.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorFromThreads

ENDING = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """
    The signals of one process.
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        stop: Callable[[str], object],
        reopen: Callable[[], object],
        install: Callable[[int, Any], object] = signal.signal,
    ) -> None:
        """
        :param stop: called in the reactor with the name of the signal, once.
        :param reopen: called in the reactor at every ``SIGHUP``.
        :param install: sets a handler.
        """
        self._reactor, self._stop, self._reopen, self._install = reactor, stop, reopen, install

    def install(self) -> None:
        """
        Take the signals over; to be called when the reactor runs, since it
        sets handlers of its own when it starts.
        """
        for number in ENDING:
            self._install(number, self._ending)
        self._install(signal.SIGHUP, self._hung_up)

    def _ending(self, number: int, frame: object) -> None:
        # Here and not in the reactor: whoever sends a second one may do so
        # because the reactor hangs.
        for each in ENDING:
            self._install(each, signal.SIG_DFL)
        self._reactor.callFromThread(self._stop, signal.Signals(number).name)

    def _hung_up(self, number: int, frame: object) -> None:
        self._reactor.callFromThread(self._reopen)
