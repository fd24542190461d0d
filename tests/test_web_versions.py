"""
Tests for :mod:`hmacfs.web.versions`: what a file was before, over the wire.
"""

from __future__ import annotations

from hashlib import sha256
from json import loads
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed

from hmacfs.events import (
    AccessRefused,
    DownloadStarted,
    UploadRefused,
    VersionRemoved,
    VersionRestored,
)
from hmacfs.names import StoredName
from hmacfs.signing import Claim, sign
from hmacfs.store.memory_files import Content
from tests.resuming import TUS
from tests.serving import NOW, SECRET, ServingCase, name, settings, timed
from tests.wire import Answer, Conversation

STORED = "2023-11-14T22:13:20Z"
"""When it is :data:`NOW`."""


class VersionsCase(ServingCase):
    """
    A site with one file, ``a/b.txt``, that was replaced twice.

    :ivar ids: of its versions, the oldest first.
    """

    keys: dict[str, Any] = {}

    def setUp(self) -> None:
        self.serve(**self.keys)
        self.fill()

    def serve(self, **keys: Any) -> None:
        super().serve(**{"EnableVersioning": True, **keys})

    def fill(self) -> None:
        for data in (b"one", b"two, two", b"three"):
            self.put("a/b.txt", data, "Content-Type: text/plain")
            self.clock.advance(10)
        self.ids = list(self.store.past[name("a/b.txt")])

    def ask(
        self, method: str, operation: str, *fields: str, path: str = "a/b.txt", body: bytes = b""
    ) -> Answer:
        """One request that is signed for what it asks, on a connection of its own."""
        target = timed(method, path, NOW + 9999, operation)
        self.client = Conversation(self.site)
        return self.client.request(method, target, *fields, body=body)

    def served(self) -> bytes:
        """
        :return: what GET has of the file.
        """
        return Conversation(self.site).request("GET", "/uploads/a/b.txt").body

    def kept(self, id: str) -> Content:
        """
        :return: what the store keeps of a version.
        """
        found: Content = self.store.past[name("a/b.txt")][id]
        return found

    def change(self, id: str, **fields: Any) -> None:
        """Let the store keep something else of it."""
        self.store.past[name("a/b.txt")][id] = attrs.evolve(self.kept(id), **fields)

    def list(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = loads(self.ask("GET", "versions").body)
        return found

    def statuses(self, *asked: tuple[str, str]) -> list[int]:
        """
        :param asked: methods and targets.
        :return: what they are answered with, each on a connection of its own.
        """
        return [Conversation(self.site).request(method, target).status for method, target in asked]


class ListTests(VersionsCase):
    """
    The list tells of each version all that is known.
    """

    def test_list(self) -> None:
        """
        The newest stands first, and the file itself is none of them.
        """
        answer = self.ask("GET", "versions")
        self.assertEqual(
            (answer.status, answer.headers["content-type"], answer.headers["cache-control"]),
            (200, "application/json", "no-store"),
        )
        common = {"type": "text/plain", "sha256": None, "expires": None}
        self.assertEqual(
            loads(answer.body),
            [
                {"id": self.ids[1], "size": 8, "stored": "2023-11-14T22:13:30Z", **common},
                {"id": self.ids[0], "size": 3, "stored": STORED, **common},
            ],
        )

    def test_known(self) -> None:
        """
        A digest and an expiry are told where they are known.
        """
        self.serve(Digests=True, FileTTL="1h")
        self.fill()
        told = self.list()[1]
        self.assertEqual(
            (told["sha256"], told["expires"]),
            (sha256(b"one").hexdigest(), "2023-11-14T23:13:20Z"),
        )

    def test_other_times(self) -> None:
        """
        Times that no calendar has are told as the nearest that it has.
        """
        for id, stored in zip(self.ids, (-5.5, 1e15), strict=True):
            self.change(id, record=attrs.evolve(self.kept(id).record, stored=stored))
        self.assertEqual(
            [each["stored"] for each in self.list()],
            ["9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z"],
        )

    def test_head(self) -> None:
        """
        HEAD says what GET says; the signature for GET opens it as well.
        """
        target = timed("GET", "a/b.txt", NOW + 1000, "versions")
        size = len(self.client.request("GET", target).body)
        answers = [self.client.request("HEAD", target), self.ask("HEAD", "versions")]
        self.assertEqual(
            [(each.status, each.headers["content-length"], each.body) for each in answers],
            [(200, str(size), b"")] * 2,
        )

    def test_none(self) -> None:
        """
        A file that was never replaced has an empty list, and what is not
        there has none.
        """
        self.put("new", b"x")
        answers = [self.ask("GET", "versions", path=path) for path in ("new", "none")]
        self.assertEqual([each.status for each in answers], [200, 404])
        self.assertEqual(loads(answers[0].body), [])

    def test_switched_off(self) -> None:
        """
        What was kept before versioning was switched off is told and served on,
        and can be removed; but no file is replaced.
        """
        store = self.store
        self.make_store = lambda: store
        self.serve(EnableVersioning=False)
        old = f"version={self.ids[0]}"
        self.assertEqual(
            [
                self.ask("PUT", "", body=b"four").status,
                self.ask("POST", f"restore={self.ids[0]}").status,
                len(self.list()),
                self.ask("GET", old).body,
                self.ask("DELETE", old).status,
                self.ask("GET", old).status,
                self.served(),
            ],
            [409, 409, 2, b"one", 204, 404, b"three"],
        )


class BytesTests(VersionsCase):
    """
    A version is served like a file.
    """

    def test_bytes(self) -> None:
        """
        It comes with its own type and tag, to nobody but who signed.
        """
        tag = self.kept(self.ids[1]).record.etag
        answer = self.ask("GET", f"version={self.ids[1]}", "Origin: https://web.example")
        told = {
            field: answer.headers[field]
            for field in [
                "etag",
                "content-type",
                "last-modified",
                "cache-control",
                "content-disposition",
                "x-content-type-options",
                "access-control-allow-origin",
            ]
        }
        self.assertEqual((answer.status, answer.body), (200, b"two, two"))
        self.assertEqual(
            told,
            {
                "etag": f'"{tag}"',
                "content-type": "text/plain",
                "last-modified": "Tue, 14 Nov 2023 22:13:30 GMT",
                "cache-control": "private, no-cache",
                "content-disposition": "inline",
                "x-content-type-options": "nosniff",
                "access-control-allow-origin": "*",
            },
        )
        self.assertEqual([event.name for event in self.told(DownloadStarted)], ["a/b.txt"])

    def test_parts(self) -> None:
        """
        A part of it can be had, and who has it is told so.
        """
        asked = f"version={self.ids[1]}"
        part = self.ask("GET", asked, "Range: bytes=5-")
        tag = part.headers["etag"]
        self.assertEqual(
            (part.status, part.headers["content-range"], part.body), (206, "bytes 5-7/8", b"two")
        )
        self.assertEqual(
            [
                self.ask("GET", asked, f"If-None-Match: {tag}").status,
                self.ask("GET", asked, 'If-Match: "x"').status,
                self.ask("GET", asked, "Range: bytes=8-").status,
                self.ask("HEAD", asked).headers["content-length"],
            ],
            [304, 412, 416, "8"],
        )

    def test_while_removed(self) -> None:
        """
        A version that is removed while it is read is read to its end.
        """
        id, size = self.ids[0], 200_000
        record = attrs.evolve(self.kept(id).record, size=size)
        self.change(id, record=record, data=bytes(size))
        other = Conversation(self.site)
        other.transport.blocked = True
        other.send(
            f"GET {timed('GET', 'a/b.txt', operation=f'version={id}')} HTTP/1.1\r\n".encode()
        )
        other.send(b"Host: x\r\n\r\n")
        self.assertEqual(self.ask("DELETE", f"version={id}").status, 204)
        other.transport.unblock()
        while len(other.transport.written) < size:
            self.clock.advance(0.1)
        self.assertEqual(other.answers()[-1].body, bytes(size))

    def test_expired(self) -> None:
        """
        A version goes by its own age, and says when.
        """
        self.serve(FileTTL="1h")
        self.fill()
        asked = f"version={self.ids[0]}"
        self.assertEqual(self.ask("GET", asked).headers["expires"], "Tue, 14 Nov 2023 23:13:20 GMT")
        self.clock.advance(3600 - 30)
        self.assertEqual(self.ask("GET", asked).status, 404)

    def test_signed_downloads(self) -> None:
        """
        Where downloads are signed, no signature for the file opens a version,
        and none for a version the file.
        """
        self.serve(DownloadAuth="signed")
        self.fill()
        file, version = timed("GET", "a/b.txt"), timed("GET", "a/b.txt", operation="versions")
        mixed = file.replace("?", "?versions&")
        stripped = version.replace("versions&", "")
        self.assertEqual(
            self.statuses(("GET", file), ("GET", version), ("GET", mixed), ("GET", stripped)),
            [200, 200, 403, 403],
        )


class RestoreTests(VersionsCase):
    """
    A version can be the file again.
    """

    def test_restore(self) -> None:
        """
        The answer tells of the file as it is now; what was the file is a version.
        """
        answer = self.ask("POST", f"restore={self.ids[0]}")
        self.assertEqual(
            (answer.status, loads(answer.body)),
            (
                200,
                {
                    "size": 3,
                    "type": "text/plain",
                    "sha256": None,
                    "stored": STORED,
                    "expires": None,
                },
            ),
        )
        self.assertEqual(self.served(), b"one")
        self.assertEqual([each["size"] for each in self.list()], [5, 8])
        [event] = self.told(VersionRestored)
        self.assertEqual(
            (event.name, event.version, event.size, event.at),
            ("a/b.txt", self.ids[0], 3, NOW + 30),
        )

    def test_body(self) -> None:
        """
        A body means nothing: it is not read, and its connection ends.
        """
        answer = self.ask("POST", f"restore={self.ids[0]}", body=b"GET / HTTP/1.1\r\n\r\n")
        self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))
        self.assertEqual(len(self.client.answers()), 1)

    def test_without_resumable_uploads(self) -> None:
        """
        It does not hang on uploads that go on, which also begin by POST.
        """
        self.serve(ResumableUploadsEnabled=False)
        self.fill()
        self.assertEqual(self.ask("POST", f"restore={self.ids[0]}").status, 200)

    def test_protocols(self) -> None:
        """
        What speaks of an upload besides restores all the same, and begins none.
        """
        answer = self.ask("POST", f"restore={self.ids[0]}", TUS, "Upload-Length: 3")
        self.assertEqual((answer.status, self.store.parts), (200, {}))

    def test_put(self) -> None:
        """
        An operation is no place for an upload by ``v3``.
        """
        answer = self.ask("PUT", f"restore={self.ids[0]}", body=b"x")
        self.assertEqual((answer.status, answer.code), (400, "malformed-query"))
        self.assertEqual((self.served(), len(self.told(UploadRefused))), (b"three", 1))

    def test_deleted(self) -> None:
        """
        A name that takes no file takes no version either.
        """
        self.serve()
        self.fill()
        self.store.tombstones[name("a/b.txt")] = NOW + 999
        answer = self.ask("POST", f"restore={self.ids[0]}")
        self.assertEqual((answer.status, answer.code), (410, "deleted"))

    def test_client_left(self) -> None:
        """
        What was asked for is done, also where nobody waits for the answer.
        """
        waiting: Deferred[None] = Deferred()
        restore = self.store.restore
        self.store.restore = lambda name, id: waiting.addCallback(lambda _: restore(name, id))
        self.client.send(
            f"POST {timed('POST', 'a/b.txt', operation=f'restore={self.ids[0]}')} HTTP/1.1\r\n"
            "Host: x\r\n\r\n".encode()
        )
        self.client.vanish()
        drained = self.site.drain()
        self.assertNoResult(drained)
        waiting.callback(None)
        self.successResultOf(drained)
        self.assertEqual(len(self.told(VersionRestored)), 1)


