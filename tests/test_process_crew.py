"""
Tests of a real daemon whose workers come and go.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hmacfs.signing import Claim, sign
from tests.calling import Caller, until
from tests.process import SECRET, Daemon
from tests.test_process_resuming import DATA, HALF, TUS, ResumingCase


class CrewCase(ResumingCase):
    """
    Daemons with two workers.
    """

    common = {"Workers": 2, "LogLevel": "debug"}

    def workers(self, daemon: Daemon) -> Sequence[int]:
        """
        :return: the process ids of the workers of *daemon*.
        """
        listed = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text()
        return [int(each) for each in listed.split()]

    def apart(self, daemon: Daemon, count: int = 2) -> list[Caller]:
        """
        :return: connections that different workers have accepted.
        """
        found: dict[str, Caller] = {}
        while len(found) < count:
            caller = self.call(daemon)
            host, port = caller.sock.getsockname()
            who = daemon.wait_for(rf"\[(\d+)\] {re.escape(host)}:{port} connection \d+ opened")[1]
            found.setdefault(who, caller)
        return list(found.values())

    def back(self, daemon: Daemon, deaths: int) -> bool:
        """
        :return: whether two workers serve again behind so many *deaths*.
        """
        told = [self.number(daemon, name) for name in ("worker_deaths_total", "workers")]
        return told == [deaths, 2]

    def number(self, daemon: Daemon, name: str) -> float:
        """
        :return: a metric of *daemon*.
        """
        place = daemon.wait_for(r"\bmetrics: ([^, ]+)")[1]
        text = self.connect(place).ask("GET", "/metrics").read().decode()
        (value,) = re.findall(rf"^hmacfs_{re.escape(name)} (.+)$", text, re.MULTILINE)
        return float(value)


class TogetherTests(CrewCase):
    """
    Two workers are one server.
    """

    def test_newest(self) -> None:
        """
        Of two uploads to one name the newer goes on, whoever has the older one.
        """
        daemon = self.start()
        older, newer = self.apart(daemon)
        older.begin("a.txt", 6)
        older.send(b"abc")
        daemon.wait_for("upload of a.txt started")
        self.assertEqual(newer.upload("a.txt", b"123456"), 201)
        self.assertEqual(older.status(), 409)
        self.assertEqual([each.download("a.txt") for each in self.apart(daemon)], [b"123456"] * 2)

    def test_goes_on(self) -> None:
        """
        An upload that breaks at one worker goes on at the other.
        """
        daemon = self.start()
        target = self.create(daemon)
        broken, other = self.apart(daemon)
        self.send(broken, target, 0, HALF)
        until(lambda: self.kept(daemon) == HALF)
        broken.close()
        answer = other.ask("HEAD", target, TUS)
        answer.read()
        self.assertEqual((answer.status, answer.headers["Upload-Offset"]), (204, str(HALF)))
        self.send(other, target, HALF)
        self.assertEqual(other.status(), 204)
        self.assertEqual((daemon.store / "a.bin").read_bytes(), DATA)

    def test_deleted(self) -> None:
        """
        What was deleted through one worker takes no upload at the other.
        """
        daemon = self.start()
        one, other = self.apart(daemon)
        self.assertEqual(one.upload("a.txt", b"abc"), 201)
        answer = other.ask("DELETE", removal("a.txt"))
        answer.read()
        self.assertEqual(answer.status, 204)
        self.assertEqual([each.upload("a.txt", b"abc") for each in self.apart(daemon)], [410] * 2)

    def test_deleted_beside_a_silent_one(self) -> None:
        """
        A worker that does not answer is in the way of no removal that it has nothing to do with.
        """
        daemon = self.start()
        silent, other = self.apart(daemon)
        self.assertEqual(silent.upload("b.txt", b"abc"), 201)
        who = daemon.wait_for(r"\[(\d)\] upload of b.txt stored")[1]
        self.assertEqual(other.upload("a.txt", b"abc"), 201)
        os.kill(self.workers(daemon)[int(who) - 1], signal.SIGSTOP)
        answer = other.ask("DELETE", removal("a.txt"))
        answer.read()
        self.assertEqual((answer.status, "does not answer" in daemon.output), (204, False))

    def test_quota(self) -> None:
        """
        What an owner may keep is counted over all workers.
        """
        daemon = self.start(OwnerQuota="10", OwnerFrom="path")
        one, other = self.apart(daemon)
        one.begin("me/a.txt", 6)
        one.send(b"abc")
        daemon.wait_for("upload of me/a.txt started")
        self.assertEqual(other.upload("me/b.txt", b"12345"), 413)
        one.send(b"def")
        self.assertEqual(one.status(), 201)
        one, other = self.apart(daemon)
        self.assertEqual(other.upload("me/b.txt", b"1234"), 201)
        self.assertEqual(one.upload("me/c.txt", b"1"), 413)

    def kept(self, daemon: Daemon) -> int:
        """
        :return: how many bytes the one part has.
        """
        (part,) = (daemon.store / ".hmacfs" / "parts").iterdir()
        return part.stat().st_size


class EndingTests(CrewCase):
    """
    A worker ends, and nobody notices whom it did not serve.
    """

    def test_killed(self) -> None:
        """
        What a killed worker was receiving goes on at another one, at once.
        """
        daemon = self.start()
        target = self.create(daemon)
        caller = self.append(daemon, target, 0, HALF)
        parts = daemon.store / ".hmacfs" / "parts"
        until(lambda: [part.stat().st_size for part in parts.iterdir()] == [HALF])
        who = daemon.wait_for(r"\[(\d)\] upload of a.bin goes on")[1]
        former = self.workers(daemon)
        os.kill(former[int(who) - 1], signal.SIGKILL)
        self.assertRaises(OSError, caller.status)
        self.assertEqual(self.offset(daemon, target), HALF)
        self.assertEqual(self.append(daemon, target, HALF).status(), 204)
        self.assertEqual((daemon.store / "a.bin").read_bytes(), DATA)
        until(lambda: len(set(self.workers(daemon)) - set(former)) == 1)
        self.assertEqual(daemon.stop(), 0)

    def test_one_by_one(self) -> None:
        """
        Killed one after another, they are replaced, and no number shrinks.
        """
        daemon = self.start(MetricsEnabled=True, MetricsPort="127.0.0.1:0")
        for turn in range(4):
            self.assertEqual(self.call(daemon).upload(f"{turn}.txt", b"abc"), 201)
            self.assertEqual(
                self.number(daemon, 'uploads_completed_total{result="stored"}'), turn + 1
            )
            former = self.workers(daemon)
            os.kill(former[turn % 2], signal.SIGKILL)
            self.assertEqual(self.call(daemon).download(f"{turn}.txt"), b"abc")
            until(partial(self.back, daemon, turn + 1))
        self.assertEqual(daemon.stop(), 0)

    def test_renewed(self) -> None:
        """
        SIGHUP puts new workers in the place of all, and what is under way ends well.
        """
        daemon = self.start()
        former = self.workers(daemon)
        caller = self.call(daemon)
        caller.begin("a.txt", 6)
        caller.send(b"abc")
        daemon.wait_for("upload of a.txt started")
        daemon.signal(signal.SIGHUP)
        until(lambda: len(set(self.workers(daemon)) - set(former)) == 2)
        other = self.call(daemon)
        self.assertEqual(other.upload("b.txt", b"abc"), 201)
        # Else a former worker that has it waits until it has been idle for long.
        other.close()
        caller.send(b"def")
        self.assertEqual(caller.status(), 201)
        until(lambda: not set(self.workers(daemon)) & set(former))
        self.assertEqual(daemon.stop(), 0)

    def test_alone(self) -> None:
        """
        Without the supervisor the workers end what is under way, and themselves.
        """
        daemon = self.start()
        caller = self.call(daemon)
        caller.begin("a.txt", 6)
        caller.send(b"abc")
        daemon.wait_for("upload of a.txt started")
        daemon.signal(signal.SIGKILL)
        daemon.wait_for("shutting down: no new connections; 1 transfers")
        caller.send(b"def")
        self.assertEqual(caller.status(), 201)
        daemon.wait()


def removal(name: str) -> str:
    """
    :return: the target of a DELETE, signed by ``v3``.
    """
    claim = Claim(method=b"DELETE", expires=2**33, url_path=f"/uploads/{name}".encode())
    return f"/uploads/{name}?v3={sign('v3', claim, SECRET.encode())}&expires={2**33}"
