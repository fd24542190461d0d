"""
Tests for :mod:`hmacfs.signing`.
"""

from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import BadSignature, MalformedQuery
from hmacfs.signing import MESSAGES, Claim, Credential, choose, hmac_sha256, sign, verify

KEY = b"a key of the tests, long enough for all"
FORMER = b"the key before it, as long as the other"

CLAIM = Claim(
    path=b"a b/c.txt",
    size=12,
    content_type=b"text/plain",
    delete_secret=b"delme",
    method=b"GET",
    expires=2000000000,
    url_path=b"/up/a b/c.txt",
)


class HmacTests(SynchronousTestCase):
    """
    A signature is what every other program makes of the key and the message.
    """

    @given(st.binary(max_size=200), st.lists(st.binary(max_size=200), max_size=3))
    def test_same(self, key: bytes, messages: list[bytes]) -> None:
        """
        It is that of the library, however often a key is used.
        """
        self.assertEqual(
            [hmac_sha256(key, message) for message in messages],
            [hmac.digest(key, message, "sha256").hex() for message in messages],
        )


class MessageTests(SynchronousTestCase):
    """
    Every dialect has one message.
    """

    def test_messages(self) -> None:
        """
        The bytes that are signed are those that the issuers sign.
        """
        self.assertEqual(
            {dialect: message(CLAIM) for dialect, message in MESSAGES.items()},
            {
                "v": b"a b/c.txt 12",
                "v2": b"a b/c.txt\x0012\0text/plain",
                "token": b"a b/c.txt\x0012\0text/plain",
                "delete": b"a b/c.txt\0delme",
                "v3": b"GET\n2000000000\n/up/a b/c.txt",
            },
        )

    def test_operation(self) -> None:
        """
        What a request wants done stands in the message of v3 behind a question mark.
        """
        self.assertEqual(
            MESSAGES["v3"](
                Claim(url_path=b"/up/a.txt", expires=7, operation=b"version=7", method=b"GET")
            ),
            b"GET\n7\n/up/a.txt?version=7",
        )

    def test_delete_secret_stays_out_of_sight(self) -> None:
        """
        A claim that is logged does not show Metronome's delete secret.
        """
        self.assertNotIn("delme", repr(CLAIM))


class VerifyTests(SynchronousTestCase):
    """
    A signature fits one of the claims under one of the keys, or it is refused.
    """

    def test_round_trip(self) -> None:
        """
        What was signed is verified, whatever the case of its digits.
        """
        for dialect in MESSAGES:
            mac = sign(dialect, CLAIM, KEY)
            self.assertEqual(verify(dialect, mac.encode(), [CLAIM], [KEY]), CLAIM)
            self.assertEqual(verify(dialect, mac.upper().encode(), [CLAIM], [KEY]), CLAIM)

    def test_rotation(self) -> None:
        """
        While a secret is being rotated the former one is accepted, and no longer.
        """
        mac = sign("v", CLAIM, FORMER).encode()
        self.assertEqual(verify("v", mac, [CLAIM], [KEY, FORMER]), CLAIM)
        self.assertRaises(BadSignature, verify, "v", mac, [CLAIM], [KEY])
        self.assertRaises(BadSignature, verify, "v", mac, [CLAIM], [])

    def test_which_claim(self) -> None:
        """
        Of several things that it may sign, the one that it does is found.
        """
        claims = [Claim(path=b"a", content_type=each) for each in (b"x/x", b"y/y", b"z/z")]
        for claim in claims:
            mac = sign("v2", claim, FORMER).encode()
            self.assertEqual(verify("v2", mac, claims, [KEY, FORMER]), claim)

    def test_shapes(self) -> None:
        """
        What is no signature at all is refused like a wrong one.
        """
        mac = sign("v", CLAIM, KEY).encode()
        for wrong in [b"", b"x", mac[:-1], mac + b"0", b" " + mac, mac[:-1] + b"\xff", b"\0" * 64]:
            self.assertRaises(BadSignature, verify, "v", wrong, [CLAIM], [KEY])

    def test_the_refusal_is_discreet(self) -> None:
        """
        A refusal names the dialect, and neither key nor the right signature.
        """
        refusal = self.assertRaises(BadSignature, verify, "v", b"0" * 64, [CLAIM], [KEY])
        self.assertEqual(
            (refusal.text, refusal.hint, refusal.headers),
            ("The 'v' signature does not match this request.", "", ()),
        )

    @given(st.binary(max_size=80), st.sampled_from(sorted(MESSAGES)))
    def test_any_mac(self, mac: bytes, dialect: str) -> None:
        """
        Guessed bytes never fit.
        """
        self.assertRaises(BadSignature, verify, dialect, mac, [CLAIM], [KEY])


