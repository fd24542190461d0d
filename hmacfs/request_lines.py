"""
The line of a request that was answered, straight into the log.

Nearly all lines of a busy daemon are such, and the way through
:mod:`twisted.logger` takes three times what the line itself does.  So it is
written here, where nothing is to be hidden and nobody but the log of this daemon
listens; what a client chose is looked at once and remembered.  It is the line
that :mod:`hmacfs.logs` would write, text or JSON, to the last letter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from time import time

from hmacfs.events import RequestCompleted
from hmacfs.messages import Wording, line, moment
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
        self,
        secrets: Iterable[bytes],
        write: Callable[[bytes], object],
        worker: int = 0,
        format: str = "text",
    ) -> None:
        """
        :param secrets: what no line may hold.
        :param write: takes the bytes of a line.
        :param worker: as of :func:`hmacfs.messages.line`.
        :param format: ``text`` or ``json``.
        """
        self._redaction, self._write, self._worker = Redaction(secrets), write, worker
        self._line = self._as_json if format == "json" else self._as_text
        self.harmless = lru_cache(maxsize=KEPT)(self._look_at)

    def write(self, event: RequestCompleted, said: Wording, logger: str) -> bool:
        """
        :param said: how *event* is told, at ``info``.
        :param logger: who tells it.
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
        self._write(self._line(event, text.rstrip(), logger).encode())
        return True

    def _as_text(self, event: RequestCompleted, text: str, logger: str) -> str:
        return line(time(), "info", self._worker, text)

    def _as_json(self, event: RequestCompleted, text: str, logger: str) -> str:
        own: dict[str, object] = {
            "time": moment(time()),
            "level": "info",
            "logger": logger,
            "message": text,
        }
        if self._worker:
            own["worker"] = self._worker
        return json.dumps(own | vars(event)) + "\n"

    def _look_at(self, *words: str) -> bool:
        text = " ".join(words)
        return text.isprintable() and not self._redaction.suspects(text)
