"""
What becomes of the daemon as it has more to keep: more files, more clients that
say nothing, and memory over all of it.
"""

from __future__ import annotations

import os
import random
import resource
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path

from bench.clients import patiently, wrk
from bench.ground import ONE, TWO, Ground
from bench.lines import ONE_BY_ONE, Line, Load, Row, Verdict
from bench.planting import crawled
from bench.rivals import Server
from bench.rounds import Against, Contender, Single, Work
from bench.small import ask
from hmacfs.records import ATTRIBUTE
from hmacfs.records import Row as Listed
from hmacfs.store.labels import Label, encode
from hmacfs.store.tables import files

_SECTION = "Growth"
_CONTENT = random.Random(0).randbytes(1024)
_TOGETHER = 1000  # files in one folder
_SAMPLE = 20_000  # names that are asked for in turn
_ADDRESSES = 4  # of loopback, that idle clients come from
_SPARE = 500  # descriptors for all else


def works(ground: Ground) -> Iterator[Work | Single]:
    """
    :return: what is measured.
    """
    stores: dict[int, Server] = {}

    def store(number: int) -> Server:
        if number not in stores:
            folder = ground.folder(ground.memory)
            plant(folder / "store", number)
            stores[number] = ground.started(ground.rivals.hmacfs(folder))
            time.sleep(ground.scale.alone)
        return stores[number]

    counts = ground.scale.stores
    few = counts[0]
    for what, known in ((f"the same {few:,} of them", few), ("any of them", None)):
        yield Work(
            f"GET of 1 KiB, {what}, 1 connection",
            _SECTION,
            "wrk",
            partial(_contenders, ground, store, known),
            ONE_BY_ONE,
            check=lambda name: _there(store(int(name.split()[0].replace(",", "")))),
            against=[
                Against(_named(number), _named(few), most=1.1, aim=1.0)
                if number == counts[-1]
                else Against(_named(number), _named(few))
                for number in counts[1:]
            ],
        )
    yield Single("idle connections", _SECTION, partial(_idle, ground))


def memory(ground: Ground, lines: Sequence[Line]) -> Single:
    """
    :param lines: all that were measured before.
    :return: what the daemon had in memory meanwhile.
    """
    return Single("memory of a worker", "Memory", lambda: _memory(ground, lines))


def plant(store: Path, number: int) -> None:
    """
    Make a store of *number* small files as uploads leave them, all of them listed.
    """
    with crawled(store) as database:
        files.write(database, _planted(store, number))


def _planted(store: Path, number: int) -> Iterator[Listed]:
    kind, size = "application/octet-stream", len(_CONTENT)
    for at in range(number):
        name = _name(at)
        if at % _TOGETHER == 0:
            (store / name).parent.mkdir()
        (store / name).write_bytes(_CONTENT)
        label = Label(kind, size, commit=f"{at:014x}-bench", stored=1e9)
        # In memory, Linux has had attributes since 6.6 only.
        with suppress(OSError):
            os.setxattr(store / name, ATTRIBUTE, encode(label))
        yield Listed(name, kind, size, 1e9)


def _name(at: int) -> str:
    return f"{at // _TOGETHER:04}/{at:08}.bin"


def _named(number: int) -> str:
    return f"{number:,} files"


def _contenders(
    ground: Ground, store: Callable[[int], Server], known: int | None
) -> Mapping[str, Contender]:
    contenders = {}
    for number in ground.scale.stores:
        names = ground.memory / f"names-{number}-{known}"
        chosen = random.Random(1).choices(range(known or number), k=_SAMPLE)
        names.write_text("\n".join(f"/uploads/{_name(at)}" for at in chosen))
        server = store(number)
        contenders[_named(number)] = Contender(server, partial(_get, ground, server, names))
    return contenders


def _get(ground: Ground, server: Server, names: Path) -> Load:
    return patiently(lambda time: wrk(server.url, 1, time, files=[names]), ground.scale.seconds)


def _there(server: Server) -> None:
    answer, found = ask(server, "GET", f"/uploads/{_name(0)}")
    assert (answer.status, found) == (200, _CONTENT), f"a planted file is answered {answer.status}"


def _idle(ground: Ground) -> Line:
    """Measure what connections cost that were used once, and now say nothing."""
    wanted = max(ground.scale.idle)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if os.geteuid() == 0:
        hard = max(hard, wanted + _SPARE)
    assert hard >= wanted + _SPARE, f"{wanted:,} connections need as many descriptors, not {hard:,}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    patient = {"HeaderTimeout": "10m", "IdleTimeout": "10m"}
    server = ground.started(ground.rivals.hmacfs(ground.folder(ground.memory), **patient))
    rows = []
    try:
        with ExitStack() as stack:
            opened = 0
            for number in ground.scale.idle:
                for at in range(opened, number):
                    stack.enter_context(closing(_used(server.port, at)))
                opened = number
                megabytes = server.largest("VmRSS")
                rows.append(Row(f"{number:,} idle", (megabytes,), megabytes, "MB"))
    finally:
        server.end()
    return Line(
        "idle connections",
        _SECTION,
        f"sockets from {_ADDRESSES} addresses of loopback",
        tuple(rows),
        (Verdict.plain(f"memory with {wanted:,} idle", rows[-1].value, "MB", most=250),),
        "Each was asked for /health once, and is kept open.",
    )


def _used(port: int, at: int) -> socket.socket:
    client = socket.socket()
    client.bind((f"127.0.0.{2 + at % _ADDRESSES}", 0))
    client.settimeout(60)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
    return client


def _memory(ground: Ground, lines: Sequence[Line]) -> Line:
    verdicts = []
    for name in (ONE, TWO):
        idle = ground.server(name).idle
        peaks = [
            (row.peak or 0.0, line.name)
            for line in lines
            for row in line.rows
            if row.name == name or (name == ONE and row.name in ("wanted", "not wanted"))
        ]
        peak, where = max(peaks, default=(idle, "no work"))
        verdicts += [
            Verdict.plain(f"{name}, idle", idle, "MB", most=65),
            Verdict.plain(
                f"{name}, peak over idle ({where})", max(peak - idle, 0.0), "MB", most=40
            ),
        ]
    return Line(
        "memory of a worker",
        "Memory",
        verdicts=tuple(verdicts),
        note="Of the largest process; idle is before the first request, the peak is that of "
        "all works of this run, the work in brackets.",
    )
