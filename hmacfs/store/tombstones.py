"""
Which names may be buried, known without asking the index.

A commit asks it under the lock of its name, in a thread, where it must not
wait for another one.  A Bloom filter answers: "no" is certain, and what it
says of nearly every name; behind a "maybe" the index is asked.  It takes 2 MiB
at most, however many names there are; with 100,000 of them one name in three
million is asked for in vain, with a million one in 500.

What was exhumed or has expired stays in it until the next start, and costs a
question.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Generator, Iterable
from mmap import mmap
from threading import Lock
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks

from hmacfs.interfaces.index import IDatabase
from hmacfs.store.tables import tombstones
from hmacfs.store.tables.tombstones import tombstone_hash

BITS = 2**24

PAGE = 10_000
"""Hashes that are read at a time; the index does other things in between."""

_POSITIONS = struct.Struct("<4I")
_LAST = BITS - 1


class Tombstones:
    """
    The filter of one store, for any thread.
    """

    def __init__(self, memory: memoryview | None = None) -> None:
        """
        :param memory: :data:`BITS` of it, where other processes look as well,
            and this one alone adds.
        """
        # Zeros that take no room until a bit among them is set.
        self._bytes = mmap(-1, BITS // 8) if memory is None else memory
        self._lock = Lock()

    @inlineCallbacks
    def fill(self, database: IDatabase) -> Generator[Deferred[Any], Any, None]:
        """
        Learn of every tombstone that *database* has.

        :return: fires when it can be asked.
        """
        after = b""
        while after is not None:
            after = yield database.run(self._take, after)

    def add(self, name: str) -> None:
        """
        From now on *name* may be buried.
        """
        self._add([tombstone_hash(name)])

    def may_be(self, name: str) -> bool:
        """
        :return: ``False`` where *name* is surely not buried.
        """
        bits = self._bytes
        for each in _POSITIONS.unpack(tombstone_hash(name)):
            if not bits[(each & _LAST) >> 3] & 1 << (each & 7):
                return False
        return True

    def _take(self, connection: sqlite3.Connection, after: bytes) -> bytes | None:
        hashes = tombstones.hashes(connection, after, PAGE)
        self._add(hashes)
        return hashes[-1] if hashes else None

    def _add(self, hashes: Iterable[bytes]) -> None:
        # To set a bit is to read its byte and to write it, which two threads
        # would do to one another.
        with self._lock:
            for hash in hashes:
                for each in _positions(hash):
                    self._bytes[each >> 3] |= 1 << (each & 7)


def _positions(hash: bytes) -> Iterable[int]:
    return (each & _LAST for each in _POSITIONS.unpack(hash))
