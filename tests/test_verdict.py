"""
Tests for :mod:`hmacfs.verdict`.
"""

from __future__ import annotations

import json
from typing import Any

import attrs
import jwt
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.config import parse
from hmacfs.errors import (
    BadSignature,
    Expired,
    Forbidden,
    LengthRequired,
    MalformedHeader,
    MalformedName,
    MalformedQuery,
    MissingSignature,
    NotFound,
    PartialPut,
    Refusal,
    TooLarge,
    Unauthorized,
    UnsupportedCoding,
    WrongSlot,
)
from hmacfs.http1 import Head, parse_head
from hmacfs.names import recall
from hmacfs.rules import Rules
from hmacfs.signing import Claim, sign
from hmacfs.uploads import Slot
from hmacfs.verdict import Verdict, verdict

KEY = b"a key of the tests, long enough for all"
RULES = Rules((b"up",), (KEY,), most=1000)
NOW = 1_700_000_000.0
LATER = int(NOW) + 300
NAME = recall(b"a/b.txt")
EVERY_DIALECT = frozenset({"v", "v2", "token", "v3", "jwt"})
CHUNKED = "Transfer-Encoding: chunked"


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


def request(target: str, *fields: str, method: str = "PUT") -> Head:
    """
    A head with these fields, read as it would be from the wire.
    """
    return parse_head(
        "\r\n".join([f"{method} {target} HTTP/1.1", "Host: h", *fields, "", ""]).encode("utf-8")
    )


def mac(dialect: str, **claim: Any) -> str:
    """
    What the issuer would sign for ``a/b.txt``, but for *claim*.
    """
    usual = Claim(path=NAME.path, size=12, expires=LATER, url_path=b"/up/a/b.txt")
    return sign(dialect, attrs.evolve(usual, **claim), KEY)


def query(dialect: str, **claim: Any) -> str:
    """
    The same as it stands in a URL.
    """
    expires = f"&expires={claim.get('expires', LATER)}" if dialect == "v3" else ""
    return f"?{dialect}={mac(dialect, **claim)}{expires}"


def bearer(**changes: Any) -> str:
    """
    An ``Authorization`` field with the token of ``a/b.txt``, but for *changes*.
    """
    claims = {"slot": "a", "filename": "b.txt", "filesize": 12, "filetype": "x/y", "exp": LATER}
    token = jwt.PyJWS().encode(json.dumps({**claims, **changes}).encode(), KEY, "HS256")
    return f"Authorization: Bearer {token}"


def judge(head: Head, rules: Rules = RULES, now: float = NOW) -> Verdict | type[Refusal]:
    """
    What becomes of an upload.
    """
    try:
        return verdict(head, now, rules)
    except Refusal as refusal:
        return type(refusal)


def put(target: str, *fields: str, length: int = 12, **more: Any) -> Verdict | type[Refusal]:
    """
    What becomes of a PUT of *length* bytes.
    """
    return judge(request(target, f"Content-Length: {length}", *fields), **more)


