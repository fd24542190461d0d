"""
The real index, as the daemon has it.
"""

from __future__ import annotations

import os

from twisted.internet import reactor

from hmacfs.disk import Disk
from hmacfs.store.index import SqliteIndex
from hmacfs.store.threads import Threads


def make_index(folder: str) -> SqliteIndex:
    """
    :param folder: is made where it is missing.
    :return: the real index, with the thread that it has in the daemon.
    """
    os.makedirs(folder, exist_ok=True)
    return SqliteIndex(os.path.abspath(folder), Disk(), Threads(reactor, 1, "index"))
