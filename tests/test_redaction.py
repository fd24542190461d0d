"""
Tests for :mod:`hmacfs.redaction`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.redaction import MARK, Redaction, visible

SECRET = b"a horse, a staple & caf\xc3\xa9"
MAC = "0123456789abcdef" * 4
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqdWxpZXQifQ.c2lnbmF0dXJl"


class RedactionTests(SynchronousTestCase):
    """
    No secret, signature, token or Authorization stands in a log.
    """

    def assert_cleaned(self, text: str, expected: str) -> None:
        """Check that *text* becomes *expected*, whose ``***`` are marks."""
        cleaned = Redaction([SECRET]).clean(text)
        self.assertEqual(cleaned, expected.replace("***", MARK))
        self.assertEqual(Redaction([SECRET]).clean(cleaned), cleaned)

    def test_queries(self) -> None:
        """
        The signature of each dialect is cut out of a URL, and the rest is kept.
        """
        for name in ("v", "v2", "v3", "token"):
            self.assert_cleaned(
                f"PUT /uploads/a.txt?x=1&{name}={MAC}&expires=17 HTTP/1.1",
                f"PUT /uploads/a.txt?x=1&{name}=***&expires=17 HTTP/1.1",
            )

    def test_broken_signatures(self) -> None:
        """
        A signature that is too short, in capitals or encoded is cut out as well.
        """
        self.assert_cleaned("/a?v=12ab", "/a?v=***")
        self.assert_cleaned(f"/a?V2={MAC.upper()}", "/a?V2=***")
        self.assert_cleaned(f"/a?v%3D{MAC}", "/a?v%3D***")
        self.assert_cleaned(f"/a?%76={MAC}", "/a?%76=***")

    def test_bare_signature(self) -> None:
        """
        A signature that stands alone is cut out; a file may be called like one.
        """
        self.assert_cleaned(f"expected b'{MAC}'", "expected b'***'")
        self.assert_cleaned(f"GET /uploads/{MAC}.jpg", f"GET /uploads/{MAC}.jpg")

    def test_any_place(self) -> None:
        """
        A signature is cut out wherever in a text it begins.
        """
        for count in range(70):
            for mac in (MAC, MAC.upper()):
                self.assert_cleaned("." * count + mac, "." * count + "***")

    def test_authorization(self) -> None:
        """
        Whatever Authorization holds is cut out, in a head and in a repr of one.
        """
        self.assert_cleaned("Authorization: Basic Zm9vOmJhcg==", "Authorization: ***")
        self.assert_cleaned("authorization=Digest a, b\r\nHost: c", "authorization=***\r\nHost: c")
        self.assert_cleaned("(b'authorization', b'Basic Zm9v')", "(b'authorization', b'***')")
        self.assert_cleaned("{'Authorization': ['Basic Zm9v']}", "{'Authorization': ['***']}")
        self.assert_cleaned("Proxy-Authorization: NTLM Zm9v", "Proxy-Authorization: ***")

    def test_tokens(self) -> None:
        """
        Bearer tokens are cut out wherever they stand.
        """
        self.assert_cleaned(f"a token: {JWT}!", "a token: ***!")
        self.assert_cleaned("Bearer opaque-token, thanks", "Bearer ***, thanks")

    def test_secrets(self) -> None:
        """
        The daemon's own secrets are cut out, as they are, in a repr and in a URL.
        """
        self.assert_cleaned(f"key {SECRET.decode()}.", "key ***.")
        self.assert_cleaned(f"key {SECRET!r}.", "key b'***'.")
        self.assert_cleaned("a%20horse%2C%20a%20staple%20%26%20caf%C3%A9", "***")

    def test_several_secrets(self) -> None:
        """
        A secret that another one begins with does not hide the other's end.
        """
        redaction = Redaction([b"horses", b"horses and staples"])
        self.assertEqual(redaction.clean("horses and staples, horses"), f"{MARK}, {MARK}")

    def test_short_secret(self) -> None:
        """
        A secret that is a word of honest lines does not blacken these.
        """
        self.assertEqual(Redaction([b"of", b""]).clean("a line of words"), "a line of words")

    def test_honest_lines(self) -> None:
        """
        Lines without secrets stay as they are.
        """
        for line in (
            "listening on [::1]:8080",
            "hmacfs 0.1.0 on Python 3.11.7",
            "v3 over /uploads/a.txt: the signature does not match",
            "the token of this request has expired",
            "no Authorization, 401",
        ):
            self.assert_cleaned(line, line)

    def test_fields(self) -> None:
        """
        Fields that are secrets by their names are cut out, others only made clean.
        """
        redaction = Redaction([SECRET])
        fields = {"Authorization": "abc", "token": "abc", "path": "/a?v=1\n", "status": 201}
        self.assertEqual(
            {name: redaction.field(name, value) for name, value in fields.items()},
            {"Authorization": MARK, "token": MARK, "path": f"/a?v={MARK}\\n", "status": 201},
        )

    @given(st.text(), st.text())
    def test_any_surroundings(self, before: str, after: str) -> None:
        """
        Whatever stands around it, the daemon's secret does not come through.
        """
        secret = b"an-unlikely-secret"
        cleaned = Redaction([secret]).clean(f"{before}{secret.decode()}{after}")
        self.assertNotIn(secret.decode(), cleaned)


class VisibleTests(SynchronousTestCase):
    """
    What a client sent stays on its line and drives no terminal.
    """

    def test_controls(self) -> None:
        """
        Line breaks, escapes and turned writing become visible; other text stays.
        """
        self.assertEqual(
            visible("a\r\nb\x1b[31m\u2028\u202e\x85\udcff c\\ é 😀"),
            "a\\r\\nb\\x1b[31m\\u2028\\u202e\\x85\\udcff c\\ é 😀",
        )

    @given(st.text(st.characters()))
    def test_one_line(self, text: str) -> None:
        """
        Any text becomes one line that can be encoded.
        """
        self.assertLessEqual(len(visible(text).splitlines()), 1)
        visible(text).encode()
