"""
The digests of files, where somebody wants them.

One that is not known yet is computed by the store, which may read the whole
file for it.  However many ask, each file is read once, and only
:data:`AT_ONCE` of them at a time: most of the store's threads stay free.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.python.failure import Failure

from hmacfs.interfaces.store import IDigests
from hmacfs.names import StoredName

AT_ONCE = 2
"""Files that are read to be digested."""


class Digesting:
    """
    Asks the store for digests.
    """

    def __init__(self, store: IDigests) -> None:
        self._store = store
        self._asking: dict[StoredName, list[Deferred[str]]] = {}
        self._turns = DeferredSemaphore(AT_ONCE)

    def sha256(self, name: StoredName) -> Deferred[str]:
        """
        See :meth:`hmacfs.interfaces.store.IDigests.digest`.
        """
        told: Deferred[str] = Deferred()
        asking = self._asking.setdefault(name, [])
        asking.append(told)
        if len(asking) == 1:
            found: Deferred[str] = self._turns.run(self._store.digest, name)
            found.addBoth(self._tell, name)
        return told

    def _tell(self, found: str | Failure, name: StoredName) -> None:
        for told in self._asking.pop(name):
            told.callback(found)