class VerdictTests(SynchronousTestCase):
    """
    A signed PUT becomes the slot that its signature allows.
    """

    def test_dialects(self) -> None:
        """
        Each dialect allows one upload of the size that was said.
        """
        typed = "Content-Type: text/css"
        slot = Slot(NAME, 12, "text/css", most=12)
        for dialect in ("v", "v2", "token", "v3"):
            sent = f"/up/a/b.txt{query(dialect, content_type=b'text/css')}"
            self.assertEqual(put(sent, typed), Verdict(slot, dialect))

    def test_token(self) -> None:
        """
        A bearer token says the type, the owner and how long the file is kept.
        """
        sent = bearer(sub="alice@example.com", expires=LATER + 7)
        self.assertEqual(
            put("/up/a/b.txt", sent, "Content-Type: text/css"),
            Verdict(
                Slot(NAME, 12, "x/y", most=12, expires=LATER + 7, owner="alice@example.com"), "jwt"
            ),
        )

    def test_empty_type_in_token(self) -> None:
        """
        A token with an empty type is one of a file of no particular type.
        """
        judged = put("/up/a/b.txt", bearer(filetype=""))
        self.assertEqual(
            judged, Verdict(Slot(NAME, 12, "application/octet-stream", most=12), "jwt")
        )

    def test_chunked(self) -> None:
        """
        Where no size is signed the body tells it, up to the bound; a token knows it.
        """
        self.assertEqual(
            [
                judge(request(f"/up/a/b.txt{query('v3')}", CHUNKED)),
                judge(request(f"/up/a/b.txt{query('v3')}", CHUNKED), Rules((b"up",), (KEY,))),
                judge(request("/up/a/b.txt", CHUNKED, bearer())),
            ],
            [
                Verdict(Slot(NAME, None, "text/plain", most=1000), "v3"),
                Verdict(Slot(NAME, None, "text/plain", most=None), "v3"),
                Verdict(Slot(NAME, 12, "x/y", most=12), "jwt"),
            ],
        )

    def test_empty_file(self) -> None:
        """
        A file may be empty.
        """
        self.assertEqual(
            put(f"/up/a/b.txt{query('v', size=0)}", length=0),
            Verdict(Slot(NAME, 0, "text/plain", most=0), "v"),
        )

    def test_highest_only(self) -> None:
        """
        A good weak signature does not help beside a stronger one that fails.
        """
        good = {dialect: f"{dialect}={mac(dialect)}" for dialect in ("v", "v2", "token")}
        for weak, strong in [("v", "v2"), ("v", "token"), ("token", "v2"), ("v", "v3")]:
            sent = f"/up/a/b.txt?{good[weak]}&{strong}={'0' * 64}&expires={LATER}"
            self.assertEqual(put(sent), BadSignature)
        sent = f"/up/a/b.txt?{good['v']}"
        self.assertEqual(put(sent, "Authorization: Bearer a.b.c"), Unauthorized)
        self.assertEqual(put(sent, "Authorization: Basic eDp5"), put(sent))

    def test_overwriting(self) -> None:
        """
        A file gives way with versioning alone, and to the dialects that may.
        """
        sent = {dialect: request(f"/up/a/b.txt{query(dialect)}", "Content-Length: 12")
                for dialect in ("v", "v3")}  # fmt: skip
        sent["jwt"] = request("/up/a/b.txt", "Content-Length: 12", bearer())
        outcomes = []
        for overwriting in (frozenset[str](), EVERY_DIALECT, frozenset({"v3", "jwt"})):
            rules = attrs.evolve(RULES, overwriting=overwriting)
            judged = [verdict(head, NOW, rules) for head in sent.values()]
            outcomes.append([each.slot.overwrite for each in judged])
        self.assertEqual(outcomes, [[False, False, False], [True, True, True], [False, True, True]])

    def test_owner(self) -> None:
        """
        The user of the token owns the file, or the first segment of its name
        in every dialect.
        """
        rules = attrs.evolve(RULES, owner_by_path=True)
        token = bearer(sub="alice@example.com")
        outcomes = []
        for each in (RULES, rules):
            judged = [
                put(f"/up/a/b.txt{query(dialect, content_type=b'text/plain')}", rules=each)
                for dialect in ("v", "v2", "token", "v3")
            ]
            judged.append(put("/up/a/b.txt", token, rules=each))
            judged.append(put(f"/up/é{query('v', path='é'.encode())}", rules=each))
            outcomes.append([it.slot.owner for it in judged if isinstance(it, Verdict)])
        self.assertEqual(outcomes, [[None] * 4 + ["alice@example.com", None], ["a"] * 5 + ["é"]])


