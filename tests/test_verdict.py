"""
Tests for :mod:`hmacfs.verdict`.
"""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

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
    TooLarge,
    Unauthorized,
    UnsupportedCoding,
    WrongSlot,
)
from hmacfs.http1 import Head
from hmacfs.names import recall
from hmacfs.rules import Rules
from hmacfs.uploads import Slot
from hmacfs.verdict import Verdict, verdict
from tests.judged import (
    CHUNKED,
    EVERY_DIALECT,
    KEY,
    LATER,
    NAME,
    NOW,
    RULES,
    bearer,
    judge,
    mac,
    put,
    query,
    request,
)


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
