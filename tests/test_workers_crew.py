"""
Tests for :mod:`hmacfs.workers.crew`, on a clock of their own.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.config import Problems
from hmacfs.names import StoredName
from hmacfs.workers.crew import BIRTH, NOTICE, SILENCE, SOON, Crew
from hmacfs.workers.line import LineLost
from hmacfs.workers.numbers import Numbers

NAME = StoredName((b"a",))


class Fake:
    """
    A worker, and the line to it.

    :ivar said: what it was asked and told.
    :ivar asked: what it has not answered yet, by what.
    :ivar prompt: what it answers at once.
    """

    def __init__(self, heard: Callable[..., Any], lost: Any, ended: Any) -> None:
        self.heard, self._lost, self._ended = heard, lost, ended
        self.line = self
        self.said: list[Any] = []
        self.asked: dict[str, Deferred[Any]] = {}
        self.prompt: dict[str, Any] = {}
        self.dead = False

    def ask(self, what: str, *args: Any) -> Deferred[Any]:
        self.said.append((what, *args))
        if self.dead:
            return fail(LineLost())
        if what in self.prompt:
            return succeed(self.prompt[what])
        self.asked[what] = Deferred()
        return self.asked[what]

    def tell(self, what: str, *args: Any) -> None:
        self.said.append((what, *args))

    def kill(self) -> None:
        self.end("by SIGKILL")

    def end(self, how: str = "with status 0") -> None:
        """It is no more."""
        if self.dead:
            return
        self.dead = True
        asked, self.asked = self.asked, {}
        for answer in asked.values():
            answer.errback(LineLost())
        self._lost()
        self._ended(how)

    def serve(self) -> None:
        """It is up, and well."""
        self.prompt = {"beat": Numbers({}, {})}
        self.asked.pop("welcome").callback(None)


class Service:
    """
    What it is done for.
    """

    def __init__(self) -> None:
        self.cleaned: Deferred[None] = succeed(None)

    def heard(self, what: str, *args: Any) -> Any:
        return (what, *args)

    def end(self) -> Deferred[None]:
        return self.cleaned


class CrewTests(SynchronousTestCase):
    """
    There are as many workers as there should be, and all of them well.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.begun: list[Fake] = []
        self.services: list[Service] = []
        self.told: list[Any] = []
        self.deaths = self.refused = 0
        self.crew = Crew(self, self.clock, self.tell, self.died, patience=5.0)
        self.crew.employ(self.service, lambda place: f"welcome {place}", lambda: "all is well")

    def launch(self, heard: Any, lost: Any, ended: Any) -> Any:
        if self.refused:
            self.refused -= 1
            raise OSError(errno.EAGAIN, "no more processes")
        self.begun.append(Fake(heard, lost, ended))
        return self.begun[-1]

    def service(self, place: int) -> Service:
        self.services.append(Service())
        return self.services[-1]

    def tell(self, place: int, numbers: Numbers | None) -> None:
        self.told.append((place, numbers is not None))

    def died(self) -> None:
        self.deaths += 1

    def start(self, count: int = 2) -> Deferred[None]:
        started = Deferred.fromCoroutine(self.crew.start(count))
        for fake in list(self.begun):
            fake.serve()
        return started

    def places(self) -> list[int]:
        return [hand.place for hand in self.crew.hands]

    def test_start(self) -> None:
        """
        All serve before the daemon is ready.
        """
        started = Deferred.fromCoroutine(self.crew.start(2))
        self.begun[0].serve()
        self.assertNoResult(started)
        self.begun[1].serve()
        self.successResultOf(started)
        self.assertEqual(self.begun[1].said, [("welcome", "welcome 2")])
        self.assertEqual(self.places(), [1, 2])

    def test_no_process_at_all(self) -> None:
        """
        Where the system has no process for the first ones, nothing starts, and it is said why.
        """
        self.refused = 1
        started = Deferred.fromCoroutine(self.crew.start(2))
        self.assertIn("no more processes", str(self.failureResultOf(started, Problems).value))

    def test_no_process(self) -> None:
        """
        Where the system has no process for one, it is asked again, and the operator is told.
        """
        self.successResultOf(self.start())
        self.refused = 6
        self.begun[0].kill()
        self.clock.pump([0.5] * 15)
        self.assertEqual(self.places(), [2])
        (fault,) = self.crew.faults()
        self.assertIn("1 of 2 workers serve", fault)
        self.clock.pump([0.5] * 15)
        self.begun[2].serve()
        self.clock.advance(1)
        self.assertEqual((self.places(), self.crew.faults()), ([2, 1], ()))

    def test_no_process_for_more(self) -> None:
        """
        Where more are wanted and cannot be had, those who serve go on, and it is
        tried again.
        """
        self.successResultOf(self.start())
        self.refused = 1
        self.crew.resize(4)
        self.begun[2].serve()
        self.assertEqual(self.places(), [1, 2, 3])
        self.clock.pump([0.5] * 15)
        self.begun[3].serve()
        self.assertEqual(self.places(), [1, 2, 3, 4])

    def test_stillborn(self) -> None:
        """
        Where one does not come up at all the daemon does not either.
        """
        started = Deferred.fromCoroutine(self.crew.start(2))
        self.begun[0].end("with status 1")
        self.failureResultOf(started, Problems)

    def test_beat(self) -> None:
        """
        Each second all tell how they are, and hear how the daemon is.
        """
        self.start()
        self.clock.advance(1)
        self.assertEqual(self.told, [(1, True), (2, True)])
        self.assertEqual(self.begun[0].said[-1], ("beat", "all is well"))

    def test_dead(self) -> None:
        """
        One that dies is replaced, and again, ever later.
        """
        self.start()
        self.begun[0].end("by SIGSEGV")
        self.assertEqual((self.told, self.places(), self.deaths), ([(1, False)], [2], 1))
        self.clock.advance(0.1)
        self.begun[2].serve()
        self.assertEqual(self.places(), [2, 1])
        self.begun[2].end("by SIGSEGV")
        self.clock.advance(0.1)
        self.assertEqual(len(self.begun), 3)
        self.clock.advance(0.1)
        self.assertEqual(len(self.begun), 4)

    def test_signalled(self) -> None:
        """
        One that was told by others to end is replaced while it does, and has not died.
        """
        self.start()
        self.begun[0].heard("leaves")
        self.assertEqual((self.places(), len(self.begun)), ([2], 2))
        self.clock.advance(NOTICE)
        self.begun[2].serve()
        self.assertEqual(self.places(), [2, 3])
        self.begun[0].end()
        self.clock.advance(NOTICE)
        self.assertEqual((self.places(), len(self.begun), self.deaths), ([2, 3], 3, 0))

    def test_all_signalled(self) -> None:
        """
        Where the supervisor was told as well nobody is begun any more.
        """
        self.start()
        for fake in self.begun:
            fake.heard("leaves")
        stopped = Deferred.fromCoroutine(self.crew.stop())
        self.clock.advance(NOTICE)
        for fake in self.begun:
            fake.end()
        self.successResultOf(stopped)
        self.assertEqual((len(self.begun), self.deaths), (2, 0))

    def test_settled(self) -> None:
        """
        Behind a minute its deaths are forgotten, and it is replaced at once.
        """
        self.start()
        self.clock.pump([1] * 61)
        self.begun[0].end("by SIGSEGV")
        self.clock.advance(0)
        self.assertEqual(len(self.begun), 3)

    def test_hangs(self) -> None:
        """
        One that does not answer is ended and replaced.
        """
        self.start()
        del self.begun[0].prompt["beat"]
        self.clock.pump([1] * int(SILENCE))
        self.assertFalse(self.begun[0].dead)
        self.clock.pump([1] * 3)
        self.assertEqual([fake.dead for fake in self.begun], [True, False, False])

    def test_never_up(self) -> None:
        """
        One that never comes to serve is ended too.
        """
        self.start()
        self.begun[0].end()
        self.clock.pump([1] * (int(BIRTH) + 4))
        self.assertTrue(self.begun[2].dead)

    def test_turn(self) -> None:
        """
        Who wants a name waits for those that may be there, and for all that is
        left of one that died.
        """
        self.start(3)
        wanted = self.begun[0].heard("turn", [2, 3], NAME, 7, True)
        self.assertEqual(self.begun[1].said[-1], ("turn", NAME, 7, True))
        self.begun[1].asked.pop("turn").callback(None)
        self.services[2].cleaned = Deferred()
        self.begun[2].end("by SIGKILL")
        self.assertNoResult(wanted)
        self.services[2].cleaned.callback(None)
        self.successResultOf(wanted)

    def test_coming(self) -> None:
        """
        It is known what is on its way at any of them.
        """
        self.start(3)
        self.begun[1].prompt["coming"] = None
        self.begun[2].prompt["coming"] = 5
        asked = self.begun[0].heard("coming", [2, 3], NAME)
        self.assertEqual(self.successResultOf(asked), 5)

    def test_others(self) -> None:
        """
        What concerns one worker alone is done for it.
        """
        self.start()
        self.assertEqual(self.begun[0].heard("remove", NAME), ("remove", NAME))

    def test_all(self) -> None:
        """
        All are asked; who does not serve yet, or not any more, is not waited for.
        """
        self.start()
        self.crew.resize(3)
        asked = self.crew.ask("flush")
        self.assertEqual(self.begun[2].said[-1], ("flush",))
        self.begun[0].asked.pop("flush").callback(None)
        self.assertNoResult(asked)
        self.begun[1].end()
        self.successResultOf(asked)

    def test_all_but_one(self) -> None:
        """
        One that hangs is told, and not waited for where the others are enough.
        """
        self.start()
        asked = self.crew.ask_soon("waits", 1)
        self.begun[1].asked.pop("waits").callback(None)
        self.assertNoResult(asked)
        self.clock.advance(SOON)
        self.successResultOf(asked)
        self.begun[0].asked.pop("waits").callback(None)
        for fake in self.begun:
            fake.prompt["waits"] = None
        self.successResultOf(self.crew.ask_soon("waits", 2))

    def test_salvage(self) -> None:
        """
        While it is found what one left that died, the others can be asked.
        """
        self.start()
        self.services[0].cleaned = Deferred()
        self.begun[0].end()
        self.begun[1].prompt["waits"] = None
        self.successResultOf(self.crew.ask("waits", 1))

    def test_renew(self) -> None:
        """
        One by one, each is told to retire when a new one serves.
        """
        self.start()
        renewed = self.crew.renew()
        self.assertEqual(self.begun[0].said[-1], ("reopen",))
        self.begun[2].serve()
        self.assertEqual(self.begun[0].said[-1], ("retire",))
        self.assertNotIn(("retire",), self.begun[1].said)
        self.begun[3].serve()
        self.successResultOf(renewed)
        self.begun[0].end()
        self.begun[1].end()
        self.clock.pump([1] * 3)
        self.assertEqual((self.places(), self.deaths, len(self.begun)), ([3, 4], 0, 4))

    def test_renew_in_vain(self) -> None:
        """
        Where a new one does not come up, the former ones stay.
        """
        self.start()
        renewed = self.crew.renew()
        self.begun[2].end("with status 1")
        self.successResultOf(renewed)
        self.clock.pump([1] * 3)
        self.assertEqual((self.places(), len(self.begun)), ([1, 2], 3))

    def test_resize(self) -> None:
        """
        More are begun, and those that are too many retire.
        """
        self.start()
        self.crew.resize(3)
        self.begun[2].serve()
        self.crew.resize(1)
        self.assertEqual((self.places(), self.begun[2].said[-1]), ([1], ("retire",)))

    def test_stop(self) -> None:
        """
        Nobody accepts any more before the first is told to leave.
        """
        self.start()
        stopped = Deferred.fromCoroutine(self.crew.stop())
        self.begun[0].asked.pop("close").callback(None)
        self.assertEqual(self.begun[0].said[-1], ("close",))
        self.begun[1].asked.pop("close").callback(None)
        self.assertEqual(self.begun[0].said[-1], ("leave",))
        self.begun[0].end()
        self.assertNoResult(stopped)
        self.begun[1].end()
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_beside_a_silent_one(self) -> None:
        """
        One that hangs is in the way of no other's end, and of its own no longer than before.
        """
        self.crew = Crew(self, self.clock, self.tell, self.died, patience=40.0)
        self.crew.employ(self.service, lambda place: f"welcome {place}", lambda: "all is well")
        self.start()
        del self.begun[0].prompt["beat"]
        self.clock.advance(1)
        stopped = Deferred.fromCoroutine(self.crew.stop())
        self.begun[1].asked.pop("close").callback(None)
        self.clock.advance(SOON)
        self.assertEqual(self.begun[1].said[-1], ("leave",))
        self.begun[1].end()
        self.assertNoResult(stopped)
        self.clock.pump([1.0] * int(SILENCE + 2))
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_too_slow(self) -> None:
        """
        Who does not end in time is ended.
        """
        self.start()
        stopped = Deferred.fromCoroutine(self.crew.stop())
        self.clock.advance(5)
        self.successResultOf(stopped)

    def test_scrape(self) -> None:
        """
        A scrape has the numbers of now, and does not wait for one that hangs.
        """
        self.start()
        self.successResultOf(self.crew.refresh())
        self.assertEqual(self.told, [(1, True), (2, True)])
        del self.begun[0].prompt["beat"]
        refreshed = self.crew.refresh()
        self.assertNoResult(refreshed)
        self.clock.advance(0.25)
        self.successResultOf(refreshed)
