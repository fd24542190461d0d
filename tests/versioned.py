"""
A site with a file that was replaced.
"""

from __future__ import annotations

from json import loads
from typing import Any

import attrs

from hmacfs.store.memory_files import Content
from tests.serving import NOW, ServingCase, name, timed
from tests.wire import Answer, Conversation


class VersionsCase(ServingCase):
    """
    A site with one file, ``a/b.txt``, that was replaced twice.

    :ivar ids: of its versions, the oldest first.
    """

    keys: dict[str, Any] = {}

    def setUp(self) -> None:
        self.serve(**self.keys)
        self.fill()

    def serve(self, **keys: Any) -> None:
        super().serve(**{"EnableVersioning": True, **keys})

    def fill(self) -> None:
        for data in (b"one", b"two, two", b"three"):
            self.put("a/b.txt", data, "Content-Type: text/plain")
            self.clock.advance(10)
        self.ids = list(self.store.past[name("a/b.txt")])

    def ask(
        self, method: str, operation: str, *fields: str, path: str = "a/b.txt", body: bytes = b""
    ) -> Answer:
        """One request that is signed for what it asks, on a connection of its own."""
        target = timed(method, path, NOW + 9999, operation)
        self.client = Conversation(self.site)
        return self.client.request(method, target, *fields, body=body)

    def served(self) -> bytes:
        """
        :return: what GET has of the file.
        """
        return Conversation(self.site).request("GET", "/uploads/a/b.txt").body

    def kept(self, id: str) -> Content:
        """
        :return: what the store keeps of a version.
        """
        found: Content = self.store.past[name("a/b.txt")][id]
        return found

    def change(self, id: str, **fields: Any) -> None:
        """Let the store keep something else of it."""
        self.store.past[name("a/b.txt")][id] = attrs.evolve(self.kept(id), **fields)

    def list(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = loads(self.ask("GET", "versions").body)
        return found

    def statuses(self, *asked: tuple[str, str]) -> list[int]:
        """
        :param asked: methods and targets.
        :return: what they are answered with, each on a connection of its own.
        """
        return [Conversation(self.site).request(method, target).status for method, target in asked]
