"""
One worker, as the supervisor has it, and what it takes to have one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred

from hmacfs.workers.launching import Launched
from hmacfs.workers.line import Serve
from hmacfs.workers.numbers import Numbers


class Launches(Protocol):
    """
    What begins workers: a :class:`hmacfs.workers.launching.Launcher`.
    """

    def launch(
        self, serve: Serve, lost: Callable[[], object], ended: Callable[[str], object]
    ) -> Launched:
        """Begin one."""


class Serves(Protocol):
    """
    What does for one worker what it asks for.
    """

    def heard(self, what: str, *args: Any) -> Any:
        """
        :return: the answer, or a Deferred that fires with it.
        """

    def end(self) -> Deferred[None]:
        """
        The worker is no more.

        :return: fires when nothing of it is in anybody's way.
        """


@attrs.define(eq=False)
class Hand:
    """
    One worker.

    :ivar place: as of :class:`hmacfs.commons.Commons`.
    :ivar deaths: how often one died young before it, whose place it takes.
    :ivar began: when it was begun.
    :ivar serves: fires with ``True`` when it does, with ``False`` when it never
        will.
    :ivar gone: fires when nothing of it is left.
    :ivar served: when it began to serve, ``None`` until it does.
    :ivar leaving: whether it was told to end, or another one is in its place.
    :ivar asked: since when it does not answer, ``None`` where it does.
    :ivar numbers: what it told last.
    :ivar ends: how much of it has ended: its line, its process.
    """

    place: int
    deaths: int
    began: float
    launched: Launched = attrs.field(init=False)
    service: Serves = attrs.field(init=False)
    serves: Deferred[bool] = attrs.field(factory=Deferred)
    gone: Deferred[None] = attrs.field(factory=Deferred)
    served: float | None = None
    leaving: bool = False
    asked: float | None = None
    numbers: Numbers | None = None
    ends: int = 0

    @property
    def at_work(self) -> bool:
        """Whether it serves, and goes on to."""
        return self.served is not None and not self.leaving and not self.ends
