"""
Tests of a real daemon whose workers are killed, stopped, replaced and short of
descriptors while it serves.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from http.client import HTTPException
from resource import RLIMIT_NOFILE, prlimit
from threading import Event, Thread

import attrs

from tests.calling import Caller, places, until
from tests.process import Daemon
from tests.test_process_crew import CrewCase

KILLS = 4
CLIENTS = 4

SPARE = 20
"""Descriptors that each worker may still open."""

LARGE = 64 * 2**20


@attrs.frozen
class Asked:
    """
    One request, on a connection of its own.

    :ivar port: the client's.
    :ivar failure: ``""`` where it was answered as it should be.
    """

    port: int
    began: float
    ended: float
    failure: str


class Stalls:
    """
    How long this machine lets a thread wait that has nothing to wait for.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._over = Event()
        self._thread = Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        """Look no longer."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        last = time.monotonic()
        while not self._over.wait(0.01):
            now = time.monotonic()
            self.longest, last = max(self.longest, now - last - 0.01), now


class LoadTests(CrewCase):
    """
    Whatever becomes of a worker, the clients of the others do not notice.
    """

    def test_killed(self) -> None:
        """
        Workers are killed one after another under load: no request fails that
        the killed one did not hold, and none waits for more than a second.
        """
        daemon = self.start(MetricsEnabled=True, MetricsPort="127.0.0.1:0")
        self.assertEqual(self.call(daemon).upload("a.txt", b"abc"), 201)
        over, asked, killed = Event(), list[Asked](), list[tuple[int, float, float]]()
        threads = [
            Thread(target=self.load, args=(places(daemon)[0], number, over, asked))
            for number in range(CLIENTS)
        ]
        pids = dict(enumerate(self.workers(daemon), 1))
        stalls = Stalls()
        for thread in threads:
            thread.start()
        try:
            for turn in range(KILLS):
                served = len(asked)
                until(lambda served=served: len(asked) > served + 20)
                place, former = turn % 2 + 1, set(self.workers(daemon))
                # Who was cut may say so before this thread knows of it.
                before = time.monotonic()
                os.kill(pids[place], signal.SIGKILL)
                killed.append((place, before, time.monotonic()))
                until(partial(self.back, daemon, turn + 1))
                (pids[place],) = set(self.workers(daemon)) - former
        finally:
            over.set()
            for thread in threads:
                thread.join()
            stalls.stop()
        failed = [each for each in asked if each.failure]
        strange = [each for each in failed if not self.held(daemon, each, killed)]
        self.assertEqual(strange, [])
        slowest = max(each.ended - each.began for each in asked)
        self.assertLess(slowest, 1.0 + stalls.longest)
        self.assertEqual(daemon.stop(), 0)

    def load(self, place: str, number: int, over: Event, asked: list[Asked]) -> None:
        """
        Upload and download until *over*.
        """
        turn = 0
        while not over.is_set():
            turn += 1
            began, caller = time.monotonic(), Caller(place)
            port, failure = caller.sock.getsockname()[1], ""
            try:
                if turn % 2:
                    status = caller.upload(f"{number}-{turn}.txt", b"abc")
                    failure = "" if status == 201 else f"PUT {status}"
                elif caller.download("a.txt") != b"abc":
                    failure = "GET"
            except (OSError, HTTPException) as error:
                failure = repr(error)
            finally:
                caller.close()
            asked.append(Asked(port, began, time.monotonic(), failure))

    def held(self, daemon: Daemon, request: Asked, killed: list[tuple[int, float, float]]) -> bool:
        """
        :return: whether a worker had *request* that was killed meanwhile; one
            may have died before it said so.
        """
        line = rf"^(\S+)Z .*\[(\d)\] 127\.0\.0\.1:{request.port} connection"
        # A port is used again and again.
        since = time.time() - (time.monotonic() - request.began) - 0.1
        opened = [
            place
            for stamp, place in re.findall(line, daemon.output, re.MULTILINE)
            if datetime.fromisoformat(f"{stamp}+00:00").timestamp() >= since
        ]
        who = {
            place
            for place, before, behind in killed
            if request.began <= behind and before <= request.ended
        }
        return bool(who) and (not opened or int(opened[-1]) in who)

    def test_hangs(self) -> None:
        """
        One that does not answer any more is ended and replaced; the other
        serves meanwhile.
        """
        daemon = self.start(MetricsEnabled=True, MetricsPort="127.0.0.1:0")
        former = self.workers(daemon)
        os.kill(former[0], signal.SIGSTOP)
        for turn in range(10):
            self.assertEqual(self.call(daemon).upload(f"{turn}.txt", b"abc"), 201)
        daemon.wait_for("worker 1 does not answer, and is ended")
        until(partial(self.back, daemon, 1))
        self.assertEqual(set(self.workers(daemon)) & set(former), {former[1]})
        self.assertEqual(daemon.stop(), 0)


class LeavingTests(CrewCase):
    """
    Who leaves ends what it has under way.
    """

    def test_renewed(self) -> None:
        """
        SIGHUP cuts no download: the former worker sends it to its end.
        """
        daemon = self.start(IdleTimeout="5s")
        data = os.urandom(2**20) * (LARGE // 2**20)
        self.assertEqual(self.call(daemon).upload("a.bin", data), 201)
        former = self.workers(daemon)
        callers = self.apart(daemon)
        answers = [caller.ask("GET", "/uploads/a.bin") for caller in callers]
        begun = [answer.read(1000) for answer in answers]
        daemon.signal(signal.SIGHUP)
        until(lambda: len(set(self.workers(daemon)) - set(former)) == 2)
        self.assertEqual(self.call(daemon).upload("b.txt", b"abc"), 201)
        self.assertTrue(set(former) <= set(self.workers(daemon)))
        whole = [part + answer.read() == data for part, answer in zip(begun, answers, strict=True)]
        self.assertEqual(whole, [True, True])
        for caller in callers:
            caller.close()
        until(lambda: not set(self.workers(daemon)) & set(former))
        self.assertEqual(daemon.stop(), 0)

    def test_one_told(self) -> None:
        """
        A worker alone that is told to end does so, and another one comes.
        """
        daemon = self.start(MetricsEnabled=True, MetricsPort="127.0.0.1:0", IdleTimeout="5s")
        former = self.workers(daemon)
        caller = self.apart(daemon)[0]
        caller.begin("a.txt", 6)
        caller.send(b"abc")
        place = int(daemon.wait_for(r"\[(\d)\] upload of a.txt started")[1])
        os.kill(former[place - 1], signal.SIGTERM)
        until(lambda: len(set(self.workers(daemon)) - set(former)) == 1)
        caller.send(b"def")
        self.assertEqual(caller.status(), 201)
        until(partial(self.back, daemon, 0))
        self.assertEqual(daemon.stop(), 0)

    def test_all_told(self) -> None:
        """
        Where every process is told to end, by systemd or by Ctrl-C, each of
        them ends as if the first alone was.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.start()
            callers = self.apart(daemon)
            for caller in callers:
                name = f"{number}-{caller.sock.getsockname()[1]}.txt"
                caller.begin(name, 6)
                caller.send(b"abc")
                daemon.wait_for(f"upload of {name} started")
            os.killpg(daemon.pid, number)
            for place in (1, 2):
                daemon.wait_for(rf"\[{place}\] shutting down: no new connections; 1 transfers")
            for caller in callers:
                caller.send(b"def")
                self.assertEqual(caller.status(), 201)
            self.assertEqual(daemon.wait(), 0)
            self.assertNotIn("ended by", daemon.output)
            self.assertNotIn("Traceback", daemon.output)

    def test_drained(self) -> None:
        """
        SIGTERM lets the transfers of each worker end, and nobody new comes.
        """
        daemon = self.start()
        callers = self.apart(daemon)
        for number, caller in enumerate(callers):
            caller.begin(f"{number}.txt", 6)
            caller.send(b"abc")
            daemon.wait_for(f"upload of {number}.txt started")
        daemon.signal(signal.SIGTERM)
        for place in (1, 2):
            daemon.wait_for(rf"\[{place}\] shutting down: no new connections; 1 transfers")
        self.assertRaises(ConnectionError, self.call, daemon)
        for caller in callers:
            caller.send(b"def")
            self.assertEqual(caller.status(), 201)
        self.assertEqual(daemon.wait(), 0)


class DescriptorTests(CrewCase):
    """
    Where descriptors run out, new connections wait.
    """

    def serving(self, daemon: Daemon) -> Sequence[int]:
        """
        :return: the process ids of those that accept connections.
        """
        return self.workers(daemon) or [daemon.pid]

    def test_run_out(self) -> None:
        """
        Nothing crashes, who is here is served, and who waited when others have gone.
        """
        daemon = self.start()
        self.assertEqual(self.call(daemon).upload("a.txt", b"abc"), 201)
        former = self.serving(daemon)
        for pid in former:
            count = len(os.listdir(f"/proc/{pid}/fd")) + SPARE
            prlimit(pid, RLIMIT_NOFILE, (count, count))
        many = [self.call(daemon) for _ in range(3 * SPARE)]
        daemon.wait_for("connections wait: ")
        for caller in many:
            self.assertEqual(caller.download("a.txt"), b"abc")
            caller.close()
        self.assertEqual(self.call(daemon).upload("b.txt", b"abc"), 201)
        self.assertEqual(self.serving(daemon), former)
        self.assertEqual(daemon.stop(), 0)


class AloneTests(DescriptorTests):
    """
    So it is where one process serves.
    """

    common = {**CrewCase.common, "Workers": 1}
