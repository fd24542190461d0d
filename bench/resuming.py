"""
What hmacfs promises in numbers of uploads that go on, measured on this machine.

::

    python bench/resuming.py
    python bench/resuming.py --file 8MiB --uploads 20 --stall 2s --folder /mnt/disk

A real daemon and a real Redis are started, the daemon in a folder of its own
below ``--folder``, and all of it is removed at the end.  Measured are

* how fast a file arrives in two requests, by each protocol that can, compared
  with one plain PUT.  Each of a round is compared with the plain PUT of the
  same round, and the median of that is told: a disk that is fast only for its
  first gigabytes, as those of many clouds, is as fast for both;
* how long HEAD of an upload takes while nothing else is done;
* what becomes of uploads while Redis is killed and started, stalled, and
  restarted.  Meanwhile others ask for uploads that nobody knows: theirs are
  the requests that need Redis, and those of the uploads must not.

Each figure is printed with its bound and whether it holds; the exit status is
1 where one does not.  Megabytes are 10^6 bytes.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import chain, pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event
from urllib.parse import urlsplit

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, report, timed
from hmacfs.units import format_duration, format_size, parse_duration, parse_size
from tests.calling import Caller, places, signed
from tests.process import Daemon
from tests.redis import RedisServer

AS_FAST = 0.9  # of the speed of a plain PUT, at least
HEAD_P50 = 2.0  # milliseconds, at most
REDIS_WAIT = 300.0  # milliseconds, at most, that any request takes while Redis is in trouble

PIECES = 12  # requests of each upload while Redis is in trouble
PIECE = 2**16  # bytes of each: little enough that a disk does not decide how long they take
ASKERS = 2  # clients that ask for uploads that nobody knows
AGREE_WITHIN = 30.0  # seconds; the breaker needs a few

TUS = {"Tus-Resumable": "1.0.0"}

# KEYS is no way to ask a server that others use; nobody uses this one.
RECORDS = (
    "local told = {} "
    "for _, key in ipairs(redis.call('KEYS', '*')) do "
    "told[key] = redis.call('HGET', key, 'record') end "
    "return cjson.encode(told)"
)


@attrs.frozen
class Request:
    """
    One of the requests of an upload.

    :ivar start: offset in the file of the first byte of its body.
    :ivar stop: offset of the first byte that is not sent.
    """

    method: str
    target: str
    start: int
    stop: int
    fields: Mapping[str, str] = attrs.field(factory=dict)


Requests = Generator[Request, str, None]
"""The requests of an upload; takes the ``Location`` of each answer."""


def cuts(size: int, count: int) -> list[tuple[int, int]]:
    """
    :return: where each of *count* pieces of *size* bytes starts and stops.
    """
    ends = [size * n // count for n in range(count + 1)]
    return list(pairwise(ends))


def by_put(name: str, size: int, count: int) -> Requests:
    """One plain PUT, however many pieces are asked for."""
    yield Request("PUT", signed(name, size), 0, size)


def by_range(name: str, size: int, count: int) -> Requests:
    """PUTs with a Content-Range."""
    for start, stop in cuts(size, count):
        span = f"bytes {start}-{stop - 1}/{size}"
        yield Request("PUT", signed(name, size), start, stop, {"Content-Range": span})


def by_tus(name: str, size: int, count: int) -> Requests:
    """tus: a creation with upload, then PATCHes."""
    first, *rest = cuts(size, count)
    patch = {**TUS, "Content-Type": "application/offset+octet-stream"}
    create = {**patch, "Upload-Length": str(size)}
    target = yield Request("POST", signed(name, size), *first, create)
    for start, stop in rest:
        yield Request("PATCH", target, start, stop, {**patch, "Upload-Offset": str(start)})


def by_draft(name: str, size: int, count: int) -> Requests:
    """The IETF's draft: a PUT that is not complete, then PATCHes."""
    first, *rest = cuts(size, count)
    create = {"Upload-Complete": "?0", "Upload-Length": str(size)}
    target = yield Request("PUT", signed(name, size), *first, create)
    for start, stop in rest:
        fields = {
            "Content-Type": "application/partial-upload",
            "Upload-Offset": str(start),
            "Upload-Complete": "?1" if stop == size else "?0",
        }
        yield Request("PATCH", target, start, stop, fields)


FRONTS: Mapping[str, Callable[[str, int, int], Requests]] = {
    "a plain PUT": by_put,
    "Content-Range": by_range,
    "tus": by_tus,
    "the IETF's draft": by_draft,
}