class RemoveTests(VersionsCase):
    """
    A version can be removed by itself.
    """

    def test_remove(self) -> None:
        """
        The others stay, and the file.
        """
        answer = self.ask("DELETE", f"version={self.ids[0]}")
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual([each["id"] for each in self.list()], self.ids[1:])
        self.assertEqual(self.served(), b"three")
        [event] = self.told(VersionRemoved)
        self.assertEqual((event.name, event.version, event.size), ("a/b.txt", self.ids[0], 3))

    def test_twice(self) -> None:
        """
        What is gone is not found.
        """
        asked = f"version={self.ids[0]}"
        self.assertEqual([self.ask("DELETE", asked).status for _ in range(2)], [204, 404])
        self.assertEqual(len(self.told(VersionRemoved)), 1)


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


class PlainStoreTests(ServingCase):
    """
    A store that keeps no versions need not pretend.
    """

    def make_store(self) -> Any:
        store = super().make_store()
        return Plain(store)

    def test_no_versions(self) -> None:
        """
        There is nothing to ask for, and nothing to delete.
        """
        self.assertEqual(settings().enable_versioning, False)
        answers = [
            self.client.request("GET", timed("GET", "a", operation="versions")),
            self.client.request("DELETE", timed("DELETE", "a")),
        ]
        self.assertEqual([each.status for each in answers], [404, 405])
        self.assertNotIn("DELETE", answers[1].headers["allow"])


class Plain:
    """A store that keeps files, and nothing else."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def open(self, name: StoredName) -> Any:
        return self._store.open(name)

    def faults(self) -> list[str]:
        return []

    def stop(self) -> Deferred[None]:
        return succeed(None)