class TypeTests(SynchronousTestCase):
    """
    The type is compared as it was declared; who says nothing may mean the extension's.
    """

    def stored(self, signed: bytes | None, *fields: str) -> str | type[Refusal]:
        """
        The type that is stored for a slot that was signed for *signed*, or
        with ``v`` where that is ``None``.
        """
        which = query("v") if signed is None else query("v2", content_type=signed)
        judged = put(f"/up/a/b.txt{which}", *fields)
        return judged.slot.content_type if isinstance(judged, Verdict) else judged

    def test_declared(self) -> None:
        """
        A declared type is the only one that counts, parameters and case included.
        """
        css = b"text/css; charset=UTF-8"
        self.assertEqual(
            [
                self.stored(css, "Content-Type: text/css; charset=UTF-8"),
                self.stored(css, "Content-Type: text/css; charset=utf-8"),
                self.stored(css, "Content-Type: text/css"),
                self.stored(b"text/plain", "Content-Type: text/css"),
                self.stored(b"application/octet-stream", "Content-Type: text/css"),
                self.stored(None, "Content-Type: text/css;  a=b"),
            ],
            ["text/css; charset=UTF-8", *[BadSignature] * 4, "text/css;  a=b"],
        )

    def test_none(self) -> None:
        """
        Without a type, or with the one that says nothing, the extension's may be meant.
        """
        for fields in [
            [],
            ["Content-Type: application/octet-stream"],
            ["Content-Type: Application/Octet-Stream"],
            ["Content-Type:"],
        ]:
            self.assertEqual(
                [
                    self.stored(b"application/octet-stream", *fields),
                    self.stored(b"text/plain", *fields),
                    self.stored(b"text/plain; charset=utf-8", *fields),
                    self.stored(b"text/css", *fields),
                ],
                [
                    "application/octet-stream",
                    "text/plain",
                    "text/plain; charset=utf-8",
                    BadSignature,
                ],
            )

    def test_unsigned(self) -> None:
        """
        Where no type is signed the declared one is stored, or else the extension's.
        """
        self.assertEqual(
            [
                self.stored(None),
                self.stored(None, "Content-Type:"),
                self.stored(None, "Content-Type: application/octet-stream"),
            ],
            ["text/plain", "text/plain", "application/octet-stream"],
        )

    def test_empty_and_signed(self) -> None:
        """
        A slot that was signed for an empty type is one for none.
        """
        self.assertEqual(
            [self.stored(b"", "Content-Type:"), self.stored(b"")], ["text/plain", BadSignature]
        )

    def test_bounds(self) -> None:
        """
        A type has up to 255 bytes, and stands there once.
        """
        longest = "x/" + "y" * 253
        self.assertEqual(
            [
                self.stored(longest.encode(), f"Content-Type: {longest}"),
                self.stored(None, f"Content-Type: {longest}z"),
                self.stored(None, "Content-Type: x/y", "Content-Type: x/y"),
                put("/up/a/b.txt", bearer(filetype=longest + "z")),
            ],
            [longest, *[MalformedHeader] * 3],
        )

    def test_not_ascii(self) -> None:
        """
        A type that could not be sent again is one that says nothing.
        """
        self.assertEqual(
            self.stored("x/é".encode(), "Content-Type: x/é"), "application/octet-stream"
        )


