"""
Tests for :mod:`hmacfs.web.judging`, and for who may ask what of a file's
versions, over the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from hmacfs.events import AccessRefused
from hmacfs.signing import Claim, sign
from tests.serving import NOW, SECRET, name, timed
from tests.versioned import VersionsCase


class SignatureTests(VersionsCase):
    """
    Each operation wants a signature that names it, and nothing is done without.
    """

    def tearDown(self) -> None:
        self.assertEqual(self.served(), b"three")
        self.assertEqual(list(self.store.past[name("a/b.txt")]), self.ids)

    def test_none(self) -> None:
        """
        Who has the URL of the file has nothing of what it was.
        """
        old = self.ids[0]
        cases = [
            ("GET", "versions"),
            ("HEAD", "versions"),
            ("GET", f"version={old}"),
            ("HEAD", f"version={old}"),
            ("DELETE", f"version={old}"),
            ("POST", f"restore={old}"),
            ("GET", "version=none"),
        ]
        found = self.statuses(*((each, f"/uploads/a/b.txt?{asked}") for each, asked in cases))
        self.assertEqual(found, [403] * len(cases))

    def test_other(self) -> None:
        """
        A signature for another method, version, file, operation or secret
        fits nothing else.
        """
        one, two = (f"version={id}" for id in self.ids)
        path = "a/b.txt"
        claim = Claim(
            method=b"DELETE", expires=NOW + 60, url_path=b"/uploads/a/b.txt", operation=one.encode()
        )
        forged = sign("v3", claim, b"x" * 32)
        cases = [
            ("DELETE", timed("GET", path, operation=one)),
            ("DELETE", timed("PUT", path, operation=one)),
            ("DELETE", timed("DELETE", path, operation=two).replace(two, one)),
            ("DELETE", timed("DELETE", "a/c.txt", operation=one).replace("c.txt", "b.txt")),
            ("DELETE", timed("DELETE", path).replace("?", f"?{one}&")),
            ("GET", timed("HEAD", path, operation=one)),
            ("GET", timed("GET", path, operation="versions").replace("versions", one)),
            ("POST", timed("POST", path, operation=one).replace("version=", "restore=")),
            ("POST", timed("PUT", path, operation=f"restore={self.ids[0]}")),
            ("DELETE", f"/uploads/a/b.txt?{one}&v3={forged}&expires={NOW + 60}"),
        ]
        self.assertEqual(self.statuses(*cases), [403] * len(cases))
        self.assertEqual(len(self.told(AccessRefused)), len(cases))
        self.assertIn("v3 was checked over", self.told(AccessRefused)[0].hint)
        self.assertNotIn(SECRET, self.told(AccessRefused)[0].hint)

    def test_expired(self) -> None:
        """
        It ends at its time.
        """
        asked = f"version={self.ids[0]}"
        self.assertEqual(
            self.statuses(("DELETE", timed("DELETE", "a/b.txt", NOW + 30, asked))), [410]
        )

    def test_other_dialects(self) -> None:
        """
        What signs an upload, or a deletion, signs no operation.
        """
        self.make_store = lambda store=self.store: store
        self.serve(DeleteSecret="the word")
        one = f"version={self.ids[0]}"
        key = SECRET.encode()
        size = sign("v", Claim(path=b"a/b.txt", size=5), key)
        word = sign("delete", Claim(path=b"a/b.txt", delete_secret=b"the word"), key)
        self.assertEqual(
            self.statuses(
                ("DELETE", f"/uploads/a/b.txt?{one}&v={size}"),
                ("DELETE", f"/uploads/a/b.txt?{one}&token={word}"),
                ("DELETE", f"/uploads/a/b.txt?token={word}&%76ersion={self.ids[0]}"),
                ("DELETE", f"/uploads/a/b.txt?token={word}&versions"),
                ("GET", f"/uploads/a/b.txt?{one}&v={size}"),
            ),
            [403, 403, 400, 405, 403],
        )

    def test_malformed(self) -> None:
        """
        What is no operation is refused even where it is signed, and nothing
        is taken for another one.
        """
        one = self.ids[0]
        operations = [
            "version=../../x",
            "version=..%2f..%2fx",
            "version=",
            "version",
            "restore",
            "versions=1",
            f"version={one}&version={one}",
            f"version={one}&versions",
            f"version={one}&a=b",
            f"a=b&version={one}",
            f"%76ersion={one}",
            f"version%3D{one}",
            f"version={one}%00",
            f"version={one}%0a",
            "version=" + "x" * 256,
        ]
        methods = ("GET", "DELETE", "POST")
        cases = [
            (method, timed(method, "a/b.txt", NOW + 60, operation))
            for operation in operations
            for method in methods
        ]
        self.assertEqual(self.statuses(*cases), [400] * len(cases))

    def test_twice(self) -> None:
        """
        A parameter of the signature that stands there twice is none.
        """
        target = timed("DELETE", "a/b.txt", operation=f"version={self.ids[0]}")
        mac = target.partition("v3=")[2].partition("&")[0]
        self.assertEqual(self.statuses(("DELETE", f"{target}&v3={mac}")), [400])

    def test_order(self) -> None:
        """
        The signature's own parameters may stand anywhere.
        """
        target = timed("GET", "a/b.txt", operation="versions")
        path, _, query = target.partition("?")
        operation, mac, expires = query.split("&")
        self.assertEqual(
            self.statuses(
                ("GET", f"{path}?{mac}&{expires}&{operation}"),
                ("GET", f"{path}?{mac}&{operation}&{expires}"),
                ("GET", f"{path}?&{operation}&&{mac}&{expires}&"),
            ),
            [200] * 3,
        )

    def test_methods(self) -> None:
        """
        An operation that is asked for by another method is 405, with those
        that would be right.
        """
        one = f"version={self.ids[0]}"
        cases = [
            ("POST", "versions", "GET, HEAD"),
            ("DELETE", "versions", "GET, HEAD"),
            ("DELETE", f"restore={self.ids[0]}", "POST"),
            ("GET", f"restore={self.ids[0]}", "POST"),
            ("POST", one, "GET, HEAD, DELETE"),
            ("PATCH", one, "GET, HEAD, DELETE"),
            ("BREW", "versions", "GET, HEAD"),
        ]
        answers = [self.ask(method, operation) for method, operation, _ in cases]
        self.assertEqual(
            [(each.status, each.headers["allow"]) for each in answers],
            [(405, allowed) for *_, allowed in cases],
        )

    def test_preflight(self) -> None:
        """
        A browser may ask before, whatever it asks for.
        """
        for query in ("versions", f"version={self.ids[0]}", "version=.."):
            answer = self.client.request(
                "OPTIONS", f"/uploads/a/b.txt?{query}", "Origin: https://web.example"
            )
            self.assertEqual(
                (answer.status, answer.headers["allow"]), (204, "DELETE, GET, HEAD, OPTIONS, POST")
            )
            self.assertIn("DELETE", answer.headers["access-control-allow-methods"])

    def test_refusals_are_readable(self) -> None:
        """
        A web page can read why it was refused.
        """
        answer = self.client.request(
            "GET", "/uploads/a/b.txt?versions", "Origin: https://web.example"
        )
        self.assertEqual(
            (answer.code, answer.headers["access-control-allow-origin"]),
            ("missing-signature", "*"),
        )


OLD = "0" * 16
"""The id that the model's one version has."""

