"""
The pace of a disk, as a test wants it.
"""

from __future__ import annotations

from hmacfs.store.pace import Pace


class SetPace(Pace):
    """
    :ivar quick: whether the disk is waited for on the spot; else threads do.
    """

    quick = True

    def __init__(self, quick: bool = True) -> None:
        super().__init__()
        self.quick = quick
