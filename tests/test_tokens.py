"""
Tests for :mod:`hmacfs.tokens`.
"""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import attrs
import jwt
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import Expired, Refusal, Unauthorized
from hmacfs.tokens import LONGEST, Grant, read

KEY = b"a key of the tests, long enough for all"
FORMER = b"the key before it, as long as the other"
NOW = 1_700_000_000.0

CLAIMS: dict[str, Any] = {
    "slot": "RVbKAgWPcrUYAod1",
    "filename": "très cool.jpg",
    "filesize": 12,
    "filetype": "image/jpeg",
    "iat": NOW,
    "exp": NOW + 300,
    "expires": NOW + 604_800,
    "sub": "alice@example.com",
}

GRANT = Grant(
    "RVbKAgWPcrUYAod1",
    "très cool.jpg",
    12,
    "image/jpeg",
    int(NOW) + 604_800,
    "alice@example.com",
)


def bearer(payload: bytes, key: bytes = KEY, algorithm: str = "HS256") -> bytes:
    """
    An ``Authorization`` whose token holds *payload*, signed as it should be.
    """
    return b"Bearer " + jwt.PyJWS().encode(payload, key, algorithm).encode()


def token(**changes: Any) -> bytes:
    """
    A good one, but for *changes*; ``...`` leaves a claim out.
    """
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    return bearer(json.dumps(claims).encode())


def flat(data: bytes) -> bytes:
    """
    Base64url as JWS writes it.
    """
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class ReadTests(SynchronousTestCase):
    """
    A token that a secret in force signed grants what it says, until it ends.
    """

    def test_grant(self) -> None:
        """
        The claims of Prosody's token come out as they went in.
        """
        self.assertEqual(read(token(), NOW, [KEY]), GRANT)

    def test_scheme(self) -> None:
        """
        The scheme is written in any case, with any number of blanks behind it.
        """
        bare = token().removeprefix(b"Bearer ")
        for scheme in [b"bearer ", b"BEARER ", b"Bearer   "]:
            self.assertEqual(read(scheme + bare, NOW, [KEY]), GRANT)

    def test_rotation(self) -> None:
        """
        While a secret is being rotated the former one is accepted, and no longer.
        """
        sent = bearer(json.dumps(CLAIMS).encode(), FORMER)
        self.assertEqual(read(sent, NOW, [KEY, FORMER]), GRANT)
        self.assertRaises(Unauthorized, read, sent, NOW, [KEY])

    def test_optional_claims(self) -> None:
        """
        Who uploads, the type, the retention and the time of issue may be absent.
        """
        sent = token(sub=..., filetype=..., expires=..., iat=...)
        self.assertEqual(
            read(sent, NOW, [KEY]),
            attrs.evolve(GRANT, content_type="", expires=None, owner=None),
        )

    def test_numbers_of_lua(self) -> None:
        """
        A whole number may be written as a float.
        """
        self.assertEqual(
            read(token(filesize=5368709120.0, expires=NOW + 0.5), NOW, [KEY]),
            attrs.evolve(GRANT, size=5368709120, expires=int(NOW) + 1),
        )

    def test_long_owner(self) -> None:
        """
        An owner with a very long name is known by its digest.
        """
        short, long, escaped = "x" * 512, "x" * 513, "\x01" * 86
        self.assertEqual(
            [read(token(sub=owner), NOW, [KEY]).owner for owner in (short, long, escaped)],
            [
                short,
                "sha256:35ade0090e64e74d6ad04204009c23a4e34b82bdf0f4f317fbcc5f26f9b10241",
                "sha256:dfceb0fe3f638aed87d77cecf3b7e29af1a6f1465342595325b347934483b24c",
            ],
        )

    def test_expired(self) -> None:
        """
        A token ends at the second it names.
        """
        self.assertEqual(read(token(), NOW + 299.9, [KEY]), GRANT)
        refusal = self.assertRaises(Expired, read, token(), NOW + 300, [KEY])
        self.assertEqual((refusal.status, refusal.code), (410, "expired"))

    def test_file_expired(self) -> None:
        """
        A file that would be gone at once is not taken.
        """
        self.assertRaises(Expired, read, token(expires=NOW), NOW, [KEY])

    def test_wrong_and_expired(self) -> None:
        """
        That it has expired is told only of a token that was right.
        """
        sent = bearer(json.dumps(CLAIMS).encode(), FORMER)
        self.assertRaises(Unauthorized, read, sent, NOW + 301, [KEY])

    def test_short_secret(self) -> None:
        """
        A short secret is warned of at start, not at every request, and works.
        """
        signed = flat(b'{"alg":"HS256"}') + b"." + flat(json.dumps(CLAIMS).encode())
        mac = hmac.digest(b"short", signed, "sha256")
        self.assertEqual(read(b"Bearer " + signed + b"." + flat(mac), NOW, [b"short"]), GRANT)
        self.assertEqual(self.flushWarnings(), [])

    def test_secret_like_a_certificate(self) -> None:
        """
        A secret is bytes, whatever it looks like to a library.
        """
        for secret in [b"-----BEGIN PUBLIC KEY-----\nx", b'{"kty":"oct"}', b"ssh-rsa AAAA x"]:
            signed = flat(b'{"alg":"HS256"}') + b"." + flat(json.dumps(CLAIMS).encode())
            mac = hmac.digest(secret, signed, "sha256")
            self.assertEqual(read(b"Bearer " + signed + b"." + flat(mac), NOW, [secret]), GRANT)


