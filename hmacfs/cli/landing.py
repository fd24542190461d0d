"""
Where a download lands: a file that is there as a whole or not at all, or
standard output.

What has come lies in ``FILE.part`` until it is all there, and beside it, in
``FILE.part.etag``, the entity tag of what it is a part of.  The tag is written
after the part was emptied and before a byte of it comes, so that a tag never
stands beside bytes of something else, whenever the command is ended.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from contextlib import suppress
from typing import Protocol

from hmacfs.cli.failures import Failure

# A strong entity tag (RFC 9110 section 8.8.3): only such a one tells bytes apart.
_STRONG = re.compile(r'"[!#-~]{0,1000}"')

#: Neither a link that somebody else laid, nor an end of a pipe.
_SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Landing(Protocol):
    """
    Where bytes of one file are put, in their order.

    :ivar offset: how many are there.
    :ivar etag: the tag of what they are a part of; ``""`` where there is none
        that is strong, and nothing can be gone on with.
    """

    offset: int
    etag: str

    def begin(self, etag: str) -> None:
        """
        Drop what is there: the file is another one, or is not to be gone on with.

        :param etag: as the server says it; ``""`` where it says none.
        :raise Failure: what is there cannot be taken back.
        """

    def write(self, data: bytes) -> None:
        """Put *data* behind what is there."""

    def finish(self) -> None:
        """All of it is there."""

    def close(self) -> None:
        """Let go, and leave what is there to be gone on with."""


class PartFile:
    """
    :class:`Landing` on the disk.
    """

    def __init__(self, path: str) -> None:
        """
        :param path: of the file to be.
        :raise Failure: it can be none, or another command is at it.
        """
        self._path = path
        self._part = f"{path}.part"
        self._tag = f"{path}.part.etag"
        self._finished = False
        if os.path.lexists(path) and not os.path.isfile(path):
            # To rename a file to it would do more than write to it.
            raise Failure(f"{path} is no regular file.")
        try:
            self._file = os.open(self._part, os.O_RDWR | os.O_CREAT | _SAFELY, 0o666)
        except OSError as error:
            raise Failure(f"{self._part}: {error.strerror}.") from None
        try:
            self._claim()
            self.offset = os.fstat(self._file).st_size
            self.etag = self._recall()
        except BaseException:
            os.close(self._file)
            raise
        if not self.etag:
            self.offset = 0

    def begin(self, etag: str) -> None:
        """See :meth:`Landing.begin`."""
        os.ftruncate(self._file, 0)
        self.offset = 0
        self.etag = etag if _STRONG.fullmatch(etag) else ""
        descriptor = os.open(self._tag, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _SAFELY, 0o666)
        with open(descriptor, "w") as file:
            file.write(self.etag)

    def write(self, data: bytes) -> None:
        """See :meth:`Landing.write`."""
        rest = memoryview(data)
        while rest:
            count = os.pwrite(self._file, rest, self.offset)
            self.offset += count
            rest = rest[count:]

    def finish(self) -> None:
        """See :meth:`Landing.finish`."""
        # What was there beyond, if somebody else wrote to it, does not belong to it.
        os.ftruncate(self._file, self.offset)
        os.fsync(self._file)
        os.replace(self._part, self._path)
        os.unlink(self._tag)
        self._finished = True

    def close(self) -> None:
        """See :meth:`Landing.close`."""
        if not self.offset and not self._finished:
            for path in (self._part, self._tag):
                with suppress(FileNotFoundError):
                    os.unlink(path)
        os.close(self._file)

    def _claim(self) -> None:
        """
        :raise Failure: the part is no file, or not for us alone.
        """
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise Failure(f"{self._part} is no regular file.")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"{self._part} is being written by another command.") from None

    def _recall(self) -> str:
        """
        :return: the tag of the part, ``""`` where there is none.
        """
        try:
            with open(os.open(self._tag, os.O_RDONLY | _SAFELY), encoding="ascii") as file:
                tag = file.read(2000)
        except (OSError, ValueError):
            return ""
        return tag if _STRONG.fullmatch(tag) else ""


class Pipe:
    """
    :class:`Landing` on standard output: what is out is out.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.offset = 0
        self.etag = ""

    def begin(self, etag: str) -> None:
        """See :meth:`Landing.begin`."""
        if self.offset:
            raise Failure(
                "The download has to begin anew, and what was written cannot be taken back."
            )
        self.etag = etag if _STRONG.fullmatch(etag) else ""

    def write(self, data: bytes) -> None:
        """See :meth:`Landing.write`."""
        rest = memoryview(data)
        while rest:
            count = os.write(self._descriptor, rest)
            self.offset += count
            rest = rest[count:]

    def finish(self) -> None:
        """See :meth:`Landing.finish`."""

    def close(self) -> None:
        """See :meth:`Landing.close`."""
