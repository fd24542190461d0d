"""
What errands work with.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import attrs
from twisted.internet.interfaces import IReactorTime

from hmacfs.care.care import Care
from hmacfs.interfaces.index import IDatabase
from hmacfs.records import Row
from hmacfs.store.filesystem import FilesystemStore
from hmacfs.store.tables.trash import TrashRow
from hmacfs.store.tables.versions import VersionRow

PAGE = 500
"""Rows that are read at a time: the index serves others in between."""

T = TypeVar("T")


@attrs.frozen
class Desk:
    """
    One store that is open, and what belongs to it.

    :ivar database: the one that its index is in.
    :ivar care: its duties, which need not be running.
    """

    store: FilesystemStore
    database: IDatabase
    care: Care
    clock: IReactorTime

    async def ask(self, function: Callable[..., T], *args: Any) -> T:
        """
        :param function: of :mod:`hmacfs.store.tables`.
        """
        return await self.database.run(function, *args)

    async def files(
        self, page: Callable[..., list[Row]], *of: str, after: str = ""
    ) -> AsyncIterator[Row]:
        """
        :param page: of :mod:`hmacfs.store.tables.files`.
        :param of: what it wants before its cursor.
        :param after: a name to begin behind.
        """
        while found := await self.ask(page, *of, after, PAGE):
            for row in found:
                yield row
            after = found[-1].name

    async def versions(
        self, page: Callable[..., list[VersionRow]], *of: str
    ) -> AsyncIterator[VersionRow]:
        """
        :param page: of :mod:`hmacfs.store.tables.versions`.
        """
        after = ("", "")
        while found := await self.ask(page, *of, after, PAGE):
            for version in found:
                yield version
            after = (found[-1].row.name, found[-1].id)

    async def trash(self, page: Callable[..., list[TrashRow]], *of: str) -> AsyncIterator[TrashRow]:
        """
        :param page: of :mod:`hmacfs.store.tables.trash`.
        """
        after = ("", "", "")
        while found := await self.ask(page, *of, after, PAGE):
            for item in found:
                yield item
            after = (found[-1].batch, found[-1].row.name, found[-1].version)
