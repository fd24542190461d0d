"""
Large files, up and down, and ``/health`` beside them.
"""

from __future__ import annotations

import filecmp
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import sleep

from bench.ground import (
    NAIVE,
    NGINX,
    NGINX_SECURE,
    ONE,
    SECURE,
    STOCK,
    TWO,
    Ground,
    head,
    served,
)
from bench.lines import Load
from bench.loads import download, upload, upload_securely
from bench.rivals import Server
from bench.rounds import Against, Contender, Health, Work
from bench.small import among, fetched
from hmacfs.units import format_size

LET_GO = 0.3
"""Seconds behind an upload in which hmacfs writes its row, and drops its second name."""

_CLIENT = "epoll: sendfile up, MSG_TRUNC down"
_ENCRYPTS = "Python's ssl: it costs as much as the server"
_WANTED = "Want-Repr-Digest: sha-256=1"


def works(ground: Ground) -> Iterator[Work]:
    """
    :return: what is measured.
    """
    scale = ground.scale
    yield from _up(ground)
    yield from _down(ground)
    yield _health(
        ground,
        f"/health beside 4 x {format_size(scale.beside)} up",
        partial(_upload, ground, scale.beside, 4),
        10,
    )
    yield _health(
        ground,
        f"/health beside 4 x {format_size(scale.large)} down",
        partial(_download, scale.large, 4),
        15,
    )


def _up(ground: Ground) -> Iterator[Work]:
    scale = ground.scale
    many = [ONE, TWO, NGINX, STOCK, NAIVE]
    yield Work(
        f"1 x {format_size(scale.large)} up",
        "Large uploads",
        _CLIENT,
        partial(
            among, ground, [ONE, NGINX, STOCK, NAIVE], partial(_upload, ground, scale.large, 1)
        ),
        check=partial(_arrives, ground, scale.large),
        against=[
            Against(ONE, NGINX, least=1.2, aim=1.4),
            Against(ONE, STOCK),
            Against(ONE, NAIVE),
        ],
    )
    yield Work(
        f"8 x {format_size(scale.eighth)} up",
        "Large uploads",
        _CLIENT,
        partial(among, ground, many, partial(_upload, ground, scale.eighth, 8)),
        check=partial(_arrives, ground, scale.eighth),
        against=[
            Against(ONE, NGINX, least=1.25, aim=1.5),
            Against(ONE, STOCK),
            Against(ONE, NAIVE),
            Against(TWO, NGINX),
        ],
    )
    size = scale.digested
    yield Work(
        f"1 x {format_size(size)} up, a digest wanted",
        "Large uploads",
        _CLIENT,
        lambda: {
            "wanted": Contender(
                ground.server(ONE), lambda: _upload(ground, size, 1, ground.server(ONE), _WANTED)
            ),
            "not wanted": Contender(
                ground.server(ONE), lambda: _upload(ground, size, 1, ground.server(ONE))
            ),
        },
        against=[Against("wanted", "not wanted")],
        note="SHA-256 of every byte, told in the answer.",
    )
    yield Work(
        f"1 x {format_size(scale.large)} up, TLS",
        "Large uploads",
        _ENCRYPTS,
        partial(
            among, ground, [SECURE, NGINX_SECURE], partial(_upload_securely, ground, scale.large)
        ),
        against=[Against(SECURE, NGINX_SECURE)],
    )


def _down(ground: Ground) -> Iterator[Work]:
    scale = ground.scale
    kinds: Sequence[tuple[int, int, list[str], list[Against]]] = [
        (
            1,
            scale.large,
            [ONE, NGINX, NAIVE],
            [Against(ONE, NGINX, least=1.1, aim=1.4), Against(ONE, NAIVE)],
        ),
        (8, scale.eighth, [ONE, TWO, NGINX, NAIVE], [Against(ONE, NGINX), Against(TWO, NGINX)]),
        (
            8,
            scale.down,
            [ONE, TWO, NGINX],
            [Against(TWO, NGINX, least=1.3, aim=2.1), Against(ONE, NGINX)],
        ),
    ]
    for clients, size, names, against in kinds:
        yield Work(
            f"{clients} x {format_size(size)} down",
            "Large downloads",
            _CLIENT,
            partial(among, ground, names, partial(_download, size, clients)),
            check=partial(fetched, ground, size),
            against=against,
        )
    yield Work(
        f"1 x {format_size(scale.large)} down, TLS",
        "Large downloads",
        "epoll, MSG_TRUNC of the ciphertext",
        partial(among, ground, [SECURE, NGINX_SECURE], partial(_download, scale.large, 1)),
        check=partial(fetched, ground, scale.large),
        against=[Against(SECURE, NGINX_SECURE, least=0.8, aim=1.0)],
    )


def _health(ground: Ground, name: str, run: Callable[[Server], Load], most: float) -> Work:
    return Work(
        name,
        "/health beside large transfers",
        _CLIENT,
        partial(among, ground, [ONE, NGINX], run),
        against=[Against(ONE, NGINX)],
        health=Health(ONE, most=most, aim=5),
        period=0.002,
    )


def _upload(ground: Ground, size: int, clients: int, server: Server, *fields: str) -> Load:
    prefix, slots = ground.slots(size, clients)
    load = upload(
        server.port, [head(target, size, *fields) for target in slots], ground.bodies, size
    )
    _clear(server, prefix)
    return load


def _upload_securely(ground: Ground, size: int, server: Server) -> Load:
    prefix, [target] = ground.slots(size, 1)
    load = upload_securely(server.port, head(target, size), ground.bodies, size)
    _clear(server, prefix)
    return load


def _clear(server: Server, prefix: str) -> None:
    """Have the memory of what was sent freed, and not in the round of the next contender."""
    sleep(LET_GO)
    server.clear(prefix)


def _download(size: int, clients: int, server: Server) -> Load:
    return download(server.port, f"/uploads/{served(size)}", size, clients, server.secure)


def _arrives(ground: Ground, size: int, name: str) -> None:
    """See that an upload is stored with the bytes that were sent."""
    server = ground.server(name)
    prefix, [target] = ground.slots(size, 1)
    upload(server.port, [head(target, size)], ground.bodies, size)
    sent = ground.memory / "sent"
    sent.write_bytes(ground.content(size))
    stored = server.files / f"{prefix}0"
    assert filecmp.cmp(sent, stored, shallow=False), f"{name} stored other bytes than were sent"
    sent.unlink()
    server.clear(prefix)
