"""
What the daemon has to know at its next start, each by a key.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

_PUT = "INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


def get(database: sqlite3.Connection, key: str) -> Any:
    """
    :return: what was put under *key*, ``None`` where nothing was.
    """
    found = database.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
    return None if found is None else json.loads(found[0])


def put(database: sqlite3.Connection, key: str, value: Any) -> None:
    """
    :param value: of what JSON can say; ``None`` is as if nothing was put.
    """
    database.execute(_PUT, (key, json.dumps(value)))
