"""
Whether Redis is used: a state machine, and the probe that drives it.

=============  ======================================================
``local``      Redis does not answer, or nobody asked yet: leave it alone
``rejoining``  it answers, and is told what it missed
``redis``      it holds what this node holds, and follows
=============  ======================================================

One failure is enough to leave Redis alone: a request that asks a server that
does not answer waits for nothing.  The probe goes on in every state but
``rejoining``, so that a server that went while nobody asked is noticed too,
and one that was started anew, and may have lost what it held, is rejoined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from hmacfs.errors import MetadataUnavailable
from hmacfs.events import RedisBack, RedisLost
from hmacfs.interfaces.hub import IHub

PROBE_EVERY = 1.0  # seconds: soon enough for a person who waits, and costs Redis nothing

STEPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "answered": {"local": "rejoining"},
        "caught up": {"rejoining": "redis"},
        "restarted": {"redis": "rejoining"},
        "failed": {"rejoining": "local", "redis": "local"},
    }
)
"""
What may happen: for each, the state before it, and the one behind it.  In any
other state it changes nothing: who caught up, and failed meanwhile, is still
``local``.
"""


class Breaker:
    """
    Watches one server.

    :ivar state: ``"local"``, ``"rejoining"`` or ``"redis"``.
    """

    log = Logger()

    def __init__(
        self,
        probe: Callable[[], Deferred[str]],
        rejoin: Callable[[str], Deferred[int]],
        hub: IHub,
        clock: IReactorTime,
        every: float = PROBE_EVERY,
    ) -> None:
        """
        :param probe: asks the server which one it is, and fails with
            :class:`hmacfs.errors.MetadataUnavailable`, soon, where it does
            not answer.
        :param rejoin: tells the server, given what *probe* said, what it
            missed; fires with how much that was, or fails like *probe*.
        :param every: seconds between two probes.
        """
        self.state = "local"
        self._probe, self._rejoin = probe, rejoin
        self._hub, self._clock = hub, clock
        self._every = every
        self._server = ""
        self._lost: float | None = None
        self._first: Deferred[None] = Deferred()
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock
        self._looked: Deferred[LoopingCall]

    def start(self) -> Deferred[None]:
        """
        Probe at once, and from then on.

        :return: fires when the first probe was answered, or failed.
        """
        self._looked = self._looking.start(self._every)
        return self._first

    def stop(self) -> Deferred[LoopingCall]:
        """
        :return: fires when nothing is asked any more.
        """
        self._looking.stop()
        return self._looked

    def failed(self, reason: str) -> None:
        """
        Redis did not answer, or refused: say so to whoever does not know yet.

        :param reason: for the operator.
        """
        self._step("failed")
        if self._lost is None and self._looking.running:
            self._lost = self._clock.seconds()
            self._hub.emit(RedisLost(at=self._lost, reason=reason))

    async def _watch(self) -> None:
        try:
            server = await self._probe()
            if self.state == "redis" and server == self._server:
                return
            self._step("restarted" if self.state == "redis" else "answered")
            missed = await self._rejoin(server)
        except MetadataUnavailable as trouble:
            self.failed(str(trouble))
        except Exception:
            # A fault of ours: the next probe may well do, and uploads go on without.
            self.log.failure("Redis could not be rejoined")
            self.failed("internal")
        else:
            self._server = server
            self._step("caught up")
            self._tell_back(missed)

    def _look(self) -> Deferred[None]:
        # The loop waits for it: no probe runs while Redis is rejoined.
        return Deferred.fromCoroutine(self._watch())

    def _step(self, happened: str) -> None:
        self.state = STEPS[happened].get(self.state, self.state)
        if not self._first.called:
            self._first.callback(None)

    def _tell_back(self, missed: int) -> None:
        if self.state == "redis" and self._lost is not None:
            now = self._clock.seconds()
            self._hub.emit(RedisBack(at=now, missed=missed, duration=now - self._lost))
            self._lost = None
