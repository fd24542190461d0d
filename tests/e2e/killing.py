"""
A daemon that is killed while it changes what it keeps.

:class:`Killing` has one store.  Each round prepares names of its own, has all
that a daemon does to a name done to them at once, by a client each, and kills
the daemon with SIGKILL at a random moment meanwhile.  Behind the restart every
name is held against what it may be: as it was, where nobody was told that it
is changed; as it is to be, where somebody was; one or the other where somebody
still waited.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPException
from pathlib import Path
from threading import Condition, Event, Thread
from typing import Any
from urllib.parse import quote

import attrs

from hmacfs.control import client
from hmacfs.control.client import NoDaemon, Unanswered
from tests.calling import signed, until
from tests.commands import run
from tests.e2e.keeping import ask, bearer, timed
from tests.process import PATIENCE, Daemon

NAMES = 6  # that each operation has in a round
LARGEST = 50_000  # bytes of a file
LINGER = 0.005  # seconds, at most, from an answer until the daemon is killed


@attrs.frozen
class State:
    """
    What is kept of a name.

    :ivar content: what is served, ``None`` where nothing is.
    :ivar versions: what the versions are, the newest first.
    :ivar resting: how many things of it are in the trash.
    """

    content: bytes | None = None
    versions: tuple[bytes, ...] = ()
    resting: int = 0


@attrs.define
class Deed:
    """
    Something that is done to one name.

    :ivar ask: has it done; returns when that is acknowledged.
    :ivar progress: ``""``, ``"asked"`` or ``"answered"``.
    """

    name: str
    before: State
    after: State
    ask: Callable[[], object]
    progress: str = ""

    def allows(self, state: State) -> bool:
        """
        :return: whether the name may be so, behind a restart.
        """
        allowed = {"": [self.before], "asked": [self.before, self.after]}
        return state in allowed.get(self.progress, [self.after])


@attrs.frozen
class Outcome:
    """
    What one kill came to.

    :ivar wrong: a sentence for each thing that is not as it has to be.
    :ivar cut: how many names of each operation were under way.
    """

    wrong: Sequence[str]
    cut: Counter[str]


class Killing:
    """
    A store, and the daemons that die over it.
    """

    def __init__(self, folder: Path, seed: str, workers: int = 1, supervisor: bool = True) -> None:
        """
        :param folder: an existing one.
        :param seed: decides what is written, and when the daemon is killed.
        :param workers: its processes.
        :param supervisor: whether it is the one that is killed; else one of the
            workers is, and the daemon goes on.
        """
        self._workers, self._supervisor = workers, supervisor
        self._folder = folder
        self._random = random.Random(seed)
        self._round = 0
        self._swept: list[tuple[str, bytes]] = []
        self._kept: dict[str, State] = {}
        self._news = Condition()
        self._answers = 0
        self._failures: list[AssertionError] = []
        self._start()

    def end(self) -> None:
        """End the daemon."""
        self._daemon.end()

    def outcomes(self, count: int) -> Iterator[Outcome]:
        """
        Kill it *count* times.
        """
        for number in range(count):
            yield self._kill_one(alone=number % 2 == 0)

    def unlike(self) -> list[str]:
        """
        :return: the names that are not as they were behind the kill of their
            round any more.
        """
        trash = self._trash()
        return [name for name, state in self._kept.items() if self._observe(name, trash) != state]

    # One round

    def _kill_one(self, alone: bool) -> Outcome:
        """
        :param alone: whether ``hmacfs fsck`` is the first to open the store;
            else the daemon is, whose start has to mend as much.
        """
        self._round += 1
        operations = self._prepare()
        deeds = [(what, deed) for what, some in operations.items() for deed in some]
        threads = [Thread(target=self._do, args=(some,)) for some in operations.values()]
        self._answers = 0
        moment = self._random.randrange(len(deeds))
        for thread in threads:
            thread.start()
        with self._news:
            self._news.wait_for(lambda: self._answers >= moment or self._failures, PATIENCE)
        Event().wait(self._random.random() * LINGER)
        if self._supervisor:
            self._daemon.signal(signal.SIGKILL)
            self._daemon.wait()
        else:
            self._kill_worker()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]
        wrong = self._check() if alone else []
        if self._supervisor:
            self._start()
        wrong += [] if alone else self._check()
        # What was due when the daemon died goes now, if it has not gone.
        self._errand("gc", dry=False, confirm=False)
        trash = self._trash()
        for what, deed in deeds:
            for name in [deed.name] if deed.name else dict(self._swept):
                state = self._observe(name, trash)
                self._kept[name] = state
                if not deed.allows(state):
                    wrong.append(f"{what} of {name}, {deed.progress}: {_brief(state)}")
        cut = Counter(what for what, deed in deeds if deed.progress == "asked")
        return Outcome(wrong, cut)

    def _kill_worker(self) -> None:
        """
        Returns when another one was begun, which it is when all has been found
        that the one left.
        """
        former = self._children()
        victim = self._random.choice(former)
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in self._children() and len(self._children()) == len(former))

    def _children(self) -> list[int]:
        pid = self._daemon.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def _prepare(self) -> dict[str, list[Deed]]:
        """
        :return: what is to be done to names that are ready for it.
        """
        resting = [item for item in self._swept if self._kept[item[0]].resting]
        due = int(time.time()) + 2
        # A slot of mod_http_file_share has two segments.
        self._swept = self._made("sweep", NAMES * 2, "file")
        for name, content in self._swept:
            self._upload(name, content, due)
        nothing = State()
        operations = {
            "upload": [
                Deed(name, nothing, State(content), self._uploading(name, content))
                for name, content in self._made("upload")
            ],
            "overwrite": [
                Deed(name, State(first), State(second, (first,)), self._uploading(name, second))
                for name, first, second in self._made_twice("overwrite", overwritten=False)
            ],
            "restore": [
                Deed(name, State(second, (first,)), State(first, (second,)), self._restoring(name))
                for name, first, second in self._made_twice("restore")
            ],
            "delete": [
                Deed(name, State(second, (first,)), nothing, self._deleting(name))
                for name, first, second in self._made_twice("delete")
            ],
            "take down": [
                Deed(name, State(second, (first,)), nothing, self._taking_down(name))
                for name, first, second in self._made_twice("take-down")
            ],
            "undo": [
                Deed(name, State(resting=1), State(content), self._undoing(name))
                for name, content in resting
            ],
            "sweep": [Deed("", State(resting=1), State(resting=1), self._sweep)],
        }
        Event().wait(max(0.0, due - time.time()))
        return operations

    def _made(
        self, what: str, count: int = NAMES, below: str = "deep/file"
    ) -> list[tuple[str, bytes]]:
        return [
            (f"{self._round}-{what}-{number}/{below}", self._random.randbytes(self._size()))
            for number in range(count)
        ]

    def _made_twice(
        self, what: str, overwritten: bool = True
    ) -> Iterator[tuple[str, bytes, bytes]]:
        """
        :param overwritten: whether the second content replaces the first one
            already.
        """
        for name, first in self._made(what):
            second = self._random.randbytes(self._size())
            self._upload(name, first)
            if overwritten:
                self._upload(name, second)
            yield name, first, second

    def _size(self) -> int:
        return self._random.randrange(1, LARGEST)

    def _do(self, deeds: Sequence[Deed]) -> None:
        for deed in deeds:
            deed.progress = "asked"
            try:
                deed.ask()
            except (ConnectionError, HTTPException, NoDaemon, Unanswered):
                return  # the daemon is dead
            except AssertionError as failure:
                with self._news:
                    self._failures.append(failure)
                    self._news.notify_all()
                return
            deed.progress = "answered"
            with self._news:
                self._answers += 1
                self._news.notify_all()

    def _check(self) -> list[str]:
        """
        Let ``hmacfs fsck`` look for what the start has not mended.
        """
        ran = run("fsck", "--config", str(self._daemon.config))
        return [] if ran.status == 0 else [f"hmacfs fsck: {ran.out}{ran.err}"]

    # What is done to a name

    def _uploading(self, name: str, content: bytes) -> Callable[[], None]:
        return lambda: self._upload(name, content)

    def _upload(self, name: str, content: bytes, expires: int | None = None) -> None:
        """
        :param expires: as Prosody's mod_http_file_share says it in its token.
        """
        fields = {} if expires is None else bearer(name, len(content), expires)
        target = signed(name, len(content)) if expires is None else f"/uploads/{name}"
        self._ask(201, "PUT", target, content, fields)

    def _restoring(self, name: str) -> Callable[[], object]:
        (version,) = self._versions(name)
        return lambda: self._ask(200, "POST", timed("POST", name, f"restore={version}"))

    def _deleting(self, name: str) -> Callable[[], object]:
        return lambda: self._ask(204, "DELETE", timed("DELETE", name))

    def _taking_down(self, name: str) -> Callable[[], object]:
        return lambda: self._errand("rm-name", name=name, ban=False, dry=False)

    def _undoing(self, name: str) -> Callable[[], object]:
        return lambda: self._errand("undo", name=name, since=None)

    def _sweep(self) -> None:
        self._errand("gc", dry=False, confirm=False)

    # What is there

    def _observe(self, name: str, trash: Counter[str]) -> State:
        got = self._ask(None, "GET", f"/uploads/{quote(name)}")
        versions = tuple(
            self._ask(200, "GET", timed("GET", name, f"version={version}"))[1]
            for version in self._versions(name)
        )
        return State(got[1] if got[0] == 200 else None, versions, trash[name])

    def _versions(self, name: str) -> list[str]:
        status, body = self._ask(None, "GET", timed("GET", name, "versions"))
        return [each["id"] for each in json.loads(body)] if status == 200 else []

    def _trash(self) -> Counter[str]:
        found: Counter[str] = Counter()
        self._errand("trash", lambda message: found.update([message["row"]["name"]]))
        return found

    def _ask(
        self,
        wanted: int | None,
        method: str,
        target: str,
        body: bytes = b"",
        fields: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """
        :param wanted: the status that it has to be answered with; ``None``
            for any.
        """
        heard = ask(self._place, method, target, body, fields)
        if heard.status == 503:
            raise ConnectionError("a worker says that its supervisor is dead")
        assert wanted in (None, heard.status), f"{method} {target}: {heard}"
        return heard.status, heard.body

    def _errand(
        self, do: str, hear: Callable[[Any], object] = lambda message: None, **told: object
    ) -> None:
        last = client.ask(str(self._daemon.store), {"do": do, **told}, hear)
        assert "done" in last, last

    def _start(self) -> None:
        self._daemon = Daemon(
            self._folder,
            EnableVersioning=True,
            FileTTL="1d",
            SweepInterval="1h",
            MinFreeSpace="0",
            Workers=self._workers,
        )
        self._place = self._daemon.url.split("/")[2]


def _brief(state: State) -> str:
    served = "nothing" if state.content is None else f"{len(state.content)} bytes"
    versions = [len(version) for version in state.versions]
    return f"{served}, versions {versions}, {state.resting} in the trash"
