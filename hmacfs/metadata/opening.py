"""
The metadata that the settings ask for.
"""

from __future__ import annotations

from typing import Any

from hmacfs.interfaces.hub import IHub
from hmacfs.interfaces.index import IDatabase
from hmacfs.interfaces.metadata import ILedger
from hmacfs.metadata.fallback import FallbackMetadata
from hmacfs.metadata.sqlite import SqliteMetadata
from hmacfs.redis_url import parse
from hmacfs.settings import Settings


def open_metadata(settings: Settings, database: IDatabase, hub: IHub, reactor: Any) -> ILedger:
    """
    :param database: the index's, open while the metadata is.
    :param reactor: keeps the time, and connects to Redis.
    :return: this node's records; shared with others where there is a
        ``RedisURL``: it is then an :class:`hmacfs.interfaces.metadata.ISharing` too.
    """
    expiry = settings.upload_expiry
    own = SqliteMetadata(database, reactor, expiry)
    if not settings.redis_url:
        return own
    # It installs a reactor: see there.
    from hmacfs.metadata.redis import RedisMetadata
    from hmacfs.metadata.redis_pool import RedisPool

    pool = RedisPool(parse(settings.redis_url), reactor)
    shared = RedisMetadata(pool, settings.redis_prefix, reactor, expiry)
    return FallbackMetadata(own, shared, settings.public_url, hub, reactor)
