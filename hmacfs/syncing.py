"""
Syncs that are shared by who waits for the same at once.

What is put into a folder lasts when the folder is synced by a call that began
behind it.  Where many put something into one folder, each would sync it for all
that the others have done as well: a call of the system, and work of the kernel,
for each.  So one of them syncs, and whoever comes meanwhile waits for the next
call, which is for all who wait then.

What fails, fails for all whom it was for: none of them can tell whether a
second call, which would succeed, had written anything.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Condition

import attrs


@attrs.define
class _Line:
    """
    Those who wait for the same.

    :ivar members: how many there are, who syncs included.
    :ivar begun: how many calls began.
    :ivar ended: how many of them are over; one at most is not.
    :ivar failed: what those failed with that did, by their number.
    """

    members: int = 0
    begun: int = 0
    ended: int = 0
    failed: dict[int, BaseException] = attrs.field(factory=dict)


class Syncing:
    """
    The syncs of one disk, in whatever thread.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._lines: dict[Hashable, _Line] = {}

    def share(self, key: Hashable, sync: Callable[[], None]) -> None:
        """
        :param key: what is to be synced.
        :param sync: syncs it.
        :return: behind a call of *sync*, by whomever, that began behind this one.
        :raise OSError: it failed.
        """
        with self._changed:
            line = self._lines.setdefault(key, _Line())
            line.members += 1
            mine = line.begun + 1
            try:
                while line.ended < mine:
                    if line.begun == line.ended:
                        self._call(line, sync)
                    else:
                        self._changed.wait()
                if mine in line.failed:
                    raise line.failed[mine]
            finally:
                line.members -= 1
                if not line.members:
                    del self._lines[key]

    def _call(self, line: _Line, sync: Callable[[], None]) -> None:
        line.begun += 1
        number = line.begun
        self._changed.release()
        try:
            sync()
        except BaseException as error:
            line.failed[number] = error
        finally:
            self._changed.acquire()
            line.ended = number
            self._changed.notify_all()
