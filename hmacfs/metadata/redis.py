"""
Records that several nodes share, in Redis.

One hash for each upload, ``<RedisPrefix>{<id>}:s``: ``revision`` and
``record``, or ``removed``.  It goes by itself when its time is over.  (The
braces keep all keys of an upload on one node of a Redis cluster.)  The text of
a record is one field, since txredisapi takes a turn of the reactor for each.

What compares and then writes is one Lua script, which Redis runs as one step:
two nodes can not come between each other.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hmacfs.interfaces.metadata import ISharedMetadata
from hmacfs.metadata.encoding import read, write
from hmacfs.metadata.redis_pool import RedisPool
from hmacfs.uploads import UploadRecord

# ARGV: the revision, the record, how many milliseconds it has left.
_PUT = """
local known = redis.call('HMGET', KEYS[1], 'revision', 'removed')
if known[2] or (known[1] and tonumber(known[1]) >= tonumber(ARGV[1])) then
    return 0
end
redis.call('HSET', KEYS[1], 'revision', ARGV[1], 'record', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""

# ARGV: for how many milliseconds the removal is remembered.
_REMOVE = """
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'removed', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""


@implementer(ISharedMetadata)
class RedisMetadata:
    """
    The records of all nodes.
    """

    def __init__(self, pool: RedisPool, prefix: str, clock: IReactorTime, expiry: int) -> None:
        """
        :param prefix: what all keys begin with.
        :param expiry: seconds that a removal is remembered.
        """
        self._pool = pool
        self._prefix = prefix
        self._clock = clock
        self._expiry = expiry

    def start(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.ISharedMetadata.start`."""
        return self._pool.start()

    def stop(self) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.stop`."""
        return self._pool.stop()

    def server(self) -> Deferred[str]:
        """
        See :meth:`hmacfs.interfaces.metadata.ISharedMetadata.server`.  Another
        database or prefix holds other records, and counts as another server.
        """
        return self._pool.call("info", "server").addCallback(
            lambda told: f"{told['run_id']} {self._pool.place.database or 0} {self._prefix}"
        )

    def put(self, record: UploadRecord) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.put`."""
        left = int((record.until - self._clock.seconds()) * 1000)
        return self._run(_PUT, record.id, record.revision, write(record), left)

    def get(self, id: str) -> Deferred[UploadRecord | None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.get`."""
        return self._pool.call("hget", self._key(id), "record").addCallback(_read)

    def remove(self, id: str) -> Deferred[None]:
        """See :meth:`hmacfs.interfaces.metadata.IMetadata.remove`."""
        return self._run(_REMOVE, id, self._expiry * 1000)

    def _run(self, script: str, id: str, *arguments: object) -> Deferred[None]:
        done = self._pool.call("eval", script, [self._key(id)], arguments)
        return done.addCallback(lambda _: None)

    def _key(self, id: str) -> str:
        return f"{self._prefix}{{{id}}}:s"


def _read(text: str | None) -> UploadRecord | None:
    return None if text is None else read(text)
