"""
The tables of an index, in memory, and rows to put into them.
"""

from __future__ import annotations

from typing import Any

from hmacfs.records import Row
from hmacfs.store.memory_index import blank, connect


def row(name: str = "a", size: int = 3, stored: float = 100.0, **fields: Any) -> Row:
    """
    :return: a row, of *name*.
    """
    return Row(name, "a/b", size, stored, **fields)


class WithTables:
    """
    :ivar database: the connection.
    """

    def setUp(self) -> None:
        self.database = connect()
        self.addCleanup(self.database.close)
        self.database.deserialize(blank())

    def looked_at(self, query: str) -> str:
        """
        :return: how SQLite finds what *query* asks for, in its own words.
        """
        values = (0,) * query.count("?")
        plan = self.database.execute(f"EXPLAIN QUERY PLAN {query}", values)
        return "; ".join(detail for *_, detail in plan)
