"""
The same file again.

A phone whose 201 was lost does not know that its file is there, and simply
sends it once more.  Where a name is taken and may not be overwritten, the body
is compared with the file as it comes: the same bytes to the end are answered
201 and nothing is written; the first other byte is answered 409.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from hashlib import new as new_hash
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from zope.interface import implementer

from hmacfs.digests import Digest
from hmacfs.errors import Exists
from hmacfs.interfaces.disk import Drawn
from hmacfs.interfaces.store import IFile, IUpload
from hmacfs.records import FileRecord
from hmacfs.uploads import Slot, UploadRecord

_PIECE = 64 * 1024
"""Bytes that are hashed at once: some 30 us on the reactor's thread."""


def taken() -> Exists:
    """
    :return: the refusal of a file that is not the one that stands there.
    """
    return Exists("This name holds another file already.")


@implementer(IUpload)
class Repetition:
    """
    An upload to a name that is taken: nothing is stored, the bytes are
    compared with the file's as they come.
    """

    record: UploadRecord | None = None

    def __init__(self, slot: Slot, file: IFile, offset: int = 0) -> None:
        """
        :param offset: where the bytes that come begin.
        """
        self.slot = slot
        self.record = None
        self.offset = offset
        self._file = file

    @inlineCallbacks
    def append(self, pieces: Sequence[bytes]) -> Generator[Deferred[bytes], bytes, int]:
        """
        :raise Exists: at the first byte that is another.
        """
        for piece in pieces:
            rest = piece
            while rest:
                kept = yield self._file.read(self.offset, len(rest))
                if not kept or rest[: len(kept)] != kept:
                    raise taken()
                rest = rest[len(kept) :]
                self.offset += len(kept)
        return self.offset

    @inlineCallbacks
    def commit(
        self, sha256: str | None = None, pieces: Sequence[bytes] = ()
    ) -> Generator[Deferred[Any], Any, FileRecord]:
        """
        :raise Exists: the file has other bytes, or more than came.
        """
        try:
            yield self.append(pieces)
        finally:
            yield self.discard()
        if self.offset != self._file.record.size:
            raise taken()
        record: FileRecord = self._file.record
        return record

    def promise(self, digests: Iterable[Digest]) -> Deferred[None]:
        """Nobody will go on with it: this request alone is held to them."""
        return succeed(None)

    def distrust(self) -> None:
        """There is nothing that a start could find."""

    def trust(self) -> None:
        """As :meth:`distrust`."""

    draws = False

    def draw(self, socket: int, most: int) -> Deferred[Drawn]:
        """There is no file to draw to."""
        raise NotImplementedError

    def truncate(self, offset: int) -> Deferred[None]:
        """There is nothing to take back."""
        return succeed(None)

    @inlineCallbacks
    def digest(self, algorithm: str, start: int = 0) -> Generator[Deferred[bytes], bytes, bytes]:
        """See :meth:`hmacfs.interfaces.store.IUpload.digest`."""
        found = new_hash(algorithm, usedforsecurity=False)
        offset = start
        while offset < self.offset:
            kept = yield self._file.read(offset, min(_PIECE, self.offset - offset))
            found.update(kept)
            offset += len(kept)
        return found.digest()

    def suspend(self) -> Deferred[None]:
        """There is nothing to keep."""
        return self.discard()

    def discard(self) -> Deferred[None]:
        """Let go of the file."""
        self._file.close()
        return succeed(None)