class RefusalTests(SynchronousTestCase):
    """
    Everything else is 401, and says how to ask.
    """

    def assertUnauthorized(self, authorization: bytes, challenge: bytes) -> None:
        """
        *authorization* is refused with *challenge*.
        """
        refusal = self.assertRaises(Unauthorized, read, authorization, NOW, [KEY])
        self.assertEqual(refusal.headers, ((b"WWW-Authenticate", challenge),))

    def test_no_token(self) -> None:
        """
        Where there is no token the answer asks for one.
        """
        for sent in [
            b"",
            b"Bearer",
            b"Bearer ",
            b"Bearer\ta.b.c",
            b"Bearer a.b.c ",
            b"Bearer a.b.c, Bearer a.b.c",
            b"Bearer \xff",
            token() + b"=",
            b"Basic eDp5",
            token().removeprefix(b"Bearer "),
        ]:
            self.assertUnauthorized(sent, b'Bearer realm="hmacfs"')

    def test_no_jwt(self) -> None:
        """
        A bearer token of another kind is not valid here.
        """
        good = token()
        for sent in [
            b"Bearer abc",
            b"Bearer a.b",
            b"Bearer a.b.c.d",
            b"Bearer a..c",
            b"Bearer ..",
            good[:-1],
            good + b".x",
        ]:
            self.assertUnauthorized(sent, b'Bearer realm="hmacfs", error="invalid_token"')

    def test_algorithms(self) -> None:
        """
        HS256 alone counts, whatever the token says of itself.
        """
        payload = flat(json.dumps(CLAIMS).encode())
        good = token().removeprefix(b"Bearer ").split(b".")
        for header in [
            b'{"alg":"none"}',
            b'{"alg":"None"}',
            b'{"alg":"hs256"}',
            b'{"alg":"HS512"}',
            b'{"alg":"RS256"}',
            b'{"alg":["HS256"]}',
            b'{"alg":null}',
            b"{}",
            b"[]",
            b"7",
            b"\xff",
            b'{"alg":"HS256","crit":["exp"]}',
            b'{"alg":"HS256","b64":false,"crit":["b64"]}',
            b'{"alg":"HS256","kid":7}',
        ]:
            self.assertUnauthorized(
                b".".join([b"Bearer " + flat(header), payload, good[2]]),
                b'Bearer realm="hmacfs", error="invalid_token"',
            )
            self.assertUnauthorized(
                b".".join([b"Bearer " + flat(header), payload, b""]),
                b'Bearer realm="hmacfs", error="invalid_token"',
            )
        self.assertUnauthorized(
            bearer(json.dumps(CLAIMS).encode(), KEY * 2, "HS512"),
            b'Bearer realm="hmacfs", error="invalid_token"',
        )

    def test_signed_nonsense(self) -> None:
        """
        A payload that is no set of claims grants nothing, signed or not.
        """
        for payload in [
            b"",
            b"null",
            b"[]",
            b"{",
            b"\xff",
            b'"exp"',
            b"[" * 5000,
            b'{"exp":' + b"9" * 5000 + b"}",
        ]:
            self.assertUnauthorized(
                bearer(payload), b'Bearer realm="hmacfs", error="invalid_token"'
            )

    def test_claims(self) -> None:
        """
        Each claim has its kind: no boolean is a number, no half pair is a text.
        """
        for changes in [
            {"exp": ...},
            {"exp": None},
            {"exp": True},
            {"exp": "1800000000"},
            {"exp": float("nan")},
            {"exp": float("inf")},
            {"exp": -1},
            {"exp": 10**12},
            {"exp": 10**400},
            {"expires": None},
            {"expires": True},
            {"expires": float("nan")},
            {"expires": float("inf")},
            {"expires": -1},
            {"expires": 10**300},
            {"filesize": ...},
            {"filesize": True},
            {"filesize": "12"},
            {"filesize": 1.5},
            {"filesize": float("nan")},
            {"filesize": -1},
            {"filesize": 2**63},
            {"slot": ...},
            {"slot": 7},
            {"filename": ...},
            {"filename": ["a"]},
            {"filename": "\ud800"},
            {"filetype": None},
            {"filetype": {}},
            {"sub": 7},
            {"sub": "\udfff"},
        ]:
            self.assertUnauthorized(
                token(**changes), b'Bearer realm="hmacfs", error="invalid_token"'
            )

    def test_too_long(self) -> None:
        """
        A token past every use is not even looked at.
        """
        refusal = self.assertRaises(Unauthorized, read, token(sub="x" * LONGEST), NOW, [KEY])
        self.assertEqual(refusal.hint, "the jwt is refused: it is too long")

    def test_deep_header(self) -> None:
        """
        A header that nests deeper than a parser goes is a refusal.
        """
        deep = flat(b'{"alg":' + b"[" * 5900)
        self.assertUnauthorized(
            b"Bearer " + deep + b".e30.AAAA", b'Bearer realm="hmacfs", error="invalid_token"'
        )

    def test_discreet(self) -> None:
        """
        A refusal says nothing of the secret, nor of the signature that would do.
        """
        parts = token().split(b".")
        refusal = self.assertRaises(
            Unauthorized, read, b".".join([*parts[:2], flat(bytes(32))]), NOW, [KEY]
        )
        self.assertEqual(
            (refusal.text, refusal.hint),
            (
                "The bearer token is not valid here.",
                "the jwt is refused: no secret in force signs it",
            ),
        )

    @given(
        st.binary()
        | st.binary().map(lambda rest: b"Bearer " + rest)
        | st.lists(st.binary(min_size=1), min_size=3, max_size=3).map(
            lambda parts: b"Bearer " + b".".join(map(flat, parts))
        )
    )
    @example(b"Bearer " + flat(b'{"alg":' + b"9" * 5000 + b"}") + b".e30.AAAA")
    def test_any_authorization(self, authorization: bytes) -> None:
        """
        Any bytes are refused, and nothing worse happens.
        """
        self.assertRaises(Unauthorized, read, authorization, NOW, [KEY])

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
        st.sampled_from(sorted(CLAIMS)),
    )
    def test_any_claim(self, value: object, name: str) -> None:
        """
        Any value of a claim is a grant or a refusal.
        """
        try:
            grant = read(bearer(json.dumps({**CLAIMS, name: value}).encode()), NOW, [KEY])
        except Refusal:
            return
        self.assertIsInstance(grant, Grant)
