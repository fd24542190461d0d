"""
Tests for :mod:`hmacfs.placeholders`.
"""

from __future__ import annotations

from secrets import token_hex, token_urlsafe

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.placeholders import is_placeholder


class PlaceholderTests(SynchronousTestCase):
    """
    What an example writes in place of a secret is no secret.
    """

    def test_placeholders(self) -> None:
        """
        The ones of real documentation are known, in every spelling.
        """
        for secret in [
            "changeme",
            "change-me",
            "CHANGE_ME",
            "ChangeMe123",
            "<please change this>",
            "secret",
            "mysecret",
            "my secret key",
            "your-secret-key",
            "your-hmac-secret",
            "password1",
            "replace_with_hmac_file_server_secret",
            "this is your secret string",
            "this is a secret string!",
            "xxx",
        ]:
            self.assertTrue(is_placeholder(secret), secret)

    def test_secrets(self) -> None:
        """
        A secret of one's own is none, be it weak.
        """
        for secret in [
            "",
            "it-is-secret",
            "mysecret-but-longer",
            "correct horse battery staple",
            "20261122",
            "日本語の秘密",
            token_hex(32),
            token_urlsafe(32),
        ]:
            self.assertFalse(is_placeholder(secret), secret)