OPERATIONS = ["", "versions", f"version={OLD}", f"restore={OLD}", "version=1", "a=b"]
METHODS = ["GET", "HEAD", "DELETE", "POST", "PUT"]


def escaped(piece: str) -> str:
    """
    :return: *piece*, its first letter percent-encoded.
    """
    return f"%{ord(piece[0]):02x}{piece[1:]}" if piece else piece


class ModelTests(VersionsCase):
    """
    Whatever is asked for by whichever signature, only what was signed is done.
    """

    def state(self) -> object:
        files, past = self.store.files, self.store.past
        return [
            {name.text: kept.data for name, kept in files.items()},
            {name.text: list(kept) for name, kept in past.items()},
        ]

    @given(
        st.sampled_from(METHODS),
        st.sampled_from(OPERATIONS),
        st.sampled_from(METHODS),
        st.lists(st.sampled_from(OPERATIONS), max_size=2),
        st.booleans(),
        st.sampled_from([str, escaped, lambda piece: quote(piece, safe="")]),
        st.booleans(),
    )
    def test_signed_alone(
        self,
        signed: str,
        operation: str,
        method: str,
        asked: list[str],
        kept: bool,
        spelled: Callable[[str], str],
        first: bool,
    ) -> None:
        """
        A request that changes anything is the one that was signed, to the
        letter; every other is refused, or reads the file that is public.
        """
        self.serve()
        self.put("a/b.txt", b"one")
        self.put("a/b.txt", b"two")
        [former] = self.store.past[name("a/b.txt")].values()
        self.store.past[name("a/b.txt")] = {OLD: former}
        before = self.state()
        target = timed(signed, "a/b.txt", operation=operation)
        path, _, query = target.partition("?")
        pieces = query.split("&")
        own, mac = pieces[:-2], pieces[-2:]
        others = [spelled(each) for each in asked if each]
        unsigned = [*own, *others] if kept else others
        together = [*unsigned, *mac] if first else [*mac, *unsigned]
        answer = self.client.request(method, f"{path}?{'&'.join(together)}")
        if self.state() != before:
            self.assertEqual((method, "&".join(unsigned)), (signed, operation))
        if answer.status == 200 and "&".join(unsigned) != operation:
            self.assertEqual((method in ("GET", "HEAD"), answer.body in (b"two", b"")), (True,) * 2)