class RefusalTests(SynchronousTestCase):
    """
    Whatever else is wrong, the first in the order is told.
    """

    def test_names(self) -> None:
        """
        A valid signature makes no name safe.
        """
        for path, kind in [
            ("../b.txt", MalformedName),
            ("%2e%2e/b.txt", MalformedName),
            ("a%2fb.txt", MalformedName),
            ("a%0d%0a", MalformedName),
            (".hmacfs/secret", NotFound),
            ("a/", Forbidden),
            ("", Forbidden),
        ]:
            signed = query("v", path=path.encode())
            self.assertEqual((path, put(f"/up/{path}{signed}")), (path, kind))
        self.assertEqual(put(f"/elsewhere/a/b.txt{query('v')}"), NotFound)

    def test_lengths(self) -> None:
        """
        A length is wanted where one is signed, and where no body comes at all.
        """
        for dialect in ("v", "v2", "token"):
            self.assertEqual(
                judge(request(f"/up/a/b.txt{query(dialect)}", CHUNKED)), LengthRequired
            )
        for fields in [[], [bearer()]]:
            self.assertEqual(judge(request(f"/up/a/b.txt{query('v3')}", *fields)), LengthRequired)

    def test_partial(self) -> None:
        """
        A part of a file is not stored as if it were the whole.
        """
        self.assertEqual(
            put(f"/up/a/b.txt{query('v')}", "Content-Range: bytes 0-11/24"), PartialPut
        )

    def test_coding(self) -> None:
        """
        A coded file would be served as something that it is not.
        """
        sent = f"/up/a/b.txt{query('v')}"
        self.assertEqual(put(sent, "Content-Encoding: gzip"), UnsupportedCoding)
        self.assertEqual(put(sent, "Content-Encoding: Identity"), put(sent))

    def test_too_large(self) -> None:
        """
        A file over the bound is refused, whoever signed it.
        """
        self.assertEqual(
            [
                put(f"/up/a/b.txt{query('v', size=1000)}", length=1000)
                == Verdict(Slot(NAME, 1000, "text/plain", most=1000), "v"),
                put(f"/up/a/b.txt{query('v', size=1001)}", length=1001),
                put("/up/a/b.txt", length=1001),
                put("/up/a/b.txt", bearer(filesize=1001), length=1001),
                judge(request("/up/a/b.txt", bearer(filesize=1001), CHUNKED)),
            ],
            [True, TooLarge, TooLarge, TooLarge, TooLarge],
        )

    def test_unsigned(self) -> None:
        """
        Without any signature there is no upload; with a foreign one it asks for ours.
        """
        self.assertEqual(put("/up/a/b.txt"), MissingSignature)
        self.assertEqual(put("/up/a/b.txt?x=1"), MissingSignature)
        self.assertEqual(judge(request("/up/a/b.txt", CHUNKED)), MissingSignature)
        self.assertEqual(put("/up/a/b.txt", "Authorization: Basic eDp5"), Unauthorized)

    def test_times(self) -> None:
        """
        That it has expired is told only of a signature that was right.
        """
        self.assertEqual(
            [
                put(f"/up/a/b.txt{query('v3')}", now=LATER),
                put(f"/up/a/b.txt?v3={'0' * 64}&expires={LATER}", now=LATER),
                put("/up/a/b.txt", bearer(), now=LATER),
            ],
            [Expired, BadSignature, Expired],
        )

    def test_token_of_another(self) -> None:
        """
        A token is good for its slot, its file and its size alone.
        """
        self.assertEqual(
            [
                put("/up/a/c.txt", bearer()),
                put("/up/c/b.txt", bearer()),
                put("/up/a/x/b.txt", bearer()),
                put("/up/b.txt", bearer()),
                put("/up/a/b.txt", bearer(slot="a/b.txt", filename="")),
                put("/up/a/b.txt", bearer(), length=11),
                put("/up/a/b.txt", bearer(), length=13),
            ],
            [*[WrongSlot] * 5, TooLarge, TooLarge],
        )

    def test_operations(self) -> None:
        """
        A v3 signs what else the query says, and none of that is served.
        """
        asked = mac("v3", operation=b"version=7")
        self.assertEqual(
            [
                put(f"/up/a/b.txt?v3={asked}&expires={LATER}&version=7"),
                put(f"/up/a/b.txt?v3={asked}&expires={LATER}"),
                put(f"/up/a/b.txt{query('v3')}&version=7"),
            ],
            [MalformedQuery, BadSignature, BadSignature],
        )

    def test_a_name_like_an_operation(self) -> None:
        """
        A signature for the file ``b?c`` does not open the file ``b``.
        """
        signed = query("v3", url_path=b"/up/b?c")
        self.assertEqual(put(f"/up/b{signed}&c"), MalformedQuery)
        judged = put(f"/up/b%3fc{signed}")
        assert isinstance(judged, Verdict)
        self.assertEqual(judged.slot.name, recall(b"b?c"))

    def test_a_name_that_ends_like_one(self) -> None:
        """
        A file that could be taken for an operation on another is not stored,
        whoever signed it.
        """
        for name, end in [("b%3fversions", b"?versions"), ("b?version=7", b"?version=7")]:
            path = name.replace("?", "%3f")
            for dialect in ("v", "v2", "token", "v3"):
                signed = query(dialect, path=b"b" + end, url_path=b"/up/b" + end)
                self.assertEqual(put(f"/up/{path}{signed}"), MalformedName)
            token = bearer(filename="b" + end.decode())
            self.assertEqual(put(f"/up/a/{path}", token), MalformedName)

    def test_order(self) -> None:
        """
        Each fault in turn is told before all that come after it.
        """
        faults = [
            (MalformedName, "/up/a//b.txt", ""),
            (MalformedQuery, "?v2=1&v2=1", "?v2=1"),
            (PartialPut, "Content-Range: bytes 0-1/2", "X-A: b"),
            (UnsupportedCoding, "Content-Encoding: gzip", "X-A: b"),
            (MalformedHeader, "Content-Type: " + "x" * 256, "X-A: b"),
            (LengthRequired, CHUNKED, "Content-Length: 1001"),
            (TooLarge, "Content-Length: 1001", "Content-Length: 12"),
            (BadSignature, "", ""),
        ]
        told = []
        for index in range(len(faults)):
            path = faults[0][1] if index == 0 else "/up/a/b.txt"
            asked = faults[1][1] if index <= 1 else faults[1][2]
            fields = [faults[each][1 if index <= each else 2] for each in (2, 3, 4)]
            length = CHUNKED if index <= 5 else faults[6][1 if index == 6 else 2]
            told.append(judge(request(path + asked, *fields, length)))
        self.assertEqual(told, [kind for kind, _, _ in faults])


