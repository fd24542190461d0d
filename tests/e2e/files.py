"""
The files that are uploaded end to end: sizes, names and types that differ.
"""

from __future__ import annotations

import random
from hashlib import sha256

import attrs

MEBIBYTE = 1 << 20


@attrs.frozen
class File:
    """
    A file to upload.

    :ivar name: as its owner has it.
    :ivar size: bytes.
    :ivar content_type: as the client declares it.
    """

    name: str
    size: int = 1000
    content_type: str = "application/octet-stream"

    @property
    def content(self) -> bytes:
        """The same bytes every time, and others under another name."""
        return random.Random(self.name).randbytes(self.size)

    @property
    def sha256(self) -> str:
        """The digest of the content, in hexadecimal digits."""
        return sha256(self.content).hexdigest()


SIZES = [
    File("one", 1, "text/plain"),
    File("picture.png", MEBIBYTE, "image/png"),
    File("film.mp4", 50 * MEBIBYTE, "video/mp4"),
]

NAMES = [
    File("two words.txt"),
    File("три слова.pdf"),
    File("emoji 🐘.jpg"),
    File("50% off.txt"),
    File("literal %2f.txt"),
    File("back\\slash.txt"),
    File("a+b.txt"),
    File("a&b=c.txt"),
    File("quote\"s'.txt"),
    File("semi;colon,.txt"),
    File("#hash?.txt"),
    File("~tilde!(brace){curly}[square].txt"),
]

# A declared type that no extension would suggest, parameters included.
ODD = File("notes.bin", 100, "text/plain; charset=utf-8")
