"""
What an owner may keep, counted exactly.

The index knows what an owner keeps, and each upload of his under way holds its
share, promised before its first byte and held until its row is written.  The
index is asked in one thread, in order: a sum that it tells was counted before
every row whose share is still held, and behind every row whose share was let
go.  So nothing is counted twice, and nothing is missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks, succeed

from hmacfs.errors import OverQuota
from hmacfs.interfaces.index import IDatabase
from hmacfs.store.tables import owners


class Quota:
    """
    What the owners of one store may keep.

    :ivar promised: bytes of uploads under way, by owner.
    """

    def __init__(self, index: IDatabase, most: int) -> None:
        """
        :param most: bytes of each owner; 0 for any number.
        """
        self.promised: Counter[str] = Counter()
        self.most = most
        self._index = index

    def share(self, owner: str | None) -> Share:
        """
        :param owner: of an upload, ``None`` where nobody is.
        :return: its share, of no byte yet.
        """
        return Share(self, owner if self.most else None)

    def kept(self, owner: str) -> Deferred[int]:
        """
        :return: fires with the bytes that *owner* keeps.
        """
        return self._index.run(owners.usage, owner)


class Share:
    """
    What was promised to one upload of an owner.

    :ivar counts: whether there is anything to ask for.
    :ivar key: what another process calls it that holds it; ``""`` for none.
    """

    def __init__(self, quota: Quota, owner: str | None, key: str = "") -> None:
        self.key = key
        self._quota = quota
        self._owner = owner or ""
        self._size = 0
        self.counts = owner is not None

    def ask(self, size: int) -> Deferred[None]:
        """
        Be promised *size* bytes, in place of what was promised before.

        :raise OverQuota: the owner would keep too many; the former promise
            stands.
        """
        return self._ask(size) if self.counts else succeed(None)

    def drop(self) -> None:
        """Let go of it.  Harmless when called twice."""
        self._hold(0)

    @inlineCallbacks
    def _ask(self, size: int) -> Generator[Deferred[Any], Any, None]:
        quota = self._quota
        kept = yield quota.kept(self._owner)
        coming = kept + quota.promised[self._owner] - self._size
        if coming + size > quota.most:
            raise OverQuota(
                f"The owner of this file keeps {coming} bytes, and may keep {quota.most}: "
                f"{size} more are too many."
            )
        self._hold(size)

    def _hold(self, size: int) -> None:
        promised = self._quota.promised
        promised[self._owner] += size - self._size
        if not promised[self._owner]:
            del promised[self._owner]
        self._size = size
