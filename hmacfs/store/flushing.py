"""
Syncs that the reactor's thread asks for, and goes on meanwhile.

Those who put their files into one folder at the same moment share its sync, as
threads do in :mod:`hmacfs.syncing`, by the same rule: what is synced is what was
there when the call began, so whoever comes later waits for the next one.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure

from hmacfs.interfaces.disk import IDisk, ISyncs, IThreads

_Waiting = tuple[int, "Deferred[None]"]


class Flushing:
    """
    The syncs of one store.

    :ivar durable: whether anything is synced.
    """

    def __init__(
        self, disk: IDisk, threads: IThreads, durable: bool, kernel: ISyncs | None = None
    ) -> None:
        """
        :param threads: for what the kernel does not do by itself.
        :param durable: as the attribute.
        """
        self._disk = disk
        self._threads = threads
        self.durable = durable
        self._kernel = kernel
        # Of each folder that is being synced, who came since.
        self._next: dict[tuple[int, int], list[_Waiting]] = {}

    def room(self, orders: int) -> bool:
        """
        :param orders: that may be under way.
        :return: whether there may be one more for which no thread is needed.
        """
        return not self.durable or (self._kernel is not None and orders < self._kernel.most)

    def file(self, descriptor: int) -> Deferred[None]:
        """
        :return: fires when what was written survives a power cut.
        :raise OSError: the Deferred does: see :meth:`hmacfs.interfaces.disk.IDisk.sync`.
        """
        if not self.durable:
            return succeed(None)
        return self._ask(self._sync_file, descriptor)

    def folder(self, descriptor: int) -> Deferred[None]:
        """
        The same of the names in a folder, which stays open until then.
        """
        if not self.durable:
            return succeed(None)
        done: Deferred[None] = Deferred()
        status = self._disk.status(descriptor)
        key = (status.device, status.inode)
        if key in self._next:
            self._next[key].append((descriptor, done))
        else:
            self._sync(key, [(descriptor, done)])
        return done

    def _ask(self, sync: Callable[[int], None], descriptor: int) -> Deferred[None]:
        """
        :param sync: does it in a thread, where the kernel does not by itself.
        """
        done = None if self._kernel is None else self._kernel.order(descriptor)
        return self._threads.run(sync, descriptor) if done is None else done

    def _sync(self, key: tuple[int, int], waiting: list[_Waiting]) -> None:
        self._next[key] = []
        # Whatever becomes of it, they are told, and so are those who come meanwhile.
        done = maybeDeferred(self._ask, self._sync_names, waiting[0][0])
        done.addBoth(self._synced, key, waiting)

    def _synced(
        self, result: Failure | None, key: tuple[int, int], waiting: list[_Waiting]
    ) -> None:
        following = self._next.pop(key)
        if following:
            self._sync(key, following)
        for _, done in waiting:
            done.callback(result)

    # In a thread

    def _sync_file(self, descriptor: int) -> None:
        self._disk.sync(descriptor)

    def _sync_names(self, descriptor: int) -> None:
        self._disk.sync_names(descriptor)