class HintTests(SynchronousTestCase):
    """
    The operator's log says what was checked; the client hears nothing of it.
    """

    def refusal(self, target: str, *fields: str) -> Refusal:
        """
        What a PUT of 12 bytes is refused with.
        """
        head = request(target, "Content-Length: 12", *fields)
        return self.assertRaises(Refusal, verdict, head, NOW, RULES)

    def test_mac(self) -> None:
        """
        A wrong signature is shown as the messages it should have signed.
        """
        wrong = "0" * 64
        self.assertEqual(
            [
                self.refusal(f"/up/x/tr%c3%a8s.png?v={wrong}").hint,
                self.refusal(f"/up/a.png?v2={wrong}").hint,
                self.refusal(f"/up/a.png?v3={wrong}&expires=7").hint,
            ],
            [
                "v was checked over b'x/tr\\xc3\\xa8s.png 12', names beginning below '/up'",
                "v2 was checked over b'a.png\\x0012\\x00application/octet-stream'"
                " or b'a.png\\x0012\\x00image/png'"
                " or b'a.png\\x0012\\x00image/png; charset=utf-8', names beginning below '/up'",
                "v3 was checked over b'PUT\\n7\\n/up/a.png', names beginning below '/up'",
            ],
        )

    def test_token(self) -> None:
        """
        A token for something else is shown as what it is for.
        """
        self.assertEqual(
            [
                self.refusal("/up/a/b.txt", bearer(filename="é\n")).hint,
                self.refusal("/up/a/b.txt", bearer(filesize=13)).hint,
            ],
            [
                "the jwt is for 'a'/'\\xe9\\n', names beginning below '/up'",
                "the jwt is for 13 bytes, the request says 12",
            ],
        )

    def test_discreet(self) -> None:
        """
        Neither what the client hears nor the hint holds a secret or what would do.
        """
        for dialect in ("v", "v2", "token", "v3"):
            right = mac(dialect, content_type=b"x/y")
            wrong = f"{int(right, 16) ^ 1:064x}"
            refusal = self.refusal(
                f"/up/a/b.txt?{dialect}={wrong}&expires={LATER}", "Content-Type: x/y"
            )
            self.assertEqual(
                (refusal.text, refusal.headers),
                (f"The {dialect!r} signature does not match this request.", ()),
            )
            for secret in (right, wrong, KEY.decode()):
                self.assertNotIn(secret, refusal.hint)


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


class FuzzTests(SynchronousTestCase):
    """
    Any head is a verdict or a refusal.
    """

    @given(
        st.binary(),
        st.lists(
            st.sampled_from([b"v=", b"v2=", b"v3=", b"token=", b"expires=9999999999"]).flatmap(
                lambda name: st.binary(max_size=4).map(lambda rest: name + rest)
            )
        ),
        st.none() | st.binary().map(lambda rest: b"Bearer " + rest),
        st.none() | st.binary(max_size=300),
        st.sampled_from([(None, True), (0, False), (12, True), (10**17, True)]),
    )
    def test_any_head(
        self,
        path: bytes,
        parameters: list[bytes],
        authorization: bytes | None,
        content_type: bytes | None,
        framing: tuple[int | None, bool],
    ) -> None:
        """
        Nothing else comes of any path, query, token, type or length.
        """
        length, sized = framing
        fields = [(b"authorization", authorization), (b"content-type", content_type)]
        head = Head(
            method=b"PUT",
            target=b"/up/" + path + b"?" + b"&".join(parameters),
            version=b"HTTP/1.1",
            headers=tuple((name, value) for name, value in fields if value is not None),
            length=length,
            sized=sized and length is not None,
            chunked=length is None,
        )
        self.assertNotIsInstance(judge(head), Verdict)