class NameTests(VersionsCase):
    """
    A version belongs to its name.
    """

    def test_other_name(self) -> None:
        """
        The version of another file is not there.
        """
        self.put("c", b"x")
        one = self.ids[0]
        found = [
            self.ask(method, f"{operation}={one}", path=path).status
            for path in ("c", "none", "a")
            for method, operation in [
                ("GET", "version"),
                ("DELETE", "version"),
                ("POST", "restore"),
            ]
        ]
        self.assertEqual((found, self.ask("GET", f"version={one}").status), ([404] * 9, 200))

    def test_question_mark(self) -> None:
        """
        A file whose name has a question mark has versions as well.
        """
        for data in (b"one", b"two"):
            self.put("what?.txt", data)
        [id] = self.store.past[name("what?.txt")]
        self.assertEqual(self.ask("GET", f"version={id}", path="what?.txt").body, b"one")

    def test_ambiguous(self) -> None:
        """
        A name that ends like an operation is none: the message that signs it
        would sign the operation on another file.
        """
        operation = f"version={self.ids[0]}"
        target = timed("DELETE", "a/b.txt", operation=operation)
        mac = target.partition("v3=")[2]
        other = f"/uploads/a/b.txt%3Fversion={self.ids[0]}?v3={mac}"
        asked = other.replace("?v3", "?versions&v3")
        self.assertEqual(
            self.statuses(("DELETE", other), ("GET", other), ("GET", asked)), [400, 404, 400]
        )
        self.assertEqual(self.put("a/b.txt?versions", b"x").status, 400)
        self.assertEqual(self.served(), b"three")

    def test_reserved(self) -> None:
        """
        The store's own area has no versions.
        """
        self.assertEqual(
            self.statuses(
                ("GET", "/uploads/.hmacfs/secret?versions"),
                ("GET", "/uploads?versions"),
                ("GET", "/uploads/?versions"),
                ("DELETE", "/uploads/.hmacfs/uploads/1?version=1"),
            ),
            [404, 403, 403, 404],
        )