class Client:
    """
    Whoever uploads, each request on a connection of its own, as after a cut.

    :ivar times: seconds that each request took, the connection included.
    """

    def __init__(self, daemon: Daemon, data: bytes) -> None:
        """
        :param data: the file that is uploaded, again and again.
        """
        self._place = places(daemon)[0]
        self._data = memoryview(data)
        self.times: list[float] = []

    def upload(
        self, front: str, name: str, count: int, pause: Callable[[], object] = lambda: None
    ) -> None:
        """
        :param front: a key of :data:`FRONTS`.
        :param count: of its requests.
        :param pause: called after each of them.
        :raise AssertionError: one of them was refused.
        """
        requests = FRONTS[front](name, len(self._data), count)
        location = None
        while True:
            try:
                request = next(requests) if location is None else requests.send(location)
            except StopIteration:
                return
            location = self._send(request)
            pause()

    def ask(self, target: str) -> int:
        """
        :return: the status of the answer to the HEAD of an upload.
        """
        with timed() as seconds, closing(Caller(self._place)) as caller:
            status = caller.ask("HEAD", target, TUS).status
        self.times += seconds
        return status

    def came(self, name: str) -> bool:
        """
        :return: whether the file is served, whole.
        """
        with closing(Caller(self._place)) as caller:
            return caller.download(name) == self._data

    def _send(self, request: Request) -> str:
        body = self._data[request.start : request.stop]
        with timed() as seconds, closing(Caller(self._place)) as caller:
            caller.request(request.method, request.target, body, dict(request.fields))
            answer = caller.getresponse()
            told = answer.read()
        self.times += seconds
        assert answer.status in (201, 204, 308), (request, answer.status, told)
        return below(answer.headers["Location"] or "")


def below(location: str) -> str:
    """
    :return: the target of an absolute URL.
    """
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}"


def measure_speed(daemon: Daemon, size: int, rounds: int) -> Iterator[Figure]:
    """
    :param size: bytes of the file.
    :param rounds: how often each front sends it, beside once to warm up.
    """
    client = Client(daemon, os.urandom(size))
    times: dict[str, list[float]] = {front: [] for front in FRONTS}
    fronts = list(FRONTS)
    for turn in range(rounds + 1):
        fronts.append(fronts.pop(0))  # nobody always follows the same one
        for number, front in enumerate(fronts):
            name = f"speed-{turn}-{number}"
            with timed() as seconds:
                client.upload(front, name, 2)
            assert client.came(name), name
            times[front] += seconds if turn else []
    plain, *others = FRONTS
    usual = times[plain]
    yield Figure(f"{format_size(size)} by {plain}", size / median(usual) / 1e6, "MB/s")
    for front in others:
        what = f"in two requests by {front}, over {plain}"
        ratios = [one / other for one, other in zip(usual, times[front], strict=True)]
        yield Figure(what, median(ratios), "of its speed", least=AS_FAST)


