"""
Stores that are there before a daemon is.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hmacfs.care import crawling
from hmacfs.retention import Retention
from hmacfs.store.checking import OWNERS
from hmacfs.store.tables import schema, state
from hmacfs.store.terms import reckon, since


@contextmanager
def crawled(store: Path) -> Iterator[sqlite3.Connection]:
    """
    :param store: where nothing is yet.
    :return: its index, to be filled: a daemon takes it for whole, and looks at
        no file that is not listed there.
    """
    private = store / ".hmacfs"
    private.mkdir(parents=True, mode=0o700)
    with closing(sqlite3.connect(private / "index.sqlite", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN")
        schema.prepare(database)
        terms = since(database, Retention(), time.time())
        while reckon(database, terms, 1).stage != "done":
            pass
        state.put(database, crawling.KEY, [OWNERS])
        yield database
        database.execute("COMMIT")
