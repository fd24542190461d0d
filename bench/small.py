"""
Small requests: files up and down on many connections, and what needs no body.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from http.client import HTTPResponse
from pathlib import Path

from bench.clients import patiently, putting, wrk
from bench.ground import (
    KIB,
    NAIVE,
    NGINX,
    NGINX_SECURE,
    ONE,
    SECURE,
    TWO,
    Ground,
    served,
)
from bench.lines import REQUESTS, Load
from bench.loads import heads, insecure
from bench.rivals import Server
from bench.rounds import Against, Contender, Work
from hmacfs.units import format_size
from tests.calling import Caller

CLIENT = "wrk"
SIZES = (10 * KIB, 200 * KIB)
CONNECTIONS = (1, 16, 64, 256)
EVERYONE = (ONE, TWO, NGINX, NAIVE)
USUAL = (Against(ONE, NAIVE), Against(ONE, NGINX), Against(TWO, NGINX))

BY_WRK = 10 * KIB  # bytes of a body over TLS that leaves at once

_FASTEST = 50_000  # uploads a second that no server here reaches
_WIDEST = 4e9  # bytes a second, likewise

PROMISED = {
    ("GET", SIZES[0], 64): (
        Against(ONE, NAIVE, least=2.2),
        Against(ONE, NGINX),
        Against(TWO, NGINX, least=0.43, aim=0.5),
    ),
    ("PUT", SIZES[0], 16): (
        Against(ONE, NAIVE, least=1.2),
        Against(ONE, NGINX),
        Against(TWO, NGINX, least=0.75, aim=1.05),
    ),
}


def works(ground: Ground) -> Iterator[Work]:
    """
    :return: what is measured.
    """
    seconds = ground.scale.seconds
    for size in SIZES:
        for connections in CONNECTIONS:
            yield Work(
                f"GET of {format_size(size)}, {counted(connections)}",
                "Small downloads",
                CLIENT,
                partial(among, ground, EVERYONE, partial(get, size, connections, seconds, {})),
                REQUESTS,
                check=partial(fetched, ground, size),
                against=PROMISED.get(("GET", size, connections), USUAL),
            )
    yield from _variants(ground)
    for size in SIZES:
        for connections in CONNECTIONS:
            yield Work(
                f"PUT of {format_size(size)}, {counted(connections)}",
                "Small uploads",
                CLIENT,
                partial(among, ground, EVERYONE, partial(put, ground, size, connections, seconds)),
                REQUESTS,
                against=PROMISED.get(("PUT", size, connections), USUAL),
            )


def _variants(ground: Ground) -> Iterator[Work]:
    size, seconds = SIZES[0], ground.scale.seconds
    section, what = "Small requests of other kinds", f"{format_size(size)}, 64 connections"
    target = f"/uploads/{served(size)}"

    def asked(server: Server, where: str, fields: Mapping[str, str]) -> Load:
        return _often(server, where, 64, seconds, fields)

    yield Work(
        f"HEAD of {what}",
        section,
        "epoll, in Python: it holds nginx back",
        partial(among, ground, EVERYONE, lambda server: heads(server.port, target, 64, seconds)),
        REQUESTS,
        check=lambda name: _expect(ground, name, "HEAD", target, {}, 200, b""),
        against=USUAL,
    )

    def unchanged(name: str) -> Mapping[str, str]:
        answer, _ = ask(ground.server(name), "GET", target)
        return {"If-Modified-Since": answer.headers["Last-Modified"]}

    yield Work(
        f"GET of {what}, answered 304",
        section,
        CLIENT,
        lambda: {
            name: Contender(
                ground.server(name),
                partial(asked, ground.server(name), target, unchanged(name)),
            )
            for name in EVERYONE
        },
        REQUESTS,
        check=lambda name: _expect(ground, name, "GET", target, unchanged(name), 304, b""),
        against=USUAL,
    )
    start = ground.scale.large // 2
    large = f"/uploads/{served(ground.scale.large)}"
    part = {"Range": f"bytes={start}-{start + size - 1}"}
    yield Work(
        f"a range of {format_size(size)} out of {format_size(ground.scale.large)}, 64 connections",
        section,
        CLIENT,
        partial(among, ground, EVERYONE, lambda server: asked(server, large, part)),
        REQUESTS,
        check=lambda name: _expect(
            ground,
            name,
            "GET",
            large,
            part,
            206,
            ground.content(start + size)[start:],
        ),
        against=USUAL,
    )
    wanted = {"Want-Repr-Digest": "sha-256=1"}
    yield Work(
        f"GET of {what}, a digest wanted",
        section,
        CLIENT,
        lambda: {
            "wanted": Contender(
                ground.server(ONE), lambda: asked(ground.server(ONE), target, wanted)
            ),
            "not wanted": Contender(
                ground.server(ONE), lambda: asked(ground.server(ONE), target, {})
            ),
        },
        REQUESTS,
        against=[Against("wanted", "not wanted")],
    )
    yield Work(
        f"GET of {what}, TLS",
        section,
        CLIENT,
        partial(among, ground, [SECURE, NGINX_SECURE], partial(get, size, 64, seconds, {})),
        REQUESTS,
        check=partial(fetched, ground, size),
        against=[Against(SECURE, NGINX_SECURE)],
    )


def counted(connections: int) -> str:
    """
    :return: ``1 connection``, ``16 connections``.
    """
    return f"{connections} connection{'s' if connections > 1 else ''}"


def among(
    ground: Ground, names: Sequence[str], run: Callable[[Server], Load]
) -> Mapping[str, Contender]:
    """
    :return: servers that all do the same.
    """
    servers = {name: ground.server(name) for name in names}
    return {name: Contender(server, partial(run, server)) for name, server in servers.items()}


def get(
    size: int, connections: int, seconds: float, fields: Mapping[str, str], server: Server
) -> Load:
    """
    Fetch the file of that size, over and over.
    """
    return _often(server, f"/uploads/{served(size)}", connections, seconds, fields)


def _often(
    server: Server, target: str, connections: int, seconds: float, fields: Mapping[str, str]
) -> Load:
    return patiently(lambda time: wrk(server.url + target, connections, time, fields), seconds)


def put(
    ground: Ground,
    size: int,
    connections: int,
    seconds: float,
    server: Server,
    anew: bool = False,
) -> Load:
    """
    Upload files of that size, each under a name of its own.

    :param anew: whether each has a connection of its own, too; only over TLS.
    :raise AssertionError: they are not all there, or not with their bytes.
    """
    return patiently(partial(_put, ground, size, connections, server, anew), seconds)


def _put(
    ground: Ground, size: int, connections: int, server: Server, anew: bool, seconds: float
) -> Load:
    number = int((seconds * 1.5 + 0.2) * min(_FASTEST, _WIDEST / size)) + connections
    prefix, slots = ground.slots(size, number)
    targets, content = ground.memory / "targets", ground.memory / f"content-{size}"
    targets.write_text("\n".join(slots))
    if not content.exists():
        content.write_bytes(ground.content(size))
    files, inside = [targets, content], server.place.inside
    if server.secure and size > BY_WRK:
        where = (server.place.reached, server.port)
        load = putting(where, connections, seconds, files, inside, anew)
    else:
        load = wrk(server.url, connections, seconds, files=files, inside=inside)
    _stored(server.files, prefix, load.amount, content.read_bytes())
    server.clear(prefix)
    return load


def _stored(files: Path, prefix: str, number: float, content: bytes) -> None:
    names = [name for name in os.listdir(files) if name.startswith(prefix)]
    assert len(names) >= number, f"{number:g} were acknowledged, {len(names)} are there"
    for name in random.sample(names, min(3, len(names))):
        found = (files / name).read_bytes()
        assert found == content, f"{name} holds other bytes than were sent"


def fetched(ground: Ground, size: int, name: str) -> None:
    """
    See that a server yields the file of that size.

    :raise AssertionError: it does not.
    """
    _expect(ground, name, "GET", f"/uploads/{served(size)}", {}, 200, ground.content(size))


def ask(
    server: Server, method: str, target: str, fields: Mapping[str, str] | None = None
) -> tuple[HTTPResponse, bytes]:
    """
    :return: its answer, and the body of that.
    """
    context = insecure() if server.secure else None
    caller = Caller(f"{server.place.reached}:{server.port}", context)
    try:
        answer = caller.ask(method, target, fields)
        return answer, answer.read()
    finally:
        caller.close()


def _expect(
    ground: Ground,
    name: str,
    method: str,
    target: str,
    fields: Mapping[str, str],
    status: int,
    content: bytes,
) -> None:
    answer, found = ask(ground.server(name), method, target, fields)
    what = f"{name}, {method} {target}"
    assert answer.status == status, f"{what}: {answer.status} in place of {status}"
    assert found == content, f"{what}: other bytes than there should be"