def measure_head(daemon: Daemon, count: int) -> Iterator[Figure]:
    """
    :param count: how often is asked, on one connection.
    """
    size = 2 * PIECE
    with closing(Caller(places(daemon)[0])) as caller:
        create = {**TUS, "Upload-Length": str(size)}
        created = caller.ask("POST", signed("head", size), create)
        created.read()
        target = below(created.headers["Location"])
        times = []
        for _ in range(count):
            with timed() as seconds:
                answer = caller.ask("HEAD", target, TUS)
                answer.read()
            assert answer.headers["Upload-Offset"] == "0", answer.status
            times += seconds
    times.sort()
    yield Figure(f"HEAD of an upload, p50 of {count}", median(times) * 1e3, "ms", HEAD_P50)
    yield Figure("HEAD of an upload, p99", times[len(times) * 99 // 100] * 1e3, "ms")


def measure_outages(
    daemon: Daemon, redis: RedisServer, count: int, beat: float, stall: float
) -> Iterator[Figure]:
    """
    :param count: of uploads.
    :param beat: seconds between one event and the next.
    :param stall: seconds for which Redis is stopped.
    """
    whole = 5 * beat + stall
    client = Client(daemon, os.urandom(PIECES * PIECE))
    asking = Client(daemon, b"")
    over = Event()
    with ThreadPoolExecutor(count + ASKERS) as pool:
        # The last one begins when the first one ends.
        uploads = [
            pool.submit(run_slowly, client, n, whole / 2 * n / count, whole / 2)
            for n in range(count)
        ]
        askers = [pool.submit(ask_for_none, asking, over) for _ in range(ASKERS)]
        try:
            trouble(redis, beat, stall)
            complete = sum(ended_well(upload) for upload in uploads)
        finally:
            over.set()
        for asker in askers:
            asker.result()
    yield Figure("Redis was lost", daemon.output.count("Redis is lost"), "times")
    what = f"complete beside Redis killed, stalled {format_duration(stall)}, restarted"
    yield Figure(what, complete, "uploads", least=count)
    for whose, times in ("uploads", client.times), ("uploads that nobody knows", asking.times):
        # What a request waits for Redis is not more than what it takes.
        slowest = max(times) * 1e3
        yield Figure(f"slowest request of {whose}", slowest, "ms", REDIS_WAIT)
    until = time.monotonic() + AGREE_WITHIN
    while (differing := differences(daemon, redis)) and time.monotonic() < until:
        time.sleep(0.1)
    yield Figure("uploads that SQLite knows", len(kept_here(daemon)), "records")
    yield Figure("records that differ in Redis and SQLite", differing, "records", 0)


def run_slowly(client: Client, number: int, after: float, seconds: float) -> bool:
    """
    :param number: of the upload; tells which front it takes.
    :param after: seconds until it begins.
    :param seconds: how long it takes, about.
    :return: whether the file came.
    """
    time.sleep(after)
    name = f"slow-{number}"
    front = list(FRONTS)[number % len(FRONTS)]
    client.upload(front, name, PIECES, lambda: time.sleep(seconds / PIECES))
    return client.came(name)


def ask_for_none(client: Client, over: Event) -> None:
    """
    Ask for uploads that nobody knows, one after the other.

    :raise AssertionError: one of them was known.
    """
    while not over.wait(0.05):
        target = f"/uploads/.hmacfs/uploads/{os.urandom(16).hex()}?v={'0' * 64}"
        status = client.ask(target)
        assert status == 404, status


def trouble(redis: RedisServer, beat: float, stall: float) -> None:
    """
    Do to Redis what may happen to it.

    :param beat: seconds between one event and the next.
    :param stall: seconds for which it is stopped.
    """
    time.sleep(beat)
    redis.kill()
    time.sleep(beat)
    redis.start()
    time.sleep(beat)
    redis.stall()
    time.sleep(stall)
    redis.resume()
    time.sleep(beat)
    redis.kill()
    redis.start()
    time.sleep(beat)


def ended_well(upload: Future[bool]) -> bool:
    """
    :return: whether it is complete; why not is told on standard error.
    """
    trouble = upload.exception()
    if trouble is not None:
        print(f"an upload broke: {trouble!r}", file=sys.stderr)
        return False
    return upload.result()


def differences(daemon: Daemon, redis: RedisServer) -> int:
    """
    :return: how many uploads Redis and SQLite do not tell the same of.
    """
    here, there = kept_here(daemon), kept_there(redis)
    return sum(here.get(key) != there.get(key) for key in here.keys() | there.keys())


def kept_here(daemon: Daemon) -> dict[str, str]:
    """
    :return: the records of SQLite, by their keys in Redis.
    """
    place = f"file:{daemon.store / '.hmacfs' / 'index.sqlite'}?mode=ro"
    with closing(sqlite3.connect(place, uri=True)) as database:
        rows = database.execute("SELECT id, record FROM uploads WHERE record IS NOT NULL")
        return {f"hmacfs:{{{id}}}:s": record for id, record in rows}


def kept_there(redis: RedisServer) -> dict[str, str]:
    """
    :return: the records of Redis, by their keys.
    """
    with closing(socket.socket(socket.AF_UNIX)) as client:
        client.connect(redis.path)
        client.sendall(f'EVAL "{RECORDS}" 0\r\n'.encode())
        with client.makefile("rb") as stream:
            head = stream.readline()
            assert head.startswith(b"$"), head
            told = json.loads(stream.read(int(head[1:])))
    return {key: record for key, record in told.items() if record}


def main() -> int:
    """
    :return: the exit status.
    """
    parser = ArgumentParser(description="Measure what hmacfs promises of uploads that go on.")
    parser.add_argument("--file", type=parse_size, default="64MiB", help="the file (64MiB)")
    parser.add_argument("--rounds", type=int, default=15, help="how often it is sent (15)")
    parser.add_argument("--heads", type=int, default=1000, help="how often is asked (1000)")
    parser.add_argument("--uploads", type=int, default=100, help="beside Redis in trouble (100)")
    parser.add_argument("--beat", type=parse_duration, default="3s", help="between events (3s)")
    parser.add_argument("--stall", type=parse_duration, default="10s", help="of Redis (10s)")
    parser.add_argument("--folder", help="where the files go for the time being (/tmp)")
    options = parser.parse_args()
    with (
        TemporaryDirectory(prefix="hmacfs-bench-", dir=options.folder) as folder,
        closing(RedisServer()) as redis,
    ):
        daemon = Daemon(Path(folder), RedisURL=redis.url, MaxUploadSize="0", MinFreeSpace="0")
        try:
            kept = report(
                chain(
                    measure_speed(daemon, options.file, options.rounds),
                    measure_head(daemon, options.heads),
                    measure_outages(daemon, redis, options.uploads, options.beat, options.stall),
                )
            )
        finally:
            daemon.end()
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
