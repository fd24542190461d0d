"""
The tables, their indexes, and the triggers that keep the sums.

``PRAGMA user_version`` says which release made a database.  One of the first
release has it 0, and files alone; it is brought up to date in one transaction,
and keeps what others have in it.

Names are what is searched for and walked in order, so the tables are
``WITHOUT ROWID``.  What most rows have not is indexed only where it is there:
a row without expiry, owner and digest costs one entry in one tree, and the
sums of its table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from hmacfs.errors import StoreProblem
from hmacfs.store.tables.rows import DEFINED

VERSION = 1

_TABLES = (
    f"CREATE TABLE IF NOT EXISTS files ({DEFINED}, PRIMARY KEY (name)) WITHOUT ROWID",
    f"""
    CREATE TABLE versions (id TEXT NOT NULL, {DEFINED}, PRIMARY KEY (name, id)) WITHOUT ROWID
    """,
    f"""
    CREATE TABLE trash (
        batch TEXT NOT NULL, version TEXT NOT NULL, removed REAL NOT NULL, {DEFINED},
        PRIMARY KEY (batch, name, version)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE tombstones (
        hash BLOB PRIMARY KEY, until INTEGER NOT NULL, name TEXT, doing TEXT
    ) WITHOUT ROWID
    """,
    # How many versions a name has.
    "CREATE TABLE crowds (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID",
    """
    CREATE TABLE owners (
        owner TEXT PRIMARY KEY, files INTEGER NOT NULL DEFAULT 0,
        versions INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE totals (
        kind TEXT PRIMARY KEY, count INTEGER NOT NULL, size INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE TABLE bans (sha256 TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)

_INDEXES = (
    "CREATE INDEX files_expires ON files (expires) WHERE expires IS NOT NULL",
    "CREATE INDEX files_owner ON files (owner) WHERE owner IS NOT NULL",
    "CREATE INDEX files_sha256 ON files (sha256) WHERE sha256 IS NOT NULL",
    "CREATE INDEX versions_expires ON versions (expires) WHERE expires IS NOT NULL",
    "CREATE INDEX versions_owner ON versions (owner) WHERE owner IS NOT NULL",
    "CREATE INDEX versions_sha256 ON versions (sha256) WHERE sha256 IS NOT NULL",
    "CREATE INDEX trash_name ON trash (name)",
    "CREATE INDEX trash_removed ON trash (removed)",
    "CREATE INDEX trash_owner ON trash (owner) WHERE owner IS NOT NULL",
    "CREATE INDEX trash_sha256 ON trash (sha256) WHERE sha256 IS NOT NULL",
    "CREATE INDEX tombstones_until ON tombstones (until) WHERE doing IS NULL",
    "CREATE INDEX tombstones_doing ON tombstones (name) WHERE doing IS NOT NULL",
    "CREATE INDEX crowds_count ON crowds (count)",
)

# What a database of the first release has, and what its rows meant.
_FORMER = (
    "ALTER TABLE files ADD COLUMN own INTEGER",
    "ALTER TABLE files ADD COLUMN counted REAL",
    "UPDATE files SET own = expires WHERE expires IS NOT NULL",
)

_SUMS = (
    "DELETE FROM totals",
    *(
        f"INSERT INTO totals SELECT '{kind}', COUNT(*), COALESCE(SUM(size), 0) FROM {kind}"  # noqa: S608
        for kind in ("files", "versions", "trash")
    ),
    "DELETE FROM owners",
    """
    INSERT INTO owners SELECT owner, SUM(files), SUM(versions), SUM(size) FROM (
        SELECT owner, 1 AS files, 0 AS versions, size FROM files WHERE owner IS NOT NULL
        UNION ALL SELECT owner, 0, 1, size FROM versions WHERE owner IS NOT NULL
    ) GROUP BY owner
    """,
    "DELETE FROM crowds",
    "INSERT INTO crowds SELECT name, COUNT(*) FROM versions GROUP BY name",
)


def prepare(database: sqlite3.Connection) -> None:
    """
    Make the tables, or bring those of a former release up to date.

    :raise StoreProblem: a later release made them.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise StoreProblem("The index was made by a later release of hmacfs.")
    if version == VERSION:
        return
    former = bool(database.execute("PRAGMA table_info(files)").fetchall())
    for statement in (*(_FORMER if former else ()), *_TABLES, *_INDEXES, *_triggers()):
        database.execute(statement)
    recount(database)
    database.execute(f"PRAGMA user_version = {VERSION}")


def recount(database: sqlite3.Connection) -> None:
    """
    Make all sums anew from the rows.  It walks all of them.
    """
    for statement in _SUMS:
        database.execute(statement)


def _triggers() -> Iterator[str]:
    """
    :return: what keeps the sums.  A change of a row is its former self gone
        and its new one come.
    """
    for kind in ("files", "versions", "trash"):
        came = _TOTAL.format(kind=kind, of="NEW", sign="+")
        went = _TOTAL.format(kind=kind, of="OLD", sign="-")
        yield _on(kind, "total", "INSERT", "1", came)
        yield _on(kind, "total", "DELETE", "1", went)
        yield _on(kind, "total", "UPDATE OF size", "OLD.size != NEW.size", went + came)
    for kind in ("files", "versions"):
        came, went = _OWNED.format(kind=kind), _DISOWNED.format(kind=kind)
        changed = "OLD.owner IS NOT NEW.owner OR OLD.size != NEW.size"
        yield _on(kind, "owner", "INSERT", "NEW.owner IS NOT NULL", came)
        yield _on(kind, "owner", "DELETE", "OLD.owner IS NOT NULL", went)
        yield _on(kind, "owner", "UPDATE OF owner, size", changed, went + came)
    yield _on("versions", "crowd", "INSERT", "1", _MORE)
    yield _on("versions", "crowd", "DELETE", "1", _FEWER)


_TOTAL = """
    UPDATE totals SET count = count {sign} 1, size = size {sign} {of}.size WHERE kind = '{kind}';
"""
# No "OR IGNORE": the statement that fires a trigger has its way with conflicts.
_OWNED = """
    INSERT INTO owners (owner, {kind}, size)
    SELECT NEW.owner, 1, NEW.size WHERE NEW.owner IS NOT NULL
    ON CONFLICT (owner) DO UPDATE SET {kind} = {kind} + 1, size = size + excluded.size;
"""
_DISOWNED = """
    UPDATE owners SET {kind} = {kind} - 1, size = size - OLD.size WHERE owner = OLD.owner;
    DELETE FROM owners WHERE owner = OLD.owner AND files = 0 AND versions = 0;
"""
_MORE = """
    INSERT INTO crowds VALUES (NEW.name, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1;
"""
_FEWER = """
    UPDATE crowds SET count = count - 1 WHERE name = OLD.name;
    DELETE FROM crowds WHERE name = OLD.name AND count = 0;
"""


def _on(kind: str, what: str, event: str, when: str, deeds: str) -> str:
    name = f"{kind}_{what}_{event.split()[0].lower()}"
    return f"CREATE TRIGGER {name} AFTER {event} ON {kind} WHEN {when} BEGIN {deeds} END"
