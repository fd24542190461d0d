"""
Where the control socket is.

The address of a UNIX socket has 107 bytes at most, and a store may lie as deep
as its operator likes: there the way leads through a descriptor of its folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hmacfs.names import RESERVED

NAME = "control"

LONGEST = 107
"""Bytes, of the 108 in ``sun_path`` (unix(7)); the last one is a NUL."""


def path(store: str) -> str:
    """
    :param store: the path of a store.
    :return: that of its control socket.
    """
    return os.path.join(store, RESERVED.decode(), "run", NAME)


@contextmanager
def reached(store: str) -> Iterator[str]:
    """
    :return: a path of the control socket that fits into an address, good until
        the end of the context.
    :raise FileNotFoundError: this is no store.
    """
    full = path(store)
    if len(os.fsencode(full)) <= LONGEST:
        yield full
        return
    folder = os.open(os.path.dirname(full), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{NAME}"
    finally:
        os.close(folder)
