"""
Tests for :mod:`hmacfs.rules`.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.config import parse
from hmacfs.rules import Rules
from tests.configuring import NoFiles
from tests.judged import EVERY_DIALECT, KEY, RULES


class RulesTests(SynchronousTestCase):
    """
    The rules are read out of the settings once.
    """

    def rules(self, **table: Any) -> Rules:
        """
        The rules of a configuration.
        """
        return Rules.of(parse({"Secret": KEY.decode(), **table}, "/", NoFiles()).settings)

    def test_defaults(self) -> None:
        """
        As it comes: a bound, no overwriting, public downloads.
        """
        self.assertEqual(self.rules(), Rules((b"uploads",), (KEY,), 2**30))

    def test_all(self) -> None:
        """
        Each setting has its say.
        """
        self.assertEqual(
            self.rules(
                UploadSubDir="a/b",
                PreviousSecrets=["the key before it, as long as the other"],
                MaxUploadSize="0",
                EnableVersioning=True,
                OverwriteNeeds="expiring",
                DownloadAuth="signed",
                DeleteSecret="delme",
                OwnerFrom="path",
            ),
            Rules(
                (b"a", b"b"),
                (KEY, b"the key before it, as long as the other"),
                None,
                frozenset({"v3", "jwt"}),
                True,
                b"delme",
                True,
            ),
        )

    def test_any_overwrites(self) -> None:
        """
        With versioning any dialect may overwrite, unless the settings want more.
        """
        self.assertEqual(self.rules(EnableVersioning=True).overwriting, EVERY_DIALECT)

    def test_they_hide_their_keys(self) -> None:
        """
        Rules that are logged do not show the secrets.
        """
        shown = repr(attrs.evolve(RULES, delete_secret=b"delme"))
        self.assertFalse(KEY.decode() in shown or "delme" in shown)