class ChooseTests(SynchronousTestCase):
    """
    Of several credentials the highest counts, and only that.
    """

    def test_ranks(self) -> None:
        """
        A bearer token goes before v3, v3 before v2, v2 before token, token before v.
        """
        query = [b"v=1", b"token=2", b"v2=3", b"v3=4", b"expires=9"]
        self.assertEqual(
            [
                choose(b"&".join(query), b"Bearer x"),
                choose(b"&".join(query), None),
                choose(b"&".join(query[:3]), None),
                choose(b"&".join(query[:2]), None),
                choose(b"&".join(query[:1]), None),
                choose(b"", None),
            ],
            [
                Credential("jwt", b"Bearer x"),
                Credential("v3", b"4", 9),
                Credential("v2", b"3"),
                Credential("token", b"2"),
                Credential("v", b"1"),
                None,
            ],
        )

    def test_an_empty_one_counts(self) -> None:
        """
        A parameter without a value keeps its rank, so that nothing weaker is tried.
        """
        for query in [b"v2=&v=1", b"v=1&v2", b"v=1&v2="]:
            self.assertEqual(choose(query, None), Credential("v2", b""))

    def test_authorization(self) -> None:
        """
        Another scheme than Bearer counts only where the query is not signed.
        """
        self.assertEqual(
            [
                choose(b"v=1", b"Basic eDp5"),
                choose(b"v=1", b"Bearers x"),
                choose(b"v=1", b"bEARER x"),
                choose(b"v=1", b"Bearer"),
                choose(b"", b"Basic eDp5"),
                choose(b"", b""),
            ],
            [
                Credential("v", b"1"),
                Credential("v", b"1"),
                Credential("jwt", b"bEARER x"),
                Credential("jwt", b"Bearer"),
                Credential("jwt", b"Basic eDp5"),
                Credential("jwt", b""),
            ],
        )

    def test_re_encoded(self) -> None:
        """
        A client that encodes the query once more is understood.
        """
        for query in [b"v%3D49e9", b"v%3d4%39e9", b"%76=49e9", b"&v=49e9&", b"x&v=49e9&y=z"]:
            self.assertEqual(choose(query, None), Credential("v", b"49e9"))

    def test_plus(self) -> None:
        """
        A plus sign is a plus sign.
        """
        self.assertEqual(choose(b"v=a+b%2bc", None), Credential("v", b"a+b+c"))

    def test_other_parameters(self) -> None:
        """
        What is no signature is not taken for one.
        """
        self.assertEqual(choose(b"V=1&v4=2&expires=5&vv=3&=v&v;v=1", None), None)

    def test_operation(self) -> None:
        """
        What v3 signs besides is kept as it was sent, in its order.
        """
        self.assertEqual(
            choose(b"b=%31&&v3=1&a+c=2&v=7&expires=5&b=%3d&versions", None),
            Credential("v3", b"1", 5, b"b=%31&a+c=2&b=%3d&versions"),
        )

    def test_malformed(self) -> None:
        """
        A query that contradicts itself, or that no grammar knows, is refused.
        """
        for query in [
            b"v=1&v=1",
            b"v=1&%76=1",
            b"v2=1&v=1&v=2",
            b"v3=1&expires=1&expires=1",
            b"v=%",
            b"v=1&x=%zz",
            b"v3=1",
            b"v3=1&expires=",
            b"v3=1&expires=-1",
            b"v3=1&expires=%2b1",
            b"v3=1&expires=1.5",
            b"v3=1&expires=1e9",
            b"v3=1&expires=0x1",
            b"v3=1&expires=" + b"9" * 13,
            b"v3=1&expires=" + "٣".encode(),
        ]:
            self.assertRaises(MalformedQuery, choose, query, None)

    @given(st.binary(), st.none() | st.binary())
    def test_any_query(self, query: bytes, authorization: bytes | None) -> None:
        """
        Any bytes are a credential, none, or malformed.
        """
        try:
            chosen = choose(query, authorization)
        except MalformedQuery:
            return
        self.assertIsInstance(chosen, Credential | None)

    @given(
        st.lists(
            st.sampled_from(
                [b"v=1", b"v2=2", b"v3=3", b"token=4", b"expires=5", b"a=%26", b"", b"%76"]
            )
        )
    )
    def test_any_parameters(self, pieces: list[bytes]) -> None:
        """
        However parameters are mixed, no weaker one is ever chosen.
        """
        try:
            chosen = choose(b"&".join(pieces), None)
        except MalformedQuery:
            return
        present = {b"v" if piece == b"%76" else piece.partition(b"=")[0] for piece in pieces}
        ranks = [name for name in ("v3", "v2", "token", "v") if name.encode() in present]
        self.assertEqual(chosen.dialect if chosen else None, ranks[0] if ranks else None)
