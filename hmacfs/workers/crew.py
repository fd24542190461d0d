"""
The workers, as the supervisor has them: begun, watched, replaced and ended.

A worker is asked each second how it is, and tells its numbers.  One that does
not answer for :data:`SILENCE` seconds is ended; one that died is replaced,
after a pause that grows with its deaths.  What it held is found before anybody
hears that its turns are over.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from hmacfs.commons import PLACES
from hmacfs.config import Problem, Problems
from hmacfs.names import StoredName
from hmacfs.workers import balance
from hmacfs.workers.hand import Hand, Launches, Serves
from hmacfs.workers.line import LineLost
from hmacfs.workers.numbers import Numbers

BEAT = 1.0
"""Seconds between two questions how a worker is."""

SILENCE = 10.0
"""Seconds that a worker may not answer; until it serves it has longer."""

BIRTH = 60.0

NOTICE = 0.5
"""
Seconds until a worker is replaced that got a signal of its own.  Most often
all processes of a daemon get it, and none is to come any more.
"""

SHORT = 5.0
"""Seconds that there may be too few of them before anybody is told."""

PROMPT = 0.25
"""Seconds that a scrape waits for the numbers of now."""

SOON = 0.5
"""Seconds that one waits who can go on without an answer of all."""


class Crew:
    """
    All workers of one daemon.
    """

    log = Logger()

    def __init__(
        self,
        launches: Launches,
        clock: IReactorTime,
        told: Callable[[int, Numbers | None], object],
        died: Callable[[], object],
        patience: float,
    ) -> None:
        """
        :param told: hears of the numbers of the worker in a place, and of
            ``None`` when it is no more.
        :param died: called when one ended unasked.
        :param patience: seconds that they have to end at the end.
        """
        self._launches, self._clock = launches, clock
        self._told, self._died, self._patience = told, died, patience
        self._hands: list[Hand] = []
        self._count = 0
        self._short: float | None = None
        self._stopping = False
        self._renewing = DeferredLock()
        self._beats = LoopingCall(self._beat)
        self._beats.clock = clock
        self._serve: Callable[[int], Serves]
        self._welcome: Callable[[int], object]
        self._standing: Callable[[], object]

    def employ(
        self,
        serve: Callable[[int], Serves],
        welcome: Callable[[int], object],
        standing: Callable[[], object],
    ) -> None:
        """
        To be called before anybody is begun.

        :param serve: gives what serves the worker in a place.
        :param welcome: gives what the worker in a place is told to begin with.
        :param standing: gives what each is told with every beat.
        """
        self._serve, self._welcome, self._standing = serve, welcome, standing

    @property
    def hands(self) -> Sequence[Hand]:
        """Those that serve, and go on to."""
        return [hand for hand in self._hands if hand.at_work]

    def faults(self) -> Sequence[str]:
        """
        :return: what an operator should know of them, a sentence each.
        """
        if self._short is None or self._clock.seconds() - self._short < SHORT:
            return ()
        serve = len(self.hands)
        return (f"{serve} of {self._count} workers serve; the log says what became of the others.",)

    # As of hmacfs.store.company.Members: to all of them, or some.

    def ask(self, what: str, *args: Any) -> Deferred[Any]:
        """
        :return: fires when each that serves has answered, or is no more; who
            does not serve yet hears of it before it does.
        """
        return self.ask_at(range(PLACES), what, *args)

    def ask_at(self, places: Container[int], what: str, *args: Any) -> Deferred[Any]:
        """As :meth:`ask`, of those in *places* alone."""
        asked = []
        for hand in [hand for hand in self._hands if hand.place in places]:
            if hand.served is None:
                hand.launched.line.tell(what, *args)
            else:
                answer = hand.launched.line.ask(what, *args)
                asked.append(answer.addErrback(self._unanswered, hand, what))
        return DeferredList(asked).addCallback(_nothing)

    def ask_soon(self, what: str, *args: Any) -> Deferred[Any]:
        """As :meth:`ask`, for :data:`SOON` at most."""
        return self._within(SOON, self.ask(what, *args))

    def tell(self, what: str, *args: Any) -> None:
        """Say something to each."""
        for hand in self._hands:
            hand.launched.line.tell(what, *args)

    async def start(self, count: int) -> None:
        """
        Have *count* workers.

        :return: when they serve.
        :raise Problems: one of them could not be begun, or ended before it did.
        """
        self._count = count
        try:
            begun = [self._begin().serves for _ in range(count)]
        except OSError as error:
            raise _problem(f"the system has no process for a worker: {error.strerror}.") from error
        self._beats.start(BEAT, now=False)
        for serves in begun:
            if not await serves:
                raise _problem("a worker ended before it served; the lines beside this say how.")

    async def stop(self) -> None:
        """
        End all of them in order: first nobody accepts any more, then each ends
        what it has under way.  One that hangs accepts nothing, and is found out
        as at any other time.
        """
        self._stopping = True
        for hand in self._hands:
            hand.leaving = True
        late = self._clock.callLater(self._patience, self._kill)
        await self.ask_soon("close")
        self.tell("leave")
        while self._hands:
            await self._hands[0].gone
        if self._beats.running:
            self._beats.stop()
        if late.active():
            late.cancel()

    def renew(self) -> Deferred[None]:
        """
        Put new workers in the place of all, one by one: each begins to serve
        before the former one accepts no more.

        :return: fires when that is done; the former ones end when what they
            have under way has.
        """
        self.tell("reopen")
        return self._renewing.run(lambda: Deferred.fromCoroutine(self._renew()))

    def resize(self, count: int) -> None:
        """
        Have *count* workers, soon.
        """
        self._count = count
        coming = [hand for hand in self._hands if not hand.leaving]
        for _ in range(count - len(coming)):
            try:
                self._begin()
            except OSError as error:
                self._unable(error)
                self._clock.callLater(balance.pause(1, len(self.hands)), self._replace, 1)
        for hand in [hand for hand in coming if hand.at_work][count:]:
            self._retire(hand)

    def refresh(self) -> Deferred[None]:
        """
        :return: fires when each has told its numbers of now, or soon.
        """
        asked = [self._ask_numbers(hand) for hand in self._hands if hand.served is not None]
        return self._within(PROMPT, DeferredList(asked))

    def _within(self, seconds: float, asked: Deferred[Any]) -> Deferred[None]:
        """
        :return: fires with *asked*, or when so much time has gone by.
        """
        done: Deferred[None] = Deferred()
        late = self._clock.callLater(seconds, done.callback, None)

        def told(_: object) -> None:
            if late.active():
                late.cancel()
                done.callback(None)

        asked.addCallback(told)
        return done

    def _begin(self, deaths: int = 0) -> Hand:
        """
        :raise OSError: the system has no process or no descriptor for it.
        """
        taken = {hand.place for hand in self._hands}
        place = next(place for place in range(1, PLACES) if place not in taken)
        hand = Hand(place, deaths, self._clock.seconds())
        hand.service = self._serve(place)
        hand.launched = self._launches.launch(
            lambda what, *args: self._heard(hand, what, *args),
            lambda: self._lost(hand),
            lambda how: self._ended(hand, how),
        )
        # From here on it hears what all are told.
        self._hands.append(hand)
        welcomed = hand.launched.line.ask("welcome", self._welcome(place))
        welcomed.addCallback(lambda _: self._served(hand))
        welcomed.addErrback(lambda failure: self._unserved(hand))
        return hand

    def _served(self, hand: Hand) -> None:
        hand.served = self._clock.seconds()
        hand.serves.callback(True)

    def _unserved(self, hand: Hand) -> None:
        hand.launched.kill()
        hand.serves.callback(False)

    def _heard(self, hand: Hand, what: str, *args: Any) -> Any:
        match what:
            case "turn":
                return self._turn(*args)
            case "coming":
                return Deferred.fromCoroutine(self._coming(*args))
            case "numbers":
                return self._counted(hand, *args)
            case "leaves":
                return self._leaves(hand)
            case _:
                return hand.service.heard(what, *args)

    # Who wants a name

    def _turn(
        self, places: Sequence[int], name: StoredName, number: int, going_on: bool
    ) -> Deferred[None]:
        asked = [
            hand.launched.line.ask("turn", name, number, going_on).addErrback(self._late, hand)
            for hand in self._hands
            if hand.place in places
        ]
        return DeferredList(asked).addCallback(_nothing)

    def _late(self, failure: Failure, hand: Hand) -> Deferred[None]:
        """
        :return: fires when nothing is left of one that may have had a turn.
        """
        self._unanswered(failure, hand, "turn")
        told: Deferred[None] = Deferred()
        hand.gone.addCallback(lambda _: told.callback(None))
        return told

    async def _coming(self, places: Sequence[int], name: StoredName) -> int | None:
        for hand in [hand for hand in self._hands if hand.place in places]:
            answer = hand.launched.line.ask("coming", name)
            size: int | None = await answer.addErrback(self._unanswered, hand, "coming")
            if size is not None:
                return size
        return None

    def _unanswered(self, failure: Failure, hand: Hand, what: str) -> None:
        if not failure.check(LineLost):
            self.log.failure("worker {place}: no {what}", failure, place=hand.place, what=what)

    # How they are

    def _beat(self) -> None:
        now = self._clock.seconds()
        if len(self.hands) >= self._count:
            self._short = None
        elif self._short is None:
            self._short = now
        for hand in list(self._hands):
            if hand.served is None:
                if now - hand.began > BIRTH:
                    self._hangs(hand)
            elif hand.asked is None:
                self._ask_numbers(hand)
            elif now - hand.asked > SILENCE:
                self._hangs(hand)

    def _ask_numbers(self, hand: Hand) -> Deferred[Any]:
        if hand.asked is None:
            hand.asked = self._clock.seconds()
        told = hand.launched.line.ask("beat", self._standing())
        told.addCallback(lambda numbers: self._counted(hand, numbers))
        return told.addErrback(self._unanswered, hand, "beat")

    def _counted(self, hand: Hand, numbers: Numbers) -> None:
        hand.asked = None
        hand.numbers = numbers
        self._told(hand.place, numbers)

    def _hangs(self, hand: Hand) -> None:
        self.log.error("worker {place} does not answer, and is ended", place=hand.place)
        hand.launched.kill()

    # How they end

    def _lost(self, hand: Hand) -> None:
        # Whoever has no line is of no use, and must not go on alone.
        if not hand.leaving:
            hand.launched.kill()
        self._bury(hand)

    def _ended(self, hand: Hand, how: str) -> None:
        if not hand.leaving:
            self._died()
            self.log.error("worker {place} ended {how}", place=hand.place, how=how)
        self._bury(hand)

    def _leaves(self, hand: Hand) -> None:
        """
        It ends in order: somebody told it to, us maybe.
        """
        if not hand.leaving:
            hand.leaving = True
            self._clock.callLater(NOTICE, self._replace, 0)

    def _bury(self, hand: Hand) -> None:
        # Its last words may be heard behind its end.
        hand.ends += 1
        if hand.ends == 2:
            cleaned = hand.service.end()
            cleaned.addErrback(
                lambda failure: self.log.failure("worker {place}", failure, place=hand.place)
            )
            cleaned.addCallback(lambda _: self._buried(hand))

    def _buried(self, hand: Hand) -> None:
        self._hands.remove(hand)
        self._told(hand.place, None)
        hand.gone.callback(None)
        coming = sum(not each.leaving for each in self._hands)
        if self._stopping or hand.leaving or coming >= self._count:
            return
        lived = 0.0 if hand.served is None else self._clock.seconds() - hand.served
        deaths = 0 if lived >= balance.SETTLED else hand.deaths + 1
        self._clock.callLater(balance.pause(deaths, len(self.hands)), self._replace, deaths)

    def _replace(self, deaths: int) -> None:
        coming = sum(not each.leaving for each in self._hands)
        if self._stopping or coming >= self._count:
            return
        try:
            self._begin(deaths)
        except OSError as error:
            self._unable(error)
            later = balance.pause(deaths + 1, len(self.hands))
            self._clock.callLater(later, self._replace, deaths + 1)

    def _unable(self, error: OSError) -> None:
        self.log.error("no worker can be begun: {why}", why=error.strerror or str(error))

    def _retire(self, hand: Hand) -> None:
        hand.leaving = True
        hand.launched.line.tell("retire")

    async def _renew(self) -> None:
        for former in list(self.hands):
            if self._stopping:
                return
            if not await self._begin().serves:
                self.log.error("a new worker did not begin: the former ones stay")
                return
            if former.at_work:
                self._retire(former)
        self.log.info("new workers serve; the former ones end with what they have under way")

    def _kill(self) -> None:
        for hand in list(self._hands):
            self.log.error("worker {place} did not end in time", place=hand.place)
            hand.launched.kill()


def _problem(text: str) -> Problems:
    return Problems([Problem("Workers", text)])


def _nothing(results: object) -> None:
    """Nobody wants to know."""
