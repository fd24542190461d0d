"""
A bad line: 150 ms each way, and two packets in a hundred are lost.

It lies in a network namespace of its own, so that nothing else on the machine is
touched, and is made by ``netem``.  Where the kernel has no netem, :mod:`bench.tun`
does the same to the packets of a TUN device: whoever connects to
:data:`~bench.tun.THERE` has gone over the line, and comes to whatever listens at
:data:`~bench.tun.HERE`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs

from bench import tun
from bench.rivals import Place
from tests.process import ROOT, Child

_NETEM = f"delay {tun.DELAY * 1000:g}ms loss {tun.LOSS * 100:g}% limit 1000000"


class Impossible(AssertionError):
    """
    This machine, or this user, has no such line.
    """


@attrs.frozen
class Far:
    """
    :ivar how: who makes the line bad.
    """

    place: Place
    how: str


@contextmanager
def far() -> Iterator[Far]:
    """
    :return: a bad line, which is gone behind the block.
    :raise Impossible: there can be none; it says why.
    """
    if os.geteuid() != 0:
        raise Impossible("a network namespace needs root")
    name = f"hmacfs-bench-{os.getpid()}"
    _ip("netns", "add", name)
    inside = ["ip", "netns", "exec", name]
    try:
        _run(*inside, "ip", "link", "set", "lo", "up")
        try:
            _run(*inside, "tc", "qdisc", "add", "dev", "lo", "root", "netem", *_NETEM.split())
        except Impossible as refused:
            with _by_tun(inside, str(refused)) as line:
                yield line
        else:
            yield Far(Place(inside=inside), f"The line is bad by tc: netem {_NETEM}.")
    finally:
        with suppress(Impossible):
            _ip("netns", "del", name)


@contextmanager
def _by_tun(inside: Sequence[str], refused: str) -> Iterator[Far]:
    if not Path("/dev/net/tun").exists():
        raise Impossible(f"{refused}; and there is no /dev/net/tun")
    command = [*inside, sys.executable, tun.__file__]
    try:
        child = Child(command, Path("/"), {"PYTHONPATH": str(ROOT)}, ready="ready")
    except AssertionError as fault:
        said = str(fault).strip().rpartition("\n")[2]
        raise Impossible(f"{refused}; and bench/tun.py: {said}") from None
    try:
        yield Far(
            Place(tun.HERE, tun.THERE, inside),
            "This kernel has no netem: 150 ms each way and 2 % loss by bench/tun.py.",
        )
    finally:
        child.end()


def _ip(*arguments: str) -> None:
    _run("ip", *arguments)


def _run(*command: str) -> None:
    try:
        ran = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as missing:
        raise Impossible(f"{missing.filename} is not installed (iproute2)") from None
    if ran.returncode != 0:
        said = " ".join(ran.stderr.split())
        raise Impossible(f"{' '.join(command[-8:])}: {said}")
