"""
The three trees of a store, and where in the trash something lies.
"""

from __future__ import annotations

import attrs

from hmacfs.names import StoredName
from hmacfs.store.folders import Folders, Segments


@attrs.frozen
class Trees:
    """
    :ivar files: as they are served.
    :ivar versions: what they were before: each name is a folder.
    :ivar trash: what a sweep took away.
    """

    files: Folders
    versions: Folders
    trash: Folders


def shelf(batch: str, name: StoredName, version: str) -> tuple[Segments, bytes]:
    """
    :param version: its id, ``""`` of a file.
    :return: the folder of the trash that it lies in, and what it is called there.
    """
    if version:
        return (batch.encode(), b"versions", *name.segments), version.encode()
    return (batch.encode(), b"files", *name.segments[:-1]), name.segments[-1]
