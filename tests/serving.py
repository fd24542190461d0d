"""
The whole public site over a store in memory, and a client that can sign.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.config import Settings, parse
from hmacfs.metadata.memory import MemoryMetadata
from hmacfs.names import StoredName
from hmacfs.retention import Retention
from hmacfs.signing import Claim, sign
from hmacfs.store.memory import MemoryStore
from hmacfs.store.memory_files import Keeping
from hmacfs.web.root import make_site
from tests.taker import Memo
from tests.wire import Answer, Conversation

SECRET = "a secret of the tests, long enough to be one"
NOW = 1_700_000_000


class NoFiles:
    """A file system with nothing in it."""

    def read(self, path: str) -> str:
        raise ValueError("is not there")

    def exposed(self, path: str) -> bool:
        return False

    def what(self, path: str) -> str:
        return ""


def settings(**keys: Any) -> Settings:
    """
    :param keys: what differs from the defaults, as in the file.
    """
    return parse({"Secret": SECRET, "MinFreeSpace": "0", **keys}, "/srv", NoFiles()).settings


def name(text: str) -> StoredName:
    """
    :return: the name that *text* is below the prefix.
    """
    return StoredName(tuple(text.encode().split(b"/")))


def signed(path: str, size: int, key: str = SECRET, prefix: str = "/uploads/") -> str:
    """
    :return: the target of a PUT of *size* bytes, signed by ``v``.
    """
    mac = sign("v", Claim(path=path.encode(), size=size), key.encode())
    return f"{prefix}{name(path).url}?v={mac}"


def timed(method: str, path: str, expires: int = NOW + 60, operation: str = "") -> str:
    """
    :return: the target of a request signed by ``v3``.
    """
    full = f"/uploads/{path}"
    claim = Claim(
        method=method.encode(),
        expires=expires,
        url_path=full.encode(),
        operation=operation.encode(),
    )
    mac = sign("v3", claim, SECRET.encode())
    query = f"{operation}&" if operation else ""
    return f"/uploads/{name(path).url}?{query}v3={mac}&expires={expires}"


class ServingCase(SynchronousTestCase):
    """
    A site, its store, its events, and one client.
    """

    def setUp(self) -> None:
        self.serve()

    def serve(self, **keys: Any) -> None:
        """Begin anew, with these settings."""
        self.settings = settings(**keys)
        self.clock = Clock()
        self.clock.advance(NOW)
        self.hub = Memo()
        self.store = self.make_store()
        self.metadata = MemoryMetadata(self.clock, self.settings.upload_expiry)
        self.site = make_site(self.store, self.metadata, self.hub, self.settings, self.clock)
        self.client = Conversation(self.site)

    def make_store(self) -> Any:
        """
        :return: the store to serve from.
        """
        found = self.settings
        keeping = Keeping(
            retention=Retention(found.retention, found.file_ttl),
            max_versions=found.max_versions,
            tombstone_ttl=found.tombstone_ttl,
            trash=found.trash_ttl > 0,
            owner_quota=found.owner_quota or 0,
        )
        return MemoryStore(self.clock, keeping=keeping)

    def put(self, path: str, body: bytes, *fields: str) -> Answer:
        """PUT *body*, signed by ``v``."""
        return self.client.request("PUT", signed(path, len(body)), *fields, body=body)

    def get(self, path: str, *fields: str) -> Answer:
        """GET a file."""
        return self.client.request("GET", f"/uploads/{name(path).url}", *fields)

    def told(self, kind: type) -> list[Any]:
        """
        :return: the events of *kind* so far.
        """
        return [event for event in self.hub.events if isinstance(event, kind)]
