"""
Tests for :mod:`hmacfs.web.versions`: what a file was before, over the wire.
"""

from __future__ import annotations

from hashlib import sha256
from json import loads
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed

from hmacfs.events import DownloadStarted, UploadRefused, VersionRemoved, VersionRestored
from hmacfs.names import StoredName
from tests.resuming import TUS
from tests.serving import NOW, ServingCase, name, timed
from tests.versioned import VersionsCase
from tests.wire import Conversation

STORED = "2023-11-14T22:13:20Z"
"""When it is :data:`NOW`."""


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

    def test_preconditions(self) -> None:
        """
        A client may want it removed in one state only, which is its own.
        """
        asked = f"version={self.ids[0]}"
        tag = f'"{self.kept(self.ids[0]).record.etag}"'
        found = [self.ask("DELETE", asked, f"If-Match: {each}").status for each in ('"x"', tag)]
        self.assertEqual(found, [412, 204])

    def test_twice(self) -> None:
        """
        What is gone is not found.
        """
        asked = f"version={self.ids[0]}"
        self.assertEqual([self.ask("DELETE", asked).status for _ in range(2)], [204, 404])
        self.assertEqual(len(self.told(VersionRemoved)), 1)


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
