"""
The line of a request that was answered, straight into the text log.

Nearly all lines of a busy daemon are such, and the way through
:mod:`twisted.logger` takes three times what the line itself does.  So it is
written here, where nothing is to be hidden and nobody but the log of this daemon
listens; what a client chose is looked at once and remembered.  It is the line
that :mod:`hmacfs.logs` would write, to the last letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from time import time

from hmacfs.events import RequestCompleted
from hmacfs.messages import Wording, line
from hmacfs.redaction import Redaction

#: Characters of a method and path that are remembered: clients choose how
#: long these are; and how many of them are.
LONGEST = 500
KEPT = 1000


class RequestLines:
    """
    Writes down what was answered.

    :ivar harmless: tells whether the words of a request hide nothing; it
        remembers.
    """

    def __init__(
        self, secrets: Iterable[bytes], write: Callable[[bytes], object], worker: int = 0
    ) -> None:
        """
        :param secrets: what no line may hold.
        :param write: takes the bytes of a line.
        :param worker: as of :func:`hmacfs.messages.line`.
        """
        self._redaction, self._write, self._worker = Redaction(secrets), write, worker
        self.harmless = lru_cache(maxsize=KEPT)(self._look_at)

    def write(self, event: RequestCompleted, said: Wording) -> bool:
        """
        :param said: how *event* is told, at ``info``.
        :return: whether it was written; else that is to be done the careful
            way.
        """
        if len(event.method) + len(event.path) > LONGEST:
            return False
        words = event.client, event.method, event.path, event.code, event.agent
        if not self.harmless(*words):
            return False
        text = said.pattern % said.values(vars(event))
        if self._redaction.tells(text):
            return False
        self._write(line(time(), "info", self._worker, text.rstrip()).encode())
        return True

    def _look_at(self, *words: str) -> bool:
        text = " ".join(words)
        return text.isprintable() and not self._redaction.suspects(text)
