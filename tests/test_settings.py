"""
Tests for :mod:`hmacfs.settings`.
"""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.kinds import Place
from hmacfs.settings import KEYS, Key, Settings

#: These make up ``Settings.keys`` together.
SECRETS = {"secret", "secret_file", "previous_secrets"}


class KeyTests(SynchronousTestCase):
    """
    One table says what can be set.
    """

    def test_fields(self) -> None:
        """
        Every key has its field, and every field its key.
        """
        fields = {field.name for field in attrs.fields(Settings)}
        self.assertEqual({key.field for key in KEYS} - SECRETS, fields - {"keys"})

    def test_names(self) -> None:
        """
        A field is the key in snake_case, words in capitals kept together.
        """
        names = {key.name: key.field for key in KEYS}
        self.assertEqual(
            [names[name] for name in ["ListenPort", "RedisURL", "CORSOrigins", "FileTTL"]],
            ["listen_port", "redis_url", "cors_origins", "file_ttl"],
        )

    def test_unique(self) -> None:
        """
        No key stands twice.
        """
        self.assertEqual(len({key.name for key in KEYS}), len(KEYS))

    def test_defaults(self) -> None:
        """
        Every default is a value that its key allows.
        """
        for key in KEYS:
            key.kind.read(key.default, Place("/etc"))

    def test_sentences(self) -> None:
        """
        Every key says why it is there, in one line.
        """

        def said(key: Key) -> bool:
            return key.why.endswith(".") and "\n" not in key.why and len(key.why) < 97

        self.assertEqual([key.name for key in KEYS if not said(key)], [])
