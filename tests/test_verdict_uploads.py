"""
Tests for what :mod:`hmacfs.verdict` says of uploads of several requests.
"""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import (
    BadSignature,
    Expired,
    MalformedHeader,
    MalformedName,
    MalformedQuery,
    MissingSignature,
    PartialPut,
    Refusal,
    TooLarge,
    Unauthorized,
    UnsupportedCoding,
    WrongSlot,
)
from hmacfs.resumable.fronts import front_of
from hmacfs.resumable.steps import Append, Create
from hmacfs.uploads import Slot, UploadRecord
from hmacfs.verdict import Rules, Verdict, creation_verdict, verify_again
from tests.judged import (
    EVERY_DIALECT,
    LATER,
    NAME,
    NOW,
    RULES,
    bearer,
    mac,
    put,
    query,
    request,
)
from tests.test_vectors import PUTS, Put

SLOT = Slot(NAME, 12, "text/css", most=12)
CSS = "filetype dGV4dC9jc3M="

FRONTS = {
    "POST": ("Tus-Resumable: 1.0.0", "Upload-Length: 12", f"Upload-Metadata: {CSS}"),
    "PUT": (
        "Upload-Complete: ?0",
        "Upload-Length: 12",
        "Content-Length: 5",
        "Content-Type: text/css",
    ),
    "PUT ": ("Content-Range: bytes 0-4/12", "Content-Length: 5", "Content-Type: text/css"),
}
"""The same upload of 12 bytes by tus, by the draft and by its Content-Range."""


def create(
    target: str,
    *fields: str,
    length: int = 12,
    declared: bytes | None = b"text/css",
    now: float = NOW,
    **rules: Any,
) -> Verdict | type[Refusal]:
    """
    What becomes of the first request of an upload.
    """
    head = request(target, "Content-Length: 5", *fields)
    try:
        return creation_verdict(head, length, declared, now, attrs.evolve(RULES, **rules))
    except Refusal as refusal:
        return type(refusal)


def begun(dialect: str, **changes: Any) -> UploadRecord:
    """
    The record of an upload to ``a/b.txt`` that *dialect* signed.
    """
    record = UploadRecord(
        id="0" * 32,
        name="a/b.txt",
        length=12,
        content_type="x/y",
        front="tus",
        dialect=dialect,
        state="open",
        created=NOW,
        until=LATER,
    )
    return attrs.evolve(record, **changes)


def again(asked: str, record: UploadRecord, *fields: str) -> type[Refusal] | None:
    """
    What a later request of an upload is refused with, if it is.
    """
    head = request(f"/up/.hmacfs/uploads/{record.id}{asked}", *fields, method="PATCH")
    try:
        verify_again(head, record, RULES)
    except Refusal as refusal:
        return type(refusal)
    return None


