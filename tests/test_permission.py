"""
Tests for :mod:`hmacfs.permission`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import (
    BadSignature,
    Expired,
    Forbidden,
    MalformedName,
    MalformedQuery,
    MethodNotAllowed,
    MissingSignature,
    NotFound,
    Refusal,
)
from hmacfs.http1 import Head
from hmacfs.names import StoredName, recall
from hmacfs.operations import Operation
from hmacfs.permission import deletion_verdict, download_verdict, operation_verdict
from hmacfs.rules import Rules
from tests.judged import LATER, NAME, NOW, RULES, bearer, mac, query, request
from tests.test_vectors import VECTORS

SIGNED = attrs.evolve(RULES, signed_downloads=True)
DELETING = attrs.evolve(RULES, delete_secret=b"delme")
T = TypeVar("T")


def judge(
    judged: Callable[[Head, float, Rules], T], head: Head, rules: Rules = RULES, now: float = NOW
) -> T | type[Refusal]:
    """
    What becomes of a request.
    """
    try:
        return judged(head, now, rules)
    except Refusal as refusal:
        return type(refusal)


def fetch(head: Head, rules: Rules = RULES, now: float = NOW) -> StoredName | type[Refusal]:
    """
    What becomes of a download.
    """
    return judge(download_verdict, head, rules, now)


def operate(
    method: str, rest: str, rules: Rules = RULES, now: float = NOW
) -> tuple[StoredName, Operation] | type[Refusal]:
    """
    What becomes of an operation on ``a/b.txt``.
    """
    return judge(operation_verdict, request(f"/up/a/b.txt{rest}", method=method), rules, now)


def delete(rest: str, *fields: str, rules: Rules = RULES, now: float = NOW) -> object:
    """
    What becomes of a deletion of ``a/b.txt``.
    """
    head = request(f"/up/a/b.txt{rest}", *fields, method="DELETE")
    return judge(deletion_verdict, head, rules, now)


def operation(method: str, asked: str, before: bool = False) -> str:
    """
    A query that asks for *asked*, signed for it.
    """
    signed = query("v3", method=method.encode(), operation=asked.encode())
    return f"?{asked}&{signed[1:]}" if before else f"{signed}&{asked}"


class DownloadTests(SynchronousTestCase):
    """
    Downloads are public, or want a v3 signature.
    """

    def get(
        self, target: str, rules: Rules, method: str = "GET", now: float = NOW
    ) -> StoredName | type[Refusal]:
        """
        What becomes of a GET.
        """
        return fetch(request(target, method=method), rules, now)

    def test_public(self) -> None:
        """
        Whoever has the URL has the file, whatever stands in its query.
        """
        for sent in ("", "?v=1&v=2", "?x", "?%zz"):
            self.assertEqual(self.get(f"/up/a/b.txt{sent}", RULES), NAME)
        self.assertEqual(
            [self.get(path, RULES) for path in ("/", "/up/a/", "/up/.hmacfs/x", "/up/..", "/x")],
            [Forbidden, Forbidden, NotFound, MalformedName, NotFound],
        )

    def test_signed(self) -> None:
        """
        A signature opens the one file, by the one method, until its end.
        """
        good = query("v3", method=b"GET")
        self.assertEqual(
            [
                self.get(f"/up/a/b.txt{good}", SIGNED),
                self.get(f"/up/a/c.txt{good}", SIGNED),
                self.get(f"/up/a/b.txt{good}", SIGNED, now=LATER),
                self.get(f"/up/a/b.txt{query('v3', method=b'PUT')}", SIGNED),
                self.get(f"/up/a/b.txt{query('v3', method=b'HEAD')}", SIGNED),
                self.get(f"/up/a/b.txt{good}&version=7", SIGNED),
                self.get(f"/up/a/b.txt{query('v')}", SIGNED),
                self.get("/up/a/b.txt", SIGNED),
            ],
            [NAME, BadSignature, Expired, *[BadSignature] * 3, *[MissingSignature] * 2],
        )

    def test_head(self) -> None:
        """
        What opens GET opens HEAD; what opens HEAD opens nothing more.
        """
        self.assertEqual(
            [
                self.get(f"/up/a/b.txt{query('v3', method=method)}", SIGNED, "HEAD")
                for method in (b"GET", b"HEAD", b"PUT")
            ],
            [NAME, NAME, BadSignature],
        )

    def test_a_name_like_an_operation(self) -> None:
        """
        A file that is named like an operation is served to everybody or to
        nobody: a signature for it would be one for the operation.
        """
        signed = query("v3", method=b"GET", url_path=b"/up/a/b.txt?versions")
        self.assertEqual(self.get(f"/up/a/b.txt%3fversions{signed}", SIGNED), MalformedName)
        self.assertEqual(
            self.get(f"/up/a/b.txt%3fversions{signed}", RULES), recall(b"a/b.txt?versions")
        )
        self.assertEqual(self.get(f"/up/a/b.txt{signed}&versions", SIGNED), MalformedQuery)


class OperationTests(SynchronousTestCase):
    """
    An operation wants a v3 signature that names it.
    """

    def test_signed(self) -> None:
        """
        Each may be done by its method, wherever it stands in the query.
        """
        for method, asked, expected in [
            ("GET", "versions", Operation("versions")),
            ("HEAD", "versions", Operation("versions")),
            ("GET", "version=7", Operation("version", "7")),
            ("HEAD", "version=7", Operation("version", "7")),
            ("DELETE", "version=7", Operation("version", "7")),
            ("POST", "restore=a-b_C", Operation("restore", "a-b_C")),
        ]:
            for before in (False, True):
                rest = operation(method, asked, before)
                self.assertEqual(operate(method, rest), (NAME, expected))
                self.assertEqual(operate(method, rest, SIGNED), (NAME, expected))

    def test_unsigned(self) -> None:
        """
        Without one nothing is told, also where downloads are public, and no
        other credential does.
        """
        for rest in ("?versions", "?version=7", f"{query('v')}&version=7"):
            self.assertEqual(operate("GET", rest), MissingSignature)
        head = request("/up/a/b.txt?versions", bearer(), method="GET")
        self.assertEqual(judge(operation_verdict, head), MissingSignature)
        self.assertEqual(operate("POST", "?restore=7"), MissingSignature)
        self.assertEqual(
            operate(
                "DELETE", f"?token={mac('delete', delete_secret=b'delme')}&version=7", DELETING
            ),
            MissingSignature,
        )

    def test_another(self) -> None:
        """
        What was signed is this operation on this file by this method, until
        its end, and nothing like it.
        """
        good = query("v3", method=b"GET", operation=b"version=7")
        self.assertEqual(
            [
                operate("GET", f"{good}&version=8"),
                operate("GET", f"{good}&versions"),
                operate("DELETE", f"{good}&version=7"),
                operate("GET", f"{query('v3', method=b'GET')}&version=7"),
                operate("GET", operation("DELETE", "version=7")),
                operate("GET", operation("HEAD", "version=7")),
                operate("DELETE", operation("GET", "version=7")),
                operate("GET", f"{good}&version=7", now=LATER),
                operate("HEAD", f"{good}&version=7"),
            ],
            [*[BadSignature] * 7, Expired, (NAME, Operation("version", "7"))],
        )

    def test_syntax(self) -> None:
        """
        What is no operation, or goes with another method, is told before the
        signature is looked at.
        """
        self.assertEqual(
            [
                operate("GET", operation("GET", "version=a.b")),
                operate("GET", "?version="),
                operate("GET", "?versions&x=1"),
                operate("GET", "?restore=7"),
                operate("POST", "?version=7"),
                operate("DELETE", "?versions"),
                operate("GET", "?versions&%zz"),
            ],
            [*[MalformedQuery] * 3, *[MethodNotAllowed] * 3, MalformedQuery],
        )

    def test_names(self) -> None:
        """
        A name is as good as for an upload.
        """
        signed = operation("GET", "versions")
        for path, kind in [
            ("/up/a/", Forbidden),
            ("/up", Forbidden),
            ("/x", NotFound),
            ("/up/.hmacfs/secret", NotFound),
            ("/up/a%2fb.txt", MalformedName),
            ("/up/b%3fversions", MalformedName),
        ]:
            head = request(f"{path}{signed}", method="GET")
            self.assertEqual((path, judge(operation_verdict, head)), (path, kind))

    def test_the_file_of_that_name(self) -> None:
        """
        A signature for the file ``b.txt?versions`` tells nothing of ``b.txt``:
        there is no such file, since its upload is refused.
        """
        signed = query("v3", method=b"PUT", url_path=b"/up/a/b.txt?versions")
        self.assertEqual(operate("GET", f"{signed}&versions"), BadSignature)


class DeletionTests(SynchronousTestCase):
    """
    A file is deleted by a signature for its deletion.
    """

    def token(self, **claim: object) -> str:
        """
        Metronome's query for ``a/b.txt``.
        """
        return f"?token={mac('delete', **{'delete_secret': b'delme', **claim})}"

    def test_v3(self) -> None:
        """
        A v3 for DELETE deletes, and none for another method or a version.
        """
        good = query("v3", method=b"DELETE")
        one = query("v3", method=b"DELETE", operation=b"version=7")
        self.assertEqual(
            [
                delete(good),
                delete(good, now=LATER),
                delete(query("v3", method=b"GET")),
                delete(query("v3")),
                delete(one),
                delete(f"{one}&version=7"),
                delete(f"{good}&x=1"),
                delete(query("v3", method=b"DELETE", operation=b"x=1") + "&x=1"),
            ],
            [NAME, Expired, *[BadSignature] * 3, MalformedQuery, BadSignature, MalformedQuery],
        )

    def test_token(self) -> None:
        """
        Metronome's token deletes where there is a DeleteSecret, the file that
        it names and no other.
        """
        self.assertEqual(
            [
                delete(self.token(), rules=DELETING),
                delete(self.token(path=b"a/c.txt"), rules=DELETING),
                delete(self.token(delete_secret=b"delme2"), rules=DELETING),
                delete(query("token"), rules=DELETING),
                delete(self.token()),
                delete(self.token(delete_secret=b"")),
                delete(f"{self.token()}&version=7", rules=DELETING),
            ],
            [NAME, *[BadSignature] * 3, *[MissingSignature] * 2, MalformedQuery],
        )

    def test_others(self) -> None:
        """
        What uploads a file does not delete it.
        """
        for rest in ("", "?x", query("v"), query("v2")):
            self.assertEqual(delete(rest, rules=DELETING), MissingSignature)
        self.assertEqual(delete("", bearer(), rules=DELETING), MissingSignature)

    def test_vectors(self) -> None:
        """
        Every deletion that Metronome signs is one, with its own secret alone.
        """
        vectors = [vector for vector in VECTORS if vector["scheme"] == "token-delete"]
        self.assertEqual(len(vectors), 3)
        for vector in vectors:
            path = vector["path"].encode()
            rules = Rules((b"upload",), (vector["secret"].encode(),), delete_secret=b"delme")
            target = f"/upload/{recall(path).url}?token={vector['token']}"
            head = request(target, method="DELETE")
            self.assertEqual(judge(deletion_verdict, head, rules), recall(path))
            for wrong in (
                attrs.evolve(rules, delete_secret=b"delmf"),
                attrs.evolve(rules, keys=(b"It-is-secret",)),
            ):
                self.assertEqual(judge(deletion_verdict, head, wrong), BadSignature)

    def test_hints(self) -> None:
        """
        The log says what was checked, and never the secrets.
        """
        for rest, rules, hint in [
            (
                self.token(path=b"x"),
                DELETING,
                "token was checked over b'a/b.txt\\x00' and DeleteSecret, names beginning below "
                "'/up'",
            ),
            (self.token(), RULES, "there is no DeleteSecret"),
        ]:
            head = request(f"/up/a/b.txt{rest}", method="DELETE")
            refusal = self.assertRaises(Refusal, deletion_verdict, head, NOW, rules)
            self.assertEqual(refusal.hint, hint)
            self.assertNotIn("delme", refusal.hint + refusal.text)


class FuzzTests(SynchronousTestCase):
    """
    Any head is judged or refused.
    """

    @given(
        st.binary(),
        st.lists(
            st.sampled_from(
                [b"v=", b"v3=", b"token=", b"expires=9999999999", b"version=", b"versions"]
            ).flatmap(lambda name: st.binary(max_size=4).map(lambda rest: name + rest))
        ),
        st.sampled_from([b"GET", b"HEAD", b"DELETE", b"POST"]),
    )
    def test_any_head(self, path: bytes, parameters: list[bytes], method: bytes) -> None:
        """
        Nothing else comes of any path, query or method; public downloads
        alone are let in.
        """
        head = Head(
            method=method,
            target=b"/up/" + path + b"?" + b"&".join(parameters),
            version=b"HTTP/1.1",
            headers=(),
            length=0,
            sized=False,
            chunked=False,
        )
        self.assertNotIsInstance(fetch(head, SIGNED), StoredName)
        self.assertNotIsInstance(judge(deletion_verdict, head, DELETING), StoredName)
        self.assertNotIsInstance(judge(operation_verdict, head), tuple)
        public = fetch(head)
        self.assertTrue(isinstance(public, StoredName) or issubclass(public, Refusal))
