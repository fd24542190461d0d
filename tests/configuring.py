"""
Settings for the tests, read out of a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.config import Parsed, Problems, Settings, parse

KEY = "a key of the tests, long enough for all"
FORMER = "the key before it, and as long as that"


@attrs.frozen
class KnownFiles:
    """
    A file system as the settings see it: ``/etc`` is a folder, and what else
    is said.

    :ivar texts: what the files hold; ``None`` where they cannot be read.
    :ivar folders: the folders besides ``/`` and ``/etc``.
    :ivar public: the files that everybody can read.
    """

    texts: Mapping[str, str | None] = attrs.Factory(dict)
    folders: frozenset[str] = frozenset()
    public: frozenset[str] = frozenset()

    def read(self, path: str) -> str:
        text = self.texts.get(path)
        if text is None:
            raise ValueError("cannot be read: permission denied.")
        return text

    def exposed(self, path: str) -> bool:
        return path in self.public

    def what(self, path: str) -> str:
        if path in {"/", "/etc"} | self.folders:
            return "folder"
        return "file" if path in self.texts else ""


class NoFiles:
    """
    A file system with one folder, for the settings to ask.
    """

    def read(self, path: str) -> str:
        raise ValueError("is not there.")

    def exposed(self, path: str) -> bool:
        return False

    def what(self, path: str) -> str:
        return "folder" if path == "/" else ""


class ConfigCase(SynchronousTestCase):
    """
    What the classes below share.
    """

    def parse(self, table: Mapping[str, Any], files: KnownFiles | None = None) -> Parsed:
        """
        *table*, read in ``/etc``.
        """
        return parse(table, "/etc", files or KnownFiles())

    def settings(self, **table: Any) -> Settings:
        """
        The settings of *table* and a secret.
        """
        return self.parse({"Secret": KEY, **table}).settings

    def problems(self, table: Mapping[str, Any], files: KnownFiles | None = None) -> list[str]:
        """
        What is wrong with *table*, a line each.
        """
        with self.assertRaises(Problems) as raised:
            self.parse(table, files)
        return [str(problem) for problem in raised.exception.problems]
