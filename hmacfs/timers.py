"""
Timers that go on where the clock is set back.

Twisted's timers are due at times of the wall clock (its ticket 2424): where
somebody sets that back by a year, whatever was to be done in a minute waits for
a year and a minute, the sweeps and the timeouts of clients among them.  So a
thread holds the wall clock against the one that nobody can set, since the
reactor itself may sleep until then, and has the timers set back as well.

Where the clock is set ahead there is nothing to be done: what was due by then
has been done before anybody can look.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from twisted.logger import Logger

from hmacfs.units import format_duration

EVERY = 1.0
"""Seconds between two looks."""

LEAST = 1.0
"""Seconds that a clock is set back before anybody needs to care."""


def ahead() -> float:
    """
    :return: seconds from the start of 1970 to the start of this machine, by
        the wall clock: the same as long as that is not set.
    """
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


class Timers:
    """
    The timers of one reactor.
    """

    log = Logger()

    def __init__(self, reactor: Any, ahead: Callable[[], float] = ahead) -> None:
        """
        :param reactor: provides ``IReactorTime`` and ``IReactorFromThreads``.
        :param ahead: as the function of that name.
        """
        self._reactor = reactor
        self._ahead = ahead
        self._last = ahead()
        self._ended = Event()
        self._thread = Thread(target=self._watch, name="timers", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no longer."""
        self._ended.set()
        self._thread.join()

    def look(self) -> None:
        """
        Look whether the clock was set back; in whatever thread.
        """
        last, self._last = self._last, self._ahead()
        if self._last < last - LEAST:
            self._reactor.callFromThread(self._set_back, last - self._last)

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            self.look()

    def _set_back(self, seconds: float) -> None:
        self.log.warn("the clock was set back, by {seconds}", seconds=format_duration(int(seconds)))
        now = self._reactor.seconds()
        for call in self._reactor.getDelayedCalls():
            # What was asked for since then is due by the new time already.
            if call.getTime() - now >= seconds:
                call.delay(-seconds)
