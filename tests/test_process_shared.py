"""
Tests of a real daemon with workers: what is kept is kept by all of them, and
what one was told of the others serve, from its answer on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from hmacfs.store.held import ALONE
from tests.calling import Caller, until
from tests.commands import run
from tests.e2e.keeping import timed
from tests.process import Daemon
from tests.test_process_crew import CrewCase

ROUNDS = 8


class SharedCase(CrewCase):
    """
    Two workers that keep versions.
    """

    common = {**CrewCase.common, "EnableVersioning": True}

    def ask(
        self, caller: Caller, method: str, target: str, **fields: str
    ) -> tuple[int, str | None, bytes]:
        """
        :return: the status, the entity tag and the body of the answer.
        """
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        answer = caller.ask(method, target, named)
        return answer.status, answer.headers["ETag"], answer.read()

    def versions(self, caller: Caller, name: str) -> Sequence[str]:
        """
        :return: the ids of the versions of a file, the newest first.
        """
        status, _, body = self.ask(caller, "GET", timed("GET", name, "versions"))
        return [each["id"] for each in json.loads(body)] if status == 200 else []

    def held(self, daemon: Daemon, name: str, *callers: Caller) -> None:
        """Let the workers of *callers* hold a small file."""
        path = daemon.store / "uploads" / name
        path = path if path.exists() else daemon.store / name
        until(lambda: time.time() - path.stat().st_ctime > ALONE)
        for caller in callers * 2:
            self.assertEqual(self.ask(caller, "GET", f"/uploads/{name}")[0], 200)


class HeldTests(SharedCase):
    """
    A worker that holds a small file serves what others made of it, at once.
    """

    def test_replaced(self) -> None:
        """
        Overwritten through one, restored, and deleted: the other serves what is so.
        """
        daemon = self.start()
        one, other = self.apart(daemon)
        self.assertEqual(one.upload("a.txt", b"first"), 201)
        self.held(daemon, "a.txt", one, other)
        self.assertEqual(one.upload("a.txt", b"other"), 201)
        self.assertEqual(other.download("a.txt"), b"other")
        self.held(daemon, "a.txt", one, other)
        (version,) = self.versions(other, "a.txt")
        self.assertEqual(
            self.ask(one, "POST", timed("POST", "a.txt", f"restore={version}"))[0], 200
        )
        self.assertEqual([each.download("a.txt") for each in (other, one)], [b"first"] * 2)
        self.held(daemon, "a.txt", one, other)
        self.assertEqual(self.ask(one, "DELETE", timed("DELETE", "a.txt"))[0], 204)
        self.assertEqual(
            [self.ask(each, "GET", "/uploads/a.txt")[0] for each in (other, one)], [404] * 2
        )

    def test_turns(self) -> None:
        """
        Overwritten by each in turn, a file is at once for both what was stored last.
        """
        daemon = self.start()
        callers = self.apart(daemon)
        for turn in range(ROUNDS):
            # Of one size: only the file itself tells one from the other.
            content = b"%08d" % turn
            self.assertEqual(callers[turn % 2].upload("a.txt", content), 201)
            self.assertEqual([each.download("a.txt") for each in callers], [content] * 2)
        self.assertEqual([len(self.versions(each, "a.txt")) for each in callers], [5, 5])


class KeptTests(SharedCase):
    """
    What one worker is asked to keep, to bring back or to refuse holds for all.
    """

    def test_conditional(self) -> None:
        """
        A DELETE goes by the entity tag that the file has now, whoever stored it.
        """
        daemon = self.start()
        one, other = self.apart(daemon)
        self.assertEqual(one.upload("a.txt", b"first"), 201)
        _, stale, _ = self.ask(other, "GET", "/uploads/a.txt")
        self.assertEqual(one.upload("a.txt", b"second"), 201)
        _, now, _ = self.ask(other, "GET", "/uploads/a.txt")
        found = [
            self.ask(other, "DELETE", timed("DELETE", "a.txt"), If_Match=str(tag))[0]
            for tag in (stale, now)
        ]
        self.assertEqual(found, [412, 204])
        one, other = self.apart(daemon)
        self.assertEqual([each.upload("a.txt", b"abc") for each in (one, other)], [410] * 2)

    def test_command_line(self) -> None:
        """
        What an operator sweeps, brings back and bans is so for all workers.
        """
        daemon = self.start(FileTTL="2s", SweepInterval="1h")
        config = ("--config", str(daemon.config))
        one, other = self.apart(daemon)
        self.assertEqual(one.upload("a.txt", b"abc"), 201)
        until(lambda: self.ask(other, "GET", "/uploads/a.txt")[0] == 404)
        self.assertEqual(run("gc", *config).status, 0)
        self.assertEqual(run("undo", *config, "a.txt").status, 0)
        self.assertEqual([each.download("a.txt") for each in self.apart(daemon)], [b"abc"] * 2)
        self.assertEqual(run("rm", *config, "--ban", "--yes", "a.txt").status, 0)
        found = [self.ask(each, "GET", "/uploads/a.txt")[0] for each in self.apart(daemon)]
        self.assertEqual(found, [404] * 2)
        self.assertEqual([each.upload("b.txt", b"abc") for each in self.apart(daemon)], [403] * 2)
        self.assertEqual(run("fsck", *config).status, 0)
