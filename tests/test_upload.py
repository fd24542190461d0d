"""
Tests for :mod:`hmacfs.web.upload`: a PUT, from its head to its 201.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import fail, succeed

from hmacfs.errors import NoSpace, NotStored
from hmacfs.events import (
    UploadCompleted,
    UploadFailed,
    UploadRefused,
    UploadStarted,
    UploadSuspended,
)
from tests.serving import NOW, ServingCase, signed, timed
from tests.wire import Conversation


class PutTests(ServingCase):
    """
    A signed body becomes a file, whole or not at all.
    """

    def test_stored(self) -> None:
        """
        What was PUT is what is served.
        """
        put = self.put("a/b.txt", b"hello", "Content-Type: text/plain")
        got = self.get("a/b.txt")
        self.assertEqual((put.status, put.body), (201, b""))
        self.assertEqual(
            (got.status, got.body, got.headers["content-type"]), (200, b"hello", "text/plain")
        )
        self.assertEqual(put.headers["etag"], got.headers["etag"])

    def test_empty(self) -> None:
        """
        A file of no bytes is a file.
        """
        self.assertEqual(self.put("empty", b"").status, 201)
        self.assertEqual((self.get("empty").status, self.get("empty").body), (200, b""))

    def test_unfinished(self) -> None:
        """
        What is not complete is not served.
        """
        target = signed("a", 10)
        self.client.send(
            f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345".encode()
        )
        other = Conversation(self.site)
        self.assertEqual(other.request("GET", "/uploads/a").status, 404)

    def test_vanished(self) -> None:
        """
        What came from a client that goes is kept, and it may also begin anew.
        """
        self.client.send(
            f"PUT {signed('a', 3)} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nx".encode()
        )
        self.client.vanish()
        self.assertEqual([event.offset for event in self.told(UploadSuspended)], [1])
        self.client = Conversation(self.site)
        self.assertEqual((self.put("a", b"abc").status, self.store.unfinished()), (201, []))

    def test_vanished_for_good(self) -> None:
        """
        Where nothing is resumed, a client that goes leaves nothing.
        """
        self.serve(ResumableUploadsEnabled=False)
        self.client.send(
            f"PUT {signed('a', 3)} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nx".encode()
        )
        self.client.vanish()
        self.assertEqual([event.reason for event in self.told(UploadFailed)], ["disconnected"])

    def test_too_long_when_counted(self) -> None:
        """
        A chunked body that passes the bound is 413, and is not stored.
        """
        self.serve(MaxUploadSize=4)
        self.client.send(
            f"PUT {timed('PUT', 'a')} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n".encode()
        )
        self.assertEqual(self.client.statuses(), [413])
        self.assertEqual(Conversation(self.site).request("GET", "/uploads/a").status, 404)

    def test_chunked(self) -> None:
        """
        Where no size is signed, the body's end tells it.
        """
        self.client.send(
            f"PUT {timed('PUT', 'a')} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n0\r\n\r\n".encode()
        )
        self.assertEqual(self.client.statuses(), [201])
        self.assertEqual(self.get("a").body, b"abc")

    def test_events(self) -> None:
        """
        An upload is told when it begins and when it is acknowledged.
        """
        self.put("a", b"abc")
        request = self.told(UploadStarted)[0].request
        self.assertEqual(self.told(UploadStarted), [UploadStarted(NOW, request, "a", 3, "v")])
        self.assertEqual(
            self.told(UploadCompleted),
            [UploadCompleted(NOW, request, "a", 3, 0.0, repeated=False, owner=None)],
        )


class RefusalTests(ServingCase):
    """
    Who may not upload hears so before the body is asked for.
    """

    def expecting(self, target: str, size: int) -> list[int]:
        self.client.send(
            f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n"
            "Expect: 100-continue\r\n\r\n".encode()
        )
        return self.client.statuses()

    def test_unsigned(self) -> None:
        """
        No signature: 403, and no invitation.
        """
        self.assertEqual(self.expecting("/uploads/a", 3), [403])

    def test_other_size(self) -> None:
        """
        The signature of another size is no signature.
        """
        self.assertEqual(self.expecting(signed("a", 4), 3), [403])
        [refused] = self.told(UploadRefused)
        self.assertEqual((refused.status, refused.code), (403, "bad-signature"))

    def test_signed(self) -> None:
        """
        A signed client is invited.
        """
        self.assertEqual(self.expecting(signed("a", 3), 3), [100])

    def test_no_space(self) -> None:
        """
        What does not fit is 507 before its first byte.
        """
        self.store.begin = lambda *given: fail(NoSpace("Full."))
        self.assertEqual(self.expecting(signed("a", 3), 3), [507])

    def test_draining(self) -> None:
        """
        A daemon that is about to stop begins no upload.
        """
        self.put("b", b"abc")
        self.site.draining = True
        self.assertEqual(self.put("a", b"abc").status, 503)

    def test_disk_fails(self) -> None:
        """
        A commit that fails is 500 and told as such; the name stays free.
        """
        begin = self.store.begin

        def failing(slot: Any, record: Any = None, soon: bool = False) -> Any:
            upload = self.successResultOf(begin(slot, record))
            upload.commit = lambda *given: fail(NotStored("The disk did not keep it."))
            return succeed(upload)

        self.store.begin = failing
        self.site.whole_door = None
        self.assertEqual((self.put("a", b"abc").status, self.get("a").status), (500, 404))


class ShutdownTests(ServingCase):
    """
    What a stopping daemon interrupts is suspended, not thrown away.
    """

    def test_suspended(self) -> None:
        """
        The part is kept, and waited for.
        """
        self.client.send(
            f"PUT {signed('a', 3)} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nx".encode()
        )
        self.successResultOf(self.site.cut())
        self.assertEqual([event.offset for event in self.told(UploadSuspended)], [1])

    def test_repetition(self) -> None:
        """
        Of a file that was only compared nothing is kept.
        """
        self.put("a", b"abc")
        self.client.send(
            f"PUT {signed('a', 3)} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na".encode()
        )
        self.successResultOf(self.site.cut())
        self.assertEqual(self.told(UploadSuspended), [])
        self.assertEqual([event.reason for event in self.told(UploadFailed)], ["shutting-down"])

    def test_failing(self) -> None:
        """
        A part that cannot be kept is logged and told, and holds up nothing.
        """
        begin = self.store.begin

        def failing(slot: Any, record: Any = None, soon: bool = False) -> Any:
            upload = self.successResultOf(begin(slot, record))
            upload.suspend = lambda: fail(OSError("full"))
            return succeed(upload)

        self.store.begin = failing
        self.client.send(
            f"PUT {signed('a', 3)} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nx".encode()
        )
        self.successResultOf(self.site.cut())
        self.assertEqual([event.reason for event in self.told(UploadFailed)], ["shutting-down"])
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
