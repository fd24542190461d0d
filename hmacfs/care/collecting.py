"""
All duties at once, for an operator who does not want to wait for them.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from twisted.logger import Logger

from hmacfs.care.duty import Duty, Progress, unheard
from hmacfs.care.guard import Guard
from hmacfs.records import Went


@attrs.frozen
class Collected:
    """
    :ivar went: what went, or would have; each with the duty that took it.
    :ivar halted: why what removes is halted, ``None`` where it is not.
    :ivar broken: the duties that broke off; the log says why.
    """

    went: Sequence[tuple[str, Went]]
    halted: str | None
    broken: Sequence[str]


class Collecting:
    """
    Runs all duties, one after the other.
    """

    log = Logger()

    def __init__(self, duties: Sequence[Duty], guard: Guard) -> None:
        """
        :param duties: in the order in which they are done.
        """
        self._duties = duties
        self._guard = guard

    async def collect(
        self, dry_run: bool = False, confirm: bool = False, progress: Progress = unheard
    ) -> Collected:
        """
        :param dry_run: whether to change nothing, and only count.
        :param confirm: whether what the guard halted is to go on.
        :param progress: is told how far each duty is; what it raises ends it all.
        :return: what went.
        """
        if confirm and not dry_run:
            await self._guard.confirm()
        went: list[tuple[str, Went]] = []
        broken = []
        left: list[BaseException] = []

        def tell(what: str, done: int, total: int | None) -> None:
            try:
                progress(what, done, total)
            except BaseException as gone:
                left.append(gone)
                raise

        for duty in self._duties:
            tell(duty.what, 0, None)
            try:
                went += [(duty.what, each) for each in await duty.run(dry_run, tell)]
            except Exception:
                if left:
                    raise
                # The others do not depend on it.
                self.log.failure("{what} broke off", what=duty.what)
                broken.append(duty.what)
        return Collected(went, self._guard.halted, broken)
