"""
What a worker is told to begin with.
"""

from __future__ import annotations

import attrs

from hmacfs.addresses import Address
from hmacfs.settings import Settings
from hmacfs.store.company import Charter


@attrs.frozen
class Welcome:
    """
    :ivar place: its own, and its number in the log.
    :ivar settings: those that the supervisor began with.
    :ivar charter: the store as it stands.
    :ivar addresses: of each listening socket that it has inherited, what the
        settings say of it.
    """

    place: int
    settings: Settings
    charter: Charter
    addresses: tuple[Address, ...]
