"""
A quota that bounds nobody.

Prosody begins each path with a random segment, and ejabberd with a hash of the
user: by ``OwnerFrom = "path"`` the one has a new owner with each file.
"""

from __future__ import annotations

from twisted.logger import Logger

from hmacfs.interfaces.index import IDatabase
from hmacfs.store.tables import owners

FEW = 100
"""Files, from which on it can be told."""

NEARLY = 0.9
"""Owners for each file, that are nearly as many."""


class Owners:
    """
    Who looks at the owners once.
    """

    log = Logger()

    def __init__(self, database: IDatabase, quota: int, owner_from: str) -> None:
        """
        :param quota: bytes, 0 for none.
        :param owner_from: ``"jwt"`` or ``"path"``.
        """
        self._database = database
        self._wanted = quota > 0 and owner_from == "path"

    async def warn(self) -> None:
        """
        Warn where nearly every file has an owner of its own.
        """
        if not self._wanted:
            return
        try:
            count, files = await self._database.run(owners.spread)
        except Exception:
            # It is a word of advice: the daemon serves without.
            self.log.failure("the owners cannot be counted")
            return
        if files >= FEW and count >= files * NEARLY:
            self.log.warn(
                "OwnerQuota: {count} owners keep {files} files: nearly every file has an owner of "
                'its own by OwnerFrom = "path", and the quota bounds nobody',
                count=count,
                files=files,
            )
