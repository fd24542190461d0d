"""
Uploads that are broken at many points, one after the other.

:class:`Trial` is one front's: a daemon, a bad line before it, and clients of
:mod:`tests.e2e.fronts`.  The tests break a few uploads, ``bench/cuts.py`` all
that were promised.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path

import attrs

from hmacfs.signing import Claim, sign
from tests.e2e.fronts import FRONTS, Put, Upload
from tests.e2e.ledger import Ledger
from tests.e2e.relay import Cut, Relay
from tests.process import SECRET, Daemon, free_port


@attrs.frozen
class Outcome:
    """
    What became of one upload.

    :ivar cuts: how many connections were broken on its way.
    :ivar whole: whether the file is there with the bytes that were sent.
    :ivar twice: how many bytes were sent again that the server had acknowledged.
    """

    cuts: int = 1
    whole: bool = True
    twice: int = 0


class Trial:
    """
    Uploads by one front.

    :ivar sent: bytes that a client sends for a file if nothing breaks.
    :ivar heard: bytes that it hears then.
    """

    def __init__(self, folder: Path, front: Callable[[str, bytes], Upload], size: int) -> None:
        """
        :param folder: an existing one.
        :param size: bytes of each file.
        """
        self._folder = folder
        self._front = front
        self._content = random.Random(size).randbytes(size)
        self._sha256 = sha256(self._content).hexdigest()
        self._place = f"127.0.0.1:{free_port()}"
        self._before = f"127.0.0.1:{free_port()}"
        self._count = 0
        self._start()
        try:
            relay = self._upload(None, None)[0]
        except BaseException:
            self.end()
            raise
        self.sent, self.heard = relay.sent, relay.heard

    def end(self) -> None:
        """End the daemon."""
        self._daemon.end()

    def break_off(self, side: str, points: Sequence[int]) -> Iterator[Outcome]:
        """
        Upload one file for each of *points*, broken there.

        :param side: a key of :data:`SIDES`.
        :param points: bytes after which to break: less than :meth:`length`.
        """
        for number, point in enumerate(points):
            cut = Cut(point, rudely=number % 2 == 1)
            if side == "answer":
                yield self._upload(None, cut)[1]
            elif side == "client":
                yield self._upload(cut, None)[1]
            else:
                yield self._upload(Cut(point, self._kill), None, self._start)[1]

    def length(self, side: str) -> int:
        """
        :return: the bytes among which *side* can break.
        """
        return self.heard if side == "answer" else self.sent

    def _upload(
        self,
        cut_sent: Cut | None,
        cut_heard: Cut | None,
        between: Callable[[], object] = lambda: None,
    ) -> tuple[Relay, Outcome]:
        self._count += 1
        name = f"{self._count}.bin"
        mac = sign("v", Claim(path=name.encode(), size=len(self._content)), SECRET.encode())
        ledger = Ledger(len(self._content))
        relay = Relay(self._place, self._before, ledger.line)
        try:
            relay.cut_sent(cut_sent)
            relay.cut_heard(cut_heard)
            slot = f"http://{self._before}/uploads/{name}?v={mac}"
            self._front(slot, self._content).run(between)
        except AssertionError as failure:
            failure.add_note(f"{ledger.requests} {ledger.answers}\n{self._daemon.output}")
            raise
        finally:
            relay.end()
        stored = self._daemon.store / name
        with stored.open("rb") as stream:
            whole = file_digest(stream, "sha256").hexdigest() == self._sha256
        stored.unlink()  # many of them would fill the disk
        return relay, Outcome(relay.cuts, whole, ledger.twice)

    def _start(self) -> None:
        self._daemon = Daemon(self._folder, ListenPort=self._place)

    def _kill(self) -> None:
        self._daemon.signal(signal.SIGKILL)
        self._daemon.wait()


SIDES: Mapping[str, str] = {
    "client": "the line breaks between two bytes of the client",
    "server": "the daemon is killed, and another started",
    "answer": "the line breaks between two bytes of an answer",
}


def client_of(front: str, side: str) -> type[Upload]:
    """
    :return: the client for one front.  A plain PUT whose answer was lost is
        simply tried again.
    """
    return Put if (front, side) == ("put", "answer") else FRONTS[front]


def outcomes(
    folder: Path, front: str, side: str, size: int, count: int, seed: str
) -> Iterator[Outcome]:
    """
    Break *count* uploads of *size* bytes, at points that *seed* decides.

    :param folder: an empty one.
    """
    trial = Trial(folder, client_of(front, side), size)
    try:
        points = random.Random(seed).choices(range(trial.length(side)), k=count)
        yield from trial.break_off(side, points)
    finally:
        trial.end()