class CreationTests(SynchronousTestCase):
    """
    An upload is begun with the signature of the whole file.
    """

    def test_fronts(self) -> None:
        """
        By every protocol every dialect allows the file that it signed.
        """
        for dialect in ("v", "v2", "token", "v3"):
            target = f"/up/a/b.txt{query(dialect, content_type=b'text/css')}"
            for method, fields in FRONTS.items():
                head = request(target, *fields, method=method.strip())
                front = front_of(head)
                assert front is not None
                step = front.create(head)
                assert isinstance(step, Create | Append) and step.length is not None
                judged = creation_verdict(head, step.length, step.content_type, NOW, RULES)
                self.assertEqual((front.name, judged), (front.name, Verdict(SLOT, dialect)))

    def test_token(self) -> None:
        """
        A bearer token says the type, whatever the request does.
        """
        self.assertEqual(
            create("/up/a/b.txt", bearer(sub="alice", expires=LATER + 7)),
            Verdict(Slot(NAME, 12, "x/y", most=12, expires=LATER + 7, owner="alice"), "jwt"),
        )

    def test_no_type(self) -> None:
        """
        Who names no type may mean the extension's, as with a plain PUT.
        """
        for signed, stored in [
            (b"application/octet-stream", "application/octet-stream"),
            (b"text/plain", "text/plain"),
            (b"text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ]:
            judged = create(f"/up/a/b.txt{query('v2', content_type=signed)}", declared=None)
            self.assertEqual(judged, Verdict(attrs.evolve(SLOT, content_type=stored), "v2"))
        wrong = create(f"/up/a/b.txt{query('v2', content_type=b'text/css')}", declared=None)
        self.assertEqual(wrong, BadSignature)

    def test_foreign_type(self) -> None:
        """
        A type that is no ASCII is stored as another and remembered as it was signed.
        """
        stored = attrs.evolve(SLOT, content_type="application/octet-stream")
        for signed in ("text/é".encode(), b"text/\xe9"):
            judged = create(f"/up/a/b.txt{query('v2', content_type=signed)}", declared=signed)
            self.assertEqual(judged, Verdict(stored, "v2", signed.decode("latin-1")))

    def test_content_type(self) -> None:
        """
        The type of the request's own content does not pass for the file's.
        """
        target = f"/up/a/b.txt{query('v2', content_type=b'text/css')}"
        sent = "Content-Type: application/offset+octet-stream"
        self.assertEqual(create(target, sent), Verdict(SLOT, "v2"))
        self.assertEqual(create(target, "Content-Type: text/css", declared=b"x/y"), BadSignature)

    def test_total(self) -> None:
        """
        It is the whole length that was signed, and never that of one request.
        """
        for dialect in ("v", "v2", "token"):
            whole = query(dialect, content_type=b"text/css")
            part = query(dialect, content_type=b"text/css", size=5)
            self.assertEqual(
                [
                    create(f"/up/a/b.txt{whole}", length=13),
                    create(f"/up/a/b.txt{whole}", length=5),
                    create(f"/up/a/b.txt{part}"),
                ],
                [BadSignature] * 3,
            )
        self.assertEqual(create("/up/a/b.txt", bearer(filesize=5)), TooLarge)
        self.assertEqual(create("/up/a/b.txt", bearer(), length=5), TooLarge)

    def test_overwriting(self) -> None:
        """
        A file gives way as it would to a plain PUT.
        """
        judged = create(f"/up/a/b.txt{query('v')}", overwriting=EVERY_DIALECT)
        self.assertEqual(judged, Verdict(attrs.evolve(SLOT, overwrite=True), "v"))

    def test_refusals(self) -> None:
        """
        What a plain PUT is refused for an upload is, too.
        """
        good = f"/up/a/b.txt{query('v')}"
        ended = f"/up/a/b.txt{query('v3')}"
        self.assertEqual(
            [
                create(f"/up/a//b.txt{query('v')}"),
                create("/up/a/b.txt?v=1&v=2"),
                create(good, "Content-Encoding: gzip"),
                create(good, "Content-Type: x/y", "Content-Type: x/y"),
                create(good, declared=b"x" * 256),
                create(good, length=1001),
                create(f"/up/a/b.txt?v={'0' * 64}", length=1001),
                create("/up/a/b.txt"),
                create(f"/up/a/b.txt?v={'0' * 64}"),
                create(ended, now=LATER),
                create("/up/a/b.txt", bearer(), now=LATER),
                create("/up/a/c.txt", bearer()),
                put(good, "Content-Range: bytes 0-11/12"),
            ],
            [
                MalformedName,
                MalformedQuery,
                UnsupportedCoding,
                MalformedHeader,
                MalformedHeader,
                TooLarge,
                TooLarge,
                MissingSignature,
                BadSignature,
                Expired,
                Expired,
                WrongSlot,
                PartialPut,
            ],
        )


class AgainTests(SynchronousTestCase):
    """
    Every later request carries what signed the beginning, for the same upload.
    """

    def test_right(self) -> None:
        """
        The same query, or the same token, goes on with what it began.
        """
        for dialect in ("v", "v2", "token", "v3"):
            asked = query(dialect, content_type=b"x/y")
            self.assertEqual((dialect, again(asked, begun(dialect))), (dialect, None))
        self.assertIsNone(again("", begun("jwt"), bearer()))

    def test_time(self) -> None:
        """
        An upload that was begun in time goes on after it, with a newer token as well.
        """
        self.assertIsNone(again(query("v3", expires=5), begun("v3")))
        self.assertEqual(
            [again("", begun("jwt"), bearer(exp=exp, iat=exp)) for exp in (5, LATER + 99)],
            [None, None],
        )
        self.assertIsNone(again("", begun("jwt", expires=7), bearer(exp=5, expires=7)))

    def test_another_upload(self) -> None:
        """
        What signs another path, another size or another type is refused.
        """
        for dialect in ("v", "v2", "token"):
            asked = query(dialect, content_type=b"x/y")
            changes: list[dict[str, Any]] = [{"name": "a/c.txt"}, {"length": 13}, {"length": 11}]
            if dialect != "v":
                changes.append({"content_type": "x/z"})
            for change in changes:
                self.assertEqual(
                    (dialect, change, again(asked, begun(dialect, **change))),
                    (dialect, change, BadSignature),
                )
        self.assertEqual(again(query("v3"), begun("v3", name="a/c.txt")), BadSignature)
        self.assertIsNone(again(query("v"), begun("v", content_type="x/z")))

    def test_another_token(self) -> None:
        """
        A token for another file, size or type is refused as any other signature.
        """
        for claims in [
            {"slot": "b"},
            {"filename": "c.txt"},
            {"filesize": 13},
            {"filetype": "x/z"},
            {"filetype": ""},
        ]:
            self.assertEqual(
                (claims, again("", begun("jwt"), bearer(**claims))), (claims, BadSignature)
            )
        self.assertEqual(again("", begun("jwt"), "Authorization: Bearer a.b.c"), Unauthorized)
        head = request("/up/x", bearer(filesize=13), method="HEAD")
        refusal = self.assertRaises(BadSignature, verify_again, head, begun("jwt"), RULES)
        self.assertEqual(refusal.hint, "the jwt is for 'a'/'b.txt', 13 bytes, 'x/y'")

    def test_untyped(self) -> None:
        """
        A file without a type goes on by what was stored for it.
        """
        plain = begun("v2", content_type="text/plain")
        octets = begun("v2", content_type="application/octet-stream")
        self.assertEqual(
            [
                again(query("v2", content_type=b""), plain),
                again(query("v2", content_type=b"text/plain"), plain),
                again(query("v2", content_type=b"application/octet-stream"), octets),
                again(query("v2", content_type=b""), octets),
            ],
            [None, None, None, BadSignature],
        )
        untyped = begun("jwt", content_type="application/octet-stream")
        self.assertIsNone(again("", untyped, bearer(filetype="")))

    def test_none(self) -> None:
        """
        The URL alone is not enough.
        """
        for dialect in EVERY_DIALECT:
            self.assertEqual(again("", begun(dialect)), MissingSignature)
        self.assertEqual(again("?x=1", begun("v")), MissingSignature)

    def test_another_dialect(self) -> None:
        """
        Only the dialect that began an upload goes on with it, weaker and stronger ones not.
        """
        for dialect in ("v", "v2", "token", "v3"):
            asked = query(dialect, content_type=b"x/y")
            for other in EVERY_DIALECT - {dialect}:
                self.assertEqual(again(asked, begun(other)), BadSignature)
            self.assertEqual(again("", begun(dialect), bearer()), BadSignature)
        head = request(f"/up/x{query('v')}", method="HEAD")
        refusal = self.assertRaises(BadSignature, verify_again, head, begun("jwt"), RULES)
        self.assertEqual(refusal.hint, "begun with jwt, gone on with by v")

    def test_method(self) -> None:
        """
        A v3 signs PUT, whatever the method of the request, and nothing more.
        """
        for method in (b"PATCH", b"HEAD", b"DELETE", b"GET"):
            self.assertEqual(again(query("v3", method=method), begun("v3")), BadSignature)
        elsewhere = query("v3", url_path=b"/up/.hmacfs/uploads/" + b"0" * 32)
        self.assertEqual(again(elsewhere, begun("v3")), BadSignature)
        asked = f"?v3={mac('v3', operation=b'x')}&expires={LATER}&x"
        self.assertEqual(again(asked, begun("v3")), MalformedQuery)
        self.assertEqual(again(query("v3") + "&x", begun("v3")), BadSignature)

    def test_foreign_type(self) -> None:
        """
        Nor does a type that is no ASCII keep an upload from going on.
        """
        signed = "text/é".encode()
        record = begun(
            "v2", content_type="application/octet-stream", signed_type=signed.decode("latin-1")
        )
        self.assertEqual(again(query("v2", content_type=signed), record), None)
        for other in (b"application/octet-stream", b"text/\xe9", b""):
            self.assertEqual(again(query("v2", content_type=other), record), BadSignature)

    def test_coded(self) -> None:
        """
        A part is stored as it is sent, as the whole is: it has no coding.
        """
        for coding, refused in (("gzip", UnsupportedCoding), ("identity", None)):
            field = f"Content-Encoding: {coding}"
            asked = query("v2", content_type=b"x/y")
            self.assertEqual(again(asked, begun("v2"), field), refused)

    def test_key(self) -> None:
        """
        A secret that is not in force any more goes on with nothing.
        """
        rules = attrs.evolve(RULES, keys=(b"another key, as long as the other one is",))
        for dialect in ("v", "v2", "token", "v3"):
            head = request(f"/up/x{query(dialect, content_type=b'x/y')}", method="HEAD")
            self.assertRaises(BadSignature, verify_again, head, begun(dialect), rules)
        head = request("/up/x", bearer(), method="HEAD")
        self.assertRaises(Unauthorized, verify_again, head, begun("jwt"), rules)

    @given(st.binary(), st.none() | st.binary(), st.sampled_from(sorted(EVERY_DIALECT)))
    def test_any(self, asked: bytes, authorization: bytes | None, dialect: str) -> None:
        """
        No query and no token that was made up goes on with anything.
        """
        head = attrs.evolve(
            request("/"),
            target=b"/up/x?" + asked,
            headers=() if authorization is None else ((b"authorization", authorization),),
        )
        self.assertRaises(Refusal, verify_again, head, begun(dialect), RULES)


class VectorTests(SynchronousTestCase):
    """
    The slots of the real issuers begin uploads, and go on with them.
    """

    def begin(self, vector: Put) -> tuple[Rules, UploadRecord]:
        """
        The upload that the slot begins, its first request bringing nothing.
        """
        rules = Rules((vector.prefix.encode(),) if vector.prefix else (), (vector.key,))
        declared = None if vector.content_type is None else vector.content_type.encode()
        head = attrs.evolve(vector.head, length=0)
        judged = creation_verdict(head, vector.size, declared, vector.now, rules)
        self.assertEqual(judged, vector.judge())
        record = begun(
            judged.dialect,
            name=judged.slot.name.text,
            length=vector.size,
            content_type=judged.slot.content_type,
        )
        return rules, record

    def test_all(self) -> None:
        """
        Each is good for the whole upload, a year later too, and for no other.
        """
        self.assertEqual({each.dialect for each in PUTS}, EVERY_DIALECT)
        for vector in PUTS:
            rules, record = self.begin(vector)
            verify_again(vector.head, record, rules)
            wrong = [attrs.evolve(record, name=record.name + "x")]
            if record.dialect != "v3":
                wrong.append(attrs.evolve(record, length=record.length + 1))
            if record.dialect in ("v2", "token", "jwt"):
                wrong.append(attrs.evolve(record, content_type="x/y"))
            for each in wrong:
                self.assertRaises(BadSignature, verify_again, vector.head, each, rules)
