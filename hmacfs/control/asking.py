"""
Who asks for an errand, as the errand knows him.

An errand ends early, and cleanly, where he goes away: it is told at the next
thing that it has to say, between two steps, and no step is ever broken off.  A
store is not made to have its calls cancelled in the middle.
"""

from __future__ import annotations

from typing import Protocol

from hmacfs.control.lines import Message


class Gone(BaseException):
    """
    Nobody waits for the errand any more.

    No :class:`Exception`, for the reason that ``asyncio.CancelledError`` is
    none: who goes on after any failure is to end by this one.
    """


class Impossible(Exception):
    """
    The errand cannot be done; the text is a sentence for who asked.
    """


class Asker(Protocol):
    """
    Hears what becomes of an errand while it is done.

    :ivar who: as a line of the audit calls him: ``"user 1000"``.
    """

    who: str

    async def row(self, row: Message) -> None:
        """
        Tell one thing of many; returns when he is ready for another.

        :raise Gone: he is not there any more.
        """

    def progress(self, what: str, done: int, total: int | None, unit: str) -> None:
        """
        Tell how far it is.  Most of what is told so may be left out.

        :param what: ``"reading holiday/photo.jpg"``.
        :param total: of *done*; ``None`` where nobody knows.
        :param unit: ``"B"``, or what is counted: ``"files"``.
        :raise Gone: he is not there any more.
        """
