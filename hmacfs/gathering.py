"""
Lines that come together are written together.

A line that comes by itself is handed to the system at once.  Within
:meth:`Gathering.gathered` lines wait for its end, and then leave in as few
pieces as there can be: to hand one over takes longer than to make it.

A piece is whole lines, and no more than a pipe takes undivided: so the lines of
several processes that write to one pipe never run into each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from select import PIPE_BUF
from threading import Lock
from typing import BinaryIO


class Gathering:
    """
    Writes to a file, in order, from whatever thread the lines come.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lines: deque[bytes] = deque()
        self._gathers = False
        self._lock = Lock()

    def write(self, data: bytes) -> None:
        """Add the line *data* at the end, and hand it to the system."""
        self._lines.append(data)
        if not self._gathers:
            self._write_out()

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """
        What is written meanwhile, it may be in other threads, is handed to the
        system at the end.

        :raise OSError: at the end: it cannot be written.
        """
        self._gathers = True
        try:
            yield
        finally:
            # First this: what a thread adds from now on it writes out itself.
            self._gathers = False
            self._write_out()

    def _write_out(self) -> None:
        # Whoever finds the lock taken leaves: who has it looks again behind it.
        # To wait would be to wait for oneself, where a line comes of what the
        # collection of garbage sets off in here.
        while self._lines and self._lock.acquire(blocking=False):
            try:
                self._write_pieces()
            except BaseException:
                # Else they would heap up while the disk is full.
                self._lines.clear()
                raise
            finally:
                self._lock.release()

    def _write_pieces(self) -> None:
        lines = self._lines
        while lines:
            piece = bytearray(lines.popleft())
            while lines and len(piece) + len(lines[0]) <= PIPE_BUF:
                piece += lines.popleft()
            self._file.write(piece)
            self._file.flush()
