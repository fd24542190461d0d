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

from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger

ENDING = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """
    The signals of one process.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        reopen: Callable[[], object],
        install: Callable[[int, Any], object] = signal.signal,
    ) -> None:
        """
        :param reactor: is stopped, once; whoever has something to end hears
            it from there.
        :param reopen: called at every ``SIGHUP``.
        :param install: sets a handler.
        """
        self._reactor, self._reopen, self._install = reactor, reopen, install

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
        self._reactor.callFromThread(self._open_anew)

    def _stop(self, name: str) -> None:
        self.log.info("{name}: stopping; a second signal ends all at once", name=name)
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            self.log.debug("the reactor is stopping already")

    def _open_anew(self) -> None:
        try:
            self._reopen()
        except OSError as error:
            self.log.error(
                "LogFile: cannot be opened anew, the former one stays in use: {reason}",
                reason=str(error),
            )
        else:
            self.log.info("SIGHUP: the log goes on here")
