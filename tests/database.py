"""
A database as the index's owner offers it: in memory, or the real one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from zope.interface import implementer

from hmacfs.disk import Disk
from hmacfs.interfaces import IDatabase
from hmacfs.store.index import SqliteIndex
from hmacfs.store.threads import Threads

T = TypeVar("T")


@implementer(IDatabase)
class MemoryDatabase:
    """
    Does at once what it is asked for.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:")

    def run(self, function: Callable[..., T], *args: Any) -> Deferred[T]:
        return maybeDeferred(function, self._connection, *args)

    def close(self) -> None:
        self._connection.close()


def make_index(folder: str) -> SqliteIndex:
    """
    :param folder: is made where it is missing.
    :return: the real index, with the thread that it has in the daemon.
    """
    os.makedirs(folder, exist_ok=True)
    return SqliteIndex(os.path.abspath(folder), Disk(), Threads(reactor, 1, "index"))
