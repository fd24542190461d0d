"""
Why a command ends early.
"""

from __future__ import annotations


class Failure(Exception):
    """
    What the person at the terminal is told on standard error.

    :ivar text: plain sentences: what is wrong, and what to do.
    :ivar status: the exit status: 1 where the world is not as it should be, 2
        where the command was called wrongly.
    """

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.status = status
