"""
What the system refuses, in the words that a client hears.
"""

from __future__ import annotations

import errno

from hmacfs.errors import (
    Exists,
    MalformedName,
    NoSpace,
    NotAFolder,
    NotFound,
    Overloaded,
    Refusal,
    TooLarge,
)
from hmacfs.records import Status

MISSING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO})
"""
What it means, when a file is opened to be read, that there is none: one of its
folders is a file or a link, it is a link itself, its name is longer than
names can be on this file system, it is a socket.
"""


def nothing() -> NotFound:
    """
    :return: the refusal of a name that has nothing.
    """
    return NotFound("Nothing is kept under this name.")


def full() -> NoSpace:
    """
    :return: the refusal of what has no room.
    """
    return NoSpace("Too little space is left for this file.")


def too_large() -> TooLarge:
    """
    :return: the refusal of what grew over its bound.
    """
    return TooLarge("The file is larger than it may be.")


def taken(status: Status) -> Refusal:
    """
    :param status: of what stands under a name.
    :return: the refusal of a file that wants the same name.
    """
    if status.kind == "folder":
        return NotAFolder("This name is a folder already.")
    return Exists("This name holds another file already.")


def crowded_out() -> Exists:
    """
    :return: the refusal of a version that nobody would see.
    """
    return Exists("As many newer versions are kept as MaxVersions allows.")


def refusal(error: OSError) -> Refusal | None:
    """
    :param error: what kept a file from being written or named.
    :return: the refusal, where it is no fault of ours or of the disk's.
    """
    if error.errno in (errno.ENOTDIR, errno.ELOOP):
        return NotAFolder("A folder of this name is a file already.")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full()
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return Overloaded()
    if error.errno == errno.EFBIG:
        return too_large()
    if error.errno == errno.ENAMETOOLONG:
        return MalformedName("A segment of the path is longer than this store can keep.")
    return None
