"""
A time limit that is moved at every step and hardly ever met.

A timer that is made, moved and cancelled for each request costs more than what
it guards.  So to move a deadline is to note a number down; the one timer that
is set looks, when it goes off, whether the time has really come, and goes on
for the rest where it has not.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Deadline:
    """
    :ivar period: the seconds that it was last set to.
    """

    def __init__(self, clock: IReactorTime, met: Callable[[], None]) -> None:
        """
        :param met: called when it is met; there is none by then.
        """
        self.period = 0.0
        self._clock = clock
        self._met = met
        self._due: float | None = None
        self._timer: IDelayedCall | None = None
        self._looks = 0.0

    @property
    def set(self) -> bool:
        """Whether there is one."""
        return self._due is not None

    def move(self, period: float) -> None:
        """
        :param period: seconds from now.
        """
        self.period = period
        self._due = due = self._clock.seconds() + period
        if self._timer is None or due < self._looks:
            self._start(period)

    def drop(self) -> None:
        """There is none.  The timer may go off yet, and finds nothing."""
        self._due = None

    def end(self) -> None:
        """There is none, and there will be none: no timer is left behind."""
        self._due = None
        self._stop()
        # Mostly it is called upon whoever has this: a circle that would stay
        # in memory, with all that hangs on it, until the collector comes by.
        self._met = _forgotten

    def _start(self, period: float) -> None:
        self._stop()
        self._looks = self._clock.seconds() + period
        self._timer = self._clock.callLater(period, self._look)

    def _stop(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        left = self._due - self._clock.seconds()
        if left > 0:
            self._start(left)
        else:
            self._due = None
            self._met()


def _forgotten() -> None:
    """Whom a deadline called that has ended."""
